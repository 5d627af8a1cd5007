"""Delivery to a real HTTP server: what each answer makes of a message, and who waits for whom."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from models.conversation import Conversation
from models.engine import sql
from models.episode import Episode
from models.message import Message, MessageStatus
from realtime.events import MessageAdded, MessageStatusChanged, UnrepliedCleared
from realtime.jobs import MAX_ATTEMPTS
from schema.ids import encode_id
from tests.test_message import send
from tests.vendor import Vendor, vendor_server
from tests.world import Api, World, let_time_pass, run_jobs, webhook

A_WHILE = 3600.0
"""Longer than any pause between two attempts."""


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    """Give a vendor's server."""
    async with vendor_server() as vendor:
        yield vendor


async def heard_by(vendor: Vendor, world: World, **options: Any) -> Message:
    """Connect the vendor and let a contact write."""
    await world.connect(vendor.url, **options)
    return await world.hear()


async def sent_message(api: Api, world: World, heard: Message, text: str = "Hi") -> Message:
    """Send a message, without delivering it yet."""
    payload = await send(api, world.owner, heard.conversation_id, text)
    assert payload["userErrors"] == []
    return await Message.filter(conversation_id=heard.conversation_id).order_by("-seq").get_or_none(
        text=text
    ) or pytest.fail("the message was not stored")


async def jobs() -> list[dict[str, Any]]:
    """Return the jobs that are left."""
    return await sql.rows("SELECT kind, state, attempts, last_error FROM job ORDER BY id")


async def test_a_message_that_the_vendor_takes_is_sent(
    api: Api, world: World, vendor: Vendor
) -> None:
    heard = await heard_by(vendor, world)
    message = await sent_message(api, world, heard, "Good day")
    [channel] = world.channels

    assert await run_jobs() == 1

    [request] = vendor.received
    assert (request.path, request.body) == (
        "/message",
        {
            "channelId": channel.handle,
            "contactId": "carla",
            "message": {"type": "text", "text": "Good day"},
        },
    )
    assert request.headers["authorization"] == f"Bearer {channel.token}"
    assert request.headers["idempotency-key"] == f"parley-{message.id}"
    row = await Message.get(id=message.id)
    assert (row.status, row.external_id) == (MessageStatus.SENT, "v1")
    assert row.sent_at is not None
    assert (row.attempt_started_at, row.failure_code) == (None, None)
    assert await jobs() == []
    where = (world.workspace.id, heard.conversation_id)
    assert (await world.facts())[-3:] == [
        MessageAdded(*where, message.id),
        MessageStatusChanged(*where, message.id, "SENT"),
        UnrepliedCleared(*where),
    ]


async def test_a_sent_reply_answers_the_contact(api: Api, world: World, vendor: Vendor) -> None:
    heard = await heard_by(vendor, world)
    first = await sent_message(api, world, heard)
    await run_jobs()

    conversation = await Conversation.get(id=heard.conversation_id)
    [episode] = await Episode.all()
    assert conversation.unreplied_since is None
    responded_at, sent_at = episode.first_response_at, (await Message.get(id=first.id)).sent_at
    assert responded_at is not None and sent_at is not None
    assert responded_at >= sent_at

    await sent_message(api, world, heard, "And more")
    await run_jobs()
    [episode] = await Episode.all()
    assert episode.first_response_at == responded_at


async def test_a_reply_answers_nothing_that_came_after_it(
    api: Api, world: World, vendor: Vendor
) -> None:
    heard = await heard_by(vendor, world)
    await sent_message(api, world, heard)
    said = {"type": "message", "mId": "newer", "message": {"type": "text", "text": "Still there?"}}
    await webhook(world.channels[0], "carla", said)
    # the contact's message is taken in before the reply leaves
    await sql.affected(
        f"UPDATE job SET run_at = {sql.database_now(60)} WHERE kind = 'deliver_message'"
    )
    assert await run_jobs() == 1
    waiting = (await Conversation.get(id=heard.conversation_id)).unreplied_since
    assert waiting is not None
    await let_time_pass(A_WHILE)

    assert await run_jobs() == 1

    assert (await Conversation.get(id=heard.conversation_id)).unreplied_since == waiting
    assert not any(isinstance(fact, UnrepliedCleared) for fact in await world.facts())
    await sent_message(api, world, heard, "Yes")
    await run_jobs()
    assert (await Conversation.get(id=heard.conversation_id)).unreplied_since is None


