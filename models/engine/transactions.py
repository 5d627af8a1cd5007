"""Transactions that stay whole when the task that holds them is cancelled at any await."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from itertools import count
from types import TracebackType
from typing import Any, Protocol, TypeVar

from tortoise.backends.base.client import TransactionalDBClient, TransactionContext
from tortoise.connection import ConnectionToken
from tortoise.context import require_context
from tortoise.exceptions import TransactionManagementError

from models.engine.doubt import UnprovenError, in_doubt

T = TypeVar("T")
_savepoint_numbers = count(1)


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end even when this task is cancelled, and only then be cancelled."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        ended = loop.create_future()  # `asyncio.wait` does the same for five times as much
        task.add_done_callback(partial(_tell_end, ended))
        try:
            await ended
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not report it as never retrieved
        raise cancelled
    return task.result()


def _tell_end(ended: "asyncio.Future[None]", _task: object) -> None:
    if not ended.done():
        ended.set_result(None)


def check_alone(query: str) -> None:
    """Refuse a statement of its own that writes while it is not proved who asks."""
    if in_doubt() and not is_select(query):
        raise UnprovenError


def is_select(query: str) -> bool:
    """Say whether a statement only reads; a WITH counts as one that may write."""
    return query.lstrip()[:6].upper() == "SELECT"


def check_owner(owner: "asyncio.Task[Any] | None", query: str, *, ended: bool) -> None:
    """Refuse what a task that was started inside a transaction must not do with it.

    Reads of such a task are let through while the transaction lasts: prefetching needs them.
    """
    if ended:
        raise TransactionManagementError(
            "This transaction has ended: a task started inside it must not use its connection."
        )
    if asyncio.current_task() is not owner and not is_select(query):
        raise TransactionManagementError(
            "A task must not write into the transaction of another: start tasks outside of it."
        )


class WholeClient(Protocol):
    """What a transaction needs of its client, besides what Tortoise wants."""

    connection_name: str

    async def hold(self) -> None:
        """Wait for a connection; cancelled, hold none."""

    async def begin(self) -> None:
        """Open the transaction on the held connection; cancelled, it may be open for `end`."""

    async def end(self, *, commit: bool) -> None:
        """Commit if asked, roll back what is not committed, and let the connection go."""

    async def command(self, statement: str) -> None:
        """Run a statement of the transaction itself."""


class Transaction(TransactionContext):
    """The block of a transaction: begun whole, ended whole, and never left open."""

    def __init__(self, client: Any) -> None:
        self.client: Any = client
        self._whole: WholeClient = client
        self._connections = require_context().connections
        self._token: ConnectionToken | None = None

    async def __aenter__(self) -> TransactionalDBClient:
        await self._whole.hold()
        try:
            await self._whole.begin()
        except BaseException:
            await finish(self._whole.end(commit=False))
            raise
        self._token = self._connections.set(self._whole.connection_name, self.client)
        client: TransactionalDBClient = self.client
        return client

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        is_doubtful = exc_type is None and in_doubt()
        try:
            await finish(self._whole.end(commit=exc_type is None and not is_doubtful))
        finally:
            self._connections.reset(self._token)
        if is_doubtful:
            raise UnprovenError


class Savepoint(TransactionContext):
    """The block of a transaction inside another one: undone alone, committed with the outer."""

    def __init__(self, client: Any) -> None:
        self.client: Any = client
        self._whole: WholeClient = client
        self._name = f"savepoint_{next(_savepoint_numbers)}"

    async def __aenter__(self) -> TransactionalDBClient:
        await finish(self._whole.command(f"SAVEPOINT {self._name}"))
        client: TransactionalDBClient = self.client
        return client

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        if exc_type is not None:
            await finish(self._whole.command(f"ROLLBACK TO SAVEPOINT {self._name}"))
        await finish(self._whole.command(f"RELEASE SAVEPOINT {self._name}"))
