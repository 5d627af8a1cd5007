"""The leaves of a selection: one generated comprehension reads them off all rows."""

from collections.abc import Callable
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

TEXTS = frozenset({GraphQLID.name, GraphQLString.name})
"""The scalars whose values are texts as they come."""
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

    def name(value: Any) -> str:
        names[f"n{len(names)}"] = value
        return f"n{len(names) - 1}"

    parts = []
    called = 0
    for field in fields:
        if field.attribute == "__typename":
            expression = "type_name"
        elif not field.is_leaf:
            expression = "None"
        else:
            value = f"r.{field.attribute}"
            if field.function is not None:
                value = f"f{called}(r)"
                called += 1
            expression = leaf(field, value, name)
        parts.append(f"{field.key!r}: {expression}")
    arguments = "".join(f", f{number}" for number in range(called))
    source = f"lambda rows{arguments}: [{{{', '.join(parts)}}} for r in rows]"
    return eval(source, names)  # noqa: S307 - see the docstring


def leaf(field: "Field", value: str, name: Callable[[Any], str]) -> str:
    """Return the expression of a leaf: the plain case inline, all others by a function.

    `name` gives the name under which the source finds a value.
    """
    kind = field.shape.leaf
    assert kind is not None  # noqa: S101 - only leaves come here
    otherwise = name(slow(kind, is_non_null=field.shape.is_non_null))
    if isinstance(kind, GraphQLEnumType):
        members = getattr(kind, "wrapped_cls", ())
        told = name({member: kind.serialize(member) for member in members})
        return f"({told}.get(v) or {otherwise}(v)) if (v := {value}) is not None else " + (
            f"{otherwise}(v)"
        )
    test = FAST.get(kind.name)
    if test is None:
        return f"{otherwise}({value})"
    return f"(v if {test.replace('v.', f'(v := {value}).', 1)} else {otherwise}(v))"


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
