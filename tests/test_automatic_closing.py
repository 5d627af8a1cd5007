"""Automatic closing: when the clock starts, moves, stops and waits, and that it closes once."""

from datetime import UTC, datetime, timedelta

import pytest

from models.activity import Activity, ActivityKind
from models.conversation import Conversation, ConversationStatus
from models.engine import sql
from models.episode import ChangeSource, Episode
from models.message import Message, MessageSource
from realtime.events import ConversationClosed
from resolvers.authentication import authenticate
from resolvers.idle_clock import CLOSE_IDLE, closes_at, idle_since_after
from resolvers.message import send_message
from resolvers.viewer import Viewer
from resolvers.workspace import update_workspace_settings
from tests.acting import api_key, succeed
from tests.world import Api, World, let_time_pass, run_jobs, webhook

HOUR = 3600
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
MOMENT = NOON + timedelta(minutes=5)


async def turn_on(world: World, minutes: int = 60) -> None:
    """Turn automatic closing on."""
    changes = {"auto_close_is_enabled": True, "auto_close_minutes": minutes}
    await update_workspace_settings(await world.owner.viewer(), world.workspace.id, changes)


async def turn_off(world: World) -> None:
    """Turn automatic closing off."""
    changes = {"auto_close_is_enabled": False}
    await update_workspace_settings(await world.owner.viewer(), world.workspace.id, changes)


async def say(world: World, message: Message) -> None:
    """Send a message as the owner."""
    await send_message(await world.owner.viewer(), message.conversation_id, text="Anything else?")


async def say_as_program(world: World, message: Message) -> None:
    """Send a message with an API key."""
    program = await authenticate(await api_key(world))
    assert isinstance(program, Viewer)
    await send_message(program, message.conversation_id, text="Your order has left.")


async def say_in_the_vendors_app(world: World, key: str) -> None:
    """Let a message come back that somebody wrote in the vendor's own app."""
    echo = {"type": "message_echo", "mId": key, "message": {"type": "text", "text": "Hi"}}
    assert await webhook(world.channels[0], "carla", echo) == 1
    await run_jobs()


async def answered(world: World) -> Message:
    """Turn it on, let a contact write and answer them; return the contact's message."""
    await turn_on(world)
    message = await world.hear("Hello")
    await say(world, message)
    return message


async def after(seconds: float, message: Message) -> str:
    """Let time pass and what is due happen; return the conversation's status."""
    await let_time_pass(seconds)
    await run_jobs()
    return (await Conversation.get(id=message.conversation_id)).status.value


async def closings(world: World) -> int:
    """Return how often a conversation was closed, as facts and as lines, which must agree."""
    facts = [fact for fact in await world.facts() if isinstance(fact, ConversationClosed)]
    assert len(facts) == await Activity.filter(kind=ActivityKind.CLOSED).count()
    return len(facts)


async def waiting(_world: World) -> int:
    """Return how many jobs watch a clock."""
    [row] = await sql.rows("SELECT COUNT(*) AS count FROM job WHERE kind = ?", CLOSE_IDLE)
    return int(row["count"])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (MessageSource.USER, MOMENT),
        (MessageSource.CONTACT, None),
        (MessageSource.API, NOON),
        (MessageSource.ECHO, NOON),
    ],
)
def test_whose_message_does_what_to_the_clock(
    source: MessageSource, expected: datetime | None
) -> None:
    assert idle_since_after(NOON, source, MOMENT) == expected
    started = MOMENT if source is MessageSource.USER else None
    assert idle_since_after(None, source, MOMENT) == started


@pytest.mark.parametrize("status", list(ConversationStatus))
@pytest.mark.parametrize("idle", [None, NOON])
@pytest.mark.parametrize("minutes", [None, 30])
@pytest.mark.parametrize("ai_agent_id", [None, 1])
def test_the_clock_runs_in_open_and_for_people_only(
    status: ConversationStatus,
    idle: datetime | None,
    minutes: int | None,
    ai_agent_id: int | None,
) -> None:
    conversation = Conversation(status=status, idle_since=idle, auto_close_minutes=minutes)
    conversation.ai_agent_id = ai_agent_id
    runs = status is ConversationStatus.OPEN and None not in (idle, minutes) and not ai_agent_id
    assert closes_at(conversation) == (NOON + timedelta(minutes=30) if runs else None)


