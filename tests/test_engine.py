"""The engines: a transaction is whole wherever its task is cancelled, and nothing stays held."""

import asyncio
import sqlite3
import types
from collections.abc import Coroutine, Generator
from random import Random
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError, OperationalError, TransactionManagementError
from tortoise.transactions import in_transaction

from models import database as models_database
from models.engine.errors import TransientDatabaseError
from models.engine.sql import affected, count_statements, rows
from tests.conftest import ConnectedDatabase

PARTS = 4
CANCELLATIONS = 300
POOL = 3
INSERT = "INSERT INTO event_counter (workspace_id, seq, oldest_seq, epoch) VALUES (?, ?, 1, ?)"


async def write_batch(batch: int) -> None:
    """Write the parts of a batch in one transaction, the last one inside a savepoint."""
    async with in_transaction():
        for part in range(PARTS - 1):
            await affected(INSERT, batch * 10 + part, batch, "batch")
        async with in_transaction():
            await affected(INSERT, batch * 10 + PARTS - 1, batch, "batch")


@types.coroutine
def cancelled_at(
    suspension: int, delay: float, work: Coroutine[Any, Any, None], *, times: int = 1
) -> Generator[Any, Any, None]:
    """Run `work`; cancel its task `delay` seconds after the given suspension and the next ones."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    resume: Any = work.send
    value: Any = None
    for count in range(1, 10_000):
        try:
            awaited = resume(value)
        except StopIteration:
            return
        if suspension <= count < suspension + times:
            loop.call_later(delay, task.cancel) if delay else loop.call_soon(task.cancel)
        try:
            value = yield awaited
            resume = work.send
        except BaseException as error:  # what asyncio throws in is passed on
            value, resume = error, work.throw


async def in_parts() -> dict[int, int]:
    """Return how many parts of each batch there are."""
    counted = await rows("SELECT seq, count(*) AS parts FROM event_counter GROUP BY seq")
    return {row["seq"]: row["parts"] for row in counted}


async def assert_nothing_is_held(database: ConnectedDatabase) -> None:
    """Open as many transactions as there are connections, and find none left open before."""
    if database.dialect == "postgres":
        left = await rows(
            "SELECT state, query FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
        )
        assert left == []
        together = asyncio.Barrier(POOL)

        async def meet() -> None:
            async with in_transaction():
                await together.wait()
                assert await rows("SELECT 1 AS one") == [{"one": 1}]

        await asyncio.gather(*(meet() for _ in range(POOL)))
    else:
        path = database.url.removeprefix("sqlite://").partition("?")[0]
        with sqlite3.connect(path, timeout=0, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        other.close()
    await asyncio.gather(*(write_batch(number) for number in range(900_000, 900_000 + 2 * POOL)))


async def test_a_transaction_cancelled_at_any_await_is_whole_or_absent(
    database: ConnectedDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    await models_database.disconnect()
    await models_database.connect(database.url, pool_size=POOL)
    random = Random(7)
    outcomes: dict[int, str] = {}
    for attempt in range(CANCELLATIONS):
        suspension, delay = random.randint(1, 14), random.choice((0, 0, 0.0002, 0.001))
        steps = cancelled_at(suspension, delay, write_batch(attempt), times=random.randint(1, 4))
        victim = asyncio.create_task(steps)
        others = [
            asyncio.create_task(write_batch(1000 * number + attempt)) for number in range(1, 5)
        ]
        async with asyncio.timeout(30):
            await asyncio.wait([victim, *others])
        assert [other.exception() for other in others] == [None] * 4
        outcomes[attempt] = "cancelled" if victim.cancelled() else "done"
        assert victim.cancelled() or victim.exception() is None
    parts = await in_parts()
    assert set(parts.values()) == {PARTS}
    for number in range(1, 5):
        assert {1000 * number + attempt for attempt in range(CANCELLATIONS)} <= parts.keys()
    absent = {attempt for attempt in outcomes if attempt not in parts}
    assert {outcomes[attempt] for attempt in absent} == {"cancelled"}
    assert 30 < len(absent) < CANCELLATIONS - 10
    assert any(outcomes[attempt] == "cancelled" for attempt in outcomes.keys() & parts.keys())
    async with asyncio.timeout(30):
        await assert_nothing_is_held(database)
    assert (complaints, caplog.records) == ([], [])


async def test_a_single_statement_cancelled_at_any_await_holds_nothing(
    database: ConnectedDatabase,
) -> None:
    await models_database.disconnect()
    await models_database.connect(database.url, pool_size=POOL)
    random = Random(8)

    async def read() -> None:
        await rows("SELECT * FROM event_counter WHERE seq = ?", 1)

    async def write(key: int) -> None:
        await affected(INSERT, key, 1, "single")

    for attempt in range(CANCELLATIONS):
        work = read() if attempt % 2 else write(attempt)
        steps = cancelled_at(random.randint(1, 4), random.choice((0, 0.0002)), work)
        tasks = [asyncio.create_task(steps)]
        tasks += [asyncio.create_task(read()) for _ in range(POOL)]
        async with asyncio.timeout(30):
            await asyncio.wait(tasks)
        assert [task.exception() for task in tasks[1:]] == [None] * POOL
    async with asyncio.timeout(30):
        await assert_nothing_is_held(database)


async def test_an_error_in_the_body_undoes_the_transaction(database: ConnectedDatabase) -> None:
    with pytest.raises(ValueError, match="body"):
        async with in_transaction():
            await affected(INSERT, 1, 1, "x")
            raise ValueError("body")
    assert await in_parts() == {}


async def test_a_savepoint_is_undone_alone(database: ConnectedDatabase) -> None:
    async with in_transaction():
        await affected(INSERT, 1, 1, "kept")
        with pytest.raises(IntegrityError):
            async with in_transaction():
                await affected(INSERT, 2, 2, "undone")
                await affected(INSERT, 1, 1, "twice")
    assert await in_parts() == {1: 1}


async def test_a_task_started_inside_a_transaction_may_read_but_not_write(
    database: ConnectedDatabase,
) -> None:
    go = asyncio.Event()

    async def late() -> None:
        await go.wait()
        await rows("SELECT 1 AS one")

    async with in_transaction():
        await affected(INSERT, 1, 1, "x")
        assert await asyncio.create_task(in_parts()) == {1: 1}
        with pytest.raises(TransactionManagementError, match="start tasks outside"):
            await asyncio.create_task(affected(INSERT, 2, 2, "x"))
        straggler = asyncio.create_task(late())
    go.set()
    with pytest.raises(TransactionManagementError, match="has ended"):
        await straggler
    assert await in_parts() == {1: 1}


async def test_statements_are_counted_through_orm_and_raw_sql(database: ConnectedDatabase) -> None:
    from models.event import EventCounter

    with count_statements() as counter:
        await EventCounter.create(workspace_id=1, epoch="x")
        async with in_transaction():
            await EventCounter.filter(workspace_id=1).update(seq=2)
        assert await rows("SELECT seq FROM event_counter") == [{"seq": 2}]
    verbs = [statement.split()[0] for statement in counter.statements]
    assert verbs == ["INSERT", "BEGIN", "UPDATE", "COMMIT", "SELECT"]
    assert counter.total == 5
    await rows("SELECT 1 AS one")
    assert counter.total == 5


async def test_counting_everywhere_includes_tasks_started_before(
    database: ConnectedDatabase,
) -> None:
    go = asyncio.Event()

    async def wait_and_read() -> None:
        await go.wait()
        await rows("SELECT 1 AS one")

    earlier = asyncio.create_task(wait_and_read())
    with count_statements() as here, count_statements(everywhere=True) as everywhere:
        go.set()
        await earlier
    assert (here.total, everywhere.statements) == (0, ["SELECT 1 AS one"])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_sqlite_takes_the_write_lock_at_once(database: ConnectedDatabase) -> None:
    path = database.url.removeprefix("sqlite://").partition("?")[0]
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    async with in_transaction():
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    await rows("PRAGMA busy_timeout = 20")
    with pytest.raises(TransientDatabaseError):
        await write_batch(1)
    with pytest.raises(TransientDatabaseError):
        await affected(INSERT, 1, 1, "x")
    other.execute("ROLLBACK")
    other.close()
    await write_batch(1)
    assert await in_parts() == {1: PARTS}


async def test_reads_do_not_wait_for_an_open_write_transaction(database: ConnectedDatabase) -> None:
    async def read() -> dict[int, int]:
        async with asyncio.timeout(5):
            return await in_parts()

    written, go = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with in_transaction():
            await affected(INSERT, 1, 1, "x")
            written.set()
            await go.wait()

    writer = asyncio.create_task(write())
    await written.wait()
    assert await asyncio.gather(*(read() for _ in range(4))) == [{}] * 4
    go.set()
    await writer
    assert await read() == {1: 1}


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_postgres_says_what_may_be_tried_again(database: ConnectedDatabase) -> None:
    with pytest.raises(TransientDatabaseError):
        await rows("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(TransientDatabaseError):
        async with in_transaction():
            await rows("SELECT pg_terminate_backend(pg_backend_pid())")
    await affected(INSERT, 1, 1, "x")
    with pytest.raises(TransientDatabaseError):
        async with in_transaction():
            await affected("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            await rows("SELECT seq FROM event_counter")
            await asyncio.to_thread(_raise_seq, database.url)
            await affected("UPDATE event_counter SET seq = seq + 1")
    assert await rows("SELECT seq FROM event_counter") == [{"seq": 50}]
    with pytest.raises(OperationalError) as wrong:
        await rows("SELECT nothing FROM nowhere")
    assert not isinstance(wrong.value, TransientDatabaseError)


def _raise_seq(url: str) -> None:
    import asyncpg

    async def update() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute("UPDATE event_counter SET seq = 50")
        await connection.close()

    asyncio.run(update())


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_swallowed_error_does_not_pass_for_a_commit(database: ConnectedDatabase) -> None:
    with pytest.raises(TransactionManagementError, match="swallowed"):
        async with in_transaction():
            await affected(INSERT, 1, 1, "x")
            with pytest.raises(IntegrityError):
                await affected(INSERT, 1, 1, "x")
    assert await in_parts() == {}
