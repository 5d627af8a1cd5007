"""Sending with an idempotency key: one effect, the first result, from everywhere (guarantee G3)."""

import asyncio

import pytest

from models.engine import sql
from models.member import Role
from models.message import Message
from resolvers.api_key import create_api_key
from schema.ids import encode_id
from tests.test_message import refused, send
from tests.world import Api, World, snapshot

RETRY = """
mutation Retry($input: RetryMessageInput!) {
  retryMessage(input: $input) { message { id } userErrors { code } }
}
"""
REUSED = refused(
    "IDEMPOTENCY_KEY_REUSED", "This idempotency key was used with another input.", "idempotencyKey"
)
EVERYTHING = ("conversation", "message", "event", "job", "idempotency_key")


async def test_the_same_key_returns_the_first_message(api: Api, world: World) -> None:
    heard = await world.hear()
    first = await send(api, world.owner, heard.conversation_id, idempotencyKey="k")
    before = await snapshot(*EVERYTHING)

    second = await send(api, world.owner, heard.conversation_id, idempotencyKey="k")

    assert second == first
    assert second["userErrors"] == []
    assert await snapshot(*EVERYTHING) == before


async def test_one_key_at_ten_hands_at_once_makes_one_message(api: Api, world: World) -> None:
    heard = await world.hear()
    before = await snapshot(*EVERYTHING)

    payloads = await asyncio.gather(
        *(send(api, world.owner, heard.conversation_id, idempotencyKey="k") for _ in range(10))
    )

    after = await snapshot(*EVERYTHING)
    [row] = await Message.filter(direction="OUTGOING")
    assert {payload["message"]["id"] for payload in payloads} == {encode_id("Message", row.id)}
    assert all(payload["userErrors"] == [] for payload in payloads)
    grown = {name: len(after[name]) - len(before[name]) for name in EVERYTHING}
    assert grown == {
        "conversation": 0, "message": 1, "event": 1, "job": 1, "idempotency_key": 1
    }  # fmt: skip


async def test_ten_keys_at_once_make_ten_messages_in_one_order(api: Api, world: World) -> None:
    heard = await world.hear()

    await asyncio.gather(
        *(
            send(api, world.owner, heard.conversation_id, f"m{n}", idempotencyKey=f"k{n}")
            for n in range(10)
        )
    )

    rows = await Message.filter(direction="OUTGOING").order_by("seq")
    assert [row.seq for row in rows] == list(range(3, 13))
    assert {row.text for row in rows} == {f"m{n}" for n in range(10)}
    jobs = await sql.rows("SELECT payload FROM job ORDER BY id")
    assert [job["payload"] for job in jobs] == [f'{{"message_id":{row.id}}}' for row in rows]


async def test_a_key_with_another_input_is_refused(api: Api, world: World) -> None:
    heard = await world.hear()
    channel_id = encode_id("Channel", world.channels[0].id)
    await send(api, world.owner, heard.conversation_id, idempotencyKey="k")
    other = await world.conversation("Bob", phone="+33612345678")
    before = await snapshot(*EVERYTHING)

    payloads = [
        await send(api, world.owner, heard.conversation_id, "Other", idempotencyKey="k"),
        await send(api, world.owner, other.id, idempotencyKey="k"),
        await send(
            api, world.owner, heard.conversation_id, channelId=channel_id, idempotencyKey="k"
        ),
    ]

    assert payloads == [REUSED] * 3
    assert await snapshot(*EVERYTHING) == before


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "a\x7fb", "\u200e"])
async def test_a_key_has_1_to_255_printable_characters(api: Api, world: World, key: str) -> None:
    heard = await world.hear()
    before = await snapshot(*EVERYTHING)

    payload = await send(api, world.owner, heard.conversation_id, idempotencyKey=key)

    assert payload == refused(
        "INVALID", "An idempotency key has 1 to 255 printable characters.", "idempotencyKey"
    )
    assert await snapshot(*EVERYTHING) == before


async def test_a_key_belongs_to_who_acts_and_to_what_is_done(api: Api, world: World) -> None:
    heard = await world.hear()
    ada = await world.add("Ada")
    owner = await world.owner.viewer()
    _, secret = await create_api_key(owner, world.workspace.id, name="Bot", role=Role.AGENT)

    payloads = [
        await send(api, who, heard.conversation_id, idempotencyKey="ü" * 255)
        for who in (world.owner, ada, secret)
    ]

    assert len({payload["message"]["id"] for payload in payloads}) == 3
    [row] = await Message.filter(author_id=ada.member.id)
    await Message.filter(id=row.id).update(status="FAILED")
    message_id = encode_id("Message", row.id)
    answer = await api.ask(ada, RETRY, input={"messageId": message_id, "idempotencyKey": "ü" * 255})
    assert answer["retryMessage"]["userErrors"] == []
    assert answer["retryMessage"]["message"]["id"] not in {p["message"]["id"] for p in payloads}
    keys = await sql.rows("SELECT actor, mutation FROM idempotency_key ORDER BY id")
    assert [key["mutation"] for key in keys] == ["sendMessage"] * 3 + ["retryMessage"]
    assert len({key["actor"] for key in keys[:3]}) == 3


async def test_a_refused_call_is_not_remembered(api: Api, world: World) -> None:
    conversation = await world.conversation(phone="+33612345678")
    refusal = await send(api, world.owner, conversation.id, idempotencyKey="k")
    assert refusal["userErrors"][0]["code"] == "NO_CHANNEL"
    assert await sql.rows("SELECT id FROM idempotency_key") == []
    await world.connect()

    payload = await send(api, world.owner, conversation.id, idempotencyKey="k")

    assert payload["userErrors"] == []
    assert await Message.all().count() == 1


async def test_without_a_key_every_call_sends(api: Api, world: World) -> None:
    heard = await world.hear()
    first = await send(api, world.owner, heard.conversation_id)
    second = await send(api, world.owner, heard.conversation_id)
    assert first["message"]["id"] != second["message"]["id"]
    assert await Message.filter(direction="OUTGOING").count() == 2
    assert await sql.rows("SELECT id FROM idempotency_key") == []
