"""Relations: one declaration from which every executor loads the rows of many parents at once."""

import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

import strawberry

from schema.columns import JOINED, NEEDS, SOURCED, Rows
from schema.context import Info

RELATION = "relation"
Batch = Callable[[Collection[Any]], Awaitable[dict[Any, Any]]]


def _found(_row: Any, found: Any) -> Any:
    return found


@dataclass(frozen=True, slots=True)
class Relation:
    """How the rows of a field are found: a key for each parent, one batch for all keys."""

    key: Callable[..., Any]
    """(row, info if it asks for it, the field's arguments) -> the key; None for no row."""
    takes_info: bool
    batch: Batch
    """The keys -> their rows; from `resolvers/batches.py`."""
    then: Callable[[Any, Any], Any]
    """(row, what was found or None) -> the field's value."""
    absent: Any
    """The field's value where there is no key."""


def _with_info(signature: inspect.Signature) -> inspect.Signature:
    if "info" in signature.parameters:
        return signature
    asked = inspect.Parameter("info", inspect.Parameter.KEYWORD_ONLY, annotation=Info)
    return signature.replace(parameters=[*signature.parameters.values(), asked])


def relation(
    kind: Any,
    batch: Batch,
    *,
    then: Callable[[Any, Any], Any] = _found,
    absent: Any = None,
    needs: tuple[str, ...] | None = None,
    joined: Mapping[str, str] | None = None,
    rows: Rows | None = None,
) -> Callable[[Callable[..., Any]], Any]:
    """Declare a field of a GraphQL type by a function that returns each parent's key.

    `needs` names the columns of the parent that it reads. Where the parent's own statement can
    join what is looked for, `joined` says under which name for each GraphQL type; `rows` is where
    the rows are read from by the layouts of `info`.
    """

    def declare(key: Callable[..., Any]) -> Any:
        signature = inspect.signature(key)
        first = next(iter(signature.parameters))
        takes_info = "info" in signature.parameters
        declared = Relation(key, takes_info, batch, then, absent)

        @wraps(key)
        async def load(*roots: Any, info: Info, **arguments: Any) -> Any:
            row = roots[0] if roots else arguments.pop(first)
            given = {"info": info} if takes_info else {}
            wanted = key(row, **given, **arguments)
            if wanted is None:
                return absent
            return then(row, await info.context.loaders.of(batch).load(wanted))

        load.__signature__ = _with_info(signature)  # type: ignore[attr-defined]  # strawberry reads it
        load.__annotations__ = {**key.__annotations__, "info": Info}
        known = {RELATION: declared, NEEDS: needs, JOINED: joined, SOURCED: rows}
        metadata = {name: value for name, value in known.items() if value is not None}
        return strawberry.field(resolver=load, graphql_type=kind, metadata=metadata)

    return declare
