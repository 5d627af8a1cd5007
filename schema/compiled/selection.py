"""Selections: what an operation asks of rows, and where each value comes from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLObjectType,
    GraphQLScalarType,
)

from models.engine.sql import DRIVER_ROWS
from models.layout import Layout
from schema.compiled.leaves import GiveUp
from schema.relation import Relation

if TYPE_CHECKING:
    from schema.compiled.fused import Fused
    from schema.compiled.inputs import Inputs
    from schema.compiled.plan import Choices


class Unsupported(Exception):  # noqa: N818 - it asks for graphql-core, it is no error
    """The operation has something that only graphql-core knows."""


@dataclass(slots=True)
class Shape:
    """What a field's value is completed to: lists and nulls around a leaf or a selection."""

    is_non_null: bool
    item: "Shape | None" = None
    """The shape of a list's items."""
    leaf: GraphQLScalarType | GraphQLEnumType | None = None
    selection: "Selection | None" = None
    choices: "Choices | None" = None


@dataclass(slots=True)
class Field:
    """One response key of a selection, and where its value comes from."""

    key: str
    node: FieldNode
    definition: GraphQLField
    shape: Shape
    attribute: str
    """The attribute of the row, where there is no resolver."""
    function: Callable[..., Any] | None = None
    takes_info: bool = False
    is_async: bool = False
    relation: Relation | None = None
    declared: Any = None
    """Strawberry's field, which knows the arguments."""
    constants: dict[str, Any] | None = None
    """The arguments, once they are known to be the same for all variables."""
    inputs: "Inputs | None" = None
    """How all other arguments are read, once they were asked for."""
    layouts: tuple[Layout, ...] | None = None
    """What its resolver is to read of the rows of each type, where they are fused."""

    @property
    def is_leaf(self) -> bool:
        """Tell whether the value is read in the comprehension: no rows and no waiting in it."""
        return self.shape.leaf is not None and not self.is_async and self.relation is None


@dataclass(slots=True)
class Selection:
    """The fields asked of one object type, in the order of the answer."""

    kind: GraphQLObjectType
    fields: list[Field]
    build: Callable[..., list[dict[str, Any]]]
    """(rows, callables of `bound`) -> answers with all leaves, and None for the rest."""
    bound: list[Field]
    """The leaves that are computed by a function."""
    deep: list[Field]
    """The fields that are no leaves."""
    is_unprovable: bool = False
    """Whether no statement of the operation proves a viewer who is only remembered."""
    fused: "Fused | None" = None
    """How the rows of a layout are answered."""
    expected: set[type] = field(default_factory=set)
    """The classes whose rows are known to be of the type."""

    def has_fused(self, rows: Sequence[Any]) -> bool:
        """Tell whether the rows are those of its layout, as the driver gave them."""
        return self.fused is not None and len(rows) > 0 and isinstance(rows[0], DRIVER_ROWS)

    def expect(self, rows: Sequence[Any]) -> None:
        """Give up where a row is not of the type; each class of rows is asked about once."""
        if self.kind.is_type_of is None or self.has_fused(rows):
            return
        for row in {type(row): row for row in rows}.values():
            if type(row) not in self.expected:
                if not self.kind.is_type_of(row, None):  # type: ignore[arg-type]  # nobody reads it
                    raise GiveUp
                self.expected.add(type(row))
