"""Comments in the timeline, in the stream and as nodes; whom they mention, and who sees them."""

from typing import Any

import pytest

from models.engine import sql
from models.member import Visibility
from realtime.comment_events import CommentAdded
from resolvers.assignment import assign_conversation
from resolvers.mention import MAX_MENTIONS
from resolvers.workspace import change_member
from schema.ids import encode_id
from tests.acting import MISSING, NOT_FOUND_SENTENCE, conversation_id, make_cast
from tests.test_comment import TABLES, act, add, refused
from tests.test_read_mark import CURSOR
from tests.world import Api, World, make_world, snapshot

TIMELINE = """query ($id: ID!, $last: Int) { conversation(id: $id) { timeline(last: $last) { nodes {
  ... on Message { text } ... on Activity { kind }
  ... on Comment { said: text deletedAt author { name } mentions { name } history { text } }
} } } }"""
EVENTS = """query ($id: ID!, $after: String!) { events(workspaceId: $id, after: $after) { nodes {
  __typename
  ... on CommentAdded { comment { text } conversation { id } }
  ... on CommentChanged { comment { text } conversation { id } }
  ... on CommentDeleted { comment { text } conversation { id } }
} } }"""
NODE = "query ($id: ID!) { node(id: $id) { __typename ... on Comment { text } } }"


