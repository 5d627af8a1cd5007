"""The transaction that tells: rows, events and jobs together or not at all, in commit order."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError

from models.clock import now
from models.engine import sql
from models.event import Event
from models.job import Job
from models.team import Team
from realtime.broker import Broker, Signal, Wake
from realtime.events import ConversationClosed, ConversationOpened, Fact
from realtime.log import read_head, read_page
from realtime.transaction import JOBS_WORKSPACE, ring_with, transaction
from resolvers.workspace import add_workspace
from tests.conftest import ConnectedDatabase
from tests.test_engine import cancelled_at

WRITERS = 50
EACH = 6


async def write(workspace_id: int, number: int, *facts: Fact) -> None:
    """Write a row, its facts and its job in one transaction."""
    async with transaction() as announce:
        await Team.create(workspace_id=workspace_id, name=f"t{number}")
        for fact in facts or (ConversationOpened(workspace_id, number),):
            announce(fact)
        announce.job("work", {"number": number}, run_at=now() + timedelta(hours=1))


async def counts() -> tuple[int, int, int]:
    """Return how many rows, events and jobs there are."""
    return await Team.all().count(), await Event.all().count(), await Job.all().count()


async def test_rows_events_and_jobs_commit_together(database: ConnectedDatabase) -> None:
    workspace = await add_workspace("Acme")

    await write(
        workspace.id, 7, ConversationOpened(workspace.id, 1), ConversationClosed(workspace.id, 1)
    )

    assert await counts() == (1, 2, 1)
    page = await read_page(workspace.id, 0)
    assert [(logged.seq, logged.fact) for logged in page] == [
        (1, ConversationOpened(workspace.id, 1)),
        (2, ConversationClosed(workspace.id, 1)),
    ]
    assert (await read_head(workspace.id)).seq == 2
    assert abs(page[0].occurred_at - now()) < timedelta(minutes=1)
    [job] = await Job.all()
    assert (job.kind, job.payload, job.attempts) == ("work", '{"number":7}', 0)


async def test_each_workspace_counts_for_itself(database: ConnectedDatabase) -> None:
    first, second = await add_workspace("Acme"), await add_workspace("Other")
    facts = [ConversationOpened(w.id, n) for n in range(2) for w in (second, first)]
    await write(first.id, 1, *facts)
    for workspace in (first, second):
        page = await read_page(workspace.id, 0)
        assert [(logged.seq, logged.fact) for logged in page] == [
            (1, ConversationOpened(workspace.id, 0)),
            (2, ConversationOpened(workspace.id, 1)),
        ]


async def test_what_fails_leaves_nothing(database: ConnectedDatabase) -> None:
    workspace = await add_workspace("Acme")
    await write(workspace.id, 1)

    with pytest.raises(ZeroDivisionError):
        async with transaction() as announce:
            await Team.create(workspace_id=workspace.id, name="lost")
            announce(ConversationOpened(workspace.id, 2))
            announce.job("work", {})
            raise ZeroDivisionError
    with pytest.raises((LookupError, IntegrityError)):  # without a log
        async with transaction() as announce:
            await Team.create(workspace_id=workspace.id, name="lost")
            announce.job("work", {})
            announce(ConversationOpened(workspace.id, 2))
            announce(ConversationOpened(10**6, 2))

    assert await counts() == (1, 1, 1)
    await write(workspace.id, 3)
    assert [logged.seq for logged in await read_page(workspace.id, 0)] == [1, 2]


class Listening:
    """A broker whose news are looked at against what is committed."""

    def __init__(self) -> None:
        self.broker = Broker("memory://")
        self.heard: list[Wake | Signal] = []

    async def __aenter__(self) -> "Listening":
        await self.broker.start()
        self.broker.listen(self.heard.append)
        ring_with(self.broker)
        return self

    async def __aexit__(self, *error: object) -> None:
        ring_with(None)
        await self.broker.stop()

    async def settle(self) -> list[Wake | Signal]:
        """Return what was heard, once the loop had time to tell it."""
        assert await self.broker.check(5)
        return self.heard


async def test_nothing_is_told_before_the_commit(database: ConnectedDatabase) -> None:
    workspace = await add_workspace("Acme")
    async with Listening() as listening:
        async with transaction() as announce:
            announce(ConversationOpened(workspace.id, 1))
            announce.job("work", {})
            assert await listening.settle() == []
        assert await listening.settle() == [Wake(workspace.id, 1), Wake(JOBS_WORKSPACE, 0)]


async def test_nothing_is_told_of_what_was_undone(database: ConnectedDatabase) -> None:
    workspace = await add_workspace("Acme")
    async with Listening() as listening:
        with pytest.raises(ZeroDivisionError):
            async with transaction() as announce:
                announce(ConversationOpened(workspace.id, 1))
                announce.job("work", {})
                raise ZeroDivisionError
        assert await listening.settle() == []


async def test_a_reader_beside_fifty_writers_never_skips(database: ConnectedDatabase) -> None:
    workspace = await add_workspace("Acme")
    total = WRITERS * EACH
    generator = random.Random(7)
    pauses = [generator.randrange(4) for _ in range(total)]

    async def writer(number: int) -> None:
        for turn in range(EACH):
            async with transaction() as announce:
                announce(ConversationOpened(workspace.id, number))
                for _ in range(pauses[number * EACH + turn]):
                    await sql.rows("SELECT 1 AS one")
                await Team.create(workspace_id=workspace.id, name=f"{number}.{turn}")

    async def reader() -> list[int]:
        seen: list[int] = []
        while len(seen) < total:
            page = await read_page(workspace.id, seen[-1] if seen else 0)
            seen += [logged.seq for logged in page]
            assert seen == list(range(1, len(seen) + 1)), "the reader moved past a hole"
        return seen

    async with asyncio.timeout(60):
        seen, *_ = await asyncio.gather(reader(), *(writer(n) for n in range(WRITERS)))

    assert seen == list(range(1, total + 1))
    assert (await read_head(workspace.id)).seq == total
    assert await Team.all().count() == total


async def test_a_cancelled_transaction_is_whole_or_nothing(database: ConnectedDatabase) -> None:
    workspace = await add_workspace("Acme")
    generator = random.Random(11)
    finished: list[Any] = []
    for number in range(60):
        work = cancelled_at(generator.randrange(1, 16), 0, write(workspace.id, number))
        finished += await asyncio.gather(asyncio.create_task(work), return_exceptions=True)

    rows, events, jobs = await counts()
    assert rows == events == jobs
    teams = {team.name for team in await Team.all()}
    facts = [logged.fact for logged in await read_page(workspace.id, 0)]
    assert {
        f"t{fact.conversation_id}" for fact in facts if isinstance(fact, ConversationOpened)
    } == teams
    assert [logged.seq for logged in await read_page(workspace.id, 0)] == list(range(1, rows + 1))
    done = sum(result is None for result in finished)
    assert 0 < done <= rows < 60
    await write(workspace.id, 1000)
    assert await counts() == (rows + 1,) * 3
