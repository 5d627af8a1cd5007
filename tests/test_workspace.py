"""Workspaces: what belongs to one, who may lead it, and the cursor of the moment of reading."""

from typing import Any

import pytest

from models.engine import sql
from models.member import Member, Role, Visibility
from realtime.events import MemberChanged
from resolvers.workspace import add_member, change_member
from schema.ids import encode_id
from tests.acting import api_key, succeed
from tests.world import Api, World, make_world

WORKSPACE = """
query ($id: ID!) {
  workspace(id: $id) {
    id name timeZone language
    viewerMember { id role visibility }
    members { id name role visibility isActive user { name } team { name } }
    teams { id name }
    channels { id kind name handle isConnected }
    inboxes { kind }
    viewerCanManageChannels viewerCanManageApiKeys
  }
}
"""
CURSOR = "query ($id: ID!) { workspace(id: $id) { eventCursor } }"
EVENTS = """
query ($id: ID!, $after: String!, $first: Int) {
  events(workspaceId: $id, after: $after, first: $first) {
    nodes { __typename ... on ConversationChanged { change } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
MEMBERS = "query ($id: ID!) { workspace(id: $id) { members { name user { name } team { name } } } }"
MINE = "{ workspaces { name } viewer { name workspaces { name } } }"


def _member(person: Any, name: str, role: str, visibility: str, team: str | None) -> Any:
    return {
        "id": person.id,
        "name": name,
        "role": role,
        "visibility": visibility,
        "isActive": True,
        "user": {"name": name},
        "team": {"name": team} if team else None,
    }


async def test_everything_of_a_workspace(api: Api, world: World) -> None:
    sales, _ = await world.team("Sales"), await world.team("Art")
    ada = await world.add("Ada", Role.AGENT, visibility=Visibility.TEAM, team=sales)
    channel = await world.connect()

    found = (await api.ask(ada, WORKSPACE, id=world.id))["workspace"]

    assert [team["name"] for team in found.pop("teams")] == ["Art", "Sales"]
    assert found == {
        "id": world.id,
        "name": "Acme",
        "timeZone": "UTC",
        "language": "en",
        "viewerMember": {"id": ada.id, "role": "AGENT", "visibility": "TEAM"},
        "members": [
            _member(ada, "Ada", "AGENT", "TEAM", "Sales"),
            _member(world.owner, "Olga", "OWNER", "ALL", None),
        ],
        "channels": [
            {
                "id": encode_id("Channel", channel.id),
                "kind": "CUSTOM",
                "name": "Shop",
                "handle": channel.handle,
                "isConnected": True,
            }
        ],
        "inboxes": [{"kind": "ALL"}, {"kind": "MINE"}, {"kind": "TEAM"}],
        "viewerCanManageChannels": False,
        "viewerCanManageApiKeys": False,
    }


@pytest.mark.parametrize(
    ("role", "leads"), [(Role.OWNER, True), (Role.MANAGER, True), (Role.AGENT, False)]
)
async def test_who_may_lead(api: Api, world: World, role: Role, leads: bool) -> None:
    for who in (await world.add("Ada", role), await api_key(world, role)):
        found = (await api.ask(who, WORKSPACE, id=world.id))["workspace"]
        rights = (found["viewerCanManageChannels"], found["viewerCanManageApiKeys"])
        assert rights == (leads, leads)
        assert (found["viewerMember"] is None) is isinstance(who, str)


async def test_another_workspace_never_existed(api: Api, world: World) -> None:
    other = await make_world("Other")
    missing = await api.run(world.owner, WORKSPACE, id=encode_id("Workspace", 999_999))
    assert missing["data"] == {"workspace": None}
    assert [error["extensions"]["code"] for error in missing["errors"]] == ["NOT_FOUND"]
    assert await api.run(world.owner, WORKSPACE, id=other.id) == missing
    assert await api.run(await api_key(world), WORKSPACE, id=other.id) == missing
    assert await api.run(world.owner, WORKSPACE, id=world.owner.id) == missing


async def test_the_viewers_workspaces_by_name(api: Api, world: World) -> None:
    other, _ = await make_world("Aardvark"), await make_world("Hidden")
    await add_member(other.workspace.id, world.owner.user.id, Role.AGENT)
    names = [{"name": "Aardvark"}, {"name": "Acme"}]
    data = await api.ask(world.owner, MINE)
    assert data == {"workspaces": names, "viewer": {"name": "Olga", "workspaces": names}}
    assert await api.ask(await api_key(world), MINE) == {
        "workspaces": [{"name": "Acme"}],
        "viewer": None,
    }


async def test_a_member_who_left_sees_nothing_and_stays_in_the_list(api: Api, world: World) -> None:
    ada = await world.add("Ada")
    await change_member(ada.member.id, is_active=False)

    answer = await api.run(ada, WORKSPACE, id=world.id)

    assert answer["data"] == {"workspace": None}
    assert (await Member.get(id=ada.member.id)).is_active is False
    found = (await api.ask(world.owner, WORKSPACE, id=world.id))["workspace"]["members"]
    assert [(one["name"], one["isActive"]) for one in found] == [("Ada", False), ("Olga", True)]
    assert (await world.facts())[-1] == MemberChanged(world.workspace.id, ada.member.id)


async def test_nothing_is_missing_behind_the_cursor(api: Api, world: World) -> None:
    conversation = await world.conversation()
    cursor = (await api.ask(world.owner, CURSOR, id=world.id))["workspace"]["eventCursor"]
    nothing = (await api.ask(world.owner, EVENTS, id=world.id, after=cursor))["events"]
    assert nothing == {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": cursor}}

    await succeed(api, world.owner, "openConversation", conversation)
    await succeed(api, world.owner, "closeConversation", conversation)

    def changed(change: str) -> dict[str, str]:
        return {"__typename": "ConversationChanged", "change": change}

    first = (await api.ask(world.owner, EVENTS, id=world.id, after=cursor, first=1))["events"]
    assert (first["nodes"], first["pageInfo"]["hasNextPage"]) == ([changed("OPENED")], True)
    second = (
        await api.ask(world.owner, EVENTS, id=world.id, after=first["pageInfo"]["endCursor"])
    )["events"]
    assert (second["nodes"], second["pageInfo"]["hasNextPage"]) == ([changed("CLOSED")], False)
    now = (await api.ask(world.owner, CURSOR, id=world.id))["workspace"]["eventCursor"]
    assert second["pageInfo"]["endCursor"] == now


async def test_members_cost_the_same_however_many(api: Api, world: World) -> None:
    team = await world.team()
    await world.add("Ada", team=team)
    totals = {}
    for count in (2, 12):
        with sql.count_statements() as counter:
            found = await api.ask(world.owner, MEMBERS, id=world.id)
        assert len(found["workspace"]["members"]) == count
        totals[count] = counter.total
        if count == 2:
            for number in range(10):
                await world.add(f"Bob{number}", team=await world.team(f"Team{number}"))
    assert totals == {2: 4, 12: 4}
