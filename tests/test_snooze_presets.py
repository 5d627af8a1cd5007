"""Presets of a snooze: wall-clock moments in the workspace's zone, exact where clocks change."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.clock import now, written
from models.conversation import Conversation, ConversationStatus
from models.refusal import Code, Refused
from models.workspace import Workspace
from resolvers import snooze
from resolvers.snooze import SnoozePreset, day_of, moment_of, preset_moments
from tests.acting import act, nothing_changes, refused, succeed
from tests.world import Api, World

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Pacific/Chatham",
)
PRESETS = "query ($id: ID!) { workspace(id: $id) { snoozePresets { preset until } } }"
TODAY, TOMORROW = SnoozePreset.LATER_TODAY, SnoozePreset.TOMORROW_MORNING
WEEK, MONTH = SnoozePreset.NEXT_WEEK, SnoozePreset.NEXT_MONTH


def at(text: str) -> datetime:
    """Return a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "moment", "preset", "expected"),
    [
        ("Europe/Berlin", "2026-11-25T10:00", TODAY, "2026-11-25T17:00"),
        ("Europe/Berlin", "2026-11-25T16:59:59", TODAY, "2026-11-25T17:00"),
        ("Europe/Berlin", "2026-11-25T17:00", TODAY, None),
        ("Europe/Berlin", "2026-11-25T22:59", TOMORROW, "2026-11-26T08:00"),
        ("Europe/Berlin", "2026-11-25T23:00", TOMORROW, "2026-11-27T08:00"),
        # the clocks go forward in the night to 29 March, and back in the one to 25 October
        ("Europe/Berlin", "2026-03-28T11:00", TODAY, "2026-03-28T17:00"),
        ("Europe/Berlin", "2026-03-28T11:00", TOMORROW, "2026-03-29T07:00"),
        ("Europe/Berlin", "2026-10-24T11:00", TOMORROW, "2026-10-25T08:00"),
        ("America/New_York", "2026-03-08T06:30", TODAY, "2026-03-08T22:00"),
        # a Wednesday, a Monday before and after nine, a Sunday
        ("UTC", "2026-11-25T10:00", WEEK, "2026-11-30T09:00"),
        ("UTC", "2026-11-30T08:00", WEEK, "2026-12-07T09:00"),
        ("UTC", "2026-11-30T10:00", WEEK, "2026-12-07T09:00"),
        ("UTC", "2026-11-29T10:00", WEEK, "2026-11-30T09:00"),
        ("UTC", "2026-01-31T10:00", MONTH, "2026-02-01T09:00"),
        ("UTC", "2026-12-01T00:00", MONTH, "2027-01-01T09:00"),
        # Samoa had no 30 December 2011: tomorrow's nine o'clock is that of the 31st
        ("Pacific/Apia", "2011-12-29T20:00", TOMORROW, "2011-12-30T19:00"),
    ],
)
def test_a_preset_at_the_edges(
    zone: str, moment: str, preset: SnoozePreset, expected: str | None
) -> None:
    found = preset_moments(zone, at(moment)).get(preset)
    assert found == (at(expected) if expected else None)


def test_a_time_that_comes_twice_is_meant_the_first_time_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # in Berlin 02:30 was shown at 00:30 and at 01:30 UTC
    monkeypatch.setattr(snooze, "EVENING", time(2, 30))
    for moment, expected in [
        ("2026-10-25T00:10", "2026-10-25T00:30"),
        ("2026-10-25T00:29:59", "2026-10-25T00:30"),
        ("2026-10-25T00:30", "2026-10-25T01:30"),
        ("2026-10-25T01:29", "2026-10-25T01:30"),
        ("2026-10-25T01:30", None),
    ]:
        found = preset_moments("Europe/Berlin", at(moment)).get(TODAY)
        assert found == (at(expected) if expected else None), moment


