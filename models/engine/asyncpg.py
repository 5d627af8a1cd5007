"""The PostgreSQL engine: a pool whose connections never come back inside a transaction."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.backends.base.client import (
    ConnectionWrapper,
    TransactionalDBClient,
    TransactionContext,
)
from tortoise.exceptions import IntegrityError, OperationalError, TransactionManagementError

from models.engine.asyncpg_pool import PoolAtHand, fetch_rows, is_whole
from models.engine.counting import note
from models.engine.errors import TransientDatabaseError, Translation
from models.engine.transactions import Savepoint, Transaction, check_alone, check_owner

TRANSIENT = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.TooManyConnectionsError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InternalClientError,  # the server died in the midst of a command: see `_turn`
    OSError,
)

LOST = re.compile("closed|released back")
"""What asyncpg's own errors say after the loss of a connection."""


def _translated(error: BaseException) -> Exception | None:
    if isinstance(error, TRANSIENT):
        return TransientDatabaseError(error)
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return IntegrityError(error)
    if isinstance(error, asyncpg.InvalidTransactionStateError):
        return TransactionManagementError(error)
    if isinstance(error, asyncpg.PostgresError):
        return OperationalError(error)
    if isinstance(error, asyncpg.InterfaceError) and LOST.search(str(error)):
        return TransientDatabaseError(error)
    return None


translated_errors = Translation(_translated)
"""Raises what asyncpg raises as Tortoise's errors, and lost ones as those to try again."""


def _changed(status: str) -> int:
    """Return the row count at the end of a command's status, as in `INSERT 0 3`."""
    count = status.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0


