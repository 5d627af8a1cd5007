"""The durable jobs in the database: who gets which, when, and who has lost it."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from models.clock import now
from models.engine import sql
from realtime.jobs import (
    BACKOFF_CAP_SECONDS,
    LEASE_SECONDS,
    ClaimedJob,
    LeaseLost,
    backoff_seconds,
    claim,
    put_back,
    revive,
)
from realtime.transaction import transaction
from tests.conftest import ConnectedDatabase
from tests.world import let_time_pass


async def enqueue(name: str, **options: Any) -> None:
    """Enqueue a job that is called something."""
    async with transaction() as announce:
        announce.job("work", {"name": name}, **options)


def names(jobs: list[ClaimedJob]) -> list[Any]:
    return [job.payload["name"] for job in jobs]


async def table(columns: str = "state, attempts, fence, dedupe_key") -> list[dict[str, Any]]:
    return await sql.rows(f"SELECT {columns} FROM job ORDER BY id")


async def expire_leases() -> None:
    await sql.affected(
        f"UPDATE job SET lease_until = {sql.database_now(-1)} WHERE state = 'RUNNING'"
    )


async def test_jobs_are_claimed_in_the_order_in_which_they_are_due(
    database: ConnectedDatabase,
) -> None:
    moment = now() - timedelta(minutes=1)
    for name, seconds in (("c", 3), ("a", 1), ("b", 2), ("a2", 1), ("later", 3600)):
        await enqueue(name, run_at=moment + timedelta(seconds=seconds))

    assert names(await claim(3)) == ["a", "a2", "b"]
    assert names(await claim(3)) == ["c"]
    assert await claim(3) == []


async def test_a_claimed_job_knows_what_it_needs(database: ConnectedDatabase) -> None:
    before = now()
    await enqueue("x")
    [job] = await claim()
    assert (job.kind, job.payload, job.attempts, job.fence) == ("work", {"name": "x"}, 1, 1)
    assert before <= job.created_at <= now()
    [row] = await sql.rows(f"SELECT state, lease_until, {sql.database_now()} AS clock FROM job")
    left = sql.moment(row["lease_until"]) - sql.moment(row["clock"])
    assert row["state"] == "RUNNING"
    assert LEASE_SECONDS - 10 < left.total_seconds() <= LEASE_SECONDS


async def test_a_job_is_due_by_the_databases_clock(
    database: ConnectedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enqueue("soon", run_at=now() + timedelta(seconds=30))

    def tomorrow() -> datetime:
        return now() + timedelta(days=1)

    with monkeypatch.context() as patched:
        patched.setattr("models.clock.now", tomorrow)
        patched.setattr("realtime.transaction.now", tomorrow)
        assert await claim() == []
    await let_time_pass(29)
    assert await claim() == []
    await let_time_pass(2)
    assert names(await claim()) == ["soon"]


async def test_jobs_of_one_key_run_one_at_a_time_in_order(database: ConnectedDatabase) -> None:
    for name, key in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("free", None), ("a3", "a")):
        await enqueue(name, ordering_key=key)

    first = await claim()
    assert names(first) == ["a1", "b1", "free"]
    assert await claim() == []
    await put_back(first[0], "not yet", after_seconds=60)
    assert await claim() == []
    await let_time_pass(61)
    [again] = await claim()
    assert (names([again]), again.attempts) == (["a1"], 2)
    await again.complete()
    [second] = await claim()
    assert names([second]) == ["a2"]
    await put_back(second, "never", after_seconds=None)
    assert names(await claim()) == ["a3"]


async def test_a_lease_that_ran_out_gives_the_job_to_another(database: ConnectedDatabase) -> None:
    await enqueue("x", ordering_key="k")
    [loser] = await claim()
    assert await claim() == []
    await expire_leases()

    [holder] = await claim()

    assert (holder.id, holder.attempts, holder.fence) == (loser.id, 2, 2)
    with pytest.raises(LeaseLost):
        await loser.complete()
    await put_back(loser, "late", after_seconds=None)
    assert await table() == [{"state": "RUNNING", "attempts": 2, "fence": 2, "dedupe_key": None}]
    await holder.complete()
    assert await table() == []


async def test_the_losers_transaction_rolls_back(database: ConnectedDatabase) -> None:
    await enqueue("x")
    [loser] = await claim()
    await expire_leases()
    [holder] = await claim()

    for job in (loser, holder):
        try:
            async with transaction() as announce:
                announce.job("effect", {"fence": job.fence})
                await job.complete()
        except LeaseLost:
            assert job is loser

    assert await table("kind, payload") == [{"kind": "effect", "payload": '{"fence":2}'}]


async def test_a_second_job_of_a_dedupe_key_is_dropped(database: ConnectedDatabase) -> None:
    await enqueue("first", dedupe_key="once")
    await enqueue("second", dedupe_key="once")
    await enqueue("other", dedupe_key="other")
    jobs = await claim()
    assert names(jobs) == ["first", "other"]
    await jobs[0].complete()
    await enqueue("third", dedupe_key="once")
    assert names(await claim()) == ["third"]


async def test_a_dead_job_keeps_nobody_from_waiting(database: ConnectedDatabase) -> None:
    await enqueue("first", dedupe_key="once", ordering_key="k")
    [job] = await claim()
    await put_back(job, "broken", after_seconds=None)
    await enqueue("second", dedupe_key="once", ordering_key="k")
    assert names(await claim()) == ["second"]


async def test_a_dead_job_lives_again_if_somebody_says_so(database: ConnectedDatabase) -> None:
    await enqueue("x")
    [job] = await claim()
    assert await revive(job.id) is False
    await put_back(job, "E" * 5000, after_seconds=None)
    await let_time_pass(10**6)
    assert await claim() == []
    assert await table("state, last_error") == [{"state": "DEAD", "last_error": "E" * 2000}]

    assert await revive(job.id) is True
    assert await revive(job.id) is False
    assert await revive(10**9) is False

    [again] = await claim()
    assert (again.id, again.attempts, again.fence) == (job.id, 1, 2)


def test_the_pause_doubles_up_to_a_cap_with_jitter() -> None:
    def bounds(attempts: int) -> Mapping[str, bool]:
        pauses = [backoff_seconds(attempts) for _ in range(200)]
        middle = min(2 ** (attempts - 1), BACKOFF_CAP_SECONDS)
        return {
            "in bounds": all(0.75 * middle <= pause <= 1.25 * middle for pause in pauses),
            "not all the same": len(set(pauses)) > 100,
        }

    fine = {"in bounds": True, "not all the same": True}
    assert [bounds(attempts) for attempts in (1, 2, 3, 8, 10, 11, 12, 5000)] == [fine] * 8


async def test_nobody_gets_a_job_that_another_has(database: ConnectedDatabase) -> None:
    for number in range(60):
        await enqueue(str(number), ordering_key=f"k{number % 20}")
    taken: list[ClaimedJob] = []
    left = True
    while left:
        batches = await asyncio.gather(*(claim(5) for _ in range(8)))
        claimed = [job for batch in batches for job in batch]
        keys = [int(job.payload["name"]) % 20 for job in claimed]
        assert len(set(keys)) == len(keys), "two of one ordering key at once"
        for job in claimed:
            assert job.fence == 1
            await job.complete()
        taken += claimed
        left = bool(await table())
    assert sorted(int(name) for name in names(taken)) == list(range(60))
    for key in range(20):
        mine = [int(name) for name in names(taken) if int(name) % 20 == key]
        assert mine == [key, key + 20, key + 40]