def test_a_time_that_is_leapt_over_comes_as_much_later(monkeypatch: pytest.MonkeyPatch) -> None:
    # in Berlin the clocks went from 02:00 to 03:00 at 01:00 UTC
    monkeypatch.setattr(snooze, "EVENING", time(2, 30))
    for moment, expected in [
        ("2026-03-29T00:29", "2026-03-29T01:30"),
        ("2026-03-29T00:45", "2026-03-29T01:30"),
        ("2026-03-29T01:29", "2026-03-29T01:30"),
        ("2026-03-29T01:30", None),
    ]:
        found = preset_moments("Europe/Berlin", at(moment)).get(TODAY)
        assert found == (at(expected) if expected else None), moment


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2005, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),
)
def test_presets_lie_ahead_and_show_their_time(zone: str, moment: datetime) -> None:
    there = ZoneInfo(zone)
    today = moment.astimezone(there).date()
    found = preset_moments(zone, moment)
    assert {TOMORROW, WEEK, MONTH} <= set(found)
    for preset, until in found.items():
        hour = time(18) if preset is TODAY else time(9)
        wall = datetime.combine(day_of(preset, today), hour)
        shown = [
            wall.replace(tzinfo=there, fold=fold).astimezone(UTC).astimezone(there)
            for fold in (0, 1)
        ]
        is_shown = wall in [one.replace(tzinfo=None) for one in shown]
        assert until > moment
        assert (until.astimezone(there).replace(tzinfo=None) == wall) is is_shown
    assert (TODAY in found) is (datetime.combine(today, time(18), there) > moment)


@given(st.dates())
def test_the_days_of_presets(today: Any) -> None:
    if today.year >= 9999:
        return
    days = {preset: day_of(preset, today) for preset in SnoozePreset}
    assert days[TODAY] == today
    assert (days[TOMORROW] - today).days == 1
    assert (days[WEEK].weekday(), 1 <= (days[WEEK] - today).days <= 7) == (0, True)
    assert (days[MONTH].day, 1 <= (days[MONTH] - today).days <= 31) == (1, True)


def test_a_moment_or_a_preset_and_only_one() -> None:
    noon = at("2026-11-25T12:00")
    assert moment_of(noon, None, "UTC", noon) == noon
    assert moment_of(None, WEEK, "UTC", noon) == at("2026-11-30T09:00")
    for until, preset in ((None, None), (noon, WEEK)):
        with pytest.raises(Refused) as refusal:
            moment_of(until, preset, "UTC", noon)
        assert (refusal.value.code, refusal.value.field) == (Code.INVALID, ("until",))
    with pytest.raises(Refused) as refusal:
        moment_of(None, TODAY, "UTC", at("2026-11-25T18:00"))
    assert (refusal.value.code, refusal.value.field) == (Code.TIME_IN_PAST, ("preset",))


async def test_a_workspace_offers_its_presets_and_they_can_be_used(api: Api, world: World) -> None:
    await Workspace.filter(id=world.workspace.id).update(time_zone="Asia/Kathmandu")
    conversation = await world.conversation()

    offered = (await api.ask(world.owner, PRESETS, id=world.id))["workspace"]["snoozePresets"]

    expected = preset_moments("Asia/Kathmandu", now())
    assert offered == [
        {"preset": preset.value, "until": written(until)} for preset, until in expected.items()
    ]
    for option in offered:
        snoozed = await succeed(
            api, world.owner, "snoozeConversation", conversation, preset=option["preset"]
        )
        assert snoozed["snooze"]["until"] == option["until"]
    row = await Conversation.get(id=conversation.id)
    assert row.status is ConversationStatus.SNOOZED


async def test_both_or_neither_changes_nothing(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    sentence = "Give a moment or a preset, and only one of them."
    until = (now() + timedelta(hours=1)).isoformat()
    async with nothing_changes():
        for values in ({}, {"until": until, "preset": "NEXT_WEEK"}):
            payload = await act(api, world.owner, "snoozeConversation", message, **values)
            assert payload == refused("INVALID", sentence, "until")


async def test_a_preset_that_is_over_is_refused(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await world.hear("Hello")
    monkeypatch.setattr(snooze, "EVENING", time(0))
    async with nothing_changes():
        payload = await act(api, world.owner, "snoozeConversation", message, preset="LATER_TODAY")
    assert payload == refused("TIME_IN_PAST", "It is too late for this today.", "preset")
    offered = (await api.ask(world.owner, PRESETS, id=world.id))["workspace"]["snoozePresets"]
    assert [one["preset"] for one in offered] == ["TOMORROW_MORNING", "NEXT_WEEK", "NEXT_MONTH"]
