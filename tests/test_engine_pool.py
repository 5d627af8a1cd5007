"""The pool with its connections at hand: never more than its size, and none is ever lost."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from models.engine.asyncpg_pool import PoolAtHand
from tests.waiting import until

SIZE = 2


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PoolAtHand]:
    """Open a small pool; at the end all its connections must come back in time."""
    pool = PoolAtHand(
        dsn=url, min_size=1, max_size=SIZE, connection_class=asyncpg.Connection, loop=None
    )
    await pool
    try:
        yield pool
    finally:
        await asyncio.wait_for(pool.close(), 10)


async def ask(pool: PoolAtHand, statement: str = "SELECT pg_backend_pid()") -> Any:
    """Ask one thing on a connection of the pool."""
    async with pool.acquire() as connection:
        return await connection.fetchval(statement)


def counted(is_so: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    """Return a fact of the pool as one to wait for."""

    async def happened() -> bool:
        await asyncio.sleep(0)
        return is_so()

    return happened


async def serves_all(pool: PoolAtHand) -> set[int]:
    """Hold as many connections as the pool may have, at once; return their processes."""
    async with asyncio.timeout(10), pool.acquire() as one, pool.acquire() as two:
        return {await each.fetchval("SELECT pg_backend_pid()") for each in (one, two)}


async def test_many_share_the_few_and_they_stay_the_same(postgres_url: str) -> None:
    async with opened(postgres_url) as pool:
        answers = await asyncio.gather(*(ask(pool) for _ in range(50)))
        assert len(set(answers)) == SIZE
        assert await serves_all(pool) == set(answers)
        assert pool.get_size() == SIZE


async def test_who_waits_longest_is_next(postgres_url: str) -> None:
    async with opened(postgres_url) as pool:
        held = [await pool.acquire() for _ in range(SIZE)]
        done: list[int] = []

        async def wait(number: int) -> None:
            await ask(pool)
            done.append(number)

        waiting = [asyncio.create_task(wait(number)) for number in range(5)]
        await until(counted(lambda: len(pool._turns) == len(waiting)))
        await pool.release(held[0])
        await asyncio.gather(*waiting)
        await pool.release(held[1])
        assert done == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_is_lost_by_who_gives_up(postgres_url: str, seed: int) -> None:
    chance = random.Random(seed)
    async with opened(postgres_url) as pool:
        for _ in range(20):
            tasks = [asyncio.create_task(ask(pool, "SELECT pg_sleep(0.001)")) for _ in range(8)]
            for _ in range(chance.choice([0, 1, 2, 3, 5, 100, 500])):
                await asyncio.sleep(0)
            for task in chance.sample(tasks, 5):
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            strange = [
                one
                for one in ended
                if isinstance(one, BaseException) and not isinstance(one, asyncio.CancelledError)
            ]
            assert strange == []
        assert len(await serves_all(pool)) == SIZE


async def test_what_died_at_hand_is_replaced(postgres_url: str) -> None:
    async with opened(postgres_url) as pool:
        before = await serves_all(pool)
        other = await asyncpg.connect(postgres_url)
        for process in before:
            await other.execute("SELECT pg_terminate_backend($1, 5000)", process)
        await other.close()
        await until(counted(lambda: all(one._con is None for one, _ in pool._at_hand)))
        assert not before & await serves_all(pool)


async def test_what_nobody_uses_for_long_is_closed(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(postgres_url) as pool:
        before = await serves_all(pool)
        monkeypatch.setattr("models.engine.asyncpg_pool.IDLE_SECONDS", -1.0)
        assert await ask(pool) not in before
        assert pool.get_size() == 1


async def test_what_is_left_open_is_not_given_to_the_next(postgres_url: str) -> None:
    async with opened(postgres_url) as pool:
        connection = await pool.acquire()
        await connection.execute("BEGIN")
        await pool.release(connection)
        assert not pool._at_hand
        async with pool.acquire() as next_one:
            assert not next_one.is_in_transaction()


async def test_all_who_wait_hear_that_nothing_can_be_opened(postgres_url: str) -> None:
    async with opened(postgres_url) as pool:
        pool.set_connect_args(dsn=postgres_url, port=1)
        async with asyncio.timeout(20):
            ended = await asyncio.gather(*(ask(pool) for _ in range(6)), return_exceptions=True)
        assert [isinstance(one, OSError) for one in ended] == [True] * 6
        pool.set_connect_args(dsn=postgres_url)
        assert len(await serves_all(pool)) == SIZE
