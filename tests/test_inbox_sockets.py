"""Live inboxes over real sockets: ready frames for all who see the same, and nothing missed."""

import asyncio
from typing import Any

from models.conversation import Conversation
from tests import streaming
from tests.streaming import Server
from tests.test_inbox import inbox_id
from tests.world import World

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
    async with asyncio.timeout(DEADLINE_SECONDS):
        async with (
            server.client(people[0]) as one,
            server.client(people[1]) as two,
            server.client(people[2]) as three,
        ):
            for client, document in ((one, CHANGED), (two, CHANGED), (three, PERSONAL)):
                await client.subscribe(document, id=key)
            heard: list[Any] = []
            for number in range(3):
                await world.hear(f"Text {number}", sender=f"c{number}")
                heard += [await client.hear() for client in (one, two, three)]
            texts = [event["conversation"]["lastMessage"]["text"] for event in heard]
            assert texts == [f"Text {number}" for number in range(3) for _ in range(3)]
            opened = [event["counts"]["open"] for event in heard]
            assert opened == [1, 1, 1, 2, 2, 2, 3, 3, 3]
            assert [heard[place]["counts"] for place in (2, 5, 8)] == [
                {"open": count, "unreplied": count, "unread": count} for count in (1, 2, 3)
            ]
    assert await Conversation.all().count() == 3
