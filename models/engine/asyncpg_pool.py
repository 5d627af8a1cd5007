"""asyncpg's pool, with the connections that nobody uses at hand."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, cast

import asyncpg
from asyncpg.pool import Pool

IDLE_SECONDS = 300.0
"""How long a connection is kept that nobody uses: it may be cut on its way without a word."""


async def _keep_session(_connection: Any) -> None:
    """Reset nothing: asyncpg has rolled back by now, and nobody here changes session settings."""


def is_whole(connection: Any) -> bool:
    """Tell whether a connection can serve the next one as it is: alive, idle, in no transaction."""
    inner = connection._con
    if inner is None or inner.is_closed() or inner._protocol._is_cancelling():
        return False
    return not inner.is_in_transaction()


async def fetch_rows(connection: Any, query: str, values: Sequence[Any]) -> list[Any]:
    """Return what `connection.fetch` does, for a connection that nobody else asks anything.

    Its layers are for those who share one, log, or set a time; they cost a fifteenth of a page.
    """
    inner = connection._con
    if inner is None or inner.is_closed():
        return cast(list[Any], await connection.fetch(query, *values))  # it says what is wrong
    execute = inner._protocol.bind_execute
    rows, _ = await inner._do_execute(
        query, lambda statement, seconds: execute(statement, values, "", 0, False, seconds), None
    )
    return cast(list[Any], rows)


class PoolAtHand(Pool):
    """A pool that hands a connection that comes back whole to the next one, or keeps it for them.

    asyncpg's own release makes a task and a timer each time, which costs more than a small
    statement does. It still opens all connections, and takes back those that are broken.
    """

    _queue: "asyncio.Queue[Any]"
    """asyncpg's own, of the places where no connection is in use."""

    def __init__(self, **options: Any) -> None:
        defaults = {"max_queries": 50_000, "max_inactive_connection_lifetime": IDLE_SECONDS}
        given = {"record_class": asyncpg.Record, "reset": _keep_session, **defaults, **options}
        super().__init__(**given | {"min_size": 0})  # else it would open some behind our back
        self._at_hand: deque[tuple[Any, float]] = deque()
        """The connections that nobody uses, and since when; the last one is used first."""
        self._turns: deque[asyncio.Future[Any]] = deque()

    async def fetch_rows(self, query: str, values: Sequence[Any]) -> list[Any]:
        """Return the rows of a statement, from any connection."""
        connection = await self._acquire(None)
        try:
            return await fetch_rows(connection, query, values)
        finally:
            await self.release(connection)

    async def _acquire(self, timeout: float | None) -> Any:  # noqa: ASYNC109 - as in asyncpg
        while True:
            self._let_go()
            while self._at_hand:
                connection, _ = self._at_hand.pop()
                if connection._con is not None and not connection._con.is_closed():
                    return connection  # it was whole when it came back
                await super().release(connection)
            if not self._queue.empty():
                return await self._open(timeout)
            connection = await self._turn()
            if connection is not None:
                return connection

    def _let_go(self) -> None:
        """Close the connections that nobody has used for long."""
        while self._at_hand and time.monotonic() - self._at_hand[0][1] > IDLE_SECONDS:
            connection, _ = self._at_hand.popleft()
            if connection._con is not None:
                connection.terminate()

    async def _open(self, seconds: float | None) -> Any:
        """Let asyncpg open a connection, or the next one try it."""
        try:
            return await super()._acquire(seconds)  # type: ignore[misc]  # it has no hint
        except BaseException:
            self._call_next(None)
            raise

    async def _turn(self) -> Any:
        """Wait for a connection; None says that one can be opened."""
        turn = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it came at the same moment
                await self.release(turn.result()) if turn.result() else self._call_next(None)
            raise

    def _call_next(self, connection: Any) -> bool:
        """Give who waits longest a connection, or None to open one; tell whether one waits."""
        while self._turns:
            turn = self._turns.popleft()
            if not turn.done():
                turn.set_result(connection)
                return True
        return False

    async def release(
        self,
        connection: Any,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as in asyncpg
    ) -> None:
        """Take a connection back."""
        if self.is_closing() or not is_whole(connection):
            try:
                await super().release(connection, timeout=timeout)
            finally:
                self._call_next(None)
        elif not self._call_next(connection):
            self._at_hand.append((connection, time.monotonic()))

    async def close(self) -> None:
        """Close all connections once nobody uses them."""
        while self._at_hand:
            await super().release(self._at_hand.pop()[0])
        await super().close()
