"""Group commit on SQLite: fewer COMMITs, each transaction whole, none told before it lasts."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
from tortoise.exceptions import OperationalError
from tortoise.transactions import in_transaction

from models.database import connect, disconnect
from models.engine.errors import TransientDatabaseError
from models.engine.sql import affected, count_statements
from models.engine.sqlite_group import MAX_MEMBERS, Group
from models.engine.sqlite_handle import Handle

INSERT = "INSERT INTO event_counter (workspace_id, seq, oldest_seq, epoch) VALUES (?, ?, 1, 'x')"
MANY = 60


@pytest.fixture
async def path(sqlite_database_url: str) -> AsyncIterator[str]:
    """Connect to an empty SQLite file and give its path."""
    await connect(sqlite_database_url, pool_size=3)
    yield sqlite_database_url.removeprefix("sqlite://").partition("?")[0]
    await disconnect()


def stored(path: str) -> list[int]:
    """Return what has been committed, as another process sees it."""
    connection = sqlite3.connect(path)
    try:
        found = connection.execute("SELECT workspace_id FROM event_counter ORDER BY 1").fetchall()
        return [row[0] for row in found]
    finally:
        connection.close()


async def write(number: int, path: str | None = None, *, fails: bool = False) -> None:
    """Write two rows in one transaction; see that they last when it returns."""
    async with in_transaction():
        await affected(INSERT, number * 2, number)
        await asyncio.sleep(0)
        await affected(INSERT, number * 2 + 1, number)
        if fails:
            raise ZeroDivisionError
    if path is not None:
        assert {number * 2, number * 2 + 1} <= set(stored(path))


async def test_transactions_that_wait_share_a_commit_and_are_told_when_it_lasts(path: str) -> None:
    with count_statements(everywhere=True) as counter:
        await asyncio.gather(*(write(number, path) for number in range(MANY)))
    assert stored(path) == list(range(MANY * 2))
    commits = counter.statements.count("COMMIT")
    assert MANY // MAX_MEMBERS <= commits <= MANY // MAX_MEMBERS + 2
    assert counter.statements.count("BEGIN IMMEDIATE") == commits


async def test_one_alone_commits_at_once(path: str) -> None:
    with count_statements(everywhere=True) as counter:
        for number in range(3):
            await write(number, path)
    assert [one for one in counter.statements if not one.startswith("INSERT")] == [
        "BEGIN IMMEDIATE",
        "COMMIT",
    ] * 3


async def test_members_fail_alone(path: str) -> None:
    numbers = range(MANY)
    outcomes = await asyncio.gather(
        *(write(number, fails=number % 3 == 0) for number in numbers), return_exceptions=True
    )
    failed = [number for number in numbers if isinstance(outcomes[number], ZeroDivisionError)]
    assert failed == [number for number in numbers if number % 3 == 0]
    assert [one for one in outcomes if one is not None and type(one) is not ZeroDivisionError] == []
    kept = [2 * number + part for number in numbers if number % 3 for part in (0, 1)]
    assert stored(path) == kept


async def test_single_statements_between_are_committed_with_them(path: str) -> None:
    async def single(number: int) -> None:
        await affected(INSERT, number, number)
        assert number in stored(path)

    await asyncio.gather(*(write(n, path) if n % 2 else single(1000 + n) for n in range(30)))
    singles = [1000 + number for number in range(0, 30, 2)]
    assert stored(path) == [2 * n + part for n in range(1, 30, 2) for part in (0, 1)] + singles


async def test_a_commit_that_fails_fails_all_of_its_members(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Handle.run
    broken = True

    async def run_unless_broken(self: Handle, work: Any, query: Any, values: Any) -> Any:
        if broken and (query == "COMMIT" or (isinstance(query, list) and "COMMIT" in query)):
            raise sqlite3.OperationalError("disk I/O error")
        return await run(self, work, query, values)

    with monkeypatch.context() as patched:
        patched.setattr(Handle, "run", run_unless_broken)
        outcomes = await asyncio.gather(*(write(n) for n in range(5)), return_exceptions=True)
        broken = False
    assert all(isinstance(one, OperationalError | sqlite3.OperationalError) for one in outcomes)
    assert stored(path) == []
    await write(9, path)


@pytest.mark.parametrize("seed", range(6))
async def test_cancelled_ones_leave_all_others_whole(path: str, seed: int) -> None:
    dice = Random(seed)
    tasks = [asyncio.create_task(write(number)) for number in range(MANY)]
    for task in dice.sample(tasks, MANY // 2):
        asyncio.get_running_loop().call_later(dice.random() / 50, task.cancel)
    async with asyncio.timeout(20):
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(one) for one in outcomes} <= {type(None), asyncio.CancelledError}
    found = stored(path)
    done = {number for number, outcome in enumerate(outcomes) if outcome is None}
    assert {number // 2 for number in found} >= done
    assert sorted(found) == sorted(2 * n + part for n in {f // 2 for f in found} for part in (0, 1))
    async with asyncio.timeout(5):
        await write(1000, path)


async def test_a_group_whose_next_one_goes_away_is_committed(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    join = Group.join
    tasks: list[asyncio.Task[None]] = []

    def join_as_the_next_one_goes(self: Group) -> Any:
        tasks[1].cancel()
        return join(self)

    monkeypatch.setattr(Group, "join", join_as_the_next_one_goes)
    tasks += [asyncio.create_task(write(1, path)), asyncio.create_task(write(5))]
    async with asyncio.timeout(5):
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in outcomes] == [type(None), asyncio.CancelledError]
    assert stored(path) == [2, 3]


def test_a_group_has_room_only_while_somebody_waits_and_for_so_many() -> None:
    async def check() -> None:
        group = Group()
        assert not group.has_room
        group.waiting = 1
        done = group.join()
        for _ in range(MAX_MEMBERS - 2):
            assert group.has_room
            assert group.join() is done
        assert not group.has_room
        group.settle(TransientDatabaseError("lost"))
        assert isinstance(done.exception(), TransientDatabaseError)
        assert not group.is_open
        assert group.has_room

    asyncio.run(check())
