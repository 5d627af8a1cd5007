"""The SQLite engine: one writer behind a lock, and read-only connections that never wait for it."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from tortoise.backends.base.client import TransactionContext
from tortoise.backends.sqlite.client import SqliteClient
from tortoise.exceptions import IntegrityError, OperationalError

from models.engine.counting import note
from models.engine.errors import TransientDatabaseError, Translation
from models.engine.sqlite_group import Group
from models.engine.sqlite_handle import Handle, Work, fetch, fetch_within, insert, script
from models.engine.transactions import Transaction, check_alone, finish, is_select

T = TypeVar("T")
BUSY_TIMEOUT_MS = 10_000
WRITER_SWITCHES = {
    "busy_timeout": str(BUSY_TIMEOUT_MS),  # first: the next ones may have to wait for a process
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "foreign_keys": "ON",
    "temp_store": "MEMORY",
}


def stored(moment: datetime) -> str:
    """Return a moment as SQLite keeps it: UTC, of one width, so that text order is time order."""
    if moment.tzinfo is None:
        raise ValueError(f"A moment must be aware of its zone: {moment}")
    return moment.astimezone(UTC).isoformat(" ", "microseconds")


# Replaces Tortoise's adapter, which keeps the zone of the value and leaves out zero microseconds.
sqlite3.register_adapter(datetime, stored)


def _translated(error: BaseException) -> Exception | None:
    if isinstance(error, sqlite3.OperationalError):
        primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return TransientDatabaseError(error)
        return OperationalError(error)
    return IntegrityError(error) if isinstance(error, sqlite3.IntegrityError) else None


translated_errors = Translation(_translated)
"""Raises what SQLite raises as Tortoise's errors, and a busy database as one to try again."""


class Client(SqliteClient):
    """Tortoise's client on our connections; outside a transaction each statement commits itself."""

    _connection: Any

    def __init__(self, file_path: str, *, pool_size: int = 4, **options: Any) -> None:
        super().__init__(file_path, **options)
        own = {"connection_name", "fetch_inserted"}
        switches = {key: value for key, value in options.items() if key not in own}
        self.writer = Handle(file_path, WRITER_SWITCHES | switches)
        self.group = Group()
        self._closing: set[asyncio.Task[None]] = set()
        self._readers: asyncio.LifoQueue[Handle] = asyncio.LifoQueue()
        reading = {"busy_timeout": str(BUSY_TIMEOUT_MS), "query_only": "ON"}
        self._all_readers = [Handle(file_path, reading) for _ in range(pool_size)]
        for reader in self._all_readers:
            self._readers.put_nowait(reader)

    async def create_connection(self, with_db: bool) -> None:  # noqa: ARG002 - Tortoise's
        """Open the writer; readers are opened when they are first needed."""
        if self._connection is None:
            with translated_errors:
                await finish(self.writer.open())
            self._connection = self.writer
            await self._post_connect()

    def _check_loop(self) -> bool:
        """Say that the loop is right: a process connects in the one loop that it runs."""
        return True

    async def close(self) -> None:
        """Close the writer and every reader."""
        self._connection = None
        for handle in (self.writer, *self._all_readers):
            await finish(handle.close())

    def _in_transaction(self) -> TransactionContext:
        from models.engine.sqlite_transaction import TransactionClient  # it is one of us

        return Transaction(TransactionClient(self))

    def _watch(self, query: str) -> None:
        check_alone(query)
        note(query)

    async def _run(self, work: Work[T], query: str, values: Any) -> T:
        if self._connection is None:
            async with self._lock:
                await self.create_connection(with_db=True)
        if is_select(query):
            return await self._read(work, query, values)
        await self.take_turn()
        try:
            try:
                return await self.writer.run(work, query, values)
            finally:
                await finish(self.close_group())  # it is in the same transaction, if one is open
        finally:
            self._lock.release()

    async def take_turn(self) -> None:
        """Wait for the turn to write; who waits is expected to commit for those before."""
        self.group.waiting += 1
        try:
            await self._lock.acquire()
        except asyncio.CancelledError:
            self.group.waiting -= 1
            if self.group.is_open and not self.group.waiting and not self._lock.locked():
                task = asyncio.create_task(self._close_group_alone())
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
            raise
        self.group.waiting -= 1

    async def _close_group_alone(self) -> None:
        await self.take_turn()
        try:
            with suppress(Exception):  # those who wait for it are told
                await finish(self.close_group())
        finally:
            self._lock.release()

    async def close_group(self) -> None:
        """Commit what others have left to whoever has the turn, if they have.

        Where that fails they are told, all is undone, and it is raised here, too.
        """
        if not self.group.is_open:
            return
        try:
            note("COMMIT")
            with translated_errors:
                await self.writer.run(fetch, "COMMIT", ())
        except Exception as error:
            self.group.settle(error)
            await self.undo_all()
            raise
        self.group.settle()

    async def undo_all(self) -> None:
        """Roll back whatever is open; where even that fails, open the writer anew."""
        if not self.writer.opened or not self.writer.raw.in_transaction:
            return
        try:
            note("ROLLBACK")
            await self.writer.run(fetch, "ROLLBACK", ())
        except Exception:
            self.log.exception("A rollback failed: the writer is opened anew")
            self._connection = None
            await self.writer.close()

    async def _read(self, work: Work[T], query: str, values: Any) -> T:
        reader = await self._readers.get()
        try:
            await finish(reader.open())
            return await reader.run(work, query, values)
        except asyncio.CancelledError:
            if reader.opened:
                reader.raw.interrupt()  # the next reader must not wait for an answer nobody wants
            raise
        finally:
            self._readers.put_nowait(reader)

    async def _send(self, work: Work[T], query: str, values: Any) -> T:
        self._watch(query)
        with translated_errors:
            return await self._run(work, query.replace("\x00", "'||CHAR(0)||'"), values or ())

    async def execute_insert(self, query: str, values: list[Any]) -> int:
        """Insert a row and return its key."""
        return await self._send(insert, query, values)

    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        """Run a statement with each of several lists of values, all of them or none."""
        async with self._in_transaction() as transaction:
            await transaction.execute_many(query, values)

    async def execute_query(
        self, query: str, values: list[Any] | None = None
    ) -> tuple[int, Sequence[dict[str, Any]]]:
        """Return how many rows a statement gave or changed, and the rows."""
        return await self._send(fetch, query, values)

    async def execute_within(self, seconds: float, query: str, values: list[Any]) -> Sequence[Any]:
        """Return the rows of a SELECT; raise TooSlowError past a time."""
        self._watch(query)
        with translated_errors:
            return await self._read(partial(fetch_within, seconds), query, values)

    async def fetch(self, query: str, values: Sequence[Any]) -> Sequence[Any]:
        """Return the rows of a statement as the driver gives them."""
        return (await self._send(fetch, query, values))[1]

    async def execute_query_dict(
        self, query: str, values: list[Any] | None = None
    ) -> list[dict[str, Any]]:
        """Return the rows of a statement."""
        return [dict(row) for row in await self.fetch(query, values or [])]

    async def execute_affected(self, query: str, values: list[Any]) -> int:
        """Return how many rows a statement changed."""
        return (await self._send(fetch, query, values))[0]

    async def execute_script(self, query: str) -> None:
        """Run several statements separated by semicolons; triggers are understood."""
        await self._send(script, query, None)


client_class = Client
