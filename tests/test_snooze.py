"""Snoozing: the rule, the deed, its refusals, and coming back by a person or by a message."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.activity import Activity, ActivityKind
from models.clock import written
from models.conversation import Conversation, ConversationStatus
from models.engine import sql
from models.episode import ChangeSource, Episode
from models.refusal import Code, Refused
from realtime.events import ConversationOpened, ConversationSnoozed, ConversationUnsnoozed
from resolvers.snooze import EXPIRE_SNOOZE, check_snooze
from tests.acting import (
    act,
    api_key,
    check_conflict,
    check_rights,
    nothing_changes,
    refused,
    succeed,
)
from tests.world import Api, World

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
YEAR = timedelta(days=366)
PAST = refused("TIME_IN_PAST", "Choose a moment in the future to snooze until.", "until")
FAR = refused("TIME_TOO_FAR", "A conversation can be snoozed for at most 366 days.", "until")


def later(**delta: float) -> datetime:
    """Return a moment from now, in full seconds."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(**delta)


async def snooze(api: Api, world: World, row: object, **delta: float) -> datetime:
    """Snooze as the owner; return until when."""
    until = later(**delta)
    await succeed(api, world.owner, "snoozeConversation", row, until=until.isoformat())
    return until


@pytest.mark.parametrize(
    ("ahead", "code"),
    [
        (timedelta(days=-1), Code.TIME_IN_PAST),
        (timedelta(0), Code.TIME_IN_PAST),
        (timedelta(microseconds=1), None),
        (YEAR, None),
        (YEAR + timedelta(microseconds=1), Code.TIME_TOO_FAR),
    ],
)
def test_the_rule_at_its_edges(ahead: timedelta, code: Code | None) -> None:
    if code is None:
        check_snooze(NOON + ahead, NOON)
        return
    with pytest.raises(Refused) as refusal:
        check_snooze(NOON + ahead, NOON)
    assert (refusal.value.code, refusal.value.field) == (code, ("until",))


@given(
    st.timedeltas(min_value=-2 * YEAR, max_value=2 * YEAR),
    st.integers(min_value=-23, max_value=23),
)
def test_the_rule_knows_moments_not_zones(ahead: timedelta, offset: int) -> None:
    until = (NOON + ahead).astimezone(timezone(timedelta(hours=offset)))
    try:
        check_snooze(until, NOON)
    except Refused as refusal:
        in_past = ahead <= timedelta(0)
        assert refusal.code is (Code.TIME_IN_PAST if in_past else Code.TIME_TOO_FAR)
        assert in_past or ahead > YEAR
    else:
        assert timedelta(0) < ahead <= YEAR


async def test_snoozing_an_open_conversation(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    until = later(hours=2)

    snoozed = await succeed(
        api, world.owner, "snoozeConversation", message, until=until.isoformat()
    )

    row = await Conversation.get(id=message.conversation_id)
    assert row.snoozed_at is not None
    assert (snoozed["status"], snoozed["version"]) == ("SNOOZED", 3)
    assert snoozed["snooze"] == {
        "until": written(until),
        "since": written(row.snoozed_at),
        "by": {"id": world.owner.id},
    }
    assert row.status_before_snooze is ConversationStatus.OPEN
    assert (await world.facts())[-1] == ConversationSnoozed(world.workspace.id, row.id, until)
    last = await Activity.get(conversation_id=row.id, seq=row.last_seq)
    assert (last.kind, last.until, last.actor_id) == (
        ActivityKind.SNOOZED,
        until,
        world.owner.member.id,
    )
    [job] = await sql.rows("SELECT kind, run_at FROM job")
    assert (job["kind"], sql.moment(job["run_at"])) == (EXPIRE_SNOOZE, until)
    [episode] = await Episode.all()
    assert episode.closed_at is None


async def test_a_moment_is_meant_in_its_own_zone(api: Api, world: World) -> None:
    conversation = await world.conversation()
    until = later(hours=2).astimezone(timezone(timedelta(hours=-5)))

    snoozed = await succeed(
        api, world.owner, "snoozeConversation", conversation, until=until.isoformat()
    )

    assert datetime.fromisoformat(snoozed["snooze"]["until"]) == until


async def test_a_program_snoozes_without_a_member(api: Api, world: World) -> None:
    conversation = await world.conversation()
    snoozed = await succeed(
        api,
        await api_key(world),
        "snoozeConversation",
        conversation,
        until=later(days=1).isoformat(),
    )
    assert snoozed["snooze"]["by"] is None


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(timedelta(days=-400), PAST), (timedelta(seconds=-1), PAST), (timedelta(days=367), FAR)],
)
async def test_refused_moments_change_nothing(
    api: Api, world: World, ahead: timedelta, expected: object
) -> None:
    message = await world.hear("Hello")
    until = (datetime.now(UTC) + ahead).isoformat()
    async with nothing_changes():
        payload = await act(api, world.owner, "snoozeConversation", message, until=until)
    assert payload == expected


