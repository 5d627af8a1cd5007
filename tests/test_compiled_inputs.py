"""Inputs: what is made of plain values is exactly what graphql-core and Strawberry make of them."""

import random
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    OperationDefinitionNode,
    Undefined,
    get_argument_values,
    get_named_type,
    get_variable_values,
    parse,
)
from graphql.execution.values import VariableValues
from graphql.utilities import coerce_input_value
from strawberry.types.arguments import convert_argument, convert_arguments

from schema.compiled.inputs import Inputs, Variables, _change, coercion
from schema.compiled.leaves import GiveUp
from schema.compiled.plan import BACKREF
from schema.compiled.selection import Unsupported
from schema.root import build_schema

SCHEMA = build_schema()._schema
CONVERTER = SCHEMA.extensions[BACKREF].schema_converter
INPUTS = [kind for kind in SCHEMA.type_map.values() if isinstance(kind, GraphQLInputObjectType)]
PLAIN: dict[str, list[Any]] = {
    "ID": ["SW5ib3g6MQ", ""],
    "String": ["", "Zoë", "x" * 300],
    "Int": [0, 7, -(2**31), 2**31 - 1],
    "Float": [0.5, 2],
    "Boolean": [True, False],
    "DateTime": ["2026-03-01T10:00:00Z", "2026-03-01T10:00:00+02:00"],
    "Date": ["2026-03-01"],
    "Time": ["10:00", "23:59"],
    "Upload": ["a file"],
}
ODD = [None, 5, 2**40, 1.5, True, "", "no such thing", [], [None], ["a", 5], {}, {"none": 1}]
RECURSIVE = "InboxFilterInput"
"""The input that stands in itself: it, and what has it, is left to graphql-core."""


class Text(str):
    """A text that is none as it comes from JSON."""


def plain(kind: Any, chance: random.Random, odd: float, depth: int = 0) -> Any:
    """Return a value of a type, now and then one that is none, or none that is plain."""
    if chance.random() < odd:
        return chance.choice([*ODD, Text("text")])
    if isinstance(kind, GraphQLNonNull):
        return plain(kind.of_type, chance, odd, depth)
    if depth and chance.random() < 0.2:
        return plain(GraphQLNonNull(kind), chance, odd, depth) if depth < 4 else None
    if isinstance(kind, GraphQLList):
        return [plain(kind.of_type, chance, odd, depth + 1) for _ in range(chance.randrange(3))]
    if isinstance(kind, GraphQLEnumType):
        names: list[str] = list(kind.values)
        return chance.choice(names)
    if isinstance(kind, GraphQLInputObjectType):
        return {
            name: plain(field.type, chance, odd, depth + 1)
            for name, field in kind.fields.items()
            if (isinstance(field.type, GraphQLNonNull) and field.default_value is Undefined)
            or (chance.random() < 0.6 and depth < 6)
        }
    return chance.choice(PLAIN[kind.name])


def values(kind: Any, odd: float, times: int) -> Iterator[Any]:
    """Yield random values, the same each time."""
    chance = random.Random(kind.name)
    for _ in range(times):
        yield plain(kind, chance, odd)


def inside(kind: Any) -> set[str]:
    """Return the names of an input and of all that stand in it."""
    names: set[str] = set()
    pending = [kind]
    while pending:
        one = get_named_type(pending.pop())
        if isinstance(one, GraphQLInputObjectType) and one.name not in names:
            names.add(one.name)
            pending += [field.type for field in one.fields.values()]
    return names


def made(kind: GraphQLInputObjectType) -> Any:
    """Return the class of an input's instances."""
    return kind.extensions[BACKREF].origin


@pytest.mark.parametrize("kind", INPUTS, ids=lambda kind: kind.name)
def test_every_input_is_what_it_would_have_been(kind: GraphQLInputObjectType) -> None:
    registry, config = CONVERTER.scalar_registry, CONVERTER.config
    try:
        coerce = coercion(kind)
        change = _change(made(kind), registry, config)
    except Unsupported:
        assert RECURSIVE in inside(kind)
        return
    assert change is not None
    known = 0
    for odd, times in ((0.0, 40), (0.05, 40), (0.3, 40)):
        for value in values(kind, odd, times):
            expected = coerce_input_value(value, kind)
            try:
                found = coerce(value)
            except GiveUp:
                assert odd > 0, value
                continue
            assert repr(found) == repr(expected), value
            known += 1
            if found is None:
                continue
            assert list(found) == list(expected)
            instance = change(found)
            asked = convert_argument(expected, made(kind), registry, config)
            assert instance == asked
            assert repr(instance) == repr(asked)
    assert known >= 40


def test_lists_of_defaults_are_nobodys_own() -> None:
    kind = SCHEMA.type_map["SendMessageInput"]
    change = _change(made(kind), CONVERTER.scalar_registry, CONVERTER.config)  # type: ignore[arg-type]
    assert change is not None
    coerced = coercion(kind)({"conversationId": "a"})
    first, second = change(coerced), change(coercion(kind)({"conversationId": "a"}))
    first.attachment_ids.append("x")
    assert second.attachment_ids == []
    assert change(coercion(kind)({"conversationId": "a"})).attachment_ids == []


DOCUMENTS = [
    "query ($a: Int!, $b: String, $c: [ID!]) { node(a: $a, b: $b, c: $c) }",
    "query ($a: Int = 3, $b: String = null) { node(a: $a, b: $b) }",
    "query ($b: String) { node(a: 5, b: $b) }",
    "query ($c: [ID!]!) { node(c: $c) }",
    "query { node }",
]
GIVEN = [
    {},
    {"a": 1},
    {"a": None, "b": None, "c": None},
    {"a": 2, "b": "x", "c": ["y"], "more": 1},
    {"a": 2.0, "b": 5, "c": "alone"},
    {"a": "2", "b": "x", "c": [5, "6"]},
    {"c": []},
]


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("given", GIVEN, ids=str)
def test_variables_and_arguments_are_what_they_would_have_been(document: str, given: Any) -> None:
    schema = build_toy()
    [operation] = parse(document).definitions
    assert isinstance(operation, OperationDefinitionNode)
    nodes = operation.variable_definitions or ()
    expected = get_variable_values(schema, nodes, given)
    found = Variables(schema, nodes).values(given)
    if not isinstance(expected, VariableValues):
        assert found is None
        return
    assert found is not None
    assert found.coerced == expected.coerced
    assert {name: one.value for name, one in found.sources.items()} == {
        name: one.value for name, one in expected.sources.items()
    }
    [node] = operation.selection_set.selections
    assert isinstance(node, FieldNode)
    definition = schema.query_type.fields["node"]
    declared = definition.extensions[BACKREF]
    converter = schema.extensions[BACKREF].schema_converter
    field: Any = SimpleNamespace(definition=definition, node=node, declared=declared)
    try:
        values = get_argument_values(definition, node, expected)
    except GraphQLError as error:
        with pytest.raises(GraphQLError, match=re.escape(error.message)):
            Inputs(field, converter).of(found)
        return
    asked = convert_arguments(
        values, declared.arguments, converter.scalar_registry, converter.config
    )
    assert Inputs(field, converter).of(found) == asked


def build_toy() -> Any:
    """Return a schema with a field whose arguments have defaults, or can be null."""

    @strawberry.type
    class Query:
        @strawberry.field
        def node(
            self, a: int = 4, b: str | None = None, c: list[strawberry.ID] | None = strawberry.UNSET
        ) -> str:
            return f"{a} {b} {c}"

    return strawberry.Schema(Query)._schema
