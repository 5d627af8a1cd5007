"""Chaos: a thousand snoozes end in one second while a process is killed, each of them once."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from models.activity import Activity, ActivityKind
from models.clock import now
from models.contact import Contact
from models.conversation import Conversation, ConversationStatus
from models.database import connect, disconnect
from models.engine import sql
from realtime.events import SnoozeExpired
from resolvers.snooze import EXPIRE_SNOOZE, snooze_conversation
from tests.chaos import ORPHAN_SECONDS, SETTLE_SECONDS
from tests.processes import Process, processes
from tests.waiting import until
from tests.world import World, make_world

SNOOZES = 1000
LATE = timedelta(days=3)


async def _snooze_many(world: World) -> list[int]:
    """Snooze a thousand closed conversations for a day; return their ids."""
    moment, workspace_id = now(), world.workspace.id
    await Contact.bulk_create(
        Contact(workspace_id=workspace_id, first_name=f"C{number}", created_at=moment)
        for number in range(SNOOZES)
    )
    await Conversation.bulk_create(
        Conversation(
            workspace_id=workspace_id,
            contact_id=contact.id,
            status=ConversationStatus.CLOSED,
            last_message_at=moment,
            created_at=moment,
        )
        for contact in await Contact.filter(workspace_id=workspace_id)
    )
    keys = [row.id for row in await Conversation.filter(workspace_id=workspace_id)]
    viewer = await world.owner.viewer()
    for key in keys:
        await snooze_conversation(viewer, key, until=moment + timedelta(days=1))
    return keys


async def _make_due(at: datetime) -> None:
    """Move every snooze, and its job, to one moment."""
    await sql.affected("UPDATE conversation SET snoozed_until = ?", at)
    await sql.affected("UPDATE job SET run_at = ?", at)


async def _ended() -> int:
    return await Activity.filter(kind=ActivityKind.SNOOZE_EXPIRED).count()


async def _until_no_job_waits() -> None:
    """Return once all is done; what a killed process holds does not last its lease."""

    async def is_done() -> bool:
        await sql.affected(
            f"UPDATE job SET lease_until = {sql.database_now(-1)} WHERE state = 'RUNNING'"
            f" AND lease_until < {sql.database_now(60 - ORPHAN_SECONDS)}"
        )
        [row] = await sql.rows("SELECT COUNT(*) AS open FROM job WHERE kind = ?", EXPIRE_SNOOZE)
        return bool(row["open"] == 0)

    await until(is_done, SETTLE_SECONDS)


async def _check(world: World, keys: list[int], due: datetime) -> None:
    """Show one change, one line and one event for each snooze, none of them early."""
    facts = [fact for fact in await world.facts() if isinstance(fact, SnoozeExpired)]
    assert Counter(fact.conversation_id for fact in facts) == Counter(keys)
    lines = await Activity.filter(kind=ActivityKind.SNOOZE_EXPIRED)
    assert Counter(line.conversation_id for line in lines) == Counter(keys)
    assert min(line.created_at for line in lines) >= due - timedelta(milliseconds=1)
    rows = await Conversation.filter(id__in=keys)
    assert {(row.status, row.version, row.last_seq) for row in rows} == {
        (ConversationStatus.CLOSED, 3, 2)
    }
    log = await sql.rows("SELECT seq FROM event WHERE workspace_id = ?", world.workspace.id)
    assert sorted(row["seq"] for row in log) == list(range(1, len(log) + 1))


async def _kill_midway(servers: list[Process]) -> int:
    """Kill a server once a third has ended; return how many had ended when it was dead."""

    async def a_third_has_ended() -> bool:
        return await _ended() > SNOOZES / 3

    await until(a_third_has_ended, SETTLE_SECONDS)
    await asyncio.to_thread(servers[0].kill)
    return await _ended()


async def _survive(database_url: str, bus_url: str, directory: Path, amount: int) -> None:
    await connect(database_url)
    try:
        world = await make_world()
        keys = await _snooze_many(world)
        async with processes(directory, database_url, bus_url, amount) as servers:
            due = now() + timedelta(seconds=1)
            await _make_due(due)
            assert await _kill_midway(servers) < SNOOZES
            if amount == 1:
                servers[0].start()
            await _until_no_job_waits()
        await _check(world, keys, due)
    finally:
        await disconnect()


async def test_one_of_two_processes_is_killed_on_postgres_and_redis(
    postgres_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    await _survive(postgres_database_url, redis_url, tmp_path, 2)


async def test_the_only_process_is_killed_on_sqlite(
    sqlite_database_url: str, tmp_path: Path
) -> None:
    await _survive(sqlite_database_url.partition("?")[0], "memory://", tmp_path, 1)


async def test_days_late_after_an_outage_each_ends_once(
    postgres_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    await connect(postgres_database_url)
    try:
        world = await make_world()
        keys = await _snooze_many(world)
        due = now() - LATE
        await _make_due(due)
        async with processes(tmp_path, postgres_database_url, redis_url, 2):
            await _until_no_job_waits()
        await _check(world, keys, due)
    finally:
        await disconnect()
