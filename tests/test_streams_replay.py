"""Streams from a cursor: replay and then live, without a gap and without a duplicate."""

import asyncio
import random
from typing import Any

from realtime.events import ContactUpdated, Fact
from realtime.log import encode_cursor, read_head
from realtime.transaction import transaction
from resolvers.closing import close_conversation
from resolvers.conversation import open_conversation
from resolvers.message import send_message
from resolvers.read_mark import mark_conversation_read
from schema.ids import encode_id
from tests import streaming
from tests.streaming import (
    WORKSPACE_EVENTS,
    Server,
    cursor_of,
    last_seq,
    seq_of,
    visible_seqs,
)
from tests.world import World, run_jobs

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

WRITES = 40
FOLLOWERS = 6
LONG_LOG = 1_300
"""More than two pages of the log."""

SNAPSHOT = """
query($workspaceId: ID!, $id: ID!) {
  workspace: node(id: $workspaceId) { ... on Workspace { eventCursor } }
  inbox(id: $id) { conversations(first: 100) { nodes { ...State } } }
}
fragment State on Conversation {
  id status version unreadCount unrepliedSince lastMessage { id text status }
}"""

STATES = """
subscription($workspaceId: ID!, $after: String) {
  workspaceEvents(workspaceId: $workspaceId, after: $after) {
    eventId
    ... on MessageAdded { conversation { ...State } }
    ... on MessageChanged { conversation { ...State } }
    ... on ConversationChanged { now: conversation { ...State } }
  }
}
fragment State on Conversation {
  id status version unreadCount unrepliedSince lastMessage { id text status }
}"""


async def _write(world: World, conversations: list[int], amount: int) -> None:
    """Write, close and open at random, as the owner."""
    owner = await world.owner.viewer()
    for number in range(amount):
        conversation = random.choice(conversations)
        match random.randrange(5):
            case 0:
                await close_conversation(owner, conversation)
            case 1:
                await open_conversation(owner, conversation)
            case _:
                await send_message(owner, conversation, text=f"text {number}")


async def _collect(server: Server, world: World, after: int, done: asyncio.Event) -> list[int]:
    """Follow from a number of the log until all is written; return the numbers that came."""
    head = await read_head(world.workspace.id)
    variables = {"workspaceId": world.id, "after": encode_cursor(head.epoch, after)}
    async with server.client(world.owner) as client:
        await client.subscribe(WORKSPACE_EVENTS, **variables)
        await done.wait()
        heard = await client.until(await last_seq(world)) if after < await last_seq(world) else []
        assert client.left() == []
    return [seq_of(event) for event in heard]


async def test_what_comes_is_exactly_the_log_behind_the_cursor_while_writers_write(
    server: Server, world: World
) -> None:
    conversations = [
        (await world.hear("Hello", sender=sender)).conversation_id for sender in ("ada", "ben")
    ]
    await _write(world, conversations, WRITES)
    done = asyncio.Event()

    async def follow_later() -> tuple[int, list[int]]:
        after = random.randint(0, await last_seq(world))
        return after, await _collect(server, world, after, done)

    async with asyncio.TaskGroup() as group:
        writers = [group.create_task(_write(world, conversations, WRITES)) for _ in range(2)]
        followers = []
        for _ in range(FOLLOWERS):
            followers.append(group.create_task(follow_later()))
            await asyncio.wait(writers, timeout=random.uniform(0, 0.1))
        await asyncio.wait(writers)
        await send_message(await world.owner.viewer(), conversations[0], text="the last")
        done.set()
    for after, seqs in (task.result() for task in followers):
        assert seqs == await visible_seqs(world, after)


