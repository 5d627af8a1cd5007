"""Fused selections: a layout's rows become answers in one comprehension, joined rows included."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from datetime import datetime
from enum import Enum
from functools import cache, cached_property
from inspect import signature
from types import NoneType
from typing import Any, get_args

from graphql import GraphQLEnumType

from models.layout import Layout, Source
from schema.columns import BESIDE, FILLED, GLOBAL_ID, JOINED, NEEDS, PATH, PLAIN
from schema.compiled.leaves import GiveUp, leaf, slow
from schema.compiled.selection import Field, Selection, Shape, Unsupported
from schema.ids import ids_of

CONNECTION = frozenset({"nodes", "edges", "node"})
"""The fields of a connection behind which its rows stand."""


class Told(dict[Any, Any]):
    """What the values of an enum are called in answers; others are left to `otherwise`."""

    def __init__(self, names: Mapping[Any, Any], otherwise: Callable[[Any], Any]) -> None:
        super().__init__(names)
        self._otherwise = otherwise

    def __missing__(self, value: Any) -> Any:
        return self._otherwise(value)


@dataclass
class Level:
    """One object of a fused selection: what is not in its row, and the objects inside it."""

    key: str | None
    deep: list[Field]
    view: Callable[[Any], Any]
    """Row -> an object with the columns that its resolvers need."""
    presence: int | None
    """Where the row has the key of this object, None in the row's own; no key, no object."""
    inner: "list[Level]"

    @cached_property
    def has_deep(self) -> bool:
        """Tell whether anything is left to be found for it."""
        return bool(self.deep) or any(level.has_deep for level in self.inner)


@dataclass(slots=True)
class Fused:
    """How the rows of one layout become the answers of one selection."""

    build: Callable[..., list[dict[str, Any]]]
    """(rows, whether the viewer sees all details, callables of `bound`) -> answers, None in them
    where a level is deep."""
    bound: list[Field]
    level: Level


@dataclass(slots=True)
class Fuser:
    """Writes the source of one comprehension, and lays out the columns that it reads."""

    layout: Layout
    names: dict[str, Any] = field(default_factory=dict)
    bound: list[Field] = field(default_factory=list)
    count: int = 0

    def fuse(self, selection: Selection) -> Fused:
        """Return the fused form of a selection; raise Unsupported where it has none.

        The source holds no text of the client but response keys, which are GraphQL names.
        """
        expression, level = self._object(selection, (), None)
        arguments = "".join(f", f{number}" for number in range(len(self.bound)))
        source = f"lambda rows, is_open{arguments}: [{expression} for r in rows]"
        return Fused(eval(source, self.names), self.bound, level)  # noqa: S307 - see above

    def _fresh(self, value: Any) -> str:
        self.count += 1
        name = f"n{self.count}"
        self.names[name] = value
        return name

    def _place(self, path: tuple[str, ...], column: str, *, is_written: bool = False) -> str:
        try:
            return f"r[{self.layout.place(path, column, is_written=is_written)}]"
        except KeyError:
            raise Unsupported from None

    def _object(
        self, selection: Selection, path: tuple[str, ...], key: str | None
    ) -> tuple[str, Level]:
        """Return the expression of an object, and its level."""
        presence = self.layout.place(path, "id") if path else None
        level = Level(key, [], lambda row: row, presence, [])
        needs: list[str] = []
        self.count += 1
        view = f"v{self.count}"
        parts = [
            f"{one.key!r}: {self._value(one, selection, path, level, needs, view)}"
            for one in selection.fields
        ]
        expression = f"{{{', '.join(parts)}}}"
        if needs:
            columns = list(dict.fromkeys(needs))
            values = ", ".join(self._decoded(path, column) for column in columns)
            made = f"{self._fresh(view_of(tuple(columns)))}({values})"
            level.view = eval(f"lambda r: {made}", self.names)  # noqa: S307 - columns' names alone
            self.names[f"make_{view}"] = level.view
            if any(f"({view})" in part for part in parts):
                expression = f"({view} := {made}) and {expression}"
        return expression, level

    def _value(
        self,
        one: Field,
        selection: Selection,
        path: tuple[str, ...],
        level: Level,
        needs: list[str],
        view: str,
    ) -> str:
        """Return the expression of one field, noting what it needs of the row."""
        if one.attribute == "__typename":
            return repr(selection.kind.name)
        metadata: Mapping[Any, Any] = one.declared.metadata or {}
        if JOINED in metadata and not one.definition.args:
            return self._joined(one, path, metadata[JOINED], level)
        if GLOBAL_ID in metadata:
            return f"{self._fresh(ids_of(metadata[GLOBAL_ID]))}[{self._place(path, 'id')}]"
        if PATH in metadata:
            *joins, column = metadata[PATH].split(".")
            value = self._column(one, (*path, *joins), column)
            if metadata[BESIDE] is None:
                return value
            return f"({value} if {self._place(path, metadata[BESIDE])} is not None else None)"
        if one.is_leaf and one.function is None:
            return self._column(one, path, one.attribute)
        if NEEDS not in metadata:
            raise Unsupported
        needs.extend(metadata[NEEDS])
        if not one.is_leaf:
            level.deep.append(one)
            return "None"
        return self._computed(one, path, metadata, view)

    def _computed(
        self, one: Field, path: tuple[str, ...], metadata: Mapping[Any, Any], view: str
    ) -> str:
        """Return the expression of a leaf that a function finds; its view only where needed."""
        self.bound.append(one)
        function = f"f{len(self.bound) - 1}"
        if PLAIN in metadata:
            names = signature(metadata[PLAIN]).parameters
            given = ", ".join(self._place(path, name) for name in names)
            otherwise = leaf(one, f"{function}(make_{view}(r))", self._fresh)
            return f"(is_open and {self._fresh(metadata[PLAIN])}({given}) or {otherwise})"
        if FILLED in metadata:
            place, unless = (self._place(path, column) for column in metadata[FILLED])
            otherwise = leaf(one, f"{function}(make_{view}(r))", self._fresh)
            plain = f"{place}.__class__ is str and {unless} is None"
            return f"({place} if {plain} else {otherwise})"
        return leaf(one, f"{function}({view})", self._fresh)

    def _column(self, one: Field, path: tuple[str, ...], column: str) -> str:
        """Return the expression of a leaf that is a column."""
        place = self._place(path, column, is_written=True)
        kind = one.shape.leaf
        assert kind is not None  # noqa: S101 - only leaves come here
        complete = slow(kind, is_non_null=one.shape.is_non_null)
        if isinstance(kind, GraphQLEnumType):
            members = getattr(kind, "wrapped_cls", ())
            told = {member.value: kind.serialize(member) for member in members}
            return f"{self._fresh(Told(told, complete))}[{place}]"
        otherwise = self._fresh(complete)
        if kind.name == "DateTime":
            return f"(v if (v := {place}).__class__ is str else {otherwise}(v))"
        if kind.name == "Boolean":
            return f"{otherwise}({self._decoded(path, column)})"
        return leaf(one, place, self._fresh)

    def _joined(
        self, one: Field, path: tuple[str, ...], rows: Mapping[str, str], level: Level
    ) -> str:
        """Return the expression of joined rows: the first one that is there."""
        expression = "None" if not one.shape.is_non_null else f"{self._fresh(slow_object)}()"
        for name, join in reversed(list(rows.items())):
            selection = _choose(one.shape, name)
            inside = (*path, join)
            present = self._place(inside, "id")
            made, inner = self._object(selection, inside, one.key)
            level.inner.append(inner)
            expression = f"({made} if {present} is not None else {expression})"
        return expression

    def _decoded(self, path: tuple[str, ...], column: str) -> str:
        """Return the expression of a column as resolvers know it: a record's value."""
        place = self._place(path, column)
        source = self.layout.source
        for name in path:
            source = source.joins[name].source
        hint = source.table.hints[column]
        kind = next(one for one in (get_args(hint) or (hint,)) if one is not NoneType)
        if isinstance(kind, type) and issubclass(kind, Enum):
            members = self._fresh({member.value: member for member in kind} | {None: None})
            return f"{members}[{place}]"
        if kind is datetime:
            return f"{self._fresh(as_moment)}({place})"
        if kind is bool:
            return f"{self._fresh(as_boolean)}({place})"
        return place


