"""What a vendor reports about a message: in any order, repeated, early, or about nothing."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from models.clock import now
from models.conversation import Conversation
from models.engine import sql
from models.inbound_event import InboundEvent
from models.message import Message, MessageStatus
from realtime.events import MessageStatusChanged, UnrepliedCleared
from tests.test_delivery import A_WHILE, heard_by, jobs, sent_message
from tests.vendor import Vendor, vendor_server
from tests.world import Api, World, let_time_pass, run_jobs, snapshot, webhook

MOMENTS = {"sent": 1_700_000_000_000, "delivered": 1_700_000_001_000, "read": 1_700_000_002_000}


def receipt(status: str, message_id: str = "v1", error: str = "") -> dict[str, Any]:
    """Return the vendor's event about a message."""
    return {
        "type": "message_status",
        "mId": message_id,
        "timestamp": MOMENTS.get(status, 1_700_000_003_000),
        "status": {"value": status, "message": error},
    }


def moment_of(status: str) -> datetime:
    return datetime.fromtimestamp(MOMENTS[status] / 1000, UTC)


async def delivered_message(api: Api, world: World, vendor: Vendor) -> Message:
    """Send a message, let the vendor take it, and forget that it was sent."""
    heard = await heard_by(vendor, world)
    message = await sent_message(api, world, heard)
    await run_jobs()
    return await Message.get(id=message.id)


@pytest.mark.parametrize("order", list(permutations(("delivered", "read", "failed"))))
async def test_reports_in_any_order_end_in_the_best(
    api: Api, world: World, order: tuple[str, ...]
) -> None:
    async with vendor_server() as vendor:
        message = await delivered_message(api, world, vendor)
    told = len(await world.facts())

    for status in order:
        assert await webhook(world.channels[0], "carla", receipt(status, error="Late")) == 1
        await run_jobs()

    row = await Message.get(id=message.id)
    assert row.status is MessageStatus.READ
    assert (row.delivered_at, row.read_at) == (moment_of("delivered"), moment_of("read"))
    assert row.failed_at is not None
    rank = {"failed": 1, "delivered": 2, "read": 3}
    statuses = [max(order[: number + 1], key=rank.__getitem__).upper() for number in range(3)]
    assert (await world.facts())[told:] == [
        MessageStatusChanged(message.workspace_id, message.conversation_id, message.id, status)
        for status in statuses  # also of a report that only adds its moment to the history
    ]


async def test_a_report_that_is_repeated_has_no_effect(api: Api, world: World) -> None:
    async with vendor_server() as vendor:
        message = await delivered_message(api, world, vendor)
    await webhook(world.channels[0], "carla", receipt("delivered"))
    await run_jobs()
    before = await snapshot()

    assert await webhook(world.channels[0], "carla", receipt("delivered")) == 0
    assert await run_jobs() == 0

    assert await snapshot() == before
    assert (await Message.get(id=message.id)).status is MessageStatus.DELIVERED


async def test_a_failure_comes_with_the_vendors_words(api: Api, world: World) -> None:
    async with vendor_server() as vendor:
        message = await delivered_message(api, world, vendor)

    await webhook(world.channels[0], "carla", receipt("failed", error="Blocked by the contact"))
    await run_jobs()

    row = await Message.get(id=message.id)
    assert (row.status, row.failure_code, row.failure_text) == (
        MessageStatus.FAILED,
        "PROVIDER",
        "Blocked by the contact",
    )


async def test_a_report_ahead_of_the_vendors_answer_is_kept_and_applied(
    api: Api, world: World
) -> None:
    async with vendor_server() as vendor:
        heard = await heard_by(vendor, world)
        message = await sent_message(api, world, heard)
        await sql.affected(
            f"UPDATE job SET run_at = {sql.database_now(60)} WHERE kind = 'deliver_message'"
        )
        await webhook(world.channels[0], "carla", receipt("read"), receipt("delivered"))
        assert await run_jobs() == 2
        assert (await Message.get(id=message.id)).status is MessageStatus.PENDING
        assert await InboundEvent.filter(handled_at=None).count() == 2

        await let_time_pass(A_WHILE)
        await run_jobs()
        await let_time_pass(A_WHILE)
        await run_jobs()

    row = await Message.get(id=message.id)
    assert row.status is MessageStatus.READ
    assert (row.delivered_at, row.read_at) == (moment_of("delivered"), moment_of("read"))
    assert (await jobs(), await InboundEvent.filter(handled_at=None).count()) == ([], 0)
    conversation = await Conversation.get(id=message.conversation_id)
    assert conversation.unreplied_since is None


async def test_a_report_about_nothing_is_kept_for_a_day_and_then_explained(
    api: Api, world: World
) -> None:
    await world.connect()
    await webhook(world.channels[0], "carla", receipt("read", "nobody-knows"))
    for hours in (0, 1, 5, 17):
        await InboundEvent.all().update(received_at=now() - timedelta(hours=hours))
        await let_time_pass(A_WHILE)
        assert await run_jobs() == 1
        [event] = await InboundEvent.all()
        assert (event.handled_at, event.problem) == (None, None)

    await InboundEvent.all().update(received_at=now() - timedelta(hours=25))
    await let_time_pass(A_WHILE)
    assert await run_jobs() == 1

    [event] = await InboundEvent.all()
    assert event.handled_at is not None
    assert event.problem == f"no message nobody-knows on channel {world.channels[0].id}"
    assert await jobs() == []
    assert await Message.all().count() == 0


async def test_proof_settles_an_uncertain_message(api: Api, world: World) -> None:
    async with vendor_server() as vendor:
        message = await delivered_message(api, world, vendor)
    await Message.filter(id=message.id).update(status=MessageStatus.UNCERTAIN, sent_at=None)
    await Conversation.filter(id=message.conversation_id).update(unreplied_since=now())

    await webhook(world.channels[0], "carla", receipt("delivered"))
    await run_jobs()

    row = await Message.get(id=message.id)
    assert (row.status, row.sent_at) == (MessageStatus.DELIVERED, None)
    where = (message.workspace_id, message.conversation_id)
    assert (await world.facts())[-2:] == [
        MessageStatusChanged(*where, message.id, "DELIVERED"),
        UnrepliedCleared(*where),
    ]


async def test_a_report_about_what_the_contact_wrote_changes_nothing(
    api: Api, world: World
) -> None:
    heard = await world.hear(message_id="m1")
    before = await snapshot()
    await webhook(world.channels[0], "carla", receipt("read", "m1"))
    assert await run_jobs() == 1
    assert await snapshot() == before
    assert (await Message.get(id=heard.id)).status is MessageStatus.RECEIVED


async def test_a_report_on_another_channel_is_about_another_message(api: Api, world: World) -> None:
    async with vendor_server() as vendor:
        message = await delivered_message(api, world, vendor)
    other = await world.connect()
    await webhook(other, "carla", receipt("read"))
    assert await run_jobs() == 1
    assert (await Message.get(id=message.id)).status is MessageStatus.SENT
    assert [job["state"] for job in await jobs()] == ["READY"]
