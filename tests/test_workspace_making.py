"""Workspaces: making one, its name, time zone and language, and what is refused."""

from typing import Any

import pytest

from models.event import EventCounter
from models.member import Member, Role
from models.refusal import Code, Refused
from models.workspace import Workspace
from realtime.events import MemberChanged
from resolvers.names import check_name
from resolvers.workspace import MAX_WORKSPACES, check_place
from tests.acting import api_key
from tests.world import Api, World, snapshot

CREATE = """
mutation ($input: CreateWorkspaceInput!) {
  createWorkspace(input: $input) {
    workspace {
      id name timeZone language eventCursor
      members { name role } viewerMember { role } viewerCanManageSettings
    }
    userErrors { code message field }
  }
}
"""
UPDATE = """
mutation ($input: UpdateWorkspaceSettingsInput!) {
  updateWorkspaceSettings(input: $input) {
    workspace { name timeZone language } userErrors { code field }
  }
}
"""
MINE = "{ workspaces { name } }"
TABLES = ("workspace", "member", "event", "event_counter", "idempotency_key")


async def create(api: Api, who: Any, name: str = "Bakery", **values: Any) -> Any:
    """Make a workspace; return the payload."""
    return (await api.ask(who, CREATE, input={"name": name, **values}))["createWorkspace"]


async def update(api: Api, world: World, **values: Any) -> Any:
    """Change the workspace; return the payload."""
    given = {"workspaceId": world.id, **values}
    return (await api.ask(world.owner, UPDATE, input=given))["updateWorkspaceSettings"]


def codes(payload: Any) -> list[tuple[str, ...]]:
    """Return the refusals of a payload."""
    return [(error["code"], *error["field"]) for error in payload["userErrors"]]


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        (" Bakery ", "Bakery"),
        ("x" * 100, "x" * 100),
        (None, (Code.BLANK, "name")),
        (" ", (Code.BLANK, "name")),
        ("x" * 101, (Code.TOO_LONG, "name")),
    ],
)
def test_a_name_at_its_edges(name: str | None, outcome: Any) -> None:
    try:
        assert check_name(name) == outcome
    except Refused as refusal:
        assert (refusal.code, *refusal.field) == outcome


@pytest.mark.parametrize(
    ("time_zone", "language", "at_fault"),
    [
        ("Europe/Paris", "fr-CA", None),
        ("UTC", "en", None),
        ("Asia/Kolkata", "zh-Hant-TW", None),
        ("Paris", "en", "timeZone"),
        ("../../etc/passwd", "en", "timeZone"),
        ("", "en", "timeZone"),
        ("UTC", "", "language"),
        ("UTC", "English", "language"),
        ("UTC", "en_US", "language"),
        ("UTC", "en-" + "a" * 14, "language"),
    ],
)
def test_a_place_at_its_edges(time_zone: str, language: str, at_fault: str | None) -> None:
    if at_fault is None:
        check_place(time_zone, language)
        return
    with pytest.raises(Refused) as refused:
        check_place(time_zone, language)
    assert (refused.value.code, refused.value.field) == (Code.INVALID, (at_fault,))


@pytest.mark.parametrize("role", list(Role))
async def test_everybody_who_is_logged_in_makes_one(api: Api, world: World, role: Role) -> None:
    person = await world.add("Pat", role)
    made = await create(api, person, " Bakery ", timeZone="Europe/Paris", language="fr")
    assert made["userErrors"] == []
    workspace = made["workspace"]
    row = await Workspace.get(name="Bakery")
    assert workspace == {
        "id": workspace["id"],
        "name": "Bakery",
        "timeZone": "Europe/Paris",
        "language": "fr",
        "eventCursor": workspace["eventCursor"],
        "members": [{"name": "Pat", "role": "OWNER"}],
        "viewerMember": {"role": "OWNER"},
        "viewerCanManageSettings": True,
    }
    member = await Member.get(workspace_id=row.id)
    bakery = World(row, person)
    assert await bakery.facts() == [MemberChanged(row.id, member.id)]
    assert (await EventCounter.get(workspace_id=row.id)).seq == 1
    assert await api.ask(person, MINE) == {"workspaces": [{"name": "Acme"}, {"name": "Bakery"}]}
    assert await api.ask(world.owner, MINE) == {"workspaces": [{"name": "Acme"}]}


async def test_a_repeated_key_makes_one_workspace(api: Api, world: World) -> None:
    made = await create(api, world.owner, idempotencyKey="k")
    again = await create(api, world.owner, idempotencyKey="k")
    assert again["workspace"]["id"] == made["workspace"]["id"]
    other = await create(api, world.owner, "Other", idempotencyKey="k")
    assert codes(other) == [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")]
    assert await Workspace.all().count() == 2


async def test_refused_values_change_nothing(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = await api_key(world, Role.OWNER)
    before = await snapshot(*TABLES)
    refusals: list[tuple[Any, dict[str, Any], tuple[str, ...]]] = [
        (world.owner, {"name": ""}, ("BLANK", "name")),
        (world.owner, {"timeZone": "Mars"}, ("INVALID", "timeZone")),
        (world.owner, {"language": "?"}, ("INVALID", "language")),
        (program, {}, ("FORBIDDEN",)),
    ]
    for who, values, expected in refusals:
        assert codes(await create(api, who, **values)) == [expected], values
    assert MAX_WORKSPACES == 100
    monkeypatch.setattr("resolvers.workspace.MAX_WORKSPACES", 1)
    assert codes(await create(api, world.owner)) == [("WRONG_STATE",)]
    assert await snapshot(*TABLES) == before
    answer = await api.run(None, CREATE, input={"name": "Bakery"})
    assert [one["extensions"]["code"] for one in answer["errors"]] == ["UNAUTHENTICATED"]


async def test_name_and_place_are_settings(api: Api, world: World) -> None:
    changed = await update(api, world, name=" Bakery", timeZone="Asia/Tokyo", language="fr")
    expected = {"name": "Bakery", "timeZone": "Asia/Tokyo", "language": "fr"}
    assert changed == {"workspace": expected, "userErrors": []}
    cleared = await update(api, world, timeZone=None, language=None)
    assert cleared["workspace"] == {"name": "Bakery", "timeZone": "UTC", "language": "en"}
    before = await snapshot("workspace", "event")
    for values, fault in (
        ({"name": None}, ("BLANK", "name")),
        ({"name": "x" * 101}, ("TOO_LONG", "name")),
        ({"timeZone": "Mars", "name": "New"}, ("INVALID", "timeZone")),
        ({"language": "EN"}, ("INVALID", "language")),
    ):
        assert codes(await update(api, world, **values)) == [fault]
    assert await snapshot("workspace", "event") == before
