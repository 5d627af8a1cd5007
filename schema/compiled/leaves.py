"""The leaves of a selection: one generated comprehension reads them off all rows."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLID,
    GraphQLInt,
    GraphQLString,
    Undefined,
)

if TYPE_CHECKING:
    from schema.compiled.selection import Field

INT_LIMIT = 2**31
FAST = {
    GraphQLString.name: "v.__class__ is str",
    GraphQLID.name: "v.__class__ is str",
    GraphQLBoolean.name: "v.__class__ is bool",
    GraphQLInt.name: f"v.__class__ is int and -{INT_LIMIT} <= v < {INT_LIMIT}",
}


class GiveUp(Exception):  # noqa: N818 - it asks for graphql-core, it is no error
    """Something is not as the schema says: graphql-core finds the right words for it."""


def builder(fields: "list[Field]", type_name: str) -> Callable[..., list[dict[str, Any]]]:
    """Return (rows, callables) -> the answers with every leaf, and None for the other fields.

    The source holds no text of the client but response keys, which are GraphQL names.
    """
    names: dict[str, Any] = {"type_name": type_name}
    parts = []
    called = 0
    for place, field in enumerate(fields):
        if field.attribute == "__typename":
            expression = "type_name"
        elif not field.is_leaf:
            expression = "None"
        else:
            value = f"r.{field.attribute}"
            if field.function is not None:
                value = f"f{called}(r)"
                called += 1
            expression = _leaf(field, value, place, names)
        parts.append(f"{field.key!r}: {expression}")
    arguments = "".join(f", f{number}" for number in range(called))
    source = f"lambda rows{arguments}: [{{{', '.join(parts)}}} for r in rows]"
    return eval(source, names)  # noqa: S307 - see the docstring


def _leaf(field: "Field", value: str, place: int, names: dict[str, Any]) -> str:
    """Return the expression of a leaf: the plain case inline, all others by a function."""
    kind = field.shape.leaf
    assert kind is not None  # noqa: S101 - only leaves come here
    names[f"slow{place}"] = slow(kind, is_non_null=field.shape.is_non_null)
    if isinstance(kind, GraphQLEnumType):
        names[f"enum{place}"] = {
            member: kind.serialize(member) for member in getattr(kind, "wrapped_cls", ())
        }
        return f"(enum{place}.get(v) or slow{place}(v)) if (v := {value}) is not None else " + (
            f"slow{place}(v)"
        )
    if kind.name == "DateTime":
        names["datetime"] = datetime
        return f"(v.isoformat() if (v := {value}).__class__ is datetime else slow{place}(v))"
    test = FAST.get(kind.name)
    if test is None:
        return f"slow{place}({value})"
    return f"(v if {test.replace('v.', f'(v := {value}).', 1)} else slow{place}(v))"


def slow(kind: Any, *, is_non_null: bool) -> Callable[[Any], Any]:
    """Return how any value of a leaf's type is completed; what fails is graphql-core's."""

    def complete(value: Any) -> Any:
        if value is None:
            if is_non_null:
                raise GiveUp
            return None
        serialized = kind.serialize(value)
        if serialized is None or serialized is Undefined:
            raise GiveUp
        return serialized

    return complete
