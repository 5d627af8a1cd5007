"""Teams: who makes, renames and deletes them, what is refused, and what streams are told."""

import asyncio
import contextvars
from typing import Any

import pytest

from models.conversation import Conversation
from models.engine import sql
from models.member import Member, Role, Visibility
from models.refusal import Code, Refused
from models.team import Team
from realtime.events import MemberTeamChanged, TeamChanged
from realtime.transaction import transaction
from resolvers.assignment import assign_conversation
from resolvers.names import check_name
from resolvers.team import MAX_TEAMS, create_team, delete_team
from resolvers.workspace import change_member
from schema.ids import encode_id
from tests import streaming
from tests.acting import NOT_FOUND_SENTENCE, api_key
from tests.streaming import WORKSPACE_EVENTS, Server, cursor_of
from tests.waiting import until
from tests.world import Api, World, make_world, snapshot

stack_bus_url = streaming.stack_bus_url
server = streaming.server

LIST = "query ($id: ID!) { workspace(id: $id) { teams { name members { name } } } }"
EVENTS = """
query ($id: ID!, $after: String!) {
  events(workspaceId: $id, after: $after) {
    nodes {
      __typename
      ... on TeamChanged { teamId team { name } }
      ... on MemberChanged { isSightChanged member { name team { name } } }
    }
  }
}
"""
TABLES = ("team", "member", "conversation", "event")


def document(name: str, fields: str = "team { id name members { name } }") -> str:
    """Return the operation of a mutation on teams."""
    return (
        f"mutation ($input: {name[0].upper()}{name[1:]}Input!)"
        f" {{ {name}(input: $input) {{ {fields} userErrors {{ code message field }} }} }}"
    )


async def act(api: Api, who: Any, verb: str, **values: Any) -> Any:
    """Use a mutation on teams; return the payload."""
    fields = {"deleteTeam": "deletedTeamId"}
    text = document(verb, fields[verb]) if verb in fields else document(verb)
    return (await api.ask(who, text, input=values))[verb]


def codes(payload: Any) -> list[tuple[str, ...]]:
    """Return the refusals of a payload."""
    return [(error["code"], *error["field"]) for error in payload["userErrors"]]


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        (" Sales ", "Sales"),
        ("x" * 100, "x" * 100),
        (None, (Code.BLANK, "name")),
        (" \n", (Code.BLANK, "name")),
        ("x" * 101, (Code.TOO_LONG, "name")),
    ],
)
def test_the_rule_at_its_edges(name: str | None, outcome: Any) -> None:
    try:
        assert check_name(name) == outcome
    except Refused as refusal:
        assert (refusal.code, *refusal.field) == outcome


async def test_a_team_from_its_making_to_its_end(api: Api, world: World) -> None:
    made = await act(api, world.owner, "createTeam", workspaceId=world.id, name=" Sales ")
    key = made["team"]["id"]
    assert made == {"team": {"id": key, "name": "Sales", "members": []}, "userErrors": []}
    renamed = await act(api, world.owner, "updateTeam", teamId=key, name="Support")
    assert renamed["team"] == {"id": key, "name": "Support", "members": []}
    same = await act(api, world.owner, "updateTeam", teamId=key, name=" Support")
    assert same == renamed
    deleted = await act(api, world.owner, "deleteTeam", teamId=key)
    assert deleted == {"deletedTeamId": key, "userErrors": []}
    again = await act(api, world.owner, "deleteTeam", teamId=key)
    assert codes(again) == [("NOT_FOUND", "teamId")]
    facts = [fact for fact in await world.facts() if isinstance(fact, TeamChanged)]
    assert facts == [TeamChanged(world.workspace.id, facts[0].team_id)] * 3


