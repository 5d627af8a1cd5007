"""What travels over the bus, and what waits to."""

import asyncio
from collections import deque

import msgspec

EVERY_WORKSPACE = 0
"""The workspace of a `Wake` that means: anything may have been missed, read the log."""
SIGNALS_WAITING = 1_000

Scalar = str | int | float | bool | None


class Letter(msgspec.Struct, frozen=True, omit_defaults=True):
    """What travels: a wake has `seq`, a signal `payload`, a heartbeat `probe`."""

    origin: str
    workspace: int = EVERY_WORKSPACE
    seq: int | None = None
    payload: dict[str, Scalar] | None = None
    probe: int | None = None


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

    def take(self) -> Letter | None:
        """Return the next letter, a probe first, or None where there is none."""
        if self.probe_wanted:
            self.probe_wanted = False
            self.probes_sent += 1
            return Letter(self.origin, probe=self.probes_sent)
        if self.wakes:
            workspace_id = next(iter(self.wakes))
            return Letter(self.origin, workspace_id, seq=self.wakes.pop(workspace_id))
        if self.signals:
            return self.signals.popleft()
        self.filled.clear()
        self.emptied.set()
        return None
