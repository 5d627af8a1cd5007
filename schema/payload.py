"""Payloads: how a mutation answers, and how a refusal becomes data."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial, wraps
from typing import Any, TypeVar, get_type_hints

import strawberry
from strawberry.utils.str_converters import to_camel_case

from models.engine.doubt import UnprovenError
from models.refusal import Code, Conflict, Refused
from resolvers.deed import Target, doing
from resolvers.proof import is_in_doubt
from resolvers.sentences import explain
from schema.context import Info
from schema.denials import target_of
from schema.loaders import Loaders
from schema.proof import PROVES

T = TypeVar("T")


@strawberry.type
class UserError:
    """Why an action was refused: nothing was changed."""

    code: Code
    """A stable code for programs."""
    message: str
    """A sentence for people, in the viewer's language."""
    field: list[str]
    """The path of the input at fault; empty if it is none in particular."""


@strawberry.interface
class Payload:
    """What every mutation answers: its results, or why it was refused."""

    user_errors: list[UserError] = strawberry.field(default_factory=list)
    """Why it was refused; empty on success."""


def proving(resolve: Callable[..., Awaitable[T]]) -> Any:
    """Declare a mutation whose first statement, `hold_conversation`, proves who asks."""
    return mutation(resolve, {PROVES: True})


def mutation(
    resolve: Callable[..., Awaitable[T]], metadata: Mapping[str, Any] | None = None
) -> Any:
    """Declare a mutation field: a refusal becomes the payload's `userErrors`.

    A conflict answers also the current object, in the payload's first field. Nothing is refused,
    and no refusal kept, before it is proved who asks.
    """
    action, hints = to_camel_case(resolve.__name__), get_type_hints(resolve)
    payload: Any = hints["return"]
    given = fields(hints["input"]) if "input" in hints else ()
    ids = [(one.name, to_camel_case(one.name)) for one in given if one.name.endswith("_id")]
    first_field = next(field.name for field in fields(payload) if field.name != "user_errors")

    @wraps(resolve)
    async def answer(self: object, info: Info, **arguments: Any) -> T:
        context = info.context
        if context.done and info.path.key in context.done:
            outcome, context.loaders = context.done[info.path.key]
            return _again(outcome)
        context.loaders = Loaders()  # what an earlier mutation has loaded may be otherwise now
        viewer = context.viewer
        try:
            with doing(action, viewer, context, partial(_target, ids, arguments)) as deed:
                return await resolve(self, info, **arguments)
        except Refused as refused:
            if is_in_doubt(viewer):
                raise UnprovenError from refused
            await deed.refuse(refused)
            current = {first_field: refused.current} if isinstance(refused, Conflict) else {}
            refused_payload: T = payload(
                user_errors=[user_error(refused, context.language)], **current
            )
            return refused_payload

    answer.__signature__ = inspect.signature(resolve)  # type: ignore[attr-defined]  # strawberry reads it
    return strawberry.mutation(resolver=answer, metadata=metadata)


def _target(ids: Sequence[tuple[str, str]], arguments: Mapping[str, Any]) -> Target | None:
    """Return what an input names, by the ids in it: their attributes and fields."""
    return target_of({field: getattr(arguments["input"], name) for name, field in ids})


def _again(outcome: Any) -> Any:
    """Return or raise what a mutation has answered already: it never happens twice."""
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def user_error(refused: Refused, language: str) -> UserError:
    """Return a refusal as data, in the language of who asked."""
    return UserError(
        code=refused.code, message=explain(refused, language), field=list(refused.field)
    )


def result(kind: Any) -> Any:
    """Declare a payload's result of a GraphQL type: null where the action was refused."""
    return strawberry.field(graphql_type=kind | None, default=None)
