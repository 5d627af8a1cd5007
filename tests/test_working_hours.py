"""Working hours: what is taken, how it is kept, and who chooses it for whom."""

from typing import Any

import pytest

from models.member import Member, Role
from models.refusal import Refused
from models.workspace import Workspace
from realtime.events import MemberChanged, WorkspaceSettingsChanged
from resolvers.working_hours import (
    MAX_INTERVALS,
    Weekday,
    WorkingInterval,
    check_working_hours,
    decode_working_hours,
    encode_working_hours,
)
from tests.world import Api, Person, World, snapshot

HOURS = "workingHours { intervals { weekday start end } }"
WORKSPACE = f"""
mutation ($input: UpdateWorkspaceSettingsInput!) {{
  updateWorkspaceSettings(input: $input) {{
    workspace {{ settings {{ {HOURS} }} }}
    userErrors {{ code field }}
  }}
}}
"""
MEMBER = f"""
mutation ($input: UpdateMemberInput!) {{
  updateMember(input: $input) {{ member {{ {HOURS} }} userErrors {{ code field }} }}
}}
"""
MONDAY = {"weekday": "MONDAY", "start": "09:00", "end": "17:30"}
NIGHT = {"weekday": "SUNDAY", "start": "22:00", "end": "24:00"}


def interval(start: str, end: str, weekday: Weekday = Weekday.MONDAY) -> WorkingInterval:
    """Return an interval."""
    return WorkingInterval(weekday, start, end)


async def of_workspace(api: Api, world: World, hours: Any) -> Any:
    """Choose the hours of the workspace; return the payload."""
    given = {"workspaceId": world.id, "workingHours": hours}
    return (await api.ask(world.owner, WORKSPACE, input=given))["updateWorkspaceSettings"]


async def of_member(api: Api, world: World, person: Person, hours: Any) -> Any:
    """Choose the hours of a member; return the payload."""
    given = {"memberId": person.id, "workingHours": hours}
    return (await api.ask(world.owner, MEMBER, input=given))["updateMember"]


@pytest.mark.parametrize(
    "intervals",
    [
        [],
        [interval("00:00", "24:00")],
        [interval("09:00", "12:00"), interval("12:00", "17:00")],
        [interval("09:00", "17:00"), interval("09:00", "17:00", Weekday.TUESDAY)],
        [interval("23:59", "24:00", day) for day in Weekday],
    ],
)
def test_what_is_taken_comes_back(intervals: list[WorkingInterval]) -> None:
    assert check_working_hours(intervals) == intervals
    assert decode_working_hours(encode_working_hours(intervals)) == intervals
    assert decode_working_hours(encode_working_hours(intervals[::-1])) == intervals


@pytest.mark.parametrize(
    "intervals",
    [
        [interval("9:00", "17:00")],
        [interval("09:00", "9:30")],
        [interval("09:00", "25:00")],
        [interval("24:00", "24:00")],
        [interval("09:00", "24:01")],
        [interval("09:60", "17:00")],
        [interval("17:00", "09:00")],
        [interval("09:00", "09:00")],
        [interval("09:00\n", "17:00")],
        [interval("٠٩:00", "17:00")],
        [interval("", "")],
        [interval("09:00", "12:00"), interval("11:59", "17:00")],
        [interval("09:00", "17:00"), interval("10:00", "11:00")],
        [interval("09:00", "17:00")] * 2,
        [interval("09:00", "10:00")] * (MAX_INTERVALS + 1),
    ],
)
def test_what_is_refused(intervals: list[WorkingInterval]) -> None:
    with pytest.raises(Refused) as refused:
        check_working_hours(intervals)
    assert refused.value.field == ("workingHours",)


def test_nothing_chosen_is_kept_as_nothing() -> None:
    assert encode_working_hours(None) is None
    assert decode_working_hours(None) is None


async def test_a_workspace_has_hours_until_they_are_cleared(api: Api, world: World) -> None:
    chosen = await of_workspace(api, world, [NIGHT, MONDAY])
    assert chosen["workspace"]["settings"] == {"workingHours": {"intervals": [MONDAY, NIGHT]}}
    assert (await of_workspace(api, world, [MONDAY, NIGHT])) == chosen
    cleared = await of_workspace(api, world, None)
    assert cleared["workspace"]["settings"] == {"workingHours": None}
    assert (await Workspace.get(id=world.workspace.id)).working_hours is None
    told = (await world.facts()).count(WorkspaceSettingsChanged(world.workspace.id))
    assert told == 2


async def test_a_member_has_hours_until_they_are_cleared(api: Api, world: World) -> None:
    ada = await world.add("Ada", Role.MANAGER)
    before = len(await world.facts())
    chosen = await of_member(api, world, ada, [MONDAY])
    assert chosen == {"member": {"workingHours": {"intervals": [MONDAY]}}, "userErrors": []}
    assert await of_member(api, world, ada, [MONDAY]) == chosen
    cleared = await of_member(api, world, ada, None)
    assert cleared["member"] == {"workingHours": None}
    assert (await Member.get(id=ada.member.id)).working_hours is None
    fact = MemberChanged(world.workspace.id, ada.member.id)
    assert (await world.facts())[before:] == [fact, fact]


async def test_refused_hours_change_nothing(api: Api, world: World) -> None:
    ada = await world.add("Ada")
    before = await snapshot("workspace", "member", "event")
    bad = [MONDAY, MONDAY]
    error = {"code": "INVALID", "field": ["workingHours"]}
    assert (await of_workspace(api, world, bad))["userErrors"] == [error]
    assert (await of_member(api, world, ada, bad))["userErrors"] == [error]
    assert await snapshot("workspace", "member", "event") == before
