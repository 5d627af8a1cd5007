"""Chaos: processes are killed at random moments, and what was acknowledged is there once."""

import asyncio
import random
from pathlib import Path

from tests.chaos import ROUNDS, SENDS_A_ROUND, Trial, keys_of, pause, release_jobs, report, trial
from tests.processes import Process, processes
from tests.vendor import vendor_server

JITTER_SECONDS = 0.05


async def _kill_now_and_then(made: Trial, servers: list[Process]) -> None:
    """Kill a process at a random moment of each round, and start it again."""
    for number in range(ROUNDS):
        moment = number * SENDS_A_ROUND + random.randrange(1, SENDS_A_ROUND)
        await made.until_acknowledged(moment)
        await pause(random.uniform(0, JITTER_SECONDS))
        victim = servers[number % len(servers)]
        victim.kill()
        if len(servers) == 1:
            await release_jobs()
        victim.start()
        await victim.until_ready()


async def _survive(database_url: str, bus_url: str, directory: Path, amount: int) -> None:
    keys = keys_of(ROUNDS)
    async with (
        vendor_server() as vendor,
        processes(directory, database_url, bus_url, amount) as servers,
        trial(database_url, vendor, servers) as made,
    ):
        async with asyncio.TaskGroup() as group:
            group.create_task(_kill_now_and_then(made, servers))
            group.create_task(made.send_all(keys))
        await made.until_delivered()
        report(await made.check(keys), made, rounds=ROUNDS)
        assert made.resumed > 1


async def test_the_only_process_on_sqlite_is_killed(
    sqlite_database_url: str, tmp_path: Path
) -> None:
    durable = sqlite_database_url.partition("?")[0]
    await _survive(durable, "memory://", tmp_path, 1)


async def test_one_of_two_processes_on_postgres_and_redis_is_killed(
    postgres_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    await _survive(postgres_database_url, redis_url, tmp_path, 2)
