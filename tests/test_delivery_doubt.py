"""Attempts whose outcome nobody knows: never repeated, unless the vendor drops repeats (G6)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.http import GuardedClient
from models.clock import now
from models.engine import sql
from models.message import Message, MessageSource, MessageStatus
from realtime.events import MessageStatusChanged
from realtime.jobs import MAX_ATTEMPTS, LeaseLost, claim
from resolvers import delivery
from resolvers.delivery import deliver_message
from tests.test_delivery import A_WHILE, heard_by, jobs, sent_message
from tests.vendor import Vendor, vendor_server
from tests.world import Api, World, let_time_pass, run_jobs, webhook


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    """Give a vendor's server."""
    async with vendor_server() as vendor:
        yield vendor


@pytest.fixture
async def client() -> AsyncIterator[GuardedClient]:
    """Give a client to be handed to a worker of one's own."""
    client = GuardedClient(timeout_seconds=5, private_hosts="127.0.0.1")
    yield client
    await client.aclose()


async def expire_leases() -> None:
    """Let every worker lose its jobs."""
    await sql.affected(
        f"UPDATE job SET lease_until = {sql.database_now(-1)} WHERE state = 'RUNNING'"
    )


async def test_a_time_out_leaves_the_message_uncertain_and_is_not_repeated(
    api: Api, world: World, vendor: Vendor
) -> None:
    heard = await heard_by(vendor, world)
    vendor.be_silent()
    message = await sent_message(api, world, heard)

    hasty = GuardedClient(timeout_seconds=1, private_hosts="127.0.0.1")
    assert await run_jobs(hasty) == 1
    await hasty.aclose()
    await let_time_pass(A_WHILE)
    assert await run_jobs() == 0

    row = await Message.get(id=message.id)
    assert (row.status, row.attempt_started_at) == (MessageStatus.UNCERTAIN, None)
    assert (vendor.texts, await jobs()) == (["Hi"], [])
    assert (await world.facts())[-1] == MessageStatusChanged(
        world.workspace.id, heard.conversation_id, message.id, "UNCERTAIN"
    )


async def test_a_vendor_who_drops_repeats_is_asked_again_with_the_same_key(
    api: Api, world: World, vendor: Vendor
) -> None:
    heard = await heard_by(vendor, world, accepts_idempotency_key=True)
    vendor.hang_up()
    message = await sent_message(api, world, heard)

    assert await run_jobs() == 1
    row = await Message.get(id=message.id)
    assert row.status is MessageStatus.PENDING
    assert row.attempt_started_at is not None
    await let_time_pass(A_WHILE)
    assert await run_jobs() == 1

    assert [request.headers["idempotency-key"] for request in vendor.received] == [
        f"parley-{message.id}"
    ] * 2
    row = await Message.get(id=message.id)
    assert (row.status, row.external_id, row.attempt_started_at) == (
        MessageStatus.SENT,
        "v2",
        None,
    )
    assert await jobs() == []


@pytest.mark.parametrize("accepts", [True, False])
async def test_doubt_about_one_attempt_is_not_forgotten_by_the_next(
    api: Api, world: World, vendor: Vendor, accepts: bool
) -> None:
    heard = await heard_by(vendor, world, accepts_idempotency_key=accepts)
    vendor.hang_up()
    vendor.will(503, times=MAX_ATTEMPTS)
    message = await sent_message(api, world, heard)

    for _ in range(MAX_ATTEMPTS):
        await run_jobs()
        await let_time_pass(A_WHILE)

    assert len(vendor.received) == (MAX_ATTEMPTS if accepts else 1)
    assert (await Message.get(id=message.id)).status is MessageStatus.UNCERTAIN
    assert await jobs() == []


@pytest.mark.parametrize("accepts", [True, False])
async def test_a_crash_after_the_request_left(
    api: Api, world: World, vendor: Vendor, accepts: bool
) -> None:
    heard = await heard_by(vendor, world, accepts_idempotency_key=accepts)
    message = await sent_message(api, world, heard)
    assert len(await claim()) == 1
    await Message.filter(id=message.id).update(attempt_started_at=now())
    assert await run_jobs() == 0
    await expire_leases()

    assert await run_jobs() == 1

    row = await Message.get(id=message.id)
    assert row.status is (MessageStatus.SENT if accepts else MessageStatus.UNCERTAIN)
    assert (len(vendor.received), row.attempt_started_at, await jobs()) == (int(accepts), None, [])