def lay_out(shape: Shape, rows: Mapping[str, Source]) -> tuple[Layout, ...] | None:
    """Fuse the selections of a field's rows; None where they need more than their columns."""
    layouts = {
        name: Layout(source, tag=name if len(rows) > 1 else None) for name, source in rows.items()
    }
    found = [(one, layouts[name]) for name in rows for one in _rows_in(shape, name)]
    try:
        made = [(selection, Fuser(layout).fuse(selection)) for selection, layout in found]
    except Unsupported:
        return None
    for selection, fused in made:
        selection.fused = fused
    return tuple(layouts.values())


def _rows_in(shape: Shape, name: str) -> Iterator[Selection]:
    """Yield the selections of a type that a field answers with: alone, or in a connection."""
    while shape.item is not None:
        shape = shape.item
    if shape.choices is not None:
        yield shape.choices.named(name)
    elif shape.selection is not None and shape.selection.kind.name == name:
        yield shape.selection
    elif shape.selection is not None:
        for inner in shape.selection.deep:
            if inner.node.name.value in CONNECTION:
                yield from _rows_in(inner.shape, name)


def _choose(shape: Shape, name: str) -> Selection:
    if shape.choices is not None:
        return shape.choices.named(name)
    if shape.selection is None or shape.selection.kind.name != name:
        raise Unsupported
    return shape.selection


def slow_object() -> None:
    """Give up: an object is missing that the schema says is there."""
    raise GiveUp


def as_moment(value: Any) -> datetime | None:
    """Return a moment as the driver gives it: SQLite keeps text."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def as_boolean(value: Any) -> bool | None:
    """Return a boolean as the driver gives it: SQLite keeps numbers."""
    return None if value is None else bool(value)


@cache
def view_of(columns: tuple[str, ...]) -> type:
    """Return the class of objects with these columns alone."""
    return make_dataclass("View", columns, slots=True, eq=False)


def present(level: Level, rows: Sequence[Any], answers: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield each row with its answer at a level, where there is one."""
    for row, answer in zip(rows, answers, strict=True):
        if level.presence is None or row[level.presence] is not None:
            yield row, answer if level.key is None else answer[level.key]
