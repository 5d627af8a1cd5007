"""Automatic closing meets snoozes, assignments, closings and other workers at the same moment."""

import asyncio
from typing import Any

import pytest

from models.conversation import Conversation, ConversationStatus
from models.engine import sql
from models.episode import Episode
from models.workspace import ClosingNoteMode, Workspace
from realtime.jobs import claim
from resolvers.automatic_closing import close_idle
from resolvers.idle_clock import CLOSE_IDLE
from schema.ids import encode_id
from tests.acting import succeed
from tests.test_automatic_closing import HOUR, after, answered, closings, say, turn_on, waiting
from tests.test_snooze import later, snooze
from tests.world import Api, World, let_time_pass, run_jobs


@pytest.mark.parametrize("end", ["expire", "unsnoozeConversation", "openConversation"])
async def test_a_snooze_suspends_it_and_it_starts_at_its_end(
    api: Api, world: World, end: str
) -> None:
    message = await answered(world)
    await let_time_pass(HOUR - 120)
    await snooze(api, world, message, hours=5)
    if end == "expire":
        assert await after(5 * HOUR - 60, message) == "SNOOZED"
        assert await after(60, message) == "OPEN"
    else:
        assert await after(4 * HOUR, message) == "SNOOZED"
        await succeed(api, world.owner, end, message)
    assert await after(HOUR - 60, message) == "OPEN"
    assert await after(60, message) == "CLOSED"
    assert await closings(world) == 1


async def test_written_in_a_snooze_it_starts_at_its_end(api: Api, world: World) -> None:
    await turn_on(world)
    message = await world.hear("Hello")
    await snooze(api, world, message, hours=5)
    await say(world, message)
    assert await waiting(world) == 0
    assert await after(5 * HOUR, message) == "OPEN"
    assert await after(HOUR - 60, message) == "OPEN"
    assert await after(60, message) == "CLOSED"


async def test_a_word_in_a_snooze_over_closed_starts_nothing(api: Api, world: World) -> None:
    message = await answered(world)
    await succeed(api, world.owner, "closeConversation", message)
    await snooze(api, world, message, hours=1)
    await say(world, message)
    assert await after(HOUR, message) == "CLOSED"
    await succeed(api, world.owner, "openConversation", message)
    assert await after(24 * HOUR, message) == "OPEN"


@pytest.mark.parametrize("wakes", [True, False])
async def test_a_reply_in_a_snooze_stops_it(api: Api, world: World, wakes: bool) -> None:
    message = await answered(world)
    until = later(hours=2).isoformat()
    await succeed(api, world.owner, "snoozeConversation", message, until=until, wakeOnReply=wakes)
    await world.hear("Wait")
    assert await after(2 * HOUR, message) == "OPEN"
    assert await after(24 * HOUR, message) == "OPEN"
    assert await closings(world) == 0


async def test_what_a_member_closed_is_not_closed_again(api: Api, world: World) -> None:
    message = await answered(world)
    await succeed(api, world.owner, "closeConversation", message)
    assert await after(2 * HOUR, message) == "CLOSED"
    await succeed(api, world.owner, "reopenConversation", message)
    assert await after(2 * HOUR, message) == "OPEN"
    assert await closings(world) == 1


async def test_it_needs_no_closing_note(world: World) -> None:
    message = await answered(world)
    mode = ClosingNoteMode.CATEGORY_AND_SUMMARY_REQUIRED
    await Workspace.filter(id=world.workspace.id).update(closing_note_mode=mode)
    assert await after(HOUR, message) == "CLOSED"


async def test_an_assignment_keeps_the_clock_and_has_it_watched(api: Api, world: World) -> None:
    message = await answered(world)
    await let_time_pass(HOUR / 2)
    await sql.affected("DELETE FROM job WHERE kind = ?", CLOSE_IDLE)
    ada = await world.add()
    await succeed(api, world.owner, "assignConversation", message, assigneeId=ada.id)
    assert await waiting(world) == 1
    await succeed(api, world.owner, "unassignConversation", message)
    assert await after(HOUR / 2 - 60, message) == "OPEN"
    assert await after(60, message) == "CLOSED"


