"""The runner of jobs: it finishes them, puts them back or buries them, and stops when told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from models.engine import sql
from realtime.broker import Broker
from realtime.jobs import MAX_ATTEMPTS, ClaimedJob, Handler, JobRunner, LeaseLost, Retry, claim
from realtime.transaction import ring_with, transaction
from tests.conftest import ConnectedDatabase
from tests.test_jobs import enqueue, expire_leases, table
from tests.waiting import until
from tests.world import let_time_pass

PROMPTLY_SECONDS = 3.0


def runner_of(handler: Handler, broker: Broker | None = None, **options: Any) -> JobRunner:
    return JobRunner({"work": handler}, broker or Broker("memory://"), **options)


@asynccontextmanager
async def running(*runners: JobRunner) -> AsyncIterator[None]:
    for runner in runners:
        runner.start()
    try:
        yield
    finally:
        for runner in runners:
            await runner.stop()


async def no_jobs() -> bool:
    return await table("id") == []


async def perform(handler: Callable[[ClaimedJob], Awaitable[None]]) -> None:
    """Claim the one job that is due and run it."""
    [job] = await claim()
    await runner_of(handler).perform(job)


async def test_a_job_whose_handler_returns_is_done(database: ConnectedDatabase) -> None:
    await enqueue("x")
    seen = []

    async def work(job: ClaimedJob) -> None:
        seen.append(job.payload)

    await perform(work)
    assert (seen, await table()) == ([{"name": "x"}], [])


async def test_a_handler_that_returns_after_its_lease_ended_leaves_the_job_to_its_holder(
    database: ConnectedDatabase,
) -> None:
    await enqueue("x")
    holders = []

    async def slow(job: ClaimedJob) -> None:
        await expire_leases()
        holders.extend(await claim())

    await perform(slow)

    [holder] = holders
    assert await table() == [{"state": "RUNNING", "attempts": 2, "fence": 2, "dedupe_key": None}]
    await holder.complete()


@pytest.mark.parametrize("error", [LeaseLost("job 1"), Retry("late"), ValueError("bug")])
async def test_a_worker_who_lost_the_job_changes_nothing_of_it(
    database: ConnectedDatabase, error: Exception
) -> None:
    await enqueue("x")

    async def slow(job: ClaimedJob) -> None:
        await expire_leases()
        await claim()
        raise error

    await perform(slow)

    everything = "state, attempts, fence, last_error"
    assert await table(everything) == [
        {"state": "RUNNING", "attempts": 2, "fence": 2, "last_error": None}
    ]


async def test_a_handler_that_raises_is_tried_again_and_buried_in_the_end(
    database: ConnectedDatabase,
) -> None:
    await enqueue("x")

    async def broken(job: ClaimedJob) -> None:
        raise ValueError(f"attempt {job.attempts}")

    for attempt in range(1, MAX_ATTEMPTS + 1):
        await perform(broken)
        state = "DEAD" if attempt == MAX_ATTEMPTS else "READY"
        assert await table("state, attempts, last_error, lease_until") == [
            {
                "state": state,
                "attempts": attempt,
                "last_error": f"ValueError: attempt {attempt}",
                "lease_until": None,
            }
        ]
        await let_time_pass(3600)
    assert await claim() == []


async def test_a_job_of_an_unknown_kind_is_kept(database: ConnectedDatabase) -> None:
    async with transaction() as announce:
        announce.job("from a newer version", {})
    [job] = await claim()

    async def never(job: ClaimedJob) -> None:
        raise AssertionError

    await runner_of(never).perform(job)
    [row] = await table("state, last_error")
    assert row == {"state": "READY", "last_error": "KeyError: 'from a newer version'"}


async def test_a_handler_says_when_to_run_again_and_for_how_long(
    database: ConnectedDatabase,
) -> None:
    await enqueue("x")

    async def later(job: ClaimedJob) -> None:
        raise Retry("not yet", after_seconds=100, for_seconds=3600)

    for _ in range(MAX_ATTEMPTS + 3):
        await perform(later)
        [row] = await sql.rows(f"SELECT state, run_at, {sql.database_now()} AS clock FROM job")
        pause = sql.moment(row["run_at"]) - sql.moment(row["clock"])
        assert (row["state"], 90 < pause.total_seconds() <= 100) == ("READY", True)
        await let_time_pass(101)
    await sql.affected(f"UPDATE job SET created_at = {sql.database_now(-3601)}")
    await perform(later)
    assert await table("state, last_error") == [{"state": "DEAD", "last_error": "not yet"}]


async def test_effect_and_end_of_a_job_commit_together(database: ConnectedDatabase) -> None:
    await enqueue("x")
    attempts = []

    async def half(job: ClaimedJob) -> None:
        async with transaction() as announce:
            announce.job("effect", {"attempt": job.attempts})
            await job.complete()
            attempts.append(job.attempts)
            if job.attempts == 1:
                raise ConnectionError("the commit never happened")

    await perform(half)
    assert [row["state"] for row in await table()] == ["READY"]
    await let_time_pass(3600)
    await perform(half)
    assert attempts == [1, 2]
    assert await table("kind, payload") == [{"kind": "effect", "payload": '{"attempt":2}'}]


async def test_several_runners_do_everything_once(database: ConnectedDatabase) -> None:
    for number in range(40):
        await enqueue(str(number), ordering_key=f"k{number % 4}")
    done: list[int] = []
    busy: set[int] = set()

    async def work(job: ClaimedJob) -> None:
        number = int(job.payload["name"])
        assert number % 4 not in busy
        busy.add(number % 4)
        await sql.rows("SELECT 1 AS one")
        done.append(number)
        busy.discard(number % 4)

    async with running(*(runner_of(work, concurrency=3) for _ in range(4))):
        await until(no_jobs, seconds=60)

    assert sorted(done) == list(range(40))
    for key in range(4):
        assert [number for number in done if number % 4 == key] == list(range(key, 40, 4))


async def test_a_runner_is_woken_by_the_transaction_that_enqueues(
    database: ConnectedDatabase,
) -> None:
    broker = Broker("memory://")
    await broker.start()
    ring_with(broker)
    ran = asyncio.Event()

    async def work(job: ClaimedJob) -> None:
        ran.set()

    try:
        async with running(runner_of(work, broker)):
            await enqueue("x")
            async with asyncio.timeout(PROMPTLY_SECONDS):
                await ran.wait()
    finally:
        ring_with(None)
        await broker.stop()


async def test_a_runner_never_works_on_more_than_it_may(database: ConnectedDatabase) -> None:
    for number in range(12):
        await enqueue(str(number))
    at_once: list[int] = []
    gate = asyncio.Event()
    inside = 0

    async def work(job: ClaimedJob) -> None:
        nonlocal inside
        inside += 1
        at_once.append(inside)
        if inside == 3:
            gate.set()
        await gate.wait()
        inside -= 1

    async with running(runner_of(work, concurrency=3)):
        await until(no_jobs, seconds=30)
    assert max(at_once) == 3


async def test_stopping_an_idle_runner_is_prompt(database: ConnectedDatabase) -> None:
    async def work(job: ClaimedJob) -> None:
        raise AssertionError

    runner = runner_of(work)
    runner.start()
    async with asyncio.timeout(PROMPTLY_SECONDS):
        await runner.stop()
    await enqueue("x")
    assert [row["state"] for row in await table()] == ["READY"]


async def test_stopping_lets_running_jobs_end(database: ConnectedDatabase) -> None:
    await enqueue("x")
    began, may_end = asyncio.Event(), asyncio.Event()

    async def work(job: ClaimedJob) -> None:
        began.set()
        await may_end.wait()

    runner = runner_of(work)
    runner.start()
    async with asyncio.timeout(PROMPTLY_SECONDS):
        await began.wait()
        stopping = asyncio.create_task(runner.stop())
        may_end.set()
        await stopping
    assert await table() == []


async def test_what_does_not_end_in_time_is_left_to_its_lease(database: ConnectedDatabase) -> None:
    await enqueue("x")
    began = asyncio.Event()

    async def work(job: ClaimedJob) -> None:
        began.set()
        await asyncio.Event().wait()

    runner = runner_of(work)
    runner.start()
    async with asyncio.timeout(PROMPTLY_SECONDS):
        await began.wait()
        await runner.stop(patience_seconds=0.1)
    assert [(row["state"], row["attempts"]) for row in await table()] == [("RUNNING", 1)]
    await expire_leases()
    assert len(await claim()) == 1
