"""The bare program's pools: asyncpg as it comes, and aiosqlite with one writer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import aiosqlite
import asyncpg

from models.engine.sql import numbered


class Statements(Protocol):
    """One open transaction."""

    async def __call__(self, query: str, *values: object) -> list[Any]:
        """Run a statement and return its rows."""


class Database(Protocol):
    """A pool of connections."""

    async def read(self, query: str, *values: object) -> list[Any]:
        """Run one SELECT."""

    def write(self) -> AbstractAsyncContextManager[Statements]:
        """Open a transaction."""

    async def close(self) -> None:
        """Close every connection."""


class Postgres:
    """A pool of asyncpg, as it comes."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool

    async def read(self, query: str, *values: object) -> list[Any]:
        """Run one SELECT."""
        return await self.pool.fetch(numbered(query), *values)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Statements]:
        """Open a transaction."""
        async with self.pool.acquire() as connection, connection.transaction():

            async def run(query: str, *values: object) -> list[Any]:
                return await connection.fetch(numbered(query), *values)

            yield run

    async def close(self) -> None:
        """Close every connection."""
        await self.pool.close()


class Sqlite:
    """One writer behind a lock, and a pool of readers."""

    def __init__(self, writer: aiosqlite.Connection, readers: list[aiosqlite.Connection]) -> None:
        self.writer = writer
        self.all_readers = readers
        self.readers: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        for reader in readers:
            self.readers.put_nowait(reader)
        self.lock = asyncio.Lock()

    async def read(self, query: str, *values: object) -> list[Any]:
        """Run one SELECT."""
        reader = await self.readers.get()
        try:
            return list(await reader.execute_fetchall(query, values))
        finally:
            self.readers.put_nowait(reader)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Statements]:
        """Open a transaction."""

        async def run(query: str, *values: object) -> list[Any]:
            return list(await self.writer.execute_fetchall(query, values))

        async with self.lock:
            await run("BEGIN IMMEDIATE")
            yield run
            await run("COMMIT")

    async def close(self) -> None:
        """Close every connection."""
        for connection in (self.writer, *self.all_readers):
            await connection.close()


async def open_database(url: str, size: int) -> Database:
    """Open a pool on the database that Parley uses."""
    if url.startswith("postgres"):
        settings = {"jit": "off"}
        return Postgres(
            await asyncpg.create_pool(url, min_size=1, max_size=size, server_settings=settings)
        )
    connections = []
    for _ in range(size + 1):
        connection = await aiosqlite.connect(url.removeprefix("sqlite://"), isolation_level=None)
        for switch in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            await connection.execute_fetchall(f"PRAGMA {switch}")
        connections.append(connection)
    return Sqlite(connections[0], connections[1:])
