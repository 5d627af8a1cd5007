"""A PostgreSQL database that each test finds empty, by a connection that stays open."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import asyncpg

LOCK_TIMEOUT = "10s"
GROWN_BYTES = 512 * 1024


class Emptier:
    """Empties one database, from a loop in a thread of its own: tests have each their own loop.

    A connection that is new has to read all tables' descriptions, which is most of the work.
    """

    def __init__(self, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self.url = url
        self._loop = loop
        self._connection: Any = None

    def empty(self) -> None:
        """Empty the tables that hold rows and begin their keys anew; most tests touch few."""
        asyncio.run_coroutine_threadsafe(self._empty(), self._loop).result()

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            asyncio.run_coroutine_threadsafe(self._connection.close(), self._loop).result()

    async def _empty(self) -> None:
        if self._connection is None or self._connection.is_closed():
            settings = {"lock_timeout": LOCK_TIMEOUT, "jit": "off"}
            self._connection = await asyncpg.connect(self.url, server_settings=settings)
        async with self._connection.transaction():
            await _empty(self._connection)


@contextmanager
def emptier_of(url: str) -> Iterator[Emptier]:
    """Give what empties a database, and end its thread afterwards."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="emptier")
    thread.start()
    emptier = Emptier(url, loop)
    try:
        yield emptier
    finally:
        emptier.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _empty(connection: Any) -> None:
    """Empty all tables in a transaction.

    TRUNCATE makes new files for a table and for all that refer to it, a hundred times the work of
    deleting a few rows: only what has grown is worth it.
    """
    tables = await connection.fetch(
        "SELECT quote_ident(tablename) AS name FROM pg_tables"
        " WHERE schemaname = 'public' AND tablename <> 'tortoise_migrations' ORDER BY tablename"
    )
    names = [row["name"] for row in tables]
    # Whoever still writes, for the test before, is waited for: else their rows would stay.
    await connection.execute(f"LOCK TABLE {', '.join(names)} IN SHARE ROW EXCLUSIVE MODE")
    used = await connection.fetch(
        " UNION ALL ".join(
            f"SELECT '{name}' AS name, pg_relation_size('{name}') > {GROWN_BYTES} AS has_grown"
            f" WHERE EXISTS (TABLE {name})"
            for name in names
        )
    )
    # The audit log's triggers let nobody else empty it.
    steps = ["SET LOCAL session_replication_role = replica"]
    if grown := [row["name"] for row in used if row["has_grown"]]:
        steps.append(f"TRUNCATE {', '.join(grown)} CASCADE")
    steps += [f"DELETE FROM {row['name']}" for row in used if not row["has_grown"]]
    steps.append(
        "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)"
        " FROM pg_sequences WHERE last_value IS NOT NULL AND schemaname = 'public'"
        " AND sequencename NOT LIKE 'tortoise_migrations%'"
    )
    await connection.execute("; ".join(steps))
