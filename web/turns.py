"""Writing once for each turn of the loop: uvloop hands every write to the system at once."""

import asyncio
from typing import Protocol


class Flushes(Protocol):
    """A connection that keeps back what it is to write."""

    def flush(self) -> None:
        """Write what is kept back."""


class Turn:
    """The connections whose bytes go out at the end of this turn."""

    def __init__(self) -> None:
        self.due: list[Flushes] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, connection: Flushes, loop: asyncio.AbstractEventLoop) -> None:
        """Flush a connection at the end of the turn; it says so once, with its first bytes."""
        if loop is not self._loop:
            self._loop, self.due = loop, []  # another loop is over, with all that it had
        if not self.due:
            loop.call_soon(self.end)
        self.due.append(connection)

    def end(self) -> None:
        """Flush the connections."""
        due, self.due = self.due, []
        for connection in due:
            connection.flush()


TURN = Turn()
