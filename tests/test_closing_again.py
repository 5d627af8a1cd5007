"""Opening what was closed: by `reopenConversation`, and what the viewer is told that they can."""

from typing import Any

import pytest

from models.activity import Activity, ActivityKind
from models.conversation import Conversation, ConversationStatus
from models.episode import ChangeSource, Episode
from models.member import Role
from realtime.events import ConversationOpened
from resolvers.closing import can_be_reopened
from resolvers.rights import RIGHTS, Grant, Right, rights_of
from tests.acting import (
    api_key,
    check_conflict,
    check_rights,
    conversation_id,
    nothing_changes,
    succeed,
)
from tests.test_snooze import later
from tests.world import Api, World

CANS = """query ($id: ID!) { conversation(id: $id) {
  viewerCanOpen viewerCanClose viewerCanReopen viewerCanUnsnooze
} }"""
EXPECTED = {
    "OPEN": {"Open": False, "Close": True, "Reopen": False, "Unsnooze": False},
    "CLOSED": {"Open": True, "Close": False, "Reopen": True, "Unsnooze": False},
    "SNOOZED": {"Open": True, "Close": True, "Reopen": False, "Unsnooze": True},
}


async def in_state(api: Api, world: World, status: str) -> Any:
    """Let a contact write, and bring the conversation into a state; return the message."""
    message = await world.hear("Hello")
    if status == "CLOSED":
        await succeed(api, world.owner, "closeConversation", message)
    if status == "SNOOZED":
        until = later(hours=1).isoformat()
        await succeed(api, world.owner, "snoozeConversation", message, until=until)
    return message


@pytest.mark.parametrize("status", list(ConversationStatus))
def test_only_a_closed_conversation_is_reopened(status: ConversationStatus) -> None:
    assert can_be_reopened(Conversation(status=status)) is (status is ConversationStatus.CLOSED)


async def test_reopening_begins_another_episode(api: Api, world: World) -> None:
    message = await in_state(api, world, "CLOSED")

    reopened = await succeed(api, world.owner, "reopenConversation", message)

    assert (reopened["status"], reopened["closedAt"], reopened["version"]) == ("OPEN", None, 4)
    first, second = await Episode.all().order_by("id")
    assert (first.closed_at is None, second.closed_at) == (False, None)
    assert (second.opened_source, second.opened_by_id) == (
        ChangeSource.USER,
        world.owner.member.id,
    )
    assert (await world.facts())[-1] == ConversationOpened(
        world.workspace.id, message.conversation_id
    )
    last = await Activity.all().order_by("-seq").first()
    assert last is not None
    assert (last.kind, last.actor_id) == (ActivityKind.OPENED, world.owner.member.id)


async def test_a_program_reopens_as_a_program(api: Api, world: World) -> None:
    conversation = await world.conversation()
    await succeed(api, await api_key(world), "reopenConversation", conversation)
    [episode] = await Episode.all()
    assert (episode.opened_source, episode.opened_by_id) == (ChangeSource.API, None)


@pytest.mark.parametrize("status", ["OPEN", "SNOOZED"])
async def test_what_is_not_closed_stays_as_it_is(api: Api, world: World, status: str) -> None:
    message = await in_state(api, world, status)
    async with nothing_changes():
        same = await succeed(api, world.owner, "reopenConversation", message)
    assert same["status"] == status


async def test_another_version_is_a_conflict(api: Api, world: World) -> None:
    message = await in_state(api, world, "CLOSED")
    await check_conflict(api, world, "reopenConversation", message.conversation_id)


async def test_who_may_reopen(api: Api, world: World) -> None:
    await check_rights(api, world, "reopenConversation")


@pytest.mark.parametrize("status", list(EXPECTED))
async def test_what_the_viewer_can_do_in_each_state(
    api: Api, world: World, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await in_state(api, world, status)
    agent = await world.add()

    async def cans() -> Any:
        return (await api.ask(agent, CANS, id=conversation_id(message)))["conversation"]

    assert await cans() == {f"viewerCan{name}": can for name, can in EXPECTED[status].items()}
    leaders = frozenset({Role.OWNER, Role.MANAGER})
    monkeypatch.setitem(RIGHTS, Right.CLOSE, Grant(leaders))
    monkeypatch.setitem(RIGHTS, Right.SNOOZE, Grant(leaders))
    monkeypatch.setattr("resolvers.viewer.rights_of", rights_of.__wrapped__)
    assert set((await cans()).values()) == {False}
