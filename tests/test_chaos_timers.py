"""Chaos: a thousand snoozes and 200 automatic closings fall due in one second, each done once."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from models.activity import Activity, ActivityKind
from models.clock import now
from models.contact import Contact
from models.conversation import Conversation, ConversationStatus
from models.database import connect, disconnect
from models.engine import sql
from models.episode import ChangeSource, Episode
from models.queries import lock_conversation
from realtime.events import ConversationClosed, SnoozeExpired
from realtime.transaction import transaction
from resolvers.idle_clock import CLOSE_IDLE, watch
from resolvers.snooze import EXPIRE_SNOOZE, snooze_conversation
from tests.chaos import ORPHAN_SECONDS, SETTLE_SECONDS, release_jobs
from tests.processes import Process, processes
from tests.test_automatic_closing import turn_on
from tests.waiting import until
from tests.world import World, make_world

SNOOZES = 1000
CLOSINGS = 200
IDLE = timedelta(minutes=30)
LATE = timedelta(days=3)


@dataclass(frozen=True)
class Timers:
    """Conversations for which something falls due."""

    snoozed: list[int]
    idle: list[int]


async def _conversations(world: World, amount: int, **state: Any) -> list[int]:
    """Add conversations in a state; return their ids."""
    moment, name = now(), f"{state['status'].value}"
    own = {"workspace_id": world.workspace.id}
    await Contact.bulk_create(
        Contact(**own, first_name=name, created_at=moment) for _ in range(amount)
    )
    contacts = await Contact.filter(**own, first_name=name)
    await Conversation.bulk_create(
        Conversation(
            **own,
            contact_id=contact.id,
            last_message_at=moment,
            status_since=moment,
            created_at=moment,
            **state,
        )
        for contact in contacts
    )
    rows = await Conversation.filter(**own, status=state["status"])
    return [row.id for row in rows]


async def _start_timers(world: World) -> Timers:
    """Snooze a thousand closed conversations for a day, and let 200 open ones be idle."""
    moment, viewer = now(), await world.owner.viewer()
    await turn_on(world, minutes=30)
    snoozed = await _conversations(world, SNOOZES, status=ConversationStatus.CLOSED)
    for key in snoozed:
        await snooze_conversation(viewer, key, until=moment + timedelta(days=1))
    idle = await _conversations(
        world,
        CLOSINGS,
        status=ConversationStatus.OPEN,
        opened_at=now(),
        idle_since=moment,
        auto_close_minutes=30,
    )
    await Episode.bulk_create(
        Episode(conversation_id=key, opened_at=moment, opened_source=ChangeSource.CONTACT)
        for key in idle
    )
    for key in idle:
        async with transaction() as announce:
            conversation = await lock_conversation(key)
            assert conversation is not None
            watch(conversation, announce)
    return Timers(snoozed, idle)


async def _make_due(at: datetime) -> None:
    """Move every timer, and its job, to one moment."""
    await sql.affected("UPDATE conversation SET snoozed_until = ? WHERE status = 'SNOOZED'", at)
    await sql.affected("UPDATE conversation SET idle_since = ? WHERE status = 'OPEN'", at - IDLE)
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
        [row] = await sql.rows(
            "SELECT COUNT(*) AS open FROM job WHERE kind IN (?, ?)", EXPIRE_SNOOZE, CLOSE_IDLE
        )
        return bool(row["open"] == 0)

    await until(is_done, SETTLE_SECONDS)


async def _check(world: World, timers: Timers, due: datetime) -> None:
    """Show one change, one line and one event for each timer, none of them early."""
    facts = await world.facts()
    for keys, kind, fact_type, seq in (
        (timers.snoozed, ActivityKind.SNOOZE_EXPIRED, SnoozeExpired, 2),
        (timers.idle, ActivityKind.CLOSED, ConversationClosed, 1),
    ):
        told = [one.conversation_id for one in facts if isinstance(one, fact_type)]
        assert Counter(told) == Counter(keys)
        lines = await Activity.filter(kind=kind)
        assert Counter(line.conversation_id for line in lines) == Counter(keys)
        assert min(line.created_at for line in lines) >= due - timedelta(milliseconds=1)
        rows = await Conversation.filter(id__in=keys)
        assert {(row.status, row.version, row.last_seq) for row in rows} == {
            (ConversationStatus.CLOSED, seq + 1, seq)
        }
    episodes = await Episode.filter(closed_source=ChangeSource.AUTO_CLOSE)
    assert Counter(one.conversation_id for one in episodes) == Counter(timers.idle)
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
        timers = await _start_timers(world)
        async with processes(directory, database_url, bus_url, amount) as servers:
            due = now() + timedelta(seconds=1)
            await _make_due(due)
            assert await _kill_midway(servers) < SNOOZES
            if amount == 1:
                await release_jobs()
                servers[0].start()
            await _until_no_job_waits()
        await _check(world, timers, due)
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
        timers = await _start_timers(world)
        due = now() - LATE
        await _make_due(due)
        async with processes(tmp_path, postgres_database_url, redis_url, 2):
            await _until_no_job_waits()
        await _check(world, timers, due)
    finally:
        await disconnect()