async def test_unsnoozing_brings_it_back_to_open(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await snooze(api, world, message, hours=1)

    back = await succeed(api, world.owner, "unsnoozeConversation", message)

    assert (back["status"], back["version"], back["snooze"]) == ("OPEN", 4, None)
    row = await Conversation.get(id=message.conversation_id)
    assert (row.status_before_snooze, row.snoozed_at, row.snoozed_by_id) == (None, None, None)
    assert (await world.facts())[-1] == ConversationUnsnoozed(world.workspace.id, row.id)
    assert (await Activity.get(seq=row.last_seq)).kind is ActivityKind.UNSNOOZED
    assert await Episode.filter(closed_at=None).count() == 1


async def test_unsnoozing_brings_it_back_to_closed(api: Api, world: World) -> None:
    conversation = await world.conversation()
    await snooze(api, world, conversation, hours=1)

    back = await succeed(api, world.owner, "unsnoozeConversation", conversation)

    assert back["status"] == "CLOSED"
    assert await Episode.all().count() == 0


async def test_unsnoozing_what_is_not_snoozed_changes_nothing(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    async with nothing_changes():
        same = await succeed(api, world.owner, "unsnoozeConversation", message)
    assert (same["status"], same["version"]) == ("OPEN", 2)


@pytest.mark.parametrize("origin", ["OPEN", "CLOSED"])
async def test_a_message_opens_a_snoozed_conversation(api: Api, world: World, origin: str) -> None:
    message = await world.hear("Hello")
    if origin == "CLOSED":
        await succeed(api, world.owner, "closeConversation", message)
    await snooze(api, world, message, hours=1)
    version = (await Conversation.get(id=message.conversation_id)).version

    await world.hear("Are you there?")

    row = await Conversation.get(id=message.conversation_id)
    assert (row.status, row.snoozed_until) == (ConversationStatus.OPEN, None)
    assert row.version == version + 1
    assert (await world.facts())[-2] == ConversationOpened(world.workspace.id, row.id)
    episodes = await Episode.all().order_by("id")
    assert [episode.closed_at is None for episode in episodes] == (
        [True] if origin == "OPEN" else [False, True]
    )
    assert episodes[-1].opened_source is ChangeSource.CONTACT


async def test_another_version_is_a_conflict(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    until = later(hours=1).isoformat()
    await check_conflict(api, world, "snoozeConversation", message.conversation, until=until)
    await check_conflict(api, world, "unsnoozeConversation", message.conversation)


async def test_who_may_snooze(api: Api, world: World) -> None:
    await check_rights(api, world, "snoozeConversation", until=later(hours=1).isoformat())


async def test_who_may_unsnooze(api: Api, world: World) -> None:
    async def prepare(conversation: Conversation) -> None:
        await snooze(api, world, conversation, hours=1)

    await check_rights(api, world, "unsnoozeConversation", prepare=prepare)
