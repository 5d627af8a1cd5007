"""Events executed once for all subscribers whose results cannot differ."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from graphql import ExecutionResult, Executor

IMPARTIAL = frozenset({"hub", "loaders"})
"""What a context says whoever asks; to read anything else makes a result personal."""

Execute = Callable[[], ExecutionResult | Awaitable[ExecutionResult]]
Shareable = asyncio.Future[ExecutionResult | None]
"""The result for all; None: each subscriber has one of their own."""


@dataclass(slots=True)
class Answer:
    """What becomes of an operation's first execution of an event."""

    operation: object
    """Kept, so that no other operation gets its identity."""
    result: Shareable


class Shared(Protocol):
    """An event that keeps what was executed for its subscribers."""

    @property
    def answers(self) -> dict[object, Answer]:
        """Return the answers by operation and all else that they depend on."""


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
            execute = partial(super().execute_operation, serially)
            seen = getattr(self.root_value, "seen", None)
            if seen is None:
                return execute()
            variables = repr(sorted(self.variable_values.coerced.items()))
            key = (id(self.operation), variables, seen.is_hidden)
            return share(self, seen.told, key, execute)

    return SharingExecutor


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
