"""The timeline: messages, comments and activities in one order, paged, at a constant cost."""

from typing import Any

import pytest

from models.conversation import Conversation
from models.engine import sql
from models.message import Message
from tests.acting import conversation_id, succeed
from tests.test_snooze import snooze
from tests.world import Api, World, run_jobs, webhook

PAGE = """
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  edges { cursor node { ...item } }
"""
ITEM = """
fragment item on Node {
  ... on Message { seq text direction author { __typename ... on Member { name } } }
  ... on Activity { seq kind source actor { name } assignee { ... on Member { name } } }
}
"""
TIMELINE = (
    "query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String)"
    " { conversation(id: $id) { timeline(first: $first, after: $after, last: $last,"
    f" before: $before) {{ {PAGE} }} }} }} {ITEM}"
)
MESSAGES = TIMELINE.replace("timeline(", "messages(")


async def hear_many(world: World, count: int) -> Message:
    """Let a contact write many messages at once; return the last."""
    await world.connect()
    await webhook(
        world.channels[0],
        "carla",
        *(
            {
                "type": "message",
                "mId": f"m{number}",
                "message": {"type": "text", "text": str(number)},
            }
            for number in range(count)
        ),
    )
    await run_jobs()
    return await Message.get(external_id=f"m{count - 1}").select_related("conversation")


async def page_of(api: Api, world: World, row: object, text: str, **arguments: Any) -> Any:
    """Return a page of a conversation's timeline or messages."""
    data = await api.ask(world.owner, text, id=conversation_id(row), **arguments)
    return next(iter(data["conversation"].values()))


def seqs(page: Any) -> list[int]:
    """Return the places of a page's items."""
    return [edge["node"]["seq"] for edge in page["edges"]]


async def test_messages_and_activities_in_one_order(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    ada = await world.add("Ada")
    await succeed(api, world.owner, "assignConversation", message, assigneeId=ada.id)
    await succeed(api, ada, "unassignConversation", message)
    await snooze(api, world, message, hours=1)
    await world.hear("Still there?")

    page = await page_of(api, world, message, TIMELINE)

    def activity(seq: int, kind: str, source: str, actor: str | None, to: str | None) -> Any:
        who, whom = ({"name": name} if name else None for name in (actor, to))
        return {"seq": seq, "kind": kind, "source": source, "actor": who, "assignee": whom}

    def incoming(seq: int, text: str) -> Any:
        author = {"__typename": "Contact"}
        return {"seq": seq, "text": text, "direction": "INCOMING", "author": author}

    assert [edge["node"] for edge in page["edges"]] == [
        activity(1, "OPENED", "CONTACT", None, None),
        incoming(2, "Hello"),
        activity(3, "ASSIGNED", "USER", "Olga", "Ada"),
        activity(4, "UNASSIGNED", "USER", "Ada", None),
        activity(5, "SNOOZED", "USER", "Olga", None),
        activity(6, "OPENED", "CONTACT", None, None),
        incoming(7, "Still there?"),
    ]


@pytest.mark.parametrize(("text", "first"), [(TIMELINE, 1), (MESSAGES, 2)])
async def test_pages_forward_and_backward(api: Api, world: World, text: str, first: int) -> None:
    last = await hear_many(world, 10)
    everything = list(range(first, 12))
    forward: list[int] = []
    cursor = None
    while True:
        page = await page_of(api, world, last, text, first=3, after=cursor)
        forward += seqs(page)
        info = page["pageInfo"]
        assert info["hasPreviousPage"] is (cursor is not None)
        assert info["startCursor"] == page["edges"][0]["cursor"]
        cursor = info["endCursor"]
        if not info["hasNextPage"]:
            break
    assert forward == everything

    backward: list[int] = []
    cursor = None
    while True:
        page = await page_of(api, world, last, text, last=4, before=cursor)
        backward = seqs(page) + backward
        assert page["pageInfo"]["hasNextPage"] is (cursor is not None)
        cursor = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert backward == everything


async def test_between_two_cursors(api: Api, world: World) -> None:
    last = await hear_many(world, 10)
    edges = (await page_of(api, world, last, TIMELINE))["edges"]
    after, before = edges[2]["cursor"], edges[6]["cursor"]

    assert seqs(await page_of(api, world, last, TIMELINE, after=after, before=before)) == [4, 5, 6]
    newest = await page_of(api, world, last, TIMELINE, after=after, before=before, last=2)
    assert seqs(newest) == [5, 6]


async def test_a_cursor_stays_true_while_items_arrive(api: Api, world: World) -> None:
    last = await hear_many(world, 3)
    end = (await page_of(api, world, last, TIMELINE, last=1))["pageInfo"]["endCursor"]
    empty = await page_of(api, world, last, TIMELINE, after=end)
    assert (seqs(empty), empty["pageInfo"]["endCursor"]) == ([], None)

    await world.hear("Later", sender="carla")

    assert seqs(await page_of(api, world, last, TIMELINE, after=end)) == [5]


@pytest.mark.parametrize("field", ["timeline", "messages", "episodes"])
@pytest.mark.parametrize("size", [-1, 0, 101, 2**31 - 1])
async def test_a_page_size_out_of_range_is_refused(
    api: Api, world: World, field: str, size: int
) -> None:
    conversation = await world.conversation()
    inner = "id" if field == "episodes" else "nodes { __typename }"
    text = (
        f"query ($id: ID!) {{ conversation(id: $id) {{ {field}(first: {size}) {{ {inner} }} }} }}"
    )
    answer = await api.run(world.owner, text, id=conversation_id(conversation))
    [error] = answer["errors"]
    assert (error["message"], error["extensions"]) == (
        "A page holds 1 to 100 items.",
        {"code": "BAD_USER_INPUT"},
    )
    assert answer["data"] == {"conversation": None}


@pytest.mark.parametrize("cursor", ["", "x", "W10", "WzFd!", "WyIxIl0", "WzEsMl0", "W3RydWVd"])
async def test_a_foreign_cursor_is_refused(api: Api, world: World, cursor: str) -> None:
    conversation = await world.conversation()
    variables = {"id": conversation_id(conversation), "after": cursor}
    answer = await api.run(world.owner, TIMELINE, **variables)
    [error] = answer["errors"]
    assert (error["message"], error["extensions"]) == (
        "This cursor is not one of this list.",
        {"code": "BAD_USER_INPUT"},
    )


@pytest.mark.parametrize(("text", "statements"), [(TIMELINE, 5), (MESSAGES, 3)])
async def test_a_page_costs_the_same_whatever_its_size(
    api: Api, world: World, text: str, statements: int
) -> None:
    last = await hear_many(world, 40)
    await succeed(api, world.owner, "assignConversation", last, assigneeId=world.owner.id)
    row = await Conversation.get(id=last.conversation_id)
    assert row.last_seq == 42
    for size in (2, 25, 42):
        with sql.count_statements() as counter:
            page = await page_of(api, world, last, text, last=size)
        assert len(page["edges"]) == min(size, 42 if text is TIMELINE else 40)
        assert counter.total == statements, counter.statements
