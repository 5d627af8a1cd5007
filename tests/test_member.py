"""Members: who may change and remove whom, and what is refused."""

from importlib import import_module
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from tortoise.transactions import in_transaction

from models.engine import sql
from models.member import Member, Restriction, Role, Visibility
from models.refusal import Code, Refused
from realtime.events import MemberChanged, MemberTeamChanged
from resolvers.member import (
    check_leads,
    check_owners,
    check_restrictions,
    read_restrictions,
    remove_member,
    restrictions_after,
    restrictions_at_first,
)
from resolvers.viewer import Membership
from resolvers.workspace import written
from schema.ids import encode_id
from tests.acting import NOT_FOUND_SENTENCE, api_key
from tests.world import Api, Person, World, make_world, snapshot

FIELDS = "id role visibility restrictions isActive team { id } viewerCanUpdate"
UPDATE = f"""
mutation ($input: UpdateMemberInput!) {{
  updateMember(input: $input) {{ member {{ {FIELDS} }} userErrors {{ code message field }} }}
}}
"""
REMOVE = f"""
mutation ($input: RemoveMemberInput!) {{
  removeMember(input: $input) {{ member {{ {FIELDS} }} userErrors {{ code message field }} }}
}}
"""
LEAVE = """
mutation ($input: LeaveWorkspaceInput!) {
  leaveWorkspace(input: $input) { leftWorkspaceId userErrors { code message field } }
}
"""
CANS = "query ($id: ID!) { workspace(id: $id) { members { id name viewerCanUpdate } } }"
TABLES = ("member", "event", "job", "conversation")
OWNER, MANAGER, AGENT = Role.OWNER, Role.MANAGER, Role.AGENT


async def update(api: Api, who: Any, member: Any, **values: Any) -> Any:
    """Change a member; return the payload."""
    key = member.id if isinstance(member, Person) else member
    return (await api.ask(who, UPDATE, input={"memberId": key, **values}))["updateMember"]


async def remove(api: Api, who: Any, member: Any) -> Any:
    """Remove a member; return the payload."""
    key = member.id if isinstance(member, Person) else member
    return (await api.ask(who, REMOVE, input={"memberId": key}))["removeMember"]


async def leave(api: Api, who: Any, world: World) -> Any:
    """Leave a workspace; return the payload."""
    return (await api.ask(who, LEAVE, input={"workspaceId": world.id}))["leaveWorkspace"]


def codes(payload: Any) -> list[tuple[str, ...]]:
    """Return the refusals of a payload."""
    return [(error["code"], *error["field"]) for error in payload["userErrors"]]


def _membership(role: Role) -> Membership:
    return Membership(1, 2, role, Visibility.ALL, None, "", None)


@pytest.mark.parametrize(("own", "other"), list(product((OWNER, MANAGER), (OWNER, MANAGER, AGENT))))
def test_owners_lead_everybody_and_managers_agents(own: Role, other: Role) -> None:
    try:
        check_leads(_membership(own), other, "role")
        leads = True
    except Refused as refused:
        assert (refused.code, refused.field) == (Code.FORBIDDEN, ("role",))
        leads = False
    assert leads is (own is OWNER or other is AGENT)


@pytest.mark.parametrize(
    ("owners", "leaving", "is_refused"),
    [([1], 1, True), ([1, 2], 1, False), ([1], 2, False), ([1, 2], 3, False)],
)
def test_the_last_owner_stays(owners: list[int], leaving: int, is_refused: bool) -> None:
    try:
        check_owners(owners, leaving)
        assert not is_refused
    except Refused as refused:
        assert is_refused
        assert refused.code is Code.WRONG_STATE