async def test_an_event_stream_over_http_replays_and_goes_on(server: Server, world: World) -> None:
    start = await cursor_of(world)
    first = (await world.hear("replayed")).conversation_id
    seqs: list[int] = []
    stream = server.events(world.owner, WORKSPACE_EVENTS, workspaceId=world.id, after=start)
    async for name, answer in stream:
        assert name == "next"
        event = answer["data"]["workspaceEvents"]
        seqs.append(seq_of(event))
        if event.get("message") == {"text": "replayed"}:
            await send_message(await world.owner.viewer(), first, text="live")
        if event.get("message") == {"text": "live"}:
            break
    await stream.aclose()  # type: ignore[attr-defined]  # an async generator has it
    assert seqs == [seq for seq in await visible_seqs(world) if seq > seqs[0] - 1]
    assert seqs[-1] == await last_seq(world)


async def test_a_long_log_is_replayed_page_by_page(server: Server, world: World) -> None:
    conversation = (await world.hear()).conversation
    start = await cursor_of(world)
    before = await last_seq(world)
    fact: Fact = ContactUpdated(world.workspace.id, conversation.contact_id, conversation.id)
    async with transaction() as announce:
        for _ in range(LONG_LOG):
            announce(fact)
    async with server.client(world.owner) as client:
        await client.subscribe(WORKSPACE_EVENTS, workspaceId=world.id, after=start)
        heard = await client.until(before + LONG_LOG)
        await send_message(await world.owner.viewer(), conversation.id, text="live")
        heard.append(await client.hear())
    assert [seq_of(event) for event in heard] == list(range(before + 1, before + LONG_LOG + 2))
    assert heard[-1]["message"] == {"text": "live"}


async def test_a_client_that_comes_back_with_its_cursor_misses_nothing(
    server: Server, world: World
) -> None:
    conversation = (await world.hear()).conversation_id
    cursor = await cursor_of(world)
    start = await last_seq(world)
    owner = await world.owner.viewer()
    seqs: list[int] = []
    for number in range(5):
        async with server.client(world.owner) as client:
            await client.subscribe(WORKSPACE_EVENTS, workspaceId=world.id, after=cursor)
            await send_message(owner, conversation, text=f"while {number}")
            for event in await client.until(await last_seq(world)):
                seqs.append(seq_of(event))
                cursor = event["cursor"]
        await send_message(owner, conversation, text=f"between {number}")
    async with server.client(world.owner) as client:
        await client.subscribe(WORKSPACE_EVENTS, workspaceId=world.id, after=cursor)
        seqs += [seq_of(event) for event in await client.until(await last_seq(world))]
    assert seqs == await visible_seqs(world, start)


async def _snapshot(server: Server, world: World, inbox: str) -> tuple[str, dict[str, Any]]:
    answer = await server.ask(world.owner, SNAPSHOT, workspaceId=world.id, id=inbox)
    nodes = answer["inbox"]["conversations"]["nodes"]
    return answer["workspace"]["eventCursor"], {node["id"]: node for node in nodes}


async def test_a_snapshot_and_the_stream_behind_it_give_every_later_snapshot(
    server: Server, world: World
) -> None:
    conversations = [
        (await world.hear("Hello", sender=sender)).conversation_id
        for sender in ("ada", "ben", "cleo")
    ]
    inbox = (
        await server.ask(
            world.owner,
            "query($id: ID!) { node(id: $id) { ... on Workspace { inboxes { id kind } } } }",
            id=world.id,
        )
    )["node"]["inboxes"][0]
    assert inbox["kind"] == "ALL"
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(_write(world, conversations, WRITES))
        cursor, known = await _snapshot(server, world, inbox["id"])
        started = await last_seq(world)
    await world.hear("one more", sender="dora")
    await mark_conversation_read(await world.owner.viewer(), conversations[0])
    await run_jobs()
    async with server.client(world.owner) as client:
        await client.subscribe(STATES, workspaceId=world.id, after=cursor)
        for event in await client.until(await last_seq(world)):
            state = event.get("conversation") or event.get("now")
            if state is not None:
                known[state["id"]] = state
    assert await last_seq(world) > started
    assert known == (await _snapshot(server, world, inbox["id"]))[1]
    assert set(known) >= {encode_id("Conversation", one) for one in conversations}
