"""Sending a failed message again: as a new message that names it, once at a time."""

import asyncio
from typing import Any

from models.message import Message, MessageStatus
from schema.ids import encode_id
from tests.test_message import send
from tests.world import Api, World, make_world, snapshot

RETRY = """
mutation Retry($input: RetryMessageInput!) {
  retryMessage(input: $input) {
    message { id text status source retryOfId channel { id } }
    userErrors { code message field }
  }
}
"""
WRONG_STATE = {
    "message": None,
    "userErrors": [
        {
            "code": "WRONG_STATE",
            "message": "Only a message that failed can be sent again, once at a time.",
            "field": ["messageId"],
        }
    ],
}


async def ended(api: Api, world: World, status: MessageStatus, text: str = "Hi") -> Message:
    """Send a message and let it end with a status."""
    heard = await world.hear()
    payload = await send(api, world.owner, heard.conversation_id, text)
    assert payload["userErrors"] == []
    row = await Message.get(text=text, direction="OUTGOING")
    row.status = status
    await row.save(update_fields=["status"])
    return row


async def retry(api: Api, who: Any, message_id: int, **more: Any) -> Any:
    """Retry a message and return the payload."""
    given = {"messageId": encode_id("Message", message_id), **more}
    return (await api.ask(who, RETRY, input=given))["retryMessage"]


async def test_a_failed_message_is_sent_again_as_a_new_one(api: Api, world: World) -> None:
    failed = await ended(api, world, MessageStatus.FAILED)

    payload = await retry(api, world.owner, failed.id)

    [row] = await Message.filter(retry_of_id=failed.id)
    assert payload == {
        "message": {
            "id": encode_id("Message", row.id),
            "text": "Hi",
            "status": "PENDING",
            "source": "USER",
            "retryOfId": encode_id("Message", failed.id),
            "channel": {"id": encode_id("Channel", world.channels[0].id)},
        },
        "userErrors": [],
    }
    assert (await Message.get(id=failed.id)).status is MessageStatus.FAILED


async def test_an_uncertain_message_may_be_sent_again_by_a_person(api: Api, world: World) -> None:
    uncertain = await ended(api, world, MessageStatus.UNCERTAIN)
    payload = await retry(api, world.owner, uncertain.id)
    assert payload["userErrors"] == []
    assert await Message.filter(retry_of_id=uncertain.id).count() == 1


async def test_a_message_that_did_not_fail_is_not_sent_again(api: Api, world: World) -> None:
    row = await ended(api, world, MessageStatus.PENDING)
    for status in MessageStatus:
        if status in (MessageStatus.FAILED, MessageStatus.UNCERTAIN):
            continue
        await Message.filter(id=row.id).update(status=status)
        before = await snapshot()
        assert await retry(api, world.owner, row.id) == WRONG_STATE, status
        assert await snapshot() == before


async def test_no_second_retry_while_one_lives(api: Api, world: World) -> None:
    failed = await ended(api, world, MessageStatus.FAILED)
    await retry(api, world.owner, failed.id)
    first = Message.filter(retry_of_id=failed.id)

    for status in ("PENDING", "UNCERTAIN", "SENT", "DELIVERED", "READ"):
        await first.update(status=status)
        before = await snapshot()
        assert await retry(api, world.owner, failed.id) == WRONG_STATE, status
        assert await snapshot() == before

    await first.update(status="FAILED")
    assert (await retry(api, world.owner, failed.id))["userErrors"] == []
    assert await Message.filter(retry_of_id=failed.id).count() == 2


async def test_two_retries_at_once_make_one(api: Api, world: World) -> None:
    failed = await ended(api, world, MessageStatus.FAILED)

    payloads = await asyncio.gather(*(retry(api, world.owner, failed.id) for _ in range(5)))

    assert sorted(payload["userErrors"] == [] for payload in payloads) == [False] * 4 + [True]
    assert [payload for payload in payloads if payload["userErrors"]] == [WRONG_STATE] * 4
    assert await Message.filter(retry_of_id=failed.id).count() == 1


async def test_a_retry_with_a_key_happens_once(api: Api, world: World) -> None:
    failed = await ended(api, world, MessageStatus.FAILED)
    first = await retry(api, world.owner, failed.id, idempotencyKey="k")
    before = await snapshot()

    assert await retry(api, world.owner, failed.id, idempotencyKey="k") == first
    assert await snapshot() == before

    other = await Message.get(retry_of_id=failed.id)
    await Message.filter(id=other.id).update(status="FAILED")
    before = await snapshot()
    payload = await retry(api, world.owner, other.id, idempotencyKey="k")
    assert payload["userErrors"][0]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert await snapshot() == before


async def test_a_message_of_others_cannot_be_sent_again(api: Api, world: World) -> None:
    failed = await ended(api, world, MessageStatus.FAILED)
    stranger = await make_world("Other")
    before = await snapshot()

    payloads = [
        await retry(api, stranger.owner, failed.id),
        await retry(api, world.owner, 10**9),
    ]

    nothing = {
        "code": "NOT_FOUND",
        "message": "Nothing was found under this id.",
        "field": ["messageId"],
    }
    assert payloads == [{"message": None, "userErrors": [nothing]}] * 2
    assert await snapshot() == before