async def test_a_crash_before_the_request_left_costs_nothing(
    api: Api, world: World, vendor: Vendor
) -> None:
    heard = await heard_by(vendor, world)
    message = await sent_message(api, world, heard)
    assert len(await claim()) == 1
    await expire_leases()

    assert await run_jobs() == 1

    assert (await Message.get(id=message.id)).status is MessageStatus.SENT
    assert vendor.texts == ["Hi"]


async def test_a_worker_who_lost_the_job_sends_nothing(
    api: Api, world: World, vendor: Vendor, client: GuardedClient
) -> None:
    heard = await heard_by(vendor, world)
    message = await sent_message(api, world, heard)
    [loser] = await claim()
    await expire_leases()
    [holder] = await claim()

    with pytest.raises(LeaseLost):
        await deliver_message(client, loser)
    assert vendor.received == []
    assert (await Message.get(id=message.id)).attempt_started_at is None
    await deliver_message(client, holder)

    assert vendor.texts == ["Hi"]
    assert (await Message.get(id=message.id)).status is MessageStatus.SENT


async def test_of_many_workers_who_all_believe_to_hold_the_job_one_sends(
    api: Api,
    world: World,
    vendor: Vendor,
    client: GuardedClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = await heard_by(vendor, world)
    message = await sent_message(api, world, heard)
    [job] = await claim()
    workers, mark = asyncio.Barrier(6), delivery._mark_attempt

    async def mark_together(*given: Any, **more: Any) -> None:
        await workers.wait()  # each has read that no attempt was made
        await mark(*given, **more)

    monkeypatch.setattr(delivery, "_mark_attempt", mark_together)
    results = await asyncio.gather(
        *(deliver_message(client, job) for _ in range(6)), return_exceptions=True
    )

    assert vendor.texts == ["Hi"]
    assert sorted(type(result).__name__ for result in results) == ["LeaseLost"] * 5 + ["NoneType"]
    row = await Message.get(id=message.id)
    assert (row.status, row.external_id, await jobs()) == (MessageStatus.SENT, "v1", [])


async def test_what_the_vendor_said_counts_also_after_the_lease(
    api: Api, world: World, vendor: Vendor, client: GuardedClient
) -> None:
    heard = await heard_by(vendor, world)
    message = await sent_message(api, world, heard)
    [slow] = await claim()
    await Message.filter(id=message.id).update(attempt_started_at=None)
    taken = asyncio.Event()

    class Overtaken(GuardedClient):
        async def post_json(self, url, body, headers=None):  # type: ignore[no-untyped-def]
            response = await client.post_json(url, body, headers)
            await expire_leases()
            assert await run_jobs() == 1
            assert (await Message.get(id=message.id)).status is MessageStatus.UNCERTAIN
            taken.set()
            return response

    overtaken = Overtaken(timeout_seconds=5)
    await deliver_message(overtaken, slow)
    await overtaken.aclose()

    assert taken.is_set()
    row = await Message.get(id=message.id)
    assert (row.status, row.external_id) == (MessageStatus.SENT, "v1")
    assert (vendor.texts, await jobs()) == (["Hi"], [])


async def test_the_echo_of_a_message_may_come_before_the_answer(
    api: Api, world: World, vendor: Vendor
) -> None:
    heard = await heard_by(vendor, world)
    message = await sent_message(api, world, heard)
    echo = {"type": "message_echo", "mId": "v1", "message": {"type": "text", "text": "Hi"}}
    await sql.affected(
        f"UPDATE job SET run_at = {sql.database_now(60)} WHERE kind = 'deliver_message'"
    )
    await webhook(world.channels[0], "carla", echo)
    assert await run_jobs() == 1
    await let_time_pass(A_WHILE)

    assert await run_jobs() == 1

    row = await Message.get(id=message.id)
    assert (row.status, row.external_id) == (MessageStatus.SENT, "v1")
    echoed = await Message.get(source=MessageSource.ECHO)
    assert (echoed.external_id, vendor.texts) == (None, ["Hi"])


async def test_a_vendor_who_gives_one_id_twice_does_not_stop_the_second_message(
    api: Api, world: World, vendor: Vendor
) -> None:
    heard = await heard_by(vendor, world)
    vendor.will(200, '{"mId":"same"}', times=2)
    first = await sent_message(api, world, heard, "one")
    second = await sent_message(api, world, heard, "two")

    await run_jobs()

    rows = [await Message.get(id=message.id) for message in (first, second)]
    assert [(row.status, row.external_id) for row in rows] == [
        (MessageStatus.SENT, "same"),
        (MessageStatus.SENT, None),
    ]
