"""The event log, read by cursor: pages of the past, and one live reader per workspace."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import structlog

from models.engine import sql
from models.opaque import opaque, unopaque
from realtime.broker import EVERY_WORKSPACE, Broker, Signal, Wake
from realtime.events import Fact, decode

PAGE_EVENTS = 500
OFFERS_PER_TURN = 500
"""How many offers of events are made before other work gets its turn."""
POLL_SECONDS = 2.0
"""How long the log is trusted to be silent while the bus is: also a bus that fell ill just now, or
looks healthy and is not, delays no event for longer (guarantee G9)."""
RETRY_SECONDS = 0.5
"""The pause after a read that failed."""

log = structlog.get_logger()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Logged:
    """A fact with its number in the workspace's log and the moment of its commit."""

    workspace_id: int
    seq: int
    fact: Fact
    occurred_at: datetime
    epoch: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where a workspace's log stands: its last and its oldest kept number, and its epoch."""

    seq: int
    oldest_seq: int
    epoch: str


class CursorExpired(Exception):  # noqa: N818 - the name of the answer that a client gets
    """The cursor is older than the log is kept, of another epoch, or none of ours."""


def encode_cursor(epoch: str, seq: int) -> str:
    """Return the opaque cursor after the event `seq`."""
    return opaque(f"{epoch}.{seq}".encode())


def decode_cursor(cursor: str, head: Head) -> int:
    """Return the number after which `cursor` stands.

    Raises CursorExpired unless it is of this epoch, in the past, and every later event is kept.
    """
    try:
        epoch, _, digits = unopaque(cursor).decode().partition(".")
        seq = int(digits)
    except ValueError as error:
        raise CursorExpired from error
    if epoch != head.epoch or not head.oldest_seq - 1 <= seq <= head.seq:
        raise CursorExpired
    return seq


async def read_head(workspace_id: int) -> Head:
    """Return where the workspace's log stands now."""
    [row] = await sql.rows(
        "SELECT seq, oldest_seq, epoch FROM event_counter WHERE workspace_id = ?", workspace_id
    )
    return Head(row["seq"], row["oldest_seq"], row["epoch"])


async def read_page(workspace_id: int, after: int, limit: int = PAGE_EVENTS) -> list[Logged]:
    """Return up to `limit` events after the number `after`, in commit order."""
    rows = await sql.rows(
        "SELECT e.seq, e.kind, e.payload, e.created_at, c.epoch FROM event e"
        " JOIN event_counter c ON c.workspace_id = e.workspace_id"
        f" WHERE e.workspace_id = ? AND e.seq > ? ORDER BY e.seq LIMIT {int(limit)}",
        workspace_id,
        after,
    )
    return [
        Logged(
            workspace_id,
            row["seq"],
            decode(row["kind"], row["payload"]),
            sql.moment(row["created_at"]),
            row["epoch"],
        )
        for row in rows
    ]


class SlowConsumer(Exception):  # noqa: N818 - the name of the answer that a client gets
    """A subscriber let more wait than its queue holds."""


class Subscriber(Generic[T]):
    """A bounded queue at the live end of one workspace's log."""

    def __init__(self, limit: int, wants: Callable[[T], bool]) -> None:
        self._items: list[T] = []
        self._waiter: asyncio.Future[None] | None = None
        self._slow = False
        self._take: Callable[[T], None] | None = None
        self.limit = limit
        self.wants = wants

    @property
    def has_caught_up(self) -> bool:
        """Tell whether nothing waits."""
        return not self._items and not self._slow

    @property
    def is_diverted(self) -> bool:
        """Tell whether somebody takes the items at once."""
        return self._take is not None

    def offer(self, item: T) -> None:
        """Queue an item, or mark the subscriber as too slow; never waits for it."""
        if self._slow or not self.wants(item):
            return
        if self._take is not None:
            self._take(item)
            return
        if len(self._items) >= self.limit:
            self._slow = True
        self._items.append(item)
        self._wake()

    def divert(self, take: Callable[[T], None] | None) -> None:
        """Have items taken at once, first those that wait; None: have them queued again."""
        self._take = take
        if take is not None:
            waiting, self._items = self._items, []
            for item in waiting:
                take(item)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self) -> T:
        """Return the next item; raise SlowConsumer once more than the limit have waited."""
        while not self._items and not self._slow:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._slow:
            raise SlowConsumer
        return self._items.pop(0)


