"""One SQLite connection with its thread, and the work that is done in that thread."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import aiosqlite

from models.engine.errors import TooSlowError

T = TypeVar("T")
CACHED_STATEMENTS = 512
STEPS_BETWEEN_LOOKS = 20_000
"""How much of a statement SQLite does before it looks at the clock: about a millisecond."""


def fetch(
    connection: sqlite3.Connection, query: str, values: Sequence[Any]
) -> tuple[int, list[Any]]:
    """Run a statement and return how many rows it gave or changed, and the rows."""
    cursor = connection.execute(query, values)
    rows: list[Any] = cursor.fetchall()
    if query.startswith("PRAGMA"):
        rows = [dict(row) for row in rows]  # migrations call .get() on these, which a Row lacks
    return (len(rows) or max(cursor.rowcount, 0)), rows


def fetch_within(
    seconds: float, connection: sqlite3.Connection, query: str, values: Sequence[Any]
) -> list[Any]:
    """Run a SELECT and return its rows; raise TooSlowError past a time."""
    deadline = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS)
    try:
        return connection.execute(query, values).fetchall()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT and time.monotonic() > deadline:
            raise TooSlowError from error
        raise
    finally:
        connection.set_progress_handler(None, 0)


def insert(connection: sqlite3.Connection, query: str, values: Sequence[Any]) -> int:
    """Insert a row and return its key."""
    return connection.execute(query, values).lastrowid or 0


def insert_many(
    connection: sqlite3.Connection, query: str, values: Sequence[Sequence[Any]]
) -> None:
    """Run a statement with each of several lists of values."""
    connection.executemany(query, values)


def script(connection: sqlite3.Connection, query: str, _values: Sequence[Any]) -> None:
    """Run statements one by one: `executescript` would commit an open transaction first."""
    statement = ""
    for part in query.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
    if statement.strip(" \t\r\n;"):
        connection.execute(statement)


def fetch_all(
    connection: sqlite3.Connection, queries: Sequence[str], values: Sequence[Sequence[Any]]
) -> list[Any]:
    """Run statements one after another and return the rows of the last one that gave any."""
    rows: list[Any] = []
    for query, own in zip(queries, values, strict=True):
        rows = connection.execute(query, own).fetchall() or rows
    return rows


Work = Callable[[sqlite3.Connection, Any, Any], T]


class Handle:
    """One connection with its thread; what is asked of it runs in order, cancelled or not."""

    def __init__(self, path: str, switches: dict[str, str]) -> None:
        self._path = path
        self._switches = switches
        self._connection: aiosqlite.Connection | None = None

    @property
    def opened(self) -> bool:
        """Say whether there is a connection."""
        return self._connection is not None

    @property
    def raw(self) -> sqlite3.Connection:
        """Return the connection of the standard library."""
        assert self._connection is not None, "the database is not connected"  # noqa: S101
        return self._connection._conn

    async def open(self) -> None:
        """Connect, unless that is done."""
        if self._connection is not None:
            return
        connection = aiosqlite.connect(
            self._path, isolation_level=None, cached_statements=CACHED_STATEMENTS
        )
        connection._thread.daemon = True  # a forgotten connection must not keep the process alive
        await connection
        self._connection = connection
        try:
            self.raw.row_factory = sqlite3.Row
            for name, value in self._switches.items():
                await self.run(fetch, f"PRAGMA {name} = {value}", ())
        except BaseException:
            await self.close()
            raise

    async def run(self, work: Work[T], query: Any, values: Any) -> T:
        """Run `work` in the connection's thread."""
        assert self._connection is not None, "the database is not connected"  # noqa: S101
        result: T = await self._connection._execute(  # type: ignore[no-untyped-call]  # as aiosqlite leaves it
            work, self.raw, query, values
        )
        return result

    async def close(self) -> None:
        """Finish what is queued and disconnect."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