def test_restrictions_go_with_the_role() -> None:
    for role, one, other in (
        (AGENT, Restriction.SHORTCUTS, Restriction.CONTACT_DELETION),
        (MANAGER, Restriction.CONTACT_DELETION, Restriction.SHORTCUTS),
    ):
        check_restrictions(role, [one, Restriction.DATA_EXPORT])
        with pytest.raises(Refused) as refused:
            check_restrictions(role, [one, other])
        assert (refused.value.code, refused.value.field) == (Code.INVALID, ("restrictions",))
    with pytest.raises(Refused):
        check_restrictions(OWNER, [Restriction.DATA_EXPORT])
    assert restrictions_at_first(AGENT) == {Restriction.DATA_EXPORT}
    assert restrictions_at_first(MANAGER) == restrictions_at_first(OWNER) == frozenset()
    both = {Restriction.SHORTCUTS, Restriction.BLOCKED_CONTACTS}
    assert restrictions_after(both, AGENT, MANAGER) == {Restriction.BLOCKED_CONTACTS}
    assert restrictions_after(both, AGENT, AGENT) == both
    assert restrictions_after([], MANAGER, AGENT) == {Restriction.DATA_EXPORT}
    assert restrictions_after(both, AGENT, OWNER) == frozenset()
    assert read_restrictions(written(both)) == both
    assert read_restrictions("") == frozenset()


def test_every_restriction_fits_into_the_column() -> None:
    assert len(written(list(Restriction))) <= 255


async def test_a_member_is_changed_and_cleared(api: Api, world: World) -> None:
    ada, team = await world.add("Ada"), await world.team()
    key = encode_id("Team", team.id)
    changed = await update(
        api, world.owner, ada, visibility="TEAM", teamId=key, restrictions=["SHORTCUTS"]
    )
    assert changed == {
        "member": {
            "id": ada.id,
            "role": "AGENT",
            "visibility": "TEAM",
            "restrictions": ["SHORTCUTS"],
            "isActive": True,
            "team": {"id": key},
            "viewerCanUpdate": True,
        },
        "userErrors": [],
    }
    assert (await world.facts())[-1] == MemberTeamChanged(
        world.workspace.id, ada.member.id, team.id, None
    )
    promoted = (await update(api, world.owner, ada, role="MANAGER"))["member"]
    assert (promoted["role"], promoted["restrictions"]) == ("MANAGER", [])
    assert (await world.facts())[-1] == MemberChanged(world.workspace.id, ada.member.id)
    back = (await update(api, world.owner, ada, role="AGENT"))["member"]
    assert back["restrictions"] == ["DATA_EXPORT"]
    cleared = await update(api, world.owner, ada, visibility=None, teamId=None, restrictions=None)
    member = cleared["member"]
    assert (member["visibility"], member["team"], member["restrictions"]) == ("ALL", None, [])


async def test_what_changes_nothing_tells_nothing(api: Api, world: World) -> None:
    ada = await world.add("Ada")
    before = await snapshot(*TABLES)
    for values in ({}, {"role": "AGENT"}, {"visibility": "ALL", "teamId": None}):
        assert (await update(api, world.owner, ada, **values))["userErrors"] == []
    assert await snapshot(*TABLES) == before


@pytest.mark.parametrize("deed", ["update", "remove"])
@pytest.mark.parametrize("role", [OWNER, MANAGER, AGENT])
async def test_who_may_change_whom(api: Api, world: World, role: Role, deed: str) -> None:
    callers: dict[Role | str, Any] = {
        OWNER: await world.add("Otto", OWNER),
        MANAGER: await world.add("Mia", MANAGER),
        AGENT: await world.add("Ada"),
        "program of an owner": await api_key(world, OWNER),
        "program of a manager": await api_key(world, MANAGER),
        "program of an agent": await api_key(world, AGENT),
    }
    leads = {OWNER: (OWNER, MANAGER, AGENT), MANAGER: (AGENT,), AGENT: ()}
    for name, who in callers.items():
        target = await world.add(f"Target of {name}", role)
        own = name if isinstance(name, Role) else Role[name.split()[-1].upper()]
        before = await snapshot(*TABLES)
        if deed == "update":
            payload = await update(api, who, target, visibility="OWN")
        else:
            payload = await remove(api, who, target)
        if role in leads[own]:
            assert payload["userErrors"] == [], name
            assert payload["member"]["id"] == target.id
        else:
            field = () if own is AGENT else ("memberId",)
            assert codes(payload) == [("FORBIDDEN", *field)], name
            assert await snapshot(*TABLES) == before


async def test_managers_promote_nobody(api: Api, world: World) -> None:
    mia, ada = await world.add("Mia", MANAGER), await world.add("Ada")
    before = await snapshot(*TABLES)
    for role in ("OWNER", "MANAGER"):
        payload = await update(api, mia, ada, role=role)
        assert payload["userErrors"] == [
            {
                "code": "FORBIDDEN",
                "message": "Managers invite and change agents only.",
                "field": ["role"],
            }
        ]
    assert await snapshot(*TABLES) == before


