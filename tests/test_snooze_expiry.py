"""Snoozes that end by themselves: at their moment, exactly once, whoever runs the job."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from models.activity import Activity, ActivityKind
from models.conversation import Conversation, ConversationStatus
from models.engine import sql
from models.episode import ChangeSource, Episode
from realtime.broker import Broker
from realtime.events import SnoozeExpired
from realtime.jobs import ClaimedJob, JobRunner, claim
from resolvers.snooze import EXPIRE_SNOOZE, expire_snooze
from tests.acting import nothing_changes, succeed
from tests.test_snooze import later, snooze
from tests.world import Api, World, let_time_pass, run_jobs, snapshot


async def expiries(world: World) -> list[SnoozeExpired]:
    """Return the expiries that were announced."""
    return [fact for fact in await world.facts() if isinstance(fact, SnoozeExpired)]


async def due(conversation_id: int) -> str:
    """Return the moment of a snooze as it is stored, to be compared as a fact."""
    row = await Conversation.get(id=conversation_id)
    assert row.snoozed_until is not None
    return row.snoozed_until.isoformat()


@asynccontextmanager
async def unchanged_but_jobs() -> AsyncIterator[None]:
    """Show that what happens inside changes nothing but the queue of jobs."""
    tables = ("conversation", "activity", "episode", "event")
    before = await snapshot(*tables)
    yield
    assert await snapshot(*tables) == before


async def test_a_snooze_ends_at_its_moment_and_not_before(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await snooze(api, world, message, hours=2)
    await let_time_pass(7100)
    async with nothing_changes():
        assert await run_jobs() == 0

    await let_time_pass(150)
    moment = await due(message.conversation_id)
    assert await run_jobs() == 1

    row = await Conversation.get(id=message.conversation_id)
    assert (row.status, row.version) == (ConversationStatus.OPEN, 4)
    assert (row.status_before_snooze, row.snoozed_until, row.snoozed_at) == (None, None, None)
    [fact] = await expiries(world)
    assert (fact.conversation_id, fact.until.isoformat()) == (row.id, moment)
    last = await Activity.get(seq=row.last_seq)
    assert (last.kind, last.source) == (ActivityKind.SNOOZE_EXPIRED, ChangeSource.SYSTEM)
    assert last.actor_id is None
    assert (await snapshot("job"))["job"] == []
    [episode] = await Episode.all()
    assert episode.closed_at is None


async def test_it_returns_to_closed_without_an_episode(api: Api, world: World) -> None:
    conversation = await world.conversation()
    await snooze(api, world, conversation, hours=2)

    await let_time_pass(7300)
    assert await run_jobs() == 1

    assert (await Conversation.get(id=conversation.id)).status is ConversationStatus.CLOSED
    assert await Episode.all().count() == 0


async def test_days_late_it_still_ends_once(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await snooze(api, world, message, hours=2)

    await let_time_pass(5 * 86400)
    assert await run_jobs() == 1
    assert await run_jobs() == 0

    assert len(await expiries(world)) == 1


async def test_snoozed_again_it_does_not_end_at_the_old_moment(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await snooze(api, world, message, hours=1)
    await snooze(api, world, message, hours=5)
    version = (await Conversation.get(id=message.conversation_id)).version
    assert version == 4

    await let_time_pass(3700)
    assert await run_jobs() == 1  # the job of the old moment, which finds nothing to do
    row = await Conversation.get(id=message.conversation_id)
    assert (row.status, row.version) == (ConversationStatus.SNOOZED, version)
    assert await expiries(world) == []

    await let_time_pass(4 * 3600)
    assert await run_jobs() == 1
    row = await Conversation.get(id=message.conversation_id)
    assert (row.status, row.version) == (ConversationStatus.OPEN, version + 1)
    assert row.status_before_snooze is None
    assert len(await expiries(world)) == 1


async def test_snoozed_again_for_less_it_ends_earlier_and_once(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await snooze(api, world, message, hours=5)
    await snooze(api, world, message, hours=1)

    await let_time_pass(3700)
    assert await run_jobs() == 1
    assert len(await expiries(world)) == 1

    await let_time_pass(5 * 3600)
    async with unchanged_but_jobs():
        assert await run_jobs() == 1


@pytest.mark.parametrize("end", ["unsnoozeConversation", "openConversation", "closeConversation"])
async def test_a_snooze_that_was_ended_does_not_expire(api: Api, world: World, end: str) -> None:
    message = await world.hear("Hello")
    await snooze(api, world, message, hours=1)
    await succeed(api, world.owner, end, message)

    await let_time_pass(3700)
    async with unchanged_but_jobs():
        assert await run_jobs() == 1
    assert (await snapshot("job"))["job"] == []


async def test_two_workers_with_the_same_job_end_it_once(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await snooze(api, world, message, hours=1)
    await let_time_pass(3700)
    [first] = await claim()
    await sql.affected("UPDATE job SET lease_until = ? WHERE id = ?", later(hours=-1), first.id)
    [second] = await claim()
    assert (first.id, second.fence) == (second.id, first.fence + 1)

    results = await asyncio.gather(
        expire_snooze(first), expire_snooze(second), return_exceptions=True
    )

    assert [type(result).__name__ for result in results] == ["LeaseLost", "NoneType"]
    assert len(await expiries(world)) == 1
    assert await Activity.filter(kind=ActivityKind.SNOOZE_EXPIRED).count() == 1
    assert (await snapshot("job"))["job"] == []


async def test_two_runners_at_once_end_many_snoozes_once_each(api: Api, world: World) -> None:
    conversations = [await world.conversation(f"Carla{number}") for number in range(30)]
    for conversation in conversations:
        await snooze(api, world, conversation, hours=1)
    await let_time_pass(3700)
    ended: set[int] = set()
    all_ended = asyncio.Event()

    async def expire(job: ClaimedJob) -> None:
        await expire_snooze(job)
        ended.add(job.id)
        if len(ended) == len(conversations):
            all_ended.set()

    broker = Broker("memory://")
    runners = [JobRunner({EXPIRE_SNOOZE: expire}, broker) for _ in range(2)]
    for runner in runners:
        runner.start()
    try:
        async with asyncio.timeout(30):
            await all_ended.wait()
    finally:
        await asyncio.gather(*(runner.stop() for runner in runners))

    facts = await expiries(world)
    expected = sorted(conversation.id for conversation in conversations)
    assert sorted(fact.conversation_id for fact in facts) == expected
    assert await Conversation.filter(status=ConversationStatus.CLOSED).count() == 30
    assert (await snapshot("job"))["job"] == []
