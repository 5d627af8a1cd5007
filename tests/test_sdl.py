"""The contract: the committed SDL is the schema's, all of it described, all of it by the rules."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
)

from resolvers.node import FINDERS, INBOXES
from schema.root import TOPICS, build_schema

SDL = Path(__file__).parent.parent / "schema/schema.graphql"
SCALARS = {"Date", "DateTime", "Time", "Upload"}
LIST_ARGUMENTS = {"first", "after", "last", "before"}
AROUND = {"Query.timelineAround"}
"""Connections that begin with one of their items."""
FORWARD_ONLY = {"Query.events", "Query.search", "Conversation.search"}
"""Lists that are read in one direction: a log, and what is found."""
ROOT_TYPES = ("Query", "Mutation", "Subscription")
MOMENT = re.compile(r"\w+At|until|since|\w+Since|\w+Until|at")
YES_OR_NO = re.compile(r"(is|has|can|viewerCan|accepts|if)[A-Z]\w*")
PLAIN_YES_OR_NO = {"checked", "exceptCurrent", "masked", "unreplied"}
PLAIN_YES_OR_NO |= {"wakeOnReply", "cancelOnReply"}
"""What bears the product's own words: checkboxes, `MaskedString.masked`, the filter `unreplied`,
snoozes."""
LEFT_TO_A_DEFAULT = {
    "AutomaticClosingSettingsChange.isEnabled",
    "MaskingSettingsChange.isPhoneMasked",
    "MaskingSettingsChange.isEmailMasked",
    "UpdateAiAgentInput.isActive",
    "CustomFieldValue.checked",
    "CustomFieldValueInput.checked",
    "SnoozeConversationInput.wakeOnReply",
    "SnoozeConversationsInput.wakeOnReply",
    "SnoozeSettingsChange.wakeOnReply",
}
"""Answers to yes or no that may be omitted or null: there is a default, or another value."""


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    """Give the schema as it is built from the code."""
    return build_schema()._schema


def types_of(schema: GraphQLSchema) -> list[GraphQLNamedType]:
    """Return our own types."""
    return [
        kind
        for kind in schema.type_map.values()
        if not is_introspection_type(kind) and not is_specified_scalar_type(kind)
    ]


def fields_of(schema: GraphQLSchema) -> Iterator[tuple[str, str, GraphQLField]]:
    """Yield type name, field name and field of everything that can be selected."""
    for kind in types_of(schema):
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                yield kind.name, name, field


def descriptions(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Yield everything that can be described."""
    for kind in types_of(schema):
        yield kind.name, kind.description
        if isinstance(kind, GraphQLEnumType):
            for name, value in kind.values.items():
                yield f"{kind.name}.{name}", value.description
        if isinstance(kind, GraphQLInputObjectType):
            for name, given in kind.fields.items():
                yield f"{kind.name}.{name}", given.description
    for kind_name, name, field in fields_of(schema):
        yield f"{kind_name}.{name}", field.description
        for argument, given in field.args.items():
            yield f"{kind_name}.{name}({argument}:)", given.description


def test_the_committed_sdl_is_the_schemas() -> None:
    assert SDL.read_text().strip() == build_schema().as_str().strip(), "run `make sdl`"


def test_everything_has_a_description(schema: GraphQLSchema) -> None:
    found = list(descriptions(schema))
    assert len(found) > 300
    assert [place for place, text in found if not (text or "").strip()] == []


def test_a_mutation_takes_its_input_and_answers_its_payload(schema: GraphQLSchema) -> None:
    assert schema.mutation_type is not None
    for name, field in schema.mutation_type.fields.items():
        stem = name[0].upper() + name[1:]
        assert list(field.args) == ["input"], name
        assert str(field.args["input"].type) == f"{stem}Input!", name
        assert str(field.type) == f"{stem}Payload!", name
        payload = schema.type_map[f"{stem}Payload"]
        assert isinstance(payload, GraphQLObjectType)
        assert [kind.name for kind in payload.interfaces] == ["Payload"]
        assert str(payload.fields["userErrors"].type) == "[UserError!]!", name
        results = {key: str(f.type) for key, f in payload.fields.items() if key != "userErrors"}
        assert results, name
        if list(results) == ["results"]:  # of a bulk mutation: empty where its list was refused
            assert results.popitem()[1].endswith("Result!]!"), name
        # where it was refused, a result is null and a list is empty
        certain = {key for key, kind in results.items() if kind.endswith("!")}
        assert certain <= {key for key, kind in results.items() if kind[0] == "["}, name