async def test_members_are_listed_by_name_in_as_many_statements_for_any_number_of_teams(
    api: Api, world: World
) -> None:
    counts = []
    for name in ("Art", "Sales"):
        team = await world.team(name)
        for person in ("Zoe", "Ben"):
            await world.add(person, team=team)
        gone = await world.add("Gone", team=team)
        await change_member(gone.member.id, is_active=False)
        with sql.count_statements() as counter:
            data = await api.ask(world.owner, LIST, id=world.id)
        counts.append(len(counter.statements))
    members = [{"name": "Ben"}, {"name": "Zoe"}]
    assert data["workspace"]["teams"] == [
        {"name": "Art", "members": members},
        {"name": "Sales", "members": members},
    ]
    assert counts[0] == counts[1]


async def test_refused_values_change_nothing(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = encode_id("Team", (await world.team("Sales")).id)
    await world.team("Art")
    await (await make_world("Other")).team("Elsewhere")
    before = await snapshot(*TABLES)
    for name, expected in {"": "BLANK", "x" * 101: "TOO_LONG", " Art": "TAKEN"}.items():
        made = await act(api, world.owner, "createTeam", workspaceId=world.id, name=name)
        assert codes(made) == [(expected, "name")]
        renamed = await act(api, world.owner, "updateTeam", teamId=key, name=name)
        assert codes(renamed) == [(expected, "name")]
    assert await snapshot(*TABLES) == before
    monkeypatch.setattr("resolvers.team.MAX_TEAMS", 2)
    assert MAX_TEAMS == 100
    full = await act(api, world.owner, "createTeam", workspaceId=world.id, name="New")
    assert codes(full) == [("WRONG_STATE",)]
    assert await snapshot(*TABLES) == before


async def test_a_repeated_key_makes_one_team(api: Api, world: World) -> None:
    values = {"workspaceId": world.id, "name": "Sales", "idempotencyKey": "k"}
    made = await act(api, world.owner, "createTeam", **values)
    assert await act(api, world.owner, "createTeam", **values) == made
    other = await act(api, world.owner, "createTeam", **values | {"name": "Art"})
    assert codes(other) == [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")]
    assert await Team.all().count() == 1


async def test_a_race_for_a_name_has_one_winner(api: Api, world: World) -> None:
    viewer = await world.owner.viewer()
    outcomes = await asyncio.gather(
        *(create_team(viewer, world.workspace.id, name="Sales") for _ in range(5)),
        return_exceptions=True,
    )
    refused = [one for one in outcomes if isinstance(one, Refused)]
    assert [one.code for one in refused] == [Code.TAKEN] * 4
    assert await Team.all().count() == 1


async def test_who_may_change_teams(api: Api, world: World) -> None:
    manager = await world.add("Mia", Role.MANAGER)
    stranger = (await make_world("Other")).owner
    leaders = (world.owner, manager, await api_key(world, Role.MANAGER))
    for number, who in enumerate(leaders):
        made = await act(api, who, "createTeam", workspaceId=world.id, name=f"Team {number}")
        renamed = await act(api, who, "updateTeam", teamId=made["team"]["id"], name=f"T {number}")
        assert (made["userErrors"], renamed["userErrors"]) == ([], [])
    key = encode_id("Team", (await world.team()).id)
    before = await snapshot(*TABLES)
    expected = {"FORBIDDEN": [await world.add("Ada"), await api_key(world)]}
    before = await snapshot(*TABLES)
    for who in expected["FORBIDDEN"]:
        made = await act(api, who, "createTeam", workspaceId=world.id, name="New")
        renamed = await act(api, who, "updateTeam", teamId=key, name="New")
        assert codes(made) == codes(renamed) == [("FORBIDDEN",)]
    for who in (*expected["FORBIDDEN"], manager, await api_key(world, Role.MANAGER)):
        assert codes(await act(api, who, "deleteTeam", teamId=key)) == [("FORBIDDEN",)]
    for who, target in ((stranger, key), (world.owner, encode_id("Team", 999_999))):
        for name, values in (("updateTeam", {"name": "New"}), ("deleteTeam", {})):
            payload = await act(api, who, name, teamId=target, **values)
            error = {"code": "NOT_FOUND", "message": NOT_FOUND_SENTENCE, "field": ["teamId"]}
            assert payload["userErrors"] == [error]
    made = await act(api, stranger, "createTeam", workspaceId=world.id, name="New")
    assert codes(made) == [("NOT_FOUND", "workspaceId")]
    assert await snapshot(*TABLES) == before


async def test_deleting_clears_it_from_members_and_conversations_and_tells_it(
    api: Api, world: World
) -> None:
    sales, art = await world.team("Sales"), await world.team("Art")
    tim, kim = await world.add("Tim", team=sales), await world.add("Kim", team=art)
    conversation = await world.conversation()
    await Conversation.filter(id=conversation.id).update(team_id=sales.id)
    after = await cursor_of(world)

    await act(api, world.owner, "deleteTeam", teamId=encode_id("Team", sales.id))

    assert (await Conversation.get(id=conversation.id)).team_id is None
    assert (await Member.get(id=tim.member.id)).team_id is None
    assert (await Member.get(id=kim.member.id)).team_id == art.id
    assert (await world.facts())[-2:] == [
        MemberTeamChanged(world.workspace.id, tim.member.id, None, sales.id),
        TeamChanged(world.workspace.id, sales.id),
    ]
    member = {"name": "Tim", "team": None}
    heard = await api.ask(kim, EVENTS, id=world.id, after=after)
    assert heard["events"]["nodes"] == [
        {"__typename": "MemberChanged", "isSightChanged": False, "member": member},
        {"__typename": "TeamChanged", "teamId": encode_id("Team", sales.id), "team": None},
    ]
    own = await api.ask(tim, EVENTS, id=world.id, after=after)
    assert own["events"]["nodes"][0]["isSightChanged"] is True


async def test_two_who_delete_a_team_delete_it_once(api: Api, world: World) -> None:
    team, viewer = await world.team(), await world.owner.viewer()
    outcomes = await asyncio.gather(
        *(delete_team(viewer, team.id) for _ in range(3)), return_exceptions=True
    )
    assert [one for one in outcomes if not isinstance(one, BaseException)] == [team.id]
    refused = [one.code for one in outcomes if isinstance(one, Refused)]
    assert refused == [Code.NOT_FOUND] * 2
    assert (await world.facts()).count(TeamChanged(world.workspace.id, team.id)) == 1


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_team_is_deleted_while_its_conversation_is_given_to_it(world: World) -> None:
    team, viewer = await world.team(), await world.owner.viewer()
    row = await world.conversation()
    await assign_conversation(viewer, row.id, team_id=team.id)
    elsewhere = contextvars.copy_context()
    async with transaction():  # as one that gives it: first the conversation, then the team
        await sql.records("SELECT id FROM conversation WHERE id = ? FOR UPDATE", row.id)
        deleting = asyncio.create_task(delete_team(viewer, team.id), context=elsewhere)
        await until(_somebody_waits)
        await sql.records("SELECT id FROM team WHERE id = ? FOR SHARE", team.id)
    assert await deleting == team.id
    assert (await Conversation.get(id=row.id)).team_id is None


async def _somebody_waits() -> bool:
    return bool(await sql.records("SELECT 1 FROM pg_locks WHERE NOT granted"))


async def test_the_sockets_of_its_members_close_and_others_are_told(server: Server) -> None:
    world = await make_world()
    team = await world.team("Sales")
    tim = await world.add("Tim", visibility=Visibility.TEAM, team=team)
    ian = await world.add("Ian", visibility=Visibility.OWN)
    cursor = await cursor_of(world)
    async with server.client(tim) as member, server.client(ian) as other:
        for client in (member, other):
            await client.subscribe(WORKSPACE_EVENTS, workspaceId=world.id, after=cursor)
        await delete_team(await world.owner.viewer(), team.id)
        assert await member.closing() == (4412, "ACCESS_REVOKED")
        heard = [(await other.hear())["__typename"] for _ in range(2)]
    assert heard == ["MemberChanged", "TeamChanged"]
