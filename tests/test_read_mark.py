"""Read marks: what is left unread for each member; they never move back by reading."""

import asyncio
from typing import Any

from models.message import Message
from realtime.events import ConversationRead
from schema.ids import encode_id
from tests.acting import (
    act,
    api_key,
    check_rights,
    conversation_id,
    make_cast,
    nothing_changes,
    refused,
    succeed,
)
from tests.world import Api, Person, World, snapshot

MARK = "markConversationRead"
EVENTS = """
query ($id: ID!, $after: String!) {
  events(workspaceId: $id, after: $after) {
    nodes { __typename ... on ConversationChanged { change conversationId } }
  }
}
"""
CURSOR = "query ($id: ID!) { workspace(id: $id) { eventCursor } }"


def message_id(message: Message) -> str:
    """Return the global id of a message."""
    return encode_id("Message", message.id)


async def unread(api: Api, who: Person | str, message: Message) -> int:
    """Return how many messages of its conversation somebody has not read."""
    text = "query ($id: ID!) { conversation(id: $id) { unreadCount } }"
    data = await api.ask(who, text, id=conversation_id(message))
    count: int = data["conversation"]["unreadCount"]
    return count


async def test_each_member_has_their_own_count(api: Api, world: World) -> None:
    ada, bob = await world.add("Ada"), await world.add("Bob")
    for text in ("one", "two", "three"):
        last = await world.hear(text)
    assert [await unread(api, who, last) for who in (ada, bob, await api_key(world))] == [3, 3, 0]

    read = await succeed(api, ada, MARK, last)

    assert read["unreadCount"] == 0
    assert [await unread(api, who, last) for who in (ada, bob)] == [0, 3]
    await world.hear("four")
    assert [await unread(api, who, last) for who in (ada, bob)] == [1, 4]
    expected = ConversationRead(world.workspace.id, last.conversation_id, ada.member.id)
    assert [fact for fact in await world.facts() if isinstance(fact, ConversationRead)] == [
        expected
    ]


async def test_reading_changes_nothing_else(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    tables = ("conversation", "message", "activity", "episode", "contact", "job")
    before = await snapshot(*tables)
    await succeed(api, world.owner, MARK, message)
    assert await snapshot(*tables) == before


async def test_up_to_a_message_and_never_back(api: Api, world: World) -> None:
    first, second, third = [await world.hear(text) for text in ("one", "two", "three")]

    half = await succeed(api, world.owner, MARK, first, upToMessageId=message_id(second))
    assert half["unreadCount"] == 1

    async with nothing_changes():
        back = await succeed(api, world.owner, MARK, first, upToMessageId=message_id(first))
        same = await succeed(api, world.owner, MARK, first, upToMessageId=message_id(second))
    assert (back["unreadCount"], same["unreadCount"]) == (1, 1)

    whole = await succeed(api, world.owner, MARK, first, upToMessageId=message_id(third))
    assert whole["unreadCount"] == 0
    async with nothing_changes():
        await succeed(api, world.owner, MARK, first)


async def test_reading_at_once_ends_at_the_farthest(api: Api, world: World) -> None:
    messages = [await world.hear(str(number)) for number in range(4)]
    await asyncio.gather(
        *(
            act(api, world.owner, MARK, message, upToMessageId=message_id(message))
            for message in (messages[2], messages[0], messages[3], messages[1])
        )
    )
    assert await unread(api, world.owner, messages[0]) == 0


async def test_nothing_to_read_announces_nothing(api: Api, world: World) -> None:
    conversation = await world.conversation()
    async with nothing_changes():
        same = await succeed(api, world.owner, MARK, conversation)
    assert same["unreadCount"] == 0


async def test_a_message_of_elsewhere_is_not_found(api: Api, world: World) -> None:
    message, other = await world.hear("Hello"), await world.hear("Hi", sender="dora")
    async with nothing_changes():
        for key in (message_id(other), encode_id("Message", 999), encode_id("Contact", 1), "?"):
            payload = await act(api, world.owner, MARK, message, upToMessageId=key)
            assert payload == refused(
                "NOT_FOUND", "Nothing was found under this id.", "upToMessageId"
            )


async def test_who_may_mark_as_read(api: Api, world: World) -> None:
    await check_rights(api, world, MARK, members_only="Only members have read marks.")


async def test_only_ones_own_devices_are_told(api: Api, world: World) -> None:
    cast = await make_cast(world)
    message = await world.hear("Hello")
    cursor = (await api.ask(world.owner, CURSOR, id=world.id))["workspace"]["eventCursor"]

    await succeed(api, world.owner, MARK, message)

    async def told(who: Any) -> Any:
        data = await api.ask(who, EVENTS, id=world.id, after=cursor)
        return data["events"]["nodes"]

    read = {
        "__typename": "ConversationChanged",
        "change": "READ",
        "conversationId": conversation_id(message),
    }
    assert await told(world.owner) == [read]
    others = [who for kind, who in cast.seers.items() if kind != "owner"]
    assert [await told(who) for who in others] == [[]] * len(others)