async def test_it_closes_at_its_time_and_not_before(world: World) -> None:
    message = await answered(world)
    before = await Conversation.get(id=message.conversation_id)
    assert await after(HOUR - 60, message) == "OPEN"
    assert (await Conversation.get(id=message.conversation_id)).version == before.version

    assert await after(60, message) == "CLOSED"

    row = await Conversation.get(id=message.conversation_id)
    assert (row.version, row.idle_since, row.unreplied_since) == (before.version + 1, None, None)
    [episode] = await Episode.all()
    assert (episode.closed_source, episode.closed_by_id) == (ChangeSource.AUTO_CLOSE, None)
    assert (episode.closed_at, episode.note_category) == (row.closed_at, None)
    line = await Activity.get(seq=row.last_seq)
    assert (line.kind, line.source, line.actor_id) == (
        ActivityKind.CLOSED,
        ChangeSource.AUTO_CLOSE,
        None,
    )
    assert (await closings(world), await waiting(world)) == (1, 0)


async def test_days_late_it_closes_once(world: World) -> None:
    message = await answered(world)
    assert await after(5 * 24 * HOUR, message) == "CLOSED"
    assert await after(5 * 24 * HOUR, message) == "CLOSED"
    assert await closings(world) == 1


async def test_each_message_of_a_member_moves_it_and_one_job_watches(world: World) -> None:
    message = await answered(world)
    for _ in range(3):
        assert await after(HOUR * 2 / 3, message) == "OPEN"
        await say(world, message)
        assert await waiting(world) == 1
    assert await after(HOUR - 60, message) == "OPEN"
    assert await waiting(world) == 1
    assert await after(60, message) == "CLOSED"
    assert (await closings(world), await waiting(world)) == (1, 0)


async def test_a_reply_stops_it_until_a_member_writes_again(world: World) -> None:
    message = await answered(world)
    await world.hear("Wait")
    assert await after(30 * 24 * HOUR, message) == "OPEN"
    assert await waiting(world) == 0
    await say(world, message)
    assert await after(HOUR - 60, message) == "OPEN"
    assert await after(60, message) == "CLOSED"


async def test_programs_and_the_vendors_app_neither_start_nor_move_it(world: World) -> None:
    await turn_on(world)
    message = await world.hear("Hello")
    await say_as_program(world, message)
    await say_in_the_vendors_app(world, "e1")
    assert await waiting(world) == 0
    assert await after(2 * HOUR, message) == "OPEN"
    await say(world, message)
    assert await after(HOUR / 2, message) == "OPEN"
    await say_as_program(world, message)
    await say_in_the_vendors_app(world, "e2")
    assert await after(HOUR / 2, message) == "CLOSED"


async def test_turned_off_nothing_is_watched(world: World) -> None:
    message = await world.hear("Hello")
    await say(world, message)
    assert await waiting(world) == 0
    assert await after(30 * 24 * HOUR, message) == "OPEN"


async def test_what_was_opened_before_it_was_on_is_left_alone(world: World) -> None:
    message = await world.hear("Hello")
    await turn_on(world)
    await say(world, message)
    assert await after(2 * HOUR, message) == "OPEN"
    other = await world.hear("Hello", sender="bob")
    await say(world, other)
    assert await after(2 * HOUR, other) == "CLOSED"
    assert await closings(world) == 1


@pytest.mark.parametrize("is_on_again", [False, True])
async def test_turned_off_it_closes_nothing_also_when_on_again(
    world: World, is_on_again: bool
) -> None:
    message = await answered(world)
    await turn_off(world)
    if is_on_again:
        await turn_on(world)
    assert await after(2 * HOUR, message) == "OPEN"
    await say(world, message)
    assert await after(2 * HOUR, message) == "OPEN"


@pytest.mark.parametrize("minutes", [30, 600])
async def test_another_time_holds_for_what_is_opened_from_then_on(
    world: World, minutes: int
) -> None:
    message = await answered(world)
    await turn_on(world, minutes)
    await say(world, message)
    assert await after(HOUR - 60, message) == "OPEN"
    assert await after(60, message) == "CLOSED"
    await say(world, message)  # another episode begins
    assert await after(60 * minutes - 60, message) == "OPEN"
    assert await after(60, message) == "CLOSED"


async def test_a_shorter_time_is_not_late_behind_a_job_of_a_longer_one(
    api: Api, world: World
) -> None:
    await turn_on(world, 600)
    message = await world.hear("Hello")
    await say(world, message)
    await succeed(api, world.owner, "closeConversation", message)
    await turn_on(world, 30)
    await say(world, message)
    assert await waiting(world) == 2
    assert await after(30 * 60, message) == "CLOSED"
    assert await after(600 * 60, message) == "CLOSED"
    assert (await closings(world), await waiting(world)) == (2, 0)
