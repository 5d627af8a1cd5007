"""Marking as unread: a message and all later ones, for one member, on all of their devices."""

import asyncio
from typing import Any

from models.conversation import Conversation
from models.message import Message
from models.read_mark import ReadMark
from realtime.events import ConversationMarkedUnread, ConversationRead
from resolvers.message import send_message
from schema.ids import encode_id
from tests.acting import (
    act,
    check_rights,
    conversation_id,
    make_cast,
    nothing_changes,
    refused,
    succeed,
)
from tests.test_read_mark import CURSOR, EVENTS, MARK, message_id, unread
from tests.world import Api, World, snapshot

UNMARK = "markConversationUnread"


async def hear(world: World, *texts: str) -> list[Message]:
    """Let a contact write several messages."""
    return [await world.hear(text) for text in texts]


async def test_from_a_message_on_for_this_member_only(api: Api, world: World) -> None:
    ada, bob = await world.add("Ada"), await world.add("Bob")
    messages = await hear(world, "one", "two", "three", "four")
    for who in (ada, bob):
        await succeed(api, who, MARK, messages[0])

    again = await succeed(api, ada, UNMARK, messages[0], fromMessageId=message_id(messages[1]))

    assert again["unreadCount"] == 3
    assert [await unread(api, who, messages[0]) for who in (ada, bob)] == [3, 0]
    own = (world.workspace.id, messages[0].conversation_id, ada.member.id)
    assert (await world.facts())[-1] == ConversationMarkedUnread(*own)
    whole = await succeed(api, ada, UNMARK, messages[0], fromMessageId=message_id(messages[0]))
    assert whole["unreadCount"] == 4
    assert (await succeed(api, ada, MARK, messages[0]))["unreadCount"] == 0
    assert (await world.facts())[-1] == ConversationRead(*own)


async def test_without_a_message_the_newest_incoming_one(api: Api, world: World) -> None:
    messages = await hear(world, "one", "two")
    await succeed(api, world.owner, MARK, messages[0])
    await send_message(await world.owner.viewer(), messages[0].conversation_id, text="Yes?")
    assert (await succeed(api, world.owner, UNMARK, messages[0]))["unreadCount"] == 1
    async with nothing_changes():
        assert (await succeed(api, world.owner, UNMARK, messages[0]))["unreadCount"] == 1


async def test_it_changes_nothing_else(api: Api, world: World) -> None:
    [message] = await hear(world, "one")
    await succeed(api, world.owner, MARK, message)
    tables = ("conversation", "message", "activity", "episode", "contact", "job")
    before = await snapshot(*tables)
    await succeed(api, world.owner, UNMARK, message)
    assert await snapshot(*tables) == before


async def test_what_is_unread_already_stays_as_it_is(api: Api, world: World) -> None:
    first, second, third = await hear(world, "one", "two", "three")
    async with nothing_changes():
        assert (await succeed(api, world.owner, UNMARK, first))["unreadCount"] == 3
    await succeed(api, world.owner, MARK, first, upToMessageId=message_id(first))
    async with nothing_changes():
        for message in (second, third):
            values = {"fromMessageId": message_id(message)}
            assert (await succeed(api, world.owner, UNMARK, first, **values))["unreadCount"] == 2
    silent = await world.conversation()
    async with nothing_changes():
        assert (await succeed(api, world.owner, UNMARK, silent))["unreadCount"] == 0


async def test_only_messages_of_the_contact_can_be_unread(api: Api, world: World) -> None:
    first, second = await hear(world, "one", "two")
    own = await send_message(await world.owner.viewer(), first.conversation_id, text="Yes?")
    await Message.filter(id=second.id).update(is_quarantined=True)
    await succeed(api, world.owner, MARK, first)
    async with nothing_changes():
        for message in (own.id, second.id):
            key = encode_id("Message", message)
            payload = await act(api, world.owner, UNMARK, first, fromMessageId=key)
            assert payload == refused(
                "INVALID", "Only messages of the contact can be unread.", "fromMessageId"
            )


async def test_a_message_of_elsewhere_is_not_found(api: Api, world: World) -> None:
    message, other = await world.hear("Hello"), await world.hear("Hi", sender="dora")
    await succeed(api, world.owner, MARK, message)
    async with nothing_changes():
        for key in (message_id(other), encode_id("Message", 999), encode_id("Contact", 1), "?"):
            payload = await act(api, world.owner, UNMARK, message, fromMessageId=key)
            assert payload == refused(
                "NOT_FOUND", "Nothing was found under this id.", "fromMessageId"
            )


async def test_who_may_mark_as_unread(api: Api, world: World) -> None:
    await check_rights(api, world, UNMARK, members_only="Only members have read marks.")


async def test_only_ones_own_devices_are_told(api: Api, world: World) -> None:
    cast = await make_cast(world)
    message = await world.hear("Hello")
    await succeed(api, world.owner, MARK, message)
    cursor = (await api.ask(world.owner, CURSOR, id=world.id))["workspace"]["eventCursor"]

    await succeed(api, world.owner, UNMARK, message)

    async def told(who: Any) -> Any:
        data = await api.ask(who, EVENTS, id=world.id, after=cursor)
        return data["events"]["nodes"]

    event = {
        "__typename": "ConversationChanged",
        "change": "UNREAD",
        "conversationId": conversation_id(message),
    }
    assert await told(world.owner) == [event]
    others = [who for kind, who in cast.seers.items() if kind != "owner"]
    assert [await told(who) for who in others] == [[]] * len(others)


async def test_the_list_and_its_count_follow(api: Api, world: World) -> None:
    text = "query ($id: ID!) { workspace(id: $id) { inboxes { kind unreadCount } } }"

    async def counted() -> dict[str, int]:
        inboxes = (await api.ask(world.owner, text, id=world.id))["workspace"]["inboxes"]
        return {inbox["kind"]: inbox["unreadCount"] for inbox in inboxes}

    [message] = await hear(world, "one")
    await succeed(api, world.owner, MARK, message)
    assert (await counted())["ALL"] == 0
    await succeed(api, world.owner, UNMARK, message)
    assert (await counted())["ALL"] == 1


async def test_reading_and_taking_back_at_once_end_as_was_told_last(api: Api, world: World) -> None:
    message = (await hear(world, "one", "two"))[0]
    deeds = (MARK, UNMARK) * 4
    await asyncio.gather(*(succeed(api, world.owner, name, message) for name in deeds))
    both = (ConversationRead, ConversationMarkedUnread)
    kinds = [type(fact) for fact in await world.facts() if isinstance(fact, both)]
    assert kinds == [both[place % 2] for place in range(len(kinds))]  # only changes are told
    left = 1 if kinds[-1] is ConversationMarkedUnread else 0
    assert await unread(api, world.owner, message) == left


async def test_what_comes_while_somebody_reads_is_never_lost(api: Api, world: World) -> None:
    message = await world.hear("one")
    for number in range(3):
        await asyncio.gather(
            succeed(api, world.owner, MARK, message),
            world.hear(f"more {number}"),
            succeed(api, world.owner, UNMARK, message),
        )
        conversation = await Conversation.get(id=message.conversation_id)
        mark = await ReadMark.get_or_none(conversation_id=conversation.id)
        read = mark.incoming_read if mark else 0
        assert 0 <= read <= conversation.incoming_count == number + 2
        assert await unread(api, world.owner, message) == conversation.incoming_count - read
        assert (await succeed(api, world.owner, MARK, message))["unreadCount"] == 0
