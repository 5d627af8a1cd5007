"""What travels over the bus, and what waits to."""

import asyncio
from collections import deque
from itertools import islice

import msgspec

EVERY_WORKSPACE = 0
"""The workspace of a `Wake` that means: anything may have been missed, read the log."""
SIGNALS_WAITING = 1_000
WAKES_IN_ONE = 100
"""How many workspaces a letter tells of: PostgreSQL takes 8,000 bytes."""

Scalar = str | int | float | bool | None


class Letter(msgspec.Struct, frozen=True, omit_defaults=True):
    """What travels: a wake has `seq`, perhaps `more`, a signal `payload`, a heartbeat `probe`."""

    origin: str
    workspace: int = EVERY_WORKSPACE
    seq: int | None = None
    payload: dict[str, Scalar] | None = None
    probe: int | None = None
    more: dict[int, int] = {}
    """The `seq` of other workspaces; a version that knows nothing of it finds them by polling."""

    @property
    def wakes(self) -> dict[int, int]:
        """Return how far the log of each workspace has grown that it tells of."""
        return {} if self.seq is None else {self.workspace: self.seq, **self.more}


def is_heartbeat(message: str) -> bool:
    """Tell whether a letter may be one that its own sender waits for."""
    return '"probe":' in message


class Outbox:
    """What waits to be published: one wake per workspace, a bounded queue of signals, a probe."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.wakes: dict[int, int] = {}
        self.signals: deque[Letter] = deque(maxlen=SIGNALS_WAITING)
        self.probes_sent = 0
        self.probe_wanted = False
        self.filled = asyncio.Event()
        self.emptied = asyncio.Event()

    def put_wake(self, workspace_id: int, seq: int) -> None:
        """Keep a wake-up; one of the same workspace takes its place."""
        self.wakes[workspace_id] = max(seq, self.wakes.get(workspace_id, seq))
        self.mark_filled()

    def put_probe(self) -> None:
        """Have the next letter say nothing but that the bus works."""
        self.probe_wanted = True
        self.mark_filled()

    def mark_filled(self) -> None:
        """Tell who waits that there is a letter."""
        self.emptied.clear()
        self.filled.set()

    def put_back(self, letter: Letter) -> None:
        """Keep the wake-ups of a letter that perhaps did not go out."""
        for workspace_id, seq in letter.wakes.items():
            self.put_wake(workspace_id, seq)

    def take(self) -> Letter | None:
        """Return the next letter, a probe first, or None where there is none."""
        if self.probe_wanted:
            self.probe_wanted = False
            self.probes_sent += 1
            return Letter(self.origin, probe=self.probes_sent)
        if self.wakes:
            first, *more = islice(self.wakes, WAKES_IN_ONE)
            seq = self.wakes.pop(first)
            others = {workspace_id: self.wakes.pop(workspace_id) for workspace_id in more}
            return Letter(self.origin, first, seq=seq, more=others)
        if self.signals:
            return self.signals.popleft()
        self.filled.clear()
        self.emptied.set()
        return None
