"""Ids of another workspace: the same answer, to the byte, as ids that never existed."""

import asyncio
from contextlib import aclosing
from typing import Any

import orjson
import strawberry
from graphql import GraphQLField, GraphQLInputObjectType, get_named_type

from resolvers.node import FINDERS
from resolvers.page import MAX_PAGE
from schema.context import ContextMaker
from schema.ids import encode_id, split_id
from schema.root import build_schema
from tests.access_matrix import ROWS
from tests.access_row import Row
from tests.access_stage import Stage, make_stage
from tests.world import Api, snapshot

DEADLINE_SECONDS = 20
NO_IDS = ("", "x", "é", "Q29udmVyc2F0aW9uOg", encode_id("Nothing", 1), "9" * 400)
"""Texts that are no ids of ours."""
IN_PLACE_OF = {"teamId": "assigneeId", "attachmentIds": "text"}
"""Ids that are given in place of those that a row gives: both at once are refused."""
NOTHING = (b'{"data":{"nodes":[null]}}', b'{"data":{"auditLog":{"nodes":[]}}}')
"""Answers of lists that an id narrows to nothing."""
ENDLESS = ("Subscription.",)
"""Fields that answer nothing where they refuse nothing: only their workspace is asked."""


def id_arguments() -> set[tuple[str, str]]:
    """Return (field, argument) for every id that the API takes, inputs included."""
    schema = build_schema()._schema
    found = set()
    for root in (schema.query_type, schema.mutation_type, schema.subscription_type):
        assert root is not None
        for name, field in root.fields.items():
            found |= {(f"{root.name}.{name}", argument) for argument in _ids_of(field)}
    return found


def _ids_of(field: GraphQLField) -> set[str]:
    given: dict[str, Any] = dict(field.args)
    for argument in field.args.values():
        kind = get_named_type(argument.type)
        if isinstance(kind, GraphQLInputObjectType):
            given |= kind.fields
    return {name for name, value in given.items() if get_named_type(value.type).name == "ID"}


def values_of(row: Row, stage: Stage, argument: str, value: str) -> dict[str, Any]:
    """Return the values of a row with one id replaced."""
    values = row.values(stage.ids)
    place = values if argument in values else _input_of(values)
    if argument not in place:
        place.pop(IN_PLACE_OF[argument], None)
        place[argument] = value
    place[argument] = [value] if isinstance(place[argument], list) else value
    return values


def _input_of(values: dict[str, Any]) -> dict[str, Any]:
    """Return what stands in the input object of a row."""
    return next((value for value in values.values() if isinstance(value, dict)), {})


def kind_of(row: Row, stage: Stage, argument: str) -> str:
    """Return the type of the object that an id names in a row."""
    values = row.values(stage.ids)
    own = values.get(argument) or _input_of(values).get(argument) or stage.ids[argument]
    return split_id(own[0] if isinstance(own, list) else own)[0]


def strange_ids(kind: str, foreign: Stage) -> list[str]:
    """Return an id of another workspace, then ids that never were."""
    there = {split_id(value)[0]: value for value in foreign.ids.values()}
    never = "999999.ALL" if kind == "StandardInbox" else 999_999
    return [there[kind], encode_id(kind, never), encode_id(kind, "9" * 30), *NO_IDS]


def test_every_id_is_asked_for() -> None:
    asked = {(name, argument) for name, argument in id_arguments() if name in ROWS}
    assert asked == id_arguments()
    assert len(asked) > 30


async def test_an_id_of_another_workspace_is_one_that_never_was(api: Api) -> None:
    stage, foreign = await make_stage(), await make_stage()
    before = await snapshot()
    for name, argument in sorted(id_arguments()):
        row = ROWS[name]
        if name.startswith(ENDLESS):
            continue
        answers = []
        for value in strange_ids(kind_of(row, stage, argument), foreign):
            values = values_of(row, stage, argument, value)
            answer = await api.run(stage.world.owner, row.document, **values)
            answers.append(orjson.dumps(answer))
        assert len(set(answers)) == 1, (name, argument, set(answers))
        assert b"NOT_FOUND" in answers[0] or answers[0] in NOTHING, name
    assert await snapshot() == before


async def test_no_node_of_another_workspace_is_found(api: Api) -> None:
    stage, foreign = await make_stage(), await make_stage()
    most = (MAX_PAGE - 1) // len(FINDERS)
    keys = [encode_id(kind, number) for kind in FINDERS for number in range(1, most + 1)]
    keys.append(strawberry.ID(foreign.ids["inboxId"]))
    document = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    mine = await api.ask(stage.world.owner, document, ids=keys)
    theirs = await api.ask(foreign.world.owner, document, ids=keys)
    seen = [{node["id"] for node in nodes["nodes"] if node} for nodes in (mine, theirs)]
    assert min(map(len, seen)) > 8
    assert seen[0] & seen[1] == set()
    hidden = await api.run(None, document, ids=keys)
    assert hidden["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_a_stream_of_another_workspace_is_one_that_never_was(api: Api) -> None:
    stage, foreign = await make_stage(), await make_stage()
    for name in (name for name in ROWS if name.startswith(ENDLESS)):
        answers = set()
        own = ROWS[name].values(stage.ids)
        argument = next(argument for argument in ("workspaceId", "id") if argument in own)
        for value in strange_ids(split_id(own[argument])[0], foreign):
            values = own | {argument: value}
            context = await ContextMaker(api.hub)(stage.world.owner.token, "")
            async with asyncio.timeout(DEADLINE_SECONDS):
                result: Any = await api.schema.subscribe(
                    ROWS[name].document, variable_values=values, context_value=context
                )
                if not hasattr(result, "errors"):
                    async with aclosing(result) as results:
                        result = await anext(results)
            answers.add(orjson.dumps([error.formatted for error in result.errors]))
        assert len(answers) == 1, (name, answers)
        assert b"NOT_FOUND" in answers.pop()