def test_inputs_and_payloads_belong_to_a_mutation(schema: GraphQLSchema) -> None:
    assert schema.mutation_type is not None
    expected = {
        f"{name[0].upper()}{name[1:]}{ending}"
        for name in schema.mutation_type.fields
        for ending in ("Input", "Payload")
    }
    found = {k.name for k in types_of(schema) if k.name.endswith(("Input", "Payload"))}
    parts = {
        get_named_type(field.type).name
        for kind in types_of(schema)
        if isinstance(kind, GraphQLInputObjectType)
        for field in kind.fields.values()
    }
    assert found - parts == expected | {"Payload"}


def test_a_creating_or_sending_mutation_takes_an_idempotency_key(schema: GraphQLSchema) -> None:
    assert schema.mutation_type is not None
    lacking = [
        name
        for name in schema.mutation_type.fields
        if name.startswith(("create", "connect", "send", "retry", "add", "schedule"))
        and "idempotencyKey" not in _input(schema, name).fields
    ]
    assert lacking == []


def test_an_expected_version_is_compared_with_a_version(schema: GraphQLSchema) -> None:
    assert schema.mutation_type is not None
    for name in schema.mutation_type.fields:
        if "expectedVersion" in _input(schema, name).fields:
            payload = get_named_type(schema.mutation_type.fields[name].type)
            assert isinstance(payload, GraphQLObjectType)
            results = [f for key, f in payload.fields.items() if key != "userErrors"]
            first = get_named_type(results[0].type)
            assert isinstance(first, GraphQLObjectType)
            assert str(first.fields["version"].type) == "Int!", name


def _input(schema: GraphQLSchema, mutation: str) -> GraphQLInputObjectType:
    kind = schema.type_map[f"{mutation[0].upper()}{mutation[1:]}Input"]
    assert isinstance(kind, GraphQLInputObjectType)
    return kind


def test_a_connection_has_relays_shape(schema: GraphQLSchema) -> None:
    connections = [kind for kind in types_of(schema) if kind.name.endswith("Connection")]
    assert len(connections) >= 4
    for kind in connections:
        assert isinstance(kind, GraphQLObjectType)
        item = kind.name.removesuffix("Connection")
        fields = {name: str(field.type) for name, field in kind.fields.items()}
        assert fields.pop("totalCount", "Int") == "Int"
        assert fields == {
            "edges": f"[{item}Edge!]!",
            "pageInfo": "PageInfo!",
            "nodes": f"[{item}!]!",
        }
        edge = schema.type_map[f"{item}Edge"]
        assert isinstance(edge, GraphQLObjectType)
        assert {name: str(field.type) for name, field in edge.fields.items()} == {
            "node": f"{item}!",
            "cursor": "String!",
        }
    page = schema.type_map["PageInfo"]
    assert isinstance(page, GraphQLObjectType)
    assert {name: str(field.type) for name, field in page.fields.items()} == {
        "hasNextPage": "Boolean!",
        "hasPreviousPage": "Boolean!",
        "startCursor": "String",
        "endCursor": "String",
    }


def test_a_field_with_a_connection_takes_the_list_arguments(schema: GraphQLSchema) -> None:
    for kind, name, field in fields_of(schema):
        place = f"{kind}.{name}"
        if get_named_type(field.type).name.endswith("Connection") and place not in AROUND:
            wanted = {"first", "after"} if place in FORWARD_ONLY else LIST_ARGUMENTS
            assert wanted <= set(field.args), place
            assert str(field.args["first"].type) == "Int", place
            assert str(field.type).endswith("Connection!"), place


