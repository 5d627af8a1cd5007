"""Signs of typing over real sockets: seen by others, never by oneself, gone by themselves."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from models.clock import now
from models.member import Visibility
from resolvers.assignment import assign_conversation, unassign_conversation
from resolvers.message import send_message
from resolvers.typing_indicator import start_typing, stop_typing
from schema.ids import encode_id
from tests import streaming
from tests.streaming import TYPING, Client, Server, hears_typing
from tests.world import World, snapshot

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

QUIET_SECONDS = 0.3


@pytest.fixture(autouse=True)
def soon_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a sign of typing expire while a test can wait for it."""
    monkeypatch.setattr("realtime.presence.TYPING_TTL_SECONDS", QUIET_SECONDS)


async def _next_of(client: Client, name: str, *, is_typing: bool) -> dict[str, Any]:
    """Return the next sign that says so."""
    while True:
        sign: dict[str, Any] = await client.hear(name)
        if sign["isTyping"] is is_typing:
            return sign


async def test_typing_is_seen_by_another_agent_and_ends_by_itself(
    server: Server, world: World
) -> None:
    agent = await world.add("Ada")
    conversation = (await world.hear()).conversation_id
    before = await snapshot()
    async with server.client(world.owner) as client:
        name = await client.subscribe(TYPING, workspaceId=world.id)
        await hears_typing(client, await agent.viewer(), conversation, name)
        await _next_of(client, name, is_typing=False)  # of the first signs, after a silence

        started = now()
        await start_typing(await agent.viewer(), conversation, surface="COMMENT")
        sign = await client.hear(name)
        assert sign["isTyping"] is True
        expires_at = datetime.fromisoformat(sign.pop("expiresAt"))
        assert started < expires_at <= now() + timedelta(seconds=QUIET_SECONDS)
        ended = await client.hear(name)
        assert datetime.fromisoformat(ended.pop("expiresAt")) == expires_at <= now()
        assert (sign.pop("isTyping"), ended.pop("isTyping")) == (True, False)
        assert (
            sign
            == ended
            == {
                "conversation": {"id": encode_id("Conversation", conversation)},
                "actor": {"name": "Ada"},
                "surface": "COMMENT",
            }
        )
    assert await snapshot() == before


async def test_stopping_and_sending_end_the_typing_at_once(server: Server, world: World) -> None:
    agent = await world.add()
    viewer = await agent.viewer()
    conversation = (await world.hear()).conversation_id
    async with server.client(world.owner) as client:
        name = await client.subscribe(TYPING, workspaceId=world.id)
        await hears_typing(client, viewer, conversation, name)
        for end in ("stop", "send"):
            await start_typing(viewer, conversation, surface="MESSAGE")
            expires_at = (await _next_of(client, name, is_typing=True))["expiresAt"]
            if end == "stop":
                await stop_typing(viewer, conversation, surface="MESSAGE")
            else:
                await send_message(viewer, conversation, text="done")
            ended = await _next_of(client, name, is_typing=False)
            assert datetime.fromisoformat(ended["expiresAt"]) < datetime.fromisoformat(expires_at)


async def test_nobody_sees_their_own_typing_on_any_socket(server: Server, world: World) -> None:
    agent = await world.add("Ada")
    own, other = await agent.viewer(), await world.owner.viewer()
    conversation = (await world.hear()).conversation_id
    async with server.client(agent) as phone, server.client(agent) as desk:
        for client in (phone, desk):
            await client.subscribe(TYPING, workspaceId=world.id)
            await hears_typing(client, other, conversation, "1")
        async with server.client(world.owner) as witness:
            await witness.subscribe(TYPING, workspaceId=world.id)
            await hears_typing(witness, own, conversation, "1")
        await start_typing(other, conversation, surface="COMMENT")
        for client in (phone, desk):
            names = [(await client.hear())["actor"]["name"]]
            while names.count("Olga") < 2:
                names.append((await client.hear())["actor"]["name"])
            assert set(names) == {"Olga"}


async def test_only_one_conversation_where_asked(server: Server, world: World) -> None:
    agent = await world.add()
    viewer = await agent.viewer()
    wanted, other = [
        (await world.hear(sender=sender)).conversation_id for sender in ("anna", "ben")
    ]
    wanted_id = encode_id("Conversation", wanted)
    async with server.client(world.owner) as client:
        name = await client.subscribe(TYPING, workspaceId=world.id, conversationId=wanted_id)
        await hears_typing(client, viewer, wanted, name)
        await start_typing(viewer, other, surface="MESSAGE")
        await start_typing(viewer, wanted, surface="MESSAGE")
        sign = await client.hear(name)
        while sign["surface"] != "MESSAGE":
            assert sign["conversation"] == {"id": wanted_id}
            sign = await client.hear(name)
        assert sign["conversation"] == {"id": wanted_id}


async def test_typing_is_seen_only_where_the_conversation_is(server: Server, world: World) -> None:
    agent = await world.add("Own", visibility=Visibility.OWN)
    owner = await world.owner.viewer()
    seen, hidden = [(await world.hear(sender=sender)).conversation_id for sender in ("anna", "ben")]
    for conversation in (seen, hidden):
        await assign_conversation(owner, conversation, assignee_id=agent.member.id)
    async with server.client(agent) as client:
        name = await client.subscribe(TYPING, workspaceId=world.id)
        await hears_typing(client, owner, hidden, name)
        await _next_of(client, name, is_typing=False)
        await start_typing(owner, hidden, surface="MESSAGE")
        await _next_of(client, name, is_typing=True)
        await unassign_conversation(owner, hidden)  # and its end is nothing for them any more
        await asyncio.wait_for(_until_silent(world, hidden, server), streaming.DEADLINE)
        await start_typing(owner, seen, surface="MESSAGE")
        sign = await client.hear(name)
        assert sign["conversation"] == {"id": encode_id("Conversation", seen)}


async def _until_silent(world: World, conversation: int, server: Server) -> None:
    """Return once the sign of typing in a conversation has ended, as somebody else sees it."""
    witness = await world.add("Witness")
    viewer = await world.owner.viewer()
    async with server.client(witness) as client:
        name = await client.subscribe(TYPING, workspaceId=world.id)
        await hears_typing(client, viewer, conversation, name)
        await _next_of(client, name, is_typing=False)