async def test_refused_values_change_nothing(api: Api, world: World) -> None:
    ada, gone = await world.add("Ada"), await world.add("Gone")
    await remove_member(await world.owner.viewer(), gone.member.id)
    foreign = await (await make_world("Other")).team("Elsewhere")
    before = await snapshot(*TABLES)
    refusals: list[tuple[Any, dict[str, Any], tuple[str, ...]]] = [
        (ada, {"role": None}, ("INVALID", "role")),
        (ada, {"restrictions": ["CONTACT_DELETION"]}, ("INVALID", "restrictions")),
        (ada, {"role": "OWNER", "restrictions": ["DATA_EXPORT"]}, ("INVALID", "restrictions")),
        (ada, {"teamId": encode_id("Team", foreign.id)}, ("NOT_FOUND", "teamId")),
        (ada, {"teamId": encode_id("Team", 999_999)}, ("NOT_FOUND", "teamId")),
        (gone, {"visibility": "OWN"}, ("WRONG_STATE", "memberId")),
        (world.owner, {"role": "AGENT"}, ("FORBIDDEN", "memberId")),
        (world.owner, {"visibility": "OWN"}, ("FORBIDDEN", "memberId")),
    ]
    for target, values, expected in refusals:
        assert codes(await update(api, world.owner, target, **values)) == [expected], values
    assert codes(await remove(api, world.owner, world.owner)) == [("FORBIDDEN", "memberId")]
    assert await snapshot(*TABLES) == before


async def test_other_workspaces_have_no_members(api: Api, world: World) -> None:
    ada, stranger = await world.add("Ada"), (await make_world("Other")).owner
    before = await snapshot(*TABLES)
    error = {"code": "NOT_FOUND", "message": NOT_FOUND_SENTENCE, "field": ["memberId"]}
    for who, target in (
        (stranger, ada.id),
        (world.owner, encode_id("Member", 999_999)),
        (world.owner, encode_id("Team", 1)),
        (world.owner, ""),
    ):
        for payload in (
            await update(api, who, target, visibility="OWN"),
            await remove(api, who, target),
        ):
            assert payload == {"member": None, "userErrors": [error]}
    assert codes(await leave(api, stranger, world)) == [("NOT_FOUND", "workspaceId")]
    assert await snapshot(*TABLES) == before


async def test_what_a_viewer_can_change_is_what_they_may_change(api: Api, world: World) -> None:
    mia = await world.add("Mia", MANAGER)
    ada, ben = await world.add("Ada"), await world.add("Ben")
    everybody = {"Mia": mia, "Ada": ada, "Ben": ben, "Olga": world.owner}
    for who in (world.owner, mia, ada, await api_key(world, OWNER), await api_key(world, MANAGER)):
        told = (await api.ask(who, CANS, id=world.id))["workspace"]["members"]
        for one in told:
            payload = await update(api, who, everybody[one["name"]])
            assert one["viewerCanUpdate"] is (payload["userErrors"] == []), one
    with sql.count_statements() as counter:
        await api.ask(mia, CANS, id=world.id)
    few = len(counter.statements)
    await world.add("Zoe")
    with sql.count_statements() as counter:
        await api.ask(mia, CANS, id=world.id)
    assert len(counter.statements) == few


async def test_agents_of_before_export_no_data(world: World) -> None:
    """What migration 0014 does to members who were there."""
    before: list[set[Restriction]] = [
        set(),
        {Restriction.SHORTCUTS},
        {Restriction.BLOCKED_CONTACTS},
    ]
    agents = [await world.add(f"A{n}", restrictions=given) for n, given in enumerate(before)]
    manager = await world.add("Mia", Role.MANAGER)
    migration = import_module("models.migrations.0014_exports")
    async with in_transaction() as client:
        for _ in range(2):
            await migration.restrict(None, SimpleNamespace(client=client))
    for agent, given in zip(agents, before, strict=True):
        row = await Member.get(id=agent.member.id)
        assert row.restrictions == written({Restriction.DATA_EXPORT, *given})
    for other in (manager, world.owner):
        assert (await Member.get(id=other.member.id)).restrictions == ""
