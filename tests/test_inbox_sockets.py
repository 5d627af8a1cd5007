"""Live inboxes over real sockets: ready frames for all who see the same, and nothing missed."""

import asyncio

import pytest

from models.message import Message, MessageStatus
from realtime.transaction import transaction
from resolvers.assignment import assign_conversation, unassign_conversation
from resolvers.delivery import report_status
from resolvers.message import send_message
from tests import streaming
from tests.streaming import Ended, Server, cursor_of
from tests.test_inbox import inbox_id
from tests.world import World, make_world

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

CHANGED = """subscription ($id: ID!, $after: String) {
  inboxChanged(inboxId: $id, after: $after) {
    cursor change conversation { lastMessage { text } } counts { open unreplied }
  }
}"""
PERSONAL = CHANGED.replace("unreplied }", "unreplied unread }")
DEADLINE_SECONDS = 30


async def test_many_sockets_hear_the_same_frames(server: Server, world: World) -> None:
    people = [await world.add(f"P{number}") for number in range(3)]
    key = inbox_id(world, "ALL")
    await world.hear("Hello")
    async with asyncio.timeout(DEADLINE_SECONDS):
        async with (
            server.client(people[0]) as one,
            server.client(people[1]) as two,
            server.client(people[2]) as three,
        ):
            for client, document in ((one, CHANGED), (two, CHANGED), (three, PERSONAL)):
                await client.subscribe(document, id=key, after=await cursor_of(world))
            for number in range(3):
                await world.hear(f"Text {number}")
                heard = [await client.hear() for client in (one, two, three)]
                texts = [event["conversation"]["lastMessage"]["text"] for event in heard]
                assert texts == [f"Text {number}"] * 3
                same = {"open": 1, "unreplied": 1}
                assert [event["counts"] for event in heard] == [same, same, same | {"unread": 1}]
                assert {event["change"] for event in heard} == {"MOVED"}


EVENTS = """subscription ($id: ID!, $inboxId: ID!, $after: String) {
  workspaceEvents(workspaceId: $id, inboxId: $inboxId, after: $after) {
    __typename ... on MessageChanged { message { status } } ... on ConversationChanged { change }
  }
}"""


async def test_the_events_of_one_inbox(server: Server, world: World) -> None:
    ada = await world.add("Ada")
    message = await world.hear("Hello")
    await world.hear("Not theirs", sender="other")
    viewer, key = await ada.viewer(), message.conversation_id
    async with asyncio.timeout(DEADLINE_SECONDS), server.client(ada) as client:
        ids = {"id": world.id, "inboxId": inbox_id(world, "MINE")}
        await client.subscribe(EVENTS, **ids, after=await cursor_of(world))
        await world.hear("Nor this", sender="other")
        await assign_conversation(viewer, key, assignee_id=ada.member.id)
        heard = [await client.hear()]  # each before the next: a replay would tell where it is now
        sent = await send_message(viewer, key, text="Hi")
        heard.append(await client.hear())
        async with transaction() as announce:
            await report_status(
                await Message.get(id=sent.id), MessageStatus.FAILED, announce, failure=("X", "Y")
            )
        heard.append(await client.hear())
        await unassign_conversation(viewer, key)
        heard.append(await client.hear())
        await world.hear("Nor that")
        assert heard == [
            {"__typename": "ConversationChanged", "change": "ASSIGNED"},
            {"__typename": "MessageAdded"},
            {"__typename": "MessageChanged", "message": {"status": "FAILED"}},
            {"__typename": "ConversationChanged", "change": "UNASSIGNED"},
        ]
        other = await make_world("Other")
        await client.subscribe(EVENTS, **ids | {"id": other.id})
        with pytest.raises(Ended):
            await client.hear("2")