async def test_an_ai_agent_stops_it_and_people_have_it_run_from_the_last_word(
    api: Api, world: World
) -> None:
    message = await answered(world)
    robo = encode_id("AiAgent", (await world.ai_agent()).id)
    await let_time_pass(HOUR / 2)
    await succeed(api, world.owner, "assignConversation", message, assigneeId=robo)
    assert await after(HOUR / 4, message) == "OPEN"
    await succeed(api, world.owner, "assignConversation", message, assigneeId=world.owner.id)
    assert await after(HOUR / 4 - 60, message) == "OPEN"
    assert await after(60, message) == "CLOSED"


@pytest.mark.parametrize("target", ["member", "team", "nobody"])
async def test_after_an_ai_agent_it_is_late_where_nobody_wrote(
    api: Api, world: World, target: str
) -> None:
    message = await answered(world)
    robo = encode_id("AiAgent", (await world.ai_agent()).id)
    await succeed(api, world.owner, "assignConversation", message, assigneeId=robo)
    assert await after(24 * HOUR, message) == "OPEN"
    assert await waiting(world) == 0
    if target == "nobody":
        await succeed(api, world.owner, "unassignConversation", message)
    else:
        values = {"assigneeId": world.owner.id}
        if target == "team":
            values = {"teamId": encode_id("Team", (await world.team()).id)}
        await succeed(api, world.owner, "assignConversation", message, **values)
    assert await after(0, message) == "CLOSED"
    assert await closings(world) == 1


async def test_a_reply_to_an_ai_agent_stops_it_for_people_too(api: Api, world: World) -> None:
    message = await answered(world)
    robo = encode_id("AiAgent", (await world.ai_agent()).id)
    await succeed(api, world.owner, "assignConversation", message, assigneeId=robo)
    await world.hear("Wait")
    await succeed(api, world.owner, "assignConversation", message, assigneeId=world.owner.id)
    assert await after(24 * HOUR, message) == "OPEN"


async def test_two_workers_with_the_same_job_close_once(world: World) -> None:
    message = await answered(world)
    await run_jobs()
    await let_time_pass(HOUR)
    [first] = [job for job in await claim() if job.kind == CLOSE_IDLE]
    await sql.affected("UPDATE job SET lease_until = ? WHERE id = ?", later(hours=-1), first.id)
    [second] = [job for job in await claim() if job.kind == CLOSE_IDLE]
    assert (first.id, second.fence) == (second.id, first.fence + 1)

    results = await asyncio.gather(close_idle(first), close_idle(second), return_exceptions=True)

    assert [type(result).__name__ for result in results] == ["LeaseLost", "NoneType"]
    row = await Conversation.get(id=message.conversation_id)
    assert row.status is ConversationStatus.CLOSED
    assert (await closings(world), await waiting(world)) == (1, 0)


@pytest.mark.parametrize("who", ["contact", "member"])
async def test_a_message_at_the_very_moment_leaves_it_open(world: World, who: str) -> None:
    message = await answered(world)
    await run_jobs()
    await let_time_pass(HOUR)
    [job] = [one for one in await claim() if one.kind == CLOSE_IDLE]

    async def write() -> Any:
        await (world.hear("Wait") if who == "contact" else say(world, message))

    await asyncio.gather(close_idle(job), write())

    row = await Conversation.get(id=message.conversation_id)
    assert row.status is ConversationStatus.OPEN
    assert await Episode.filter(closed_at=None).count() == 1
    assert await closings(world) == await Episode.filter(closed_at__isnull=False).count()
    if who == "member":
        assert await waiting(world) == 1
        assert await after(HOUR, message) == "CLOSED"
    else:
        assert await after(HOUR, message) == "OPEN"
