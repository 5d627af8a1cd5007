"""Events executed once for all subscribers whose results cannot differ."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import orjson
from graphql import ExecutionResult, Executor

IMPARTIAL = frozenset({"hub", "loaders", "language", "may", "is_member", "masking", "sees_details"})
"""What a context says to all viewers of a class; to read anything else makes a result personal."""

Execute = Callable[[], ExecutionResult | Awaitable[ExecutionResult]]
Shareable = asyncio.Future[ExecutionResult | None]
"""The result for all; None: each subscriber has one of their own."""


@dataclass(slots=True)
class Answer:
    """What becomes of an operation's first execution of an event."""

    operation: object
    """Kept, so that no other operation gets its identity."""
    result: Shareable
    written: bytes | None = None

    def payload(self) -> bytes:
        """Return the result for all as JSON, written once."""
        if self.written is None:
            result = self.result.result()
            assert result is not None  # noqa: S101 - nobody asks for a personal one
            self.written = orjson.dumps({"data": result.data})
        return self.written


class Shared(Protocol):
    """An event that keeps what was executed for its subscribers."""

    @property
    def answers(self) -> dict[object, Answer]:
        """Return the answers by operation and all else that they depend on."""


class Diverting:
    """Stands in place of an event: the subscription asks to be handed over to its socket."""

    executor: Any = None


class Watched:
    """A context that notes whether anything was read that depends on who asks."""

    __slots__ = ("_context", "is_personal")

    def __init__(self, context: object) -> None:
        object.__setattr__(self, "_context", context)
        object.__setattr__(self, "is_personal", False)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._context, name)  # first: what no context has says nothing about one
        if name not in IMPARTIAL:
            object.__setattr__(self, "is_personal", True)
        return value

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, "is_personal", True)
        setattr(self._context, name, value)


def share_events(executor: type[Executor[Any]]) -> type[Executor[Any]]:
    """Return the executor that executes an event once where its result must be the same for all.

    The first execution of an event with an operation, its variables and what is hidden decides: if
    it read nothing that depends on who asks, no other one could have ended differently.
    """

    class SharingExecutor(executor):  # type: ignore[valid-type, misc]  # a class that is given
        def execute_operation(self, serially: bool | None = None) -> Any:
            """Execute the operation, or one event unless that is done already."""
            if isinstance(self.root_value, Diverting):
                self.context_value.live, self.root_value.executor = self.root_value, self
                return ExecutionResult(None, None)
            execute = partial(super().execute_operation, serially)
            seen = getattr(self.root_value, "seen", None)
            if seen is None:
                return execute()
            key = key_of(self.operation, variables_of(self), self.context_value, seen)
            return share(self, seen.told, key, execute)

    return SharingExecutor


def variables_of(executor: Any) -> str:
    """Return the variables of an operation as part of a key."""
    return repr(sorted(executor.variable_values.coerced.items()))


def key_of(operation: object, variables: str, context: Any, seen: Any) -> object:
    """Return all that the result of an event depends on, unless it is personal.

    The viewer's class is what their role and language make of it.
    """
    class_of = getattr(context, "class_in", None)
    workspace_id = seen.told.delivery.logged.fact.workspace_id if class_of else None
    kind = class_of(workspace_id) if class_of else None
    return (id(operation), variables, seen.is_hidden, seen.part, kind)


def share(executor: Any, event: Shared, key: object, execute: Execute) -> Any:
    """Return the result under a key of an event; `execute` gives it where nobody else has."""
    known = event.answers.get(key)
    if known is None:
        known = Answer(executor.operation, asyncio.get_running_loop().create_future())
        event.answers[key] = known
        return _lead(executor, execute, known.result)
    if known.result.done():
        return _again(known.result.result(), execute)
    return _follow(known.result, execute)


async def _lead(executor: Any, execute: Execute, shareable: Shareable) -> ExecutionResult:
    watched = executor.context_value = Watched(executor.context_value)
    for_all = None
    try:
        result = await _finished(execute())
        if not watched.is_personal and not result.errors:
            for_all = result
    finally:
        # also where this subscriber has gone: the others are waiting
        shareable.set_result(for_all)
    return result


async def _follow(shareable: Shareable, execute: Execute) -> ExecutionResult:
    return await _finished(_again(await asyncio.shield(shareable), execute))


def _again(result: ExecutionResult | None, execute: Execute) -> Any:
    return execute() if result is None else ExecutionResult(result.data, None)


async def _finished(result: ExecutionResult | Awaitable[ExecutionResult]) -> ExecutionResult:
    return result if isinstance(result, ExecutionResult) else await result
