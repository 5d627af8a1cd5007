"""Whole operations with every piece of syntax, for everybody, as graphql-core answers them."""

import orjson
import pytest

from tests.twins import Stage, Twins, counted_executions, make_stage
from tests.world import Api, World

SYNTAX = {
    "interface fragments": """query ($ids: [ID!]!) { nodes(ids: $ids) { __typename ...N
        ... on Contact { name phone { value masked display } }
        ... on Conversation { timeline(last: 3) { nodes { __typename ...I } } } } }
      fragment N on Node { id ... on Member { role } ... on Team { name } }
      fragment I on TimelineItem { ... on Message { text author { __typename ... on Node { id } } }
        ... on Activity { kind actor { name } } }""",
    "merged keys": """query ($inbox: ID!) { inbox(id: $inbox) { conversations(first: 2) { nodes {
          contact { id } ...C lastMessage { text } } } conversations(first: 2) { nodes {
          lastMessage { status } contact { name } } pageInfo { endCursor } } } }
      fragment C on Conversation { contact { ...P viewerCanEdit } assignee { ...P } }
      fragment P on Node { id }""",
    "missing variable": "query ($id: ID!, $n: Int) { conversation(id: $id) "
    "{ messages(first: $n) { edges { cursor node { seq } } } episodes { id } } }",
    "default of a variable": "query ($id: ID!, $n: Int = 1) { conversation(id: $id) "
    "{ timeline(last: $n) { nodes { ... on Message { text } } } episodes(first: $n) { id } } }",
    "coerced variables": "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
    "conditions": "query ($id: ID!, $yes: Boolean = true, $no: Boolean = false) { conversation(id: "
    "$id) { status @include(if: $yes) version @include(if: $no) ...F @skip(if: $no) ... "
    "@include(if: $no) { team { id } } ... @skip(if: $no) @include(if: $yes) { contact { id } } } }"
    "fragment F on Conversation { unreadCount @skip(if: $yes) assignee { __typename } }",
    "named operation": "query A { viewer { id } } query Main ($id: ID!) { message(id: $id) { id } }"
    " query B { workspaces { id } }",
    "introspection with data": "{ workspaces { id } __schema { queryType { name } } "
    '__type(name: "Node") { possibleTypes { name } } __typename }',
    "introspection inside": "{ viewer { __typename workspaces { __typename inboxes "
    "{ __typename } } } }",
    "bad argument": "query ($id: ID!) { conversation(id: $id) { messages(first: 0) { nodes { id } }"
    " contact { id } } }",
    "bad argument of rows": "query ($inbox: ID!) { inbox(id: $inbox) { conversations { nodes "
    '{ messages(after: "x") { nodes { id } } } } } }',
    "hidden and visible": 'query ($id: ID!) { a: message(id: $id) { id } b: node(id: "x") { id } }',
    "nothing included": "query ($id: ID!) { message(id: $id) @skip(if: true) { id } }",
    "secrets of events": "query ($w: ID!, $c: String!) { events(workspaceId: $w, after: $c) "
    "{ edges { cursor node { eventId ... on ConversationChanged { change conversation { id } } "
    "... on MemberChanged { member { name } } } } pageInfo { hasNextPage endCursor } } }",
}


def given(stage: Stage, document: str) -> dict[str, object]:
    """Return the variables that a document asks for, on real rows."""
    kind = "Message" if "message(id" in document else "Conversation"
    some = [ids[0] for ids in stage.ids.values()] + stage.ids["Conversation"]
    values: dict[str, object] = {
        "id": stage.ids[kind][1],
        "inbox": stage.ids["StandardInbox"][0],
        "ids": some if "..." in document else some[0],  # one is a list of one
        "w": stage.world.id,
        "c": stage.ids["cursor of the log"][0],
    }
    return {name: value for name, value in values.items() if f"${name}:" in document}


async def test_every_piece_of_syntax_for_everybody(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await make_stage(api, world)
    twins = Twins(api.hub)
    for title, document in SYNTAX.items():
        name = "Main" if title == "named operation" else None
        for viewer, who in stage.viewers.items():
            with counted_executions(monkeypatch) as counts:
                answer = await twins.compare(who, document, given(stage, document), name)
            fails = bool(answer["errors"]) or title == "introspection with data"
            assert (counts.asked, counts.left) == (1, fails), (title, viewer)
            if viewer == "owner":
                wrong = title.startswith("bad argument") or title == "hidden and visible"
                assert bool(answer["errors"]) is wrong, (title, answer)


WRONG_VARIABLES: tuple[dict[str, object], ...] = (
    {},
    {"id": None},
    {"id": 7.5},
    {"id": "x", "n": "many"},
    {"id": "x", "n": 2**31},
)


@pytest.mark.parametrize("variables", WRONG_VARIABLES, ids=str)
async def test_variables_that_do_not_fit_are_no_execution(
    api: Api, world: World, variables: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    with counted_executions(monkeypatch) as counts:
        document = SYNTAX["missing variable"]
        answer = await Twins(api.hub).compare(world.owner, document, variables)
    assert answer["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}
    assert counts.asked == 0


async def test_the_keys_of_an_answer_are_in_the_order_of_the_document(
    api: Api, world: World
) -> None:
    document = "{ z: viewer { name ...F id a: name } b: __typename viewer { workspaces { id } } } "
    document += "fragment F on User { email name language }"
    answer = await Twins(api.hub).compare(world.owner, document)
    keys = [list(answer["data"]), list(answer["data"]["z"]), list(answer["data"]["viewer"])]
    assert keys == [["z", "b", "viewer"], ["name", "email", "language", "id", "a"], ["workspaces"]]
    assert orjson.dumps(answer["data"]).startswith(b'{"z":{"name":"Olga","email":"')