class Client(AsyncpgDBClient):
    """Tortoise's client on a pool; outside a transaction each statement commits itself."""

    _pool: Any

    async def create_pool(self, **options: Any) -> Any:
        """Make the pool."""
        return await PoolAtHand(**options)

    def _check_loop(self) -> bool:
        """Say that the loop is right: a process connects in the one loop that it runs."""
        return True

    async def ready_pool(self) -> Any:
        """Return the pool; make it if nobody has."""
        async with self._pool_init_lock:
            if self._pool is None:
                await self.create_connection(with_db=True)
        return self._pool

    async def _translate_exceptions(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        with translated_errors:
            return await func(self, *args, **kwargs)

    def _in_transaction(self) -> TransactionContext:
        return Transaction(TransactionClient(self))

    def _watch(self, query: str) -> None:
        check_alone(query)
        note(query)

    async def execute_insert(self, query: str, values: list[Any]) -> Any:
        """Insert a row and return what its RETURNING gives."""
        self._watch(query)
        with translated_errors:
            async with self.acquire_connection() as connection:
                return await connection.fetchrow(query, *values)

    async def execute_many(self, query: str, values: list[Any]) -> None:
        """Run a statement with each of several lists of values, all of them or none."""
        self._watch(query)
        with translated_errors:
            async with self.acquire_connection() as connection:
                await connection.executemany(query, values)  # in one transaction of its own

    async def execute_query(
        self, query: str, values: list[Any] | None = None
    ) -> tuple[int, list[Any]]:
        """Return how many rows a statement gave or changed, and the rows."""
        verb = query.lstrip()[:6].upper()
        if verb in ("UPDATE", "DELETE", "INSERT") and "RETURNING" not in query.upper():
            return await self.execute_affected(query, values or []), []
        rows = await self.fetch(query, values or [])
        return len(rows), list(rows)

    async def execute_query_dict(
        self, query: str, values: list[Any] | None = None
    ) -> list[dict[str, Any]]:
        """Return the rows of a statement."""
        return [dict(row) for row in await self.fetch(query, values or [])]

    async def fetch(self, query: str, values: Sequence[Any]) -> list[Any]:
        """Return the rows of a statement as the driver gives them."""
        self._watch(query)
        with translated_errors:
            pool = self._pool or await self.ready_pool()
            rows: list[Any] = await pool.fetch_rows(query, values)
            return rows

    async def execute_affected(self, query: str, values: list[Any]) -> int:
        """Return how many rows a statement changed."""
        self._watch(query)
        with translated_errors:
            async with self.acquire_connection() as connection:
                return _changed(await connection.execute(query, *values))

    async def execute_script(self, query: str) -> None:
        """Run several statements separated by semicolons."""
        self._watch(query)
        with translated_errors:
            async with self.acquire_connection() as connection:
                await connection.execute(query)


class TransactionClient(Client, TransactionalDBClient):
    """One connection of the pool while one transaction has it."""

    def __init__(self, parent: Client) -> None:
        self.connection_name = parent.connection_name
        self.fetch_inserted = parent.fetch_inserted
        self.log = parent.log
        self._connection: Any = None
        self._lock = asyncio.Lock()  # prefetching sends several reads at once
        self._parent: Client = parent
        self._owner: asyncio.Task[Any] | None = None
        self._finalized = False

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        """Wait for the turn on the transaction's connection."""
        return ConnectionWrapper(self._lock, self)

    async def fetch(self, query: str, values: Sequence[Any]) -> list[Any]:
        """Return the rows of a statement as the driver gives them."""
        self._watch(query)
        rows: list[Any] = await self._turn(fetch_rows, self._connection, query, values)
        return rows

    async def _turn(self, ask: Callable[..., Awaitable[Any]], *given: Any) -> Any:
        """Have the connection do something when it has done what was asked before.

        It is thrown away if it can take no further command, as asyncpg's own state says: commands
        have their turns, so that none is in the way of another, and the server has gone.
        """
        with translated_errors:
            await self._lock.acquire()
            try:
                return await ask(*given)
            except asyncpg.InternalClientError:
                self._connection.terminate()
                raise
            finally:
                self._lock.release()

    def _in_transaction(self) -> TransactionContext:
        return Savepoint(self)

    def _watch(self, query: str) -> None:
        check_owner(self._owner, query, ended=self._finalized)
        note(query)

    async def command(self, statement: str) -> None:
        """Run a statement of the transaction itself."""
        await self._command(statement)

    async def _command(self, statement: str) -> str:
        note(statement)
        status: str = await self._turn(self._connection.execute, statement)
        return status

    async def hold(self) -> None:
        """Wait for a connection of the pool."""
        with translated_errors:
            pool = self._parent._pool or await self._parent.ready_pool()
            self._connection = await pool.acquire()
        self._owner = asyncio.current_task()

    async def begin(self) -> None:
        """Open the transaction."""
        await self._command("BEGIN")

    async def end(self, *, commit: bool) -> None:
        """Commit if asked, roll back what is not committed, and give the connection back."""
        try:
            if commit and not self._finalized:
                await self.commit()
        finally:
            self._finalized = True
            try:
                await self._undo()
            finally:
                with translated_errors:
                    await self._parent._pool.release(self._connection)

    def _is_lost(self) -> bool:
        try:
            return bool(self._connection.is_closed())
        except asyncpg.InterfaceError:
            return True  # and the pool has taken it back already

    async def _undo(self) -> None:
        if is_whole(self._connection) or self._is_lost():
            return
        try:
            await self._command("ROLLBACK")
        except Exception:
            self.log.exception("A rollback failed: the connection is thrown away")
            self._connection.terminate()

    async def commit(self) -> None:
        """Make the transaction last; a transaction that an earlier error undid says so."""
        if self._finalized:
            raise TransactionManagementError("The transaction has ended already")
        status = await self._command("COMMIT")
        self._finalized = True
        if status != "COMMIT":
            raise TransactionManagementError(
                "An error inside the transaction was swallowed, and PostgreSQL undid all of it"
            )

    async def rollback(self) -> None:
        """Undo the transaction."""
        if self._finalized:
            raise TransactionManagementError("The transaction has ended already")
        self._finalized = True
        await self._command("ROLLBACK")

    async def savepoint(self) -> None:
        """Not used: `in_transaction` inside a transaction gives a Savepoint."""
        raise NotImplementedError

    async def savepoint_rollback(self) -> None:
        """Not used: see `savepoint`."""
        raise NotImplementedError

    async def release_savepoint(self) -> None:
        """Not used: see `savepoint`."""
        raise NotImplementedError


client_class = Client
