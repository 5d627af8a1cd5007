"""A transaction on SQLite's writer: alone, or one of several that share a COMMIT."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TypeVar

from tortoise.backends.base.client import TransactionalDBClient, TransactionContext
from tortoise.exceptions import OperationalError, TransactionManagementError

from models.engine.counting import note
from models.engine.doubt import refuse_doubt
from models.engine.errors import TransientDatabaseError
from models.engine.sqlite import Client, translated_errors
from models.engine.sqlite_group import MEMBER
from models.engine.sqlite_handle import Work, fetch, fetch_all, insert_many
from models.engine.transactions import Savepoint, check_owner, finish

T = TypeVar("T")


class TransactionClient(Client, TransactionalDBClient):
    """The writer while one transaction has it."""

    def __init__(self, parent: Client) -> None:
        self.capabilities = parent.capabilities
        self.connection_name = parent.connection_name
        self.fetch_inserted = parent.fetch_inserted
        self.log = parent.log
        self.writer = parent.writer
        self._connection = parent.writer
        self._parent: Client = parent
        self._owner: asyncio.Task[Any] | None = None
        self._finalized = False
        self._is_member = False
        self._joined: asyncio.Future[None] | None = None

    def _in_transaction(self) -> TransactionContext:
        return Savepoint(self)

    def _watch(self, query: str) -> None:
        check_owner(self._owner, query, ended=self._finalized)
        note(query)

    async def _run(self, work: Work[T], query: str, values: Any) -> T:
        return await self.writer.run(work, query, values)

    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        """Run a statement with each of several lists of values."""
        await self._send(insert_many, query, values)

    async def execute_together(
        self, statements: Sequence[tuple[str, Sequence[Any]]], *, commit: bool
    ) -> list[Any]:
        """Run statements in one hop to the writer's thread, with the end of the transaction."""
        if commit:
            refuse_doubt()
        group = self._parent.group
        joins = commit and group.has_room
        ending = ([f"RELEASE {MEMBER}"] if self._is_member else []) if joins else ["COMMIT"]
        queries = [*(query for query, _ in statements), *(ending if commit else [])]
        values = [*(own for _, own in statements), *([()] * len(ending) if commit else [])]
        for query, _ in statements:
            self._watch(query)
        for query in queries[len(statements) :]:
            note(query)
        with translated_errors:
            rows = await finish(self.writer.run(fetch_all, queries, values))
        if joins:
            self._joined = group.join()
        elif commit:
            group.settle()
        self._finalized = self._finalized or commit
        return rows

    async def command(self, statement: str) -> None:
        """Run a statement of the transaction itself."""
        note(statement)
        with translated_errors:
            await self.writer.run(fetch, statement, ())

    async def hold(self) -> None:
        """Wait for the turn to write."""
        await self._parent.take_turn()
        self._owner = asyncio.current_task()

    async def begin(self) -> None:
        """Take the database's write lock at once, so that no later statement can find it taken."""
        await self._parent.create_connection(with_db=True)
        self._is_member = self._parent.group.is_open
        statement = f"SAVEPOINT {MEMBER}" if self._is_member else "BEGIN IMMEDIATE"
        await finish(self.command(statement))

    async def end(self, *, commit: bool) -> None:
        """Commit if asked, roll back what is not committed, and let the next one write.

        One that joined a group returns when that is committed, and raises what the COMMIT raised.
        """
        try:
            if commit and not self._finalized:
                await self.commit()
        finally:
            was_committed, self._finalized = self._finalized, True
            try:
                if not was_committed:
                    await self._undo()
                if not self._parent.group.waiting:
                    with suppress(Exception):  # its members are told
                        await self._parent.close_group()
            finally:
                self._parent._lock.release()
        if self._joined is not None:
            await asyncio.shield(self._joined)

    async def _undo(self) -> None:
        """Undo this transaction alone, if those before it in the group are still there."""
        if self._is_member and self.writer.opened and self.writer.raw.in_transaction:
            try:
                await self.command(f"ROLLBACK TO {MEMBER}")
                await self.command(f"RELEASE {MEMBER}")
            except Exception as error:
                self._parent.group.settle(TransientDatabaseError(error))
            else:
                return
        elif self._parent.group.is_open:
            lost = OperationalError("SQLite has undone the transaction of several")
            self._parent.group.settle(TransientDatabaseError(lost))
        await self._parent.undo_all()

    async def commit(self) -> None:
        """Make the transaction last; where others wait, one of them does it for both."""
        if self._finalized or not self.writer.raw.in_transaction:
            raise TransactionManagementError("The transaction has ended already")
        await self.execute_together([], commit=True)

    async def rollback(self) -> None:
        """Undo the transaction."""
        if self._finalized:
            raise TransactionManagementError("The transaction has ended already")
        self._finalized = True
        await self._undo()

    async def savepoint(self) -> None:
        """Not used: `in_transaction` inside a transaction gives a Savepoint."""
        raise NotImplementedError

    async def savepoint_rollback(self) -> None:
        """Not used: see `savepoint`."""
        raise NotImplementedError

    async def release_savepoint(self) -> None:
        """Not used: see `savepoint`."""
        raise NotImplementedError