def test_lists_hold_no_null(schema: GraphQLSchema) -> None:
    loose = [
        f"{kind}.{name}"
        for kind, name, field in fields_of(schema)
        if "[" in str(field.type) and not str(field.type).endswith("!]!")
    ]
    assert loose == ["Query.nodes"]


def test_every_node_is_found_by_its_id(schema: GraphQLSchema) -> None:
    node = schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    kinds = {kind.name for kind in schema.get_possible_types(node)}
    assert kinds == set(FINDERS) | set(INBOXES)
    for kind, name, field in fields_of(schema):
        if name == "id":
            assert str(field.type) == "ID!", kind


def test_moments_and_answers_to_yes_or_no_are_named_as_such(schema: GraphQLSchema) -> None:
    named = [(kind, name, field.type) for kind, name, field in fields_of(schema)]
    for kind in types_of(schema):
        if isinstance(kind, GraphQLInputObjectType):
            named += [(kind.name, name, field.type) for name, field in kind.fields.items()]
    for kind_name, name, kind_of_field in named:
        place, basis = f"{kind_name}.{name}", get_named_type(kind_of_field).name
        assert (basis == "DateTime") is (MOMENT.fullmatch(name) is not None), place
        if basis == "Boolean":
            assert YES_OR_NO.fullmatch(name) or name in PLAIN_YES_OR_NO, place
            is_sure = str(kind_of_field).endswith("!") or kind_name.endswith("Payload")
            assert is_sure is (place not in LEFT_TO_A_DEFAULT), place
        if name.startswith("viewerCan"):
            assert str(kind_of_field) == "Boolean!", place


def test_no_shape_is_hidden_in_a_scalar(schema: GraphQLSchema) -> None:
    scalars = {kind.name for kind in types_of(schema) if isinstance(kind, GraphQLScalarType)}
    assert scalars == SCALARS


def test_enums_are_shouted_and_types_are_nouns(schema: GraphQLSchema) -> None:
    for kind in types_of(schema):
        assert re.fullmatch(r"[A-Z][A-Za-z]*", kind.name)
        if isinstance(kind, GraphQLEnumType):
            assert all(re.fullmatch(r"[A-Z][A-Z_]*", name) for name in kind.values), kind.name
    for kind_name, name, field in fields_of(schema):
        assert re.fullmatch(r"[a-z][A-Za-z]*", name), f"{kind_name}.{name}"
        assert all(re.fullmatch(r"[a-z][A-Za-z]*", argument) for argument in field.args)


def test_a_durable_event_has_its_place_and_its_subscription_goes_on_from_one(
    schema: GraphQLSchema,
) -> None:
    assert schema.subscription_type is not None
    event = schema.type_map["WorkspaceEvent"]
    assert isinstance(event, GraphQLInterfaceType)
    durable = {"WorkspaceEvent"} | {kind.name for kind in schema.get_possible_types(event)}
    for name, field in schema.subscription_type.fields.items():
        kind = field.type.of_type if isinstance(field.type, GraphQLNonNull) else None
        assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType), name
        place = "workspaceId" if "workspaceId" in field.args else "inboxId"
        assert str(field.args[place].type) == "ID!", name
        assert ("after" in field.args) is (kind.name in durable), name
        assert ("expiresAt" in kind.fields) is (kind.name not in durable), name


def test_each_field_of_the_root_has_one_topic(schema: GraphQLSchema) -> None:
    for kind in ROOT_TYPES:
        declared = [
            field.name
            for topic in TOPICS
            if hasattr(topic, kind)
            for field in getattr(topic, kind).__strawberry_definition__.fields
        ]
        assert len(declared) == len(set(declared))
        root = schema.type_map[kind]
        assert isinstance(root, GraphQLObjectType)
        assert len(declared) == len(root.fields)


def test_unions_and_lists_are_of_our_objects(schema: GraphQLSchema) -> None:
    for kind in types_of(schema):
        if isinstance(kind, GraphQLUnionType):
            assert all("id" in member.fields for member in kind.types), kind.name