class _Workspace(Generic[T]):
    """The one reader of a workspace in this process, and its subscribers."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.subscribers: set[Subscriber[T]] = set()
        self.awake = asyncio.Event()
        self.moved = asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class LogReader(Generic[T]):
    """Reads each workspace that somebody follows once, however many follow it.

    `hydrate` turns a page of events into what subscribers get, reading their rows once.
    """

    def __init__(
        self,
        broker: Broker,
        hydrate: Callable[[int, Sequence[Logged]], Awaitable[Sequence[T]]],
        *,
        queue_limit: int,
    ) -> None:
        self._hydrate = hydrate
        self._queue_limit = queue_limit
        self._workspaces: dict[int, _Workspace[T]] = {}
        self._unlisten = broker.listen(self._hear)

    async def follow(
        self, workspace_id: int, wants: Callable[[T], bool]
    ) -> tuple[Subscriber[T], int]:
        """Subscribe to every event after the returned number.

        The caller reads what came before from the log; between the two nothing is missing.
        """
        if workspace_id not in self._workspaces:
            head = await read_head(workspace_id)
            if workspace_id not in self._workspaces:
                reader: _Workspace[T] = _Workspace(head.seq)
                self._workspaces[workspace_id] = reader
                reader.task = asyncio.create_task(self._read_on(workspace_id, reader))
        reader = self._workspaces[workspace_id]
        subscriber: Subscriber[T] = Subscriber(self._queue_limit, wants)
        reader.subscribers.add(subscriber)
        return subscriber, reader.position

    def leave(self, workspace_id: int, subscriber: Subscriber[T]) -> None:
        """Unsubscribe; the last one of a workspace ends its reader."""
        reader = self._workspaces.get(workspace_id)
        if reader is None:
            return
        reader.subscribers.discard(subscriber)
        if not reader.subscribers:
            del self._workspaces[workspace_id]
            if reader.task is not None:
                reader.task.cancel()

    async def catch_up(self, workspace_id: int) -> None:
        """Return once all that is committed by now was offered, if anybody follows.

        Raises TimeoutError where that takes longer than a poll of the log.
        """
        head = await read_head(workspace_id)
        reader = self._workspaces.get(workspace_id)
        if reader is None:
            return
        async with asyncio.timeout(POLL_SECONDS):
            while reader.position < head.seq:
                reader.moved.clear()
                reader.awake.set()
                await reader.moved.wait()

    async def close(self) -> None:
        """End every reader."""
        self._unlisten()
        readers, self._workspaces = list(self._workspaces.values()), {}
        tasks = [reader.task for reader in readers if reader.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _hear(self, news: Wake | Signal) -> None:
        if not isinstance(news, Wake):
            return
        if news.workspace_id == EVERY_WORKSPACE:
            for reader in self._workspaces.values():
                reader.awake.set()
            return
        followed = self._workspaces.get(news.workspace_id)
        if followed is not None and news.seq > followed.position:
            followed.awake.set()

    async def _read_on(self, workspace_id: int, reader: _Workspace[T]) -> None:
        while True:
            try:
                page = await read_page(workspace_id, reader.position)
                if page:
                    items = await self._hydrate(workspace_id, page)
                    reader.position = page[-1].seq
                    offers = 0
                    for item in items:
                        for subscriber in tuple(reader.subscribers):
                            subscriber.offer(item)
                        offers += len(reader.subscribers)
                        if offers >= OFFERS_PER_TURN:
                            offers = 0
                            await asyncio.sleep(0)
                    reader.moved.set()
            except Exception:
                log.warning("log_reader_failed", workspace_id=workspace_id, exc_info=True)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if len(page) < PAGE_EVENTS:
                await self._rest(reader)

    async def _rest(self, reader: _Workspace[T]) -> None:
        """Wait for a wake-up, or until the log must be polled."""
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await reader.awake.wait()
        except TimeoutError:
            pass
        reader.awake.clear()
