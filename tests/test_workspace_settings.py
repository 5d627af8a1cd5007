"""Settings of a workspace: groups of them, what omitted and null mean, and who may change them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from models.event import Event
from models.member import Role
from models.refusal import Code, Refused
from models.workspace import Workspace
from realtime.events import WorkspaceSettingsChanged
from resolvers.workspace import check_settings
from schema.ids import encode_id
from tests.acting import api_key
from tests.world import Api, World, make_world, snapshot

SETTINGS = """
  settings {
    closingNotes { mode } automaticClosing { isEnabled enabledSince afterMinutes }
    snooze { wakeOnReply } masking { isPhoneMasked isEmailMasked }
  }
"""
READ = f"query ($id: ID!) {{ workspace(id: $id) {{ {SETTINGS} }} }}"
UPDATE = f"""
mutation ($input: UpdateWorkspaceSettingsInput!) {{
  updateWorkspaceSettings(input: $input) {{
    workspace {{ {SETTINGS} }} userErrors {{ code message field }}
  }}
}}
"""
EVENTS = """
query ($id: ID!, $after: String!) {
  events(workspaceId: $id, after: $after) {
    nodes { __typename ... on WorkspaceSettingsChanged { workspace { id settings {
      snooze { wakeOnReply } } } } }
  }
}
"""
CURSOR = "query ($id: ID!) { workspace(id: $id) { eventCursor } }"
DEFAULTS: dict[str, Any] = {
    "closingNotes": {"mode": "OPTIONAL"},
    "automaticClosing": {"isEnabled": False, "enabledSince": None, "afterMinutes": 1440},
    "snooze": {"wakeOnReply": True},
    "masking": {"isPhoneMasked": False, "isEmailMasked": False},
}
RANGE = "Automatic closing waits for 30 to 20160 minutes."


async def update(api: Api, who: Any, world: World, **groups: Any) -> Any:
    """Change settings; return the payload."""
    data = await api.ask(who, UPDATE, input={"workspaceId": world.id, **groups})
    return data["updateWorkspaceSettings"]


async def change(api: Api, world: World, **groups: Any) -> Any:
    """Change settings as the owner, which must not be refused; return them all."""
    payload = await update(api, world.owner, world, **groups)
    assert payload["userErrors"] == []
    return payload["workspace"]["settings"]


@pytest.mark.parametrize(("minutes", "taken"), [(29, False), (30, True), (20160, True)])
def test_the_time_at_its_edges(minutes: int, taken: bool) -> None:
    if taken:
        check_settings({"auto_close_minutes": minutes})
        return
    with pytest.raises(Refused) as refusal:
        check_settings({"auto_close_minutes": minutes})
    assert refusal.value.code is Code.INVALID
    check_settings({})


async def test_a_new_workspace_has_the_defaults(api: Api, world: World) -> None:
    found = await api.ask(await world.add(), READ, id=world.id)
    assert found == {"workspace": {"settings": DEFAULTS}}


async def test_what_is_omitted_stays_and_null_goes_back(api: Api, world: World) -> None:
    assert (await change(api, world, closingNotes={"mode": "OFF"}))["closingNotes"] == {
        "mode": "OFF"
    }
    later = await change(
        api,
        world,
        automaticClosing={"isEnabled": True, "afterMinutes": 30},
        snooze={"wakeOnReply": False},
    )
    row = await Workspace.get(id=world.workspace.id)
    assert row.auto_close_since is not None
    since = row.auto_close_since.astimezone(UTC).isoformat(timespec="microseconds")
    enabled = {"isEnabled": True, "enabledSince": since, "afterMinutes": 30}
    assert later == {
        "closingNotes": {"mode": "OFF"},
        "automaticClosing": enabled,
        "snooze": {"wakeOnReply": False},
        "masking": DEFAULTS["masking"],
    }
    kept = await change(api, world, closingNotes={}, automaticClosing={"afterMinutes": None})
    assert kept == later | {"automaticClosing": enabled | {"afterMinutes": 1440}}
    cleared = await change(
        api, world, closingNotes={"mode": None}, automaticClosing=None, snooze=None
    )
    assert cleared == DEFAULTS
    assert (await api.ask(world.owner, READ, id=world.id))["workspace"]["settings"] == DEFAULTS


async def test_turned_on_again_it_counts_anew_and_on_as_it_is(api: Api, world: World) -> None:
    async def since() -> datetime | None:
        return (await Workspace.get(id=world.workspace.id)).auto_close_since

    await change(api, world, automaticClosing={"isEnabled": True})
    first = await since()
    await change(api, world, automaticClosing={"isEnabled": True, "afterMinutes": 60})
    assert first == await since()
    await change(api, world, automaticClosing={"isEnabled": False})
    assert await since() is None
    await change(api, world, automaticClosing={"isEnabled": True})
    again = await since()
    assert first is not None
    assert again is not None
    assert again > first


async def test_a_change_is_told_to_everybody_and_no_change_to_nobody(
    api: Api, world: World
) -> None:
    agent = await world.add()
    after = (await api.ask(agent, CURSOR, id=world.id))["workspace"]["eventCursor"]

    await change(api, world, snooze={"wakeOnReply": False})
    await change(api, world, snooze={"wakeOnReply": False})
    await change(api, world)

    facts = [one for one in await world.facts() if isinstance(one, WorkspaceSettingsChanged)]
    assert facts == [WorkspaceSettingsChanged(world.workspace.id)]
    heard = await api.ask(agent, EVENTS, id=world.id, after=after)
    assert heard["events"]["nodes"] == [
        {
            "__typename": "WorkspaceSettingsChanged",
            "workspace": {"id": world.id, "settings": {"snooze": {"wakeOnReply": False}}},
        }
    ]


@pytest.mark.parametrize("minutes", [-1, 0, 29, 20161])
async def test_a_time_out_of_range_changes_nothing(api: Api, world: World, minutes: int) -> None:
    before = await snapshot("workspace", "event")
    payload = await update(
        api,
        world.owner,
        world,
        closingNotes={"mode": "OFF"},
        automaticClosing={"isEnabled": True, "afterMinutes": minutes},
    )
    field = ["automaticClosing", "afterMinutes"]
    error = {"code": "INVALID", "message": RANGE, "field": field}
    assert payload == {"workspace": None, "userErrors": [error]}
    assert await snapshot("workspace", "event") == before


async def test_who_may_change_settings(api: Api, world: World) -> None:
    for who in (
        world.owner,
        await world.add("Mia", Role.MANAGER),
        await api_key(world, Role.MANAGER),
    ):
        payload = await update(api, who, world, snooze={"wakeOnReply": True})
        assert payload["userErrors"] == []
    before = await snapshot("workspace", "event")
    stranger = (await make_world("Other")).owner
    untouched = await Event.filter(workspace_id=world.workspace.id).count()
    for who, code in (
        (await world.add("Ada"), "FORBIDDEN"),
        (await api_key(world), "FORBIDDEN"),
        (stranger, "NOT_FOUND"),
    ):
        payload = await update(api, who, world, snooze={"wakeOnReply": False})
        assert [error["code"] for error in payload["userErrors"]] == [code]
    missing = encode_id("Workspace", 999_999)
    data = await api.ask(world.owner, UPDATE, input={"workspaceId": missing})
    assert [one["code"] for one in data["updateWorkspaceSettings"]["userErrors"]] == ["NOT_FOUND"]
    after = await snapshot("workspace")
    assert after["workspace"][:1] == before["workspace"]
    assert await Event.filter(workspace_id=world.workspace.id).count() == untouched + 1