async def test_a_message_that_the_vendor_refuses_has_failed(
    api: Api, world: World, vendor: Vendor
) -> None:
    heard = await heard_by(vendor, world)
    vendor.will(422, '{"error":{"message":"No such number"}}')
    message = await sent_message(api, world, heard)

    assert await run_jobs() == 1

    answer = await api.ask(
        world.owner,
        "query($id: ID!) { message(id: $id) { status failure { code text } viewerCanRetry"
        " statusHistory { status } conversation { unrepliedSince } } }",
        id=encode_id("Message", message.id),
    )
    waiting = answer["message"]["conversation"]["unrepliedSince"]
    assert waiting is not None
    assert answer["message"] == {
        "status": "FAILED",
        "failure": {"code": "REJECTED", "text": "No such number"},
        "viewerCanRetry": True,
        "statusHistory": [{"status": "PENDING"}, {"status": "FAILED"}],
        "conversation": {"unrepliedSince": waiting},
    }
    assert await jobs() == []
    assert (await world.facts())[-1] == MessageStatusChanged(
        world.workspace.id, heard.conversation_id, message.id, "FAILED"
    )


async def test_a_vendor_who_is_busy_is_tried_again_and_the_next_message_waits(
    api: Api, world: World, vendor: Vendor
) -> None:
    heard = await heard_by(vendor, world)
    other = await world.hear(sender="bob")
    vendor.will(503)
    vendor.will(200, '{"mId":"bob"}')
    first = await sent_message(api, world, heard, "one")
    second = await sent_message(api, world, heard, "two")

    assert await run_jobs() == 1
    await sent_message(api, world, other, "to bob")
    assert await run_jobs() == 1
    assert vendor.texts == ["one", "to bob"]
    await let_time_pass(A_WHILE)
    await run_jobs()
    assert [(await Message.get(id=row.id)).status.value for row in (first, second)] == [
        "SENT",
        "SENT",
    ]

    assert vendor.texts == ["one", "to bob", "one", "two"]
    keys = [request.headers["idempotency-key"] for request in vendor.received]
    assert keys[0] == keys[2] == f"parley-{first.id}"
    assert await jobs() == []


async def test_a_vendor_says_when_to_come_back(api: Api, world: World, vendor: Vendor) -> None:
    heard = await heard_by(vendor, world)
    vendor.will(429, "", "Retry-After: 120")
    await sent_message(api, world, heard)
    await run_jobs()
    [left] = await sql.rows(
        f"SELECT run_at, {sql.database_now()} AS clock, attempts, state FROM job"
    )
    pause = sql.moment(left["run_at"]) - sql.moment(left["clock"])
    assert 110 < pause.total_seconds() <= 120
    assert (left["attempts"], left["state"]) == (1, "READY")


async def test_a_vendor_who_is_never_there_makes_the_message_fail(api: Api, world: World) -> None:
    heard = await world.hear()
    message = await sent_message(api, world, heard)

    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert (await Message.get(id=message.id)).status is MessageStatus.PENDING
        assert await run_jobs() == 1, attempt
        await let_time_pass(A_WHILE)

    row = await Message.get(id=message.id)
    assert (row.status, row.failure_code, row.failure_text) == (
        MessageStatus.FAILED,
        "UNREACHABLE",
        "127.0.0.1: ConnectError",
    )
    assert row.attempt_started_at is None
    assert await jobs() == []


async def test_a_message_of_another_status_is_not_delivered(
    api: Api, world: World, vendor: Vendor
) -> None:
    heard = await heard_by(vendor, world)
    message = await sent_message(api, world, heard)
    await Message.filter(id=message.id).update(status=MessageStatus.SENT)
    assert await run_jobs() == 1
    assert (vendor.received, await jobs()) == ([], [])
