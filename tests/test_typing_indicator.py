"""Typing indicators: who may say that they type, how long it holds, and that it leaves no trace."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.refusal import Refused
from realtime.broker import Broker, Signal, Wake
from realtime.presence import TYPING_TTL_SECONDS, Typing, read_typing, signal_with
from resolvers.typing_indicator import start_typing, stop_typing
from tests.acting import (
    MISSING,
    api_key,
    assigned_to,
    conversation_id,
    make_cast,
    nothing_changes,
)
from tests.world import Api, World

START = """
mutation ($input: StartTypingInput!) {
  startTyping(input: $input) { expiresAt conversation { id } userErrors { code message field } }
}
"""
STOP = """
mutation ($input: StopTypingInput!) {
  stopTyping(input: $input) { conversation { id } userErrors { code message field } }
}
"""


async def start(api: Api, who: Any, key: str, **values: Any) -> Any:
    """Say that somebody types; return the payload."""
    return (await api.ask(who, START, input={"conversationId": key, **values}))["startTyping"]


async def stop(api: Api, who: Any, key: str, **values: Any) -> Any:
    """Say that somebody has stopped; return the payload."""
    return (await api.ask(who, STOP, input={"conversationId": key, **values}))["stopTyping"]


async def heard(bus_url: str, count: int, act: Any) -> list[Typing]:
    """Return the signs of typing that go over a bus while something is done."""
    signs: list[Typing] = []
    enough = asyncio.Event()

    def hear(news: Wake | Signal) -> None:
        sign = read_typing(news) if isinstance(news, Signal) else None
        if sign is not None:
            signs.append(sign)
        if len(signs) >= count:
            enough.set()

    broker = Broker(bus_url, channel=f"typing-{secrets.token_hex(4)}")
    broker.listen(hear)
    await broker.start()
    signal_with(broker)
    try:
        await act()
        async with asyncio.timeout(10):
            await enough.wait()
    finally:
        signal_with(None)
        await broker.stop()
    return signs


async def test_starting_and_stopping_are_told_and_never_stored(
    api: Api, world: World, bus_url: str
) -> None:
    conversation = await world.conversation()
    key = conversation_id(conversation)
    payloads: list[Any] = []

    async def act() -> None:
        payloads.append(await start(api, world.owner, key))
        payloads.append(await start(api, world.owner, key, surface="COMMENT"))
        payloads.append(await stop(api, world.owner, key))

    before = datetime.now(UTC)
    async with nothing_changes():
        signs = await heard(bus_url, 3, act)

    actor = f"member:{world.owner.member.id}"
    assert [(sign.surface, sign.is_typing) for sign in signs] == [
        ("MESSAGE", True),
        ("COMMENT", True),
        ("MESSAGE", False),
    ]
    assert {(sign.workspace_id, sign.conversation_id, sign.actor) for sign in signs} == {
        (world.workspace.id, conversation.id, actor)
    }
    expires = datetime.fromisoformat(payloads[0]["expiresAt"])
    ttl = timedelta(seconds=TYPING_TTL_SECONDS)
    assert before + ttl <= expires == signs[0].expires_at <= datetime.now(UTC) + ttl
    assert before <= signs[2].expires_at <= datetime.now(UTC)
    assert [payload["userErrors"] for payload in payloads] == [[], [], []]
    assert [payload["conversation"] for payload in payloads] == [{"id": key}] * 3


async def test_who_may_type(api: Api, world: World) -> None:
    cast = await make_cast(world)
    conversation = await assigned_to(world, cast.assignee)
    key = conversation_id(conversation)
    refusal = {"code": "FORBIDDEN", "message": "Only members type.", "field": []}
    hidden = {
        "code": "NOT_FOUND",
        "message": "Nothing was found under this id.",
        "field": ["conversationId"],
    }
    async with nothing_changes():
        for kind, who in cast.seers.items():
            errors = [refusal] if kind == "program" else []
            for act in (start, stop):
                assert (await act(api, who, key))["userErrors"] == errors, kind
        missing = await start(api, world.owner, MISSING[0])
        assert missing == {"expiresAt": None, "conversation": None, "userErrors": [hidden]}
        for who in cast.blind.values():
            assert await start(api, who, key) == missing
            assert await stop(api, who, key) == {"conversation": None, "userErrors": [hidden]}
        for wrong in MISSING:
            assert await start(api, world.owner, wrong) == missing


async def test_refusals_tell_nobody(api: Api, world: World, bus_url: str) -> None:
    conversation = await world.conversation()
    key, program = conversation_id(conversation), await api_key(world)

    async def act() -> None:
        await start(api, program, key)
        await stop(api, program, key)
        await start(api, world.owner, MISSING[0])
        await start(api, world.owner, key)

    [sign] = await heard(bus_url, 1, act)
    assert sign.actor == f"member:{world.owner.member.id}"


async def test_nobody_types_without_a_token(api: Api, world: World) -> None:
    key = conversation_id(await world.conversation())
    answer = await api.run(None, START, input={"conversationId": key})
    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


async def test_without_a_bus_typing_is_only_unheard(world: World) -> None:
    conversation = await world.conversation()
    signal_with(None)
    viewer = await world.owner.viewer()
    before = datetime.now(UTC)
    _, expires_at = await start_typing(viewer, conversation.id, surface="MESSAGE")
    assert expires_at >= before + timedelta(seconds=TYPING_TTL_SECONDS)
    with pytest.raises(Refused):
        await stop_typing(viewer, conversation.id + 1, surface="MESSAGE")
