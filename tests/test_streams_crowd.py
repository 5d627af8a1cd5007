"""Many clients, and slow ones: one read for all, nobody missed, nobody delayed."""

import asyncio
import re
import socket
from contextlib import AsyncExitStack

import httpx2
import pytest

from models.engine.counting import count_statements
from resolvers.message import send_message
from tests import streaming
from tests.streaming import (
    MESSAGES,
    WORKSPACE_EVENTS,
    Ended,
    Server,
    cursor_of,
    last_seq,
    repeating,
    seq_of,
    served,
    visible_seqs,
)
from tests.world import World, make_world

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

CROWD = 100
LISTENERS = 50
LONG_TEXT = "x" * 7_000
ALIASES = " ".join(f"{letter}: text" for letter in "abcdefghijklm")
BIG_EVENTS = f"""
subscription($workspaceId: ID!, $after: String) {{
  workspaceEvents(workspaceId: $workspaceId, after: $after) {{
    eventId cursor ... on MessageAdded {{ message {{ text {ALIASES} }} }}
  }}
}}"""
"""A message of 7,000 characters becomes 98 kB: a few dozen fill every buffer on the way."""
BIG_AMOUNT = 80


async def test_all_who_subscribe_at_the_same_instant_hear_the_next_message(
    server: Server, world: World
) -> None:
    owner = await world.owner.viewer()
    conversation = (await world.hear()).conversation_id
    async with AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(server.client(world.owner)) for _ in range(CROWD)]
        await asyncio.gather(
            *(client.subscribe(MESSAGES, workspaceId=world.id) for client in crowd)
        )
        async with repeating(lambda: send_message(owner, conversation, text="one of many")):
            firsts = await asyncio.gather(*(client.hear() for client in crowd))
        await send_message(owner, conversation, text="the last")
        end = await last_seq(world)
        heard = await asyncio.gather(
            *(client.until(end, "1", first) for client, first in zip(crowd, firsts, strict=True))
        )
    for events in heard:
        assert [seq_of(event) for event in events] == await visible_seqs(
            world, seq_of(events[0]) - 1
        )
        assert events[-1]["message"] == {"text": "the last"}


async def test_an_event_is_read_once_however_many_listen(server: Server, world: World) -> None:
    owner = await world.owner.viewer()
    agent = await world.add()
    conversation = (await world.hear()).conversation_id
    cursor = await cursor_of(world)
    async with server.client(world.owner) as first, server.client(agent) as second:
        names = [
            (client, await client.subscribe(document, workspaceId=world.id, after=cursor))
            for document in (MESSAGES, WORKSPACE_EVENTS)
            for client in (first, second)
            for _ in range(LISTENERS // 4 + 1)
        ]
        await send_message(owner, conversation, text="all are live")
        for client, name in names:
            await client.hear(name)
        with count_statements(everywhere=True) as counter:
            message = await send_message(owner, conversation, text="counted")
            for client, name in names:
                assert (await client.hear(name))["message"] == {"text": message.text}
    assert len(names) >= LISTENERS
    reads = [statement for statement in counter.statements if statement.startswith("SELECT")]
    log = [one for one in reads if " FROM event " in one]
    messages = [one for one in reads if re.search(r"FROM message t\b", one)]
    rights = [one for one in reads if "FROM session" in one]
    assert len(messages) == 1, reads
    assert 1 <= len(log) <= 3, reads  # and the polls that come meanwhile
    assert rights == []
    assert len(reads) <= 12  # with those of the sending itself


def _narrow(server: Server) -> socket.socket:
    """Return a connection that takes little before somebody reads from it."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", int(server.url.rpartition(":")[2])))
    return connection


async def _open_sockets(server: Server) -> int:
    async with httpx2.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"{server.url}/metrics")).text
    [line] = [line for line in text.splitlines() if line.startswith("parley_open_sockets")]
    return int(float(line.split()[1]))


@pytest.mark.parametrize("stalled", [False, True])
async def test_a_slow_client_is_closed_delays_nobody_and_loses_nothing(
    database_url: str, stack_bus_url: str, monkeypatch: pytest.MonkeyPatch, stalled: bool
) -> None:
    if stalled:
        monkeypatch.setattr("schema.frames.SEND_SECONDS", 0.5)
        monkeypatch.setattr("schema.frames.CLOSE_SECONDS", 0.2)
    async with served(database_url, stack_bus_url, stream_queue_events=8) as server:
        world = await make_world()
        owner = await world.owner.viewer()
        conversation = (await world.hear()).conversation_id
        start, cursor = await last_seq(world), await cursor_of(world)
        narrow = {"sock": _narrow(server), "max_queue": 1, "compression": None}
        seqs: list[int] = []
        async with (
            server.client(world.owner, **narrow) as slow,
            server.client(world.owner) as lively,
        ):
            await slow.subscribe(BIG_EVENTS, workspaceId=world.id, after=cursor)
            await lively.subscribe(WORKSPACE_EVENTS, workspaceId=world.id, after=cursor)
            for _ in range(BIG_AMOUNT):
                await send_message(owner, conversation, text=LONG_TEXT)
                assert seq_of(await lively.hear(seconds=5)) == await last_seq(world)
            if stalled:
                async with asyncio.timeout(streaming.DEADLINE):
                    while await _open_sockets(server) == 2:
                        pass
                slow.socket.transport.abort()
            else:
                with pytest.raises(Ended) as ended:
                    while True:
                        event = await slow.hear()
                        seqs.append(seq_of(event))
                        cursor = event["cursor"]
                assert ended.value.codes == ["SLOW_CONSUMER"]
                assert await slow.closing() == (4413, "SLOW_CONSUMER")
        assert len(seqs) < BIG_AMOUNT
        async with server.client(world.owner) as again:
            await again.subscribe(WORKSPACE_EVENTS, workspaceId=world.id, after=cursor)
            seqs += [seq_of(event) for event in await again.until(await last_seq(world))]
        assert seqs == await visible_seqs(world, start)