async def test_the_timeline_has_them_in_order(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    ada = await world.add("Ada")
    first = await add(api, ada, message, "Who?", mentionedMemberIds=[world.owner.id, ada.id])
    await act(api, ada, "updateComment", commentId=first["id"], text="Who is it?")
    second = await add(api, ada, message, "Never mind")
    await act(api, ada, "deleteComment", commentId=second["id"])
    await world.hear("It is me")

    data = await api.ask(world.owner, TIMELINE, id=conversation_id(message), last=9)

    written = {"deletedAt": None, "author": {"name": "Ada"}}
    [*_, comment, tombstone, last] = data["conversation"]["timeline"]["nodes"]
    assert comment == written | {
        "said": "Who is it?",
        "mentions": [{"name": "Olga"}, {"name": "Ada"}],
        "history": [{"text": "Who?"}],
    }
    assert tombstone["deletedAt"] is not None
    empty: dict[str, Any] = {"said": None, "mentions": [], "history": []}
    assert tombstone == written | empty | {"deletedAt": tombstone["deletedAt"]}
    assert last == {"text": "It is me"}


async def test_many_cost_what_few_cost(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    for number in range(12):
        made = await add(
            api, world.owner, message, str(number), mentionedMemberIds=[world.owner.id]
        )
        await act(api, world.owner, "updateComment", commentId=made["id"], text=f"n{number}")
    totals = set()
    for size in (2, 6, 12):
        with sql.count_statements() as counter:
            data = await api.ask(world.owner, TIMELINE, id=conversation_id(message), last=size)
        assert len(data["conversation"]["timeline"]["nodes"]) == size
        totals.add(counter.total)
    assert len(totals) == 1, totals
    assert totals.pop() <= 10


async def test_who_sees_the_conversation_is_told(api: Api, world: World) -> None:
    cast = await make_cast(world)
    message = await world.hear("Hello")
    await assign_conversation(
        await world.owner.viewer(), message.conversation_id, assignee_id=cast.assignee.member.id
    )
    cursor = (await api.ask(world.owner, CURSOR, id=world.id))["workspace"]["eventCursor"]
    made = await add(api, world.owner, message)
    await act(api, world.owner, "updateComment", commentId=made["id"], text="Here")
    other = await add(api, world.owner, message)
    await act(api, world.owner, "deleteComment", commentId=other["id"])
    about = {"conversation": {"id": conversation_id(message)}}
    expected = [
        {"__typename": kind, "comment": {"text": text}} | about
        for kind, text in (
            ("CommentAdded", "Here"),
            ("CommentChanged", "Here"),
            ("CommentAdded", None),
            ("CommentDeleted", None),
        )
    ]
    for kind, who in cast.seers.items():
        data = await api.ask(who, EVENTS, id=world.id, after=cursor)
        assert data["events"]["nodes"] == expected, kind
    key = {"__typename": "Comment", "text": "Here"}
    assert [(await api.ask(who, NODE, id=made["id"]))["node"] for who in cast.seers.values()] == [
        key
    ] * len(cast.seers)
    for kind, who in cast.blind.items():
        if not kind.endswith("another workspace"):
            data = await api.ask(who, EVENTS, id=world.id, after=cursor)
            assert data["events"]["nodes"] == [], kind
        assert (await api.run(who, NODE, id=made["id"]))["data"] == {"node": None}


async def test_a_mention_shows_the_conversation_to_nobody(api: Api, world: World) -> None:
    cast = await make_cast(world)
    message = await world.hear("Hello")
    await assign_conversation(
        await world.owner.viewer(), message.conversation_id, assignee_id=cast.assignee.member.id
    )
    people = {kind: who for kind, who in cast.blind.items() if not kind.startswith("owner")}
    named = [cast.assignee, *people.values()]
    values = {
        "conversationId": conversation_id(message),
        "text": "All of you",
        "mentionedMemberIds": [person.id for person in named],
        "idempotencyKey": "k",
    }
    for _ in range(2):
        payload = await act(api, world.owner, "addComment", **values)
        assert payload["comment"]["mentions"] == [{"name": one.user.name} for one in named]
        assert payload["mentionedWithoutAccess"] == [
            {"name": one.user.name} for one in people.values()
        ]
    for who in people.values():
        assert (await api.run(who, NODE, id=payload["comment"]["id"]))["data"] == {"node": None}
    assert [fact for fact in await world.facts() if isinstance(fact, CommentAdded)] != []


async def test_mentions_are_replaced_and_cleared(api: Api, world: World) -> None:
    ada, bob = await world.add("Ada"), await world.add("Bob", visibility=Visibility.OWN)
    conversation = await world.conversation()
    made = await add(api, world.owner, conversation, mentionedMemberIds=[ada.id, bob.id, ada.id])
    assert made["mentions"] == [{"name": "Ada"}, {"name": "Bob"}]
    for version, (ids, names, blind) in enumerate(
        (([bob.id, ada.id], ["Bob", "Ada"], ["Bob"]), ([ada.id], ["Ada"], []), (None, [], [])),
        start=2,
    ):
        payload = await act(
            api, world.owner, "updateComment", commentId=made["id"], mentionedMemberIds=ids
        )
        assert [one["name"] for one in payload["comment"]["mentions"]] == names
        assert [one["name"] for one in payload["mentionedWithoutAccess"]] == blind
        assert payload["comment"]["version"] == version
        assert (payload["comment"]["editedAt"], payload["comment"]["history"]) == (None, [])


@pytest.mark.parametrize("name", ["addComment", "updateComment"])
async def test_only_active_members_of_the_workspace(api: Api, world: World, name: str) -> None:
    conversation = await world.conversation()
    made = await add(api, world.owner, conversation)
    gone = await world.add("Gone")
    await change_member(gone.member.id, is_active=False)
    foreign = (await make_world("Other")).owner
    target = {"commentId": made["id"]} | (
        {} if name == "updateComment" else {"conversationId": conversation_id(conversation)}
    )
    if name == "addComment":
        target.pop("commentId")
    before = await snapshot(*TABLES)
    not_found = refused("NOT_FOUND", NOT_FOUND_SENTENCE, "mentionedMemberIds")
    inactive = refused("INVALID", "Only active members can be mentioned.", "mentionedMemberIds")
    most = f"A comment mentions at most {MAX_MENTIONS} members."
    for ids, errors in (
        *(([world.owner.id, key], not_found) for key in (foreign.id, *MISSING)),
        ([encode_id("Member", 999_999)], not_found),
        ([gone.id], inactive),
        ([world.owner.id] * (MAX_MENTIONS + 1), refused("INVALID", most, "mentionedMemberIds")),
    ):
        payload = await act(api, world.owner, name, text="New", mentionedMemberIds=ids, **target)
        assert payload["userErrors"] == errors
    assert await snapshot(*TABLES) == before


async def test_who_left_since_stays_mentioned(api: Api, world: World) -> None:
    ada = await world.add("Ada")
    made = await add(api, world.owner, await world.conversation(), mentionedMemberIds=[ada.id])
    await change_member(ada.member.id, is_active=False)
    payload = await act(
        api,
        world.owner,
        "updateComment",
        commentId=made["id"],
        text="Ask her successor",
        mentionedMemberIds=[ada.id],
    )
    assert payload["comment"]["mentions"] == payload["mentionedWithoutAccess"] == [{"name": "Ada"}]
