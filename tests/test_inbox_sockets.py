"""Live inboxes over real sockets: ready frames for all who see the same, and nothing missed."""

import asyncio

from tests import streaming
from tests.streaming import Server, cursor_of
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
