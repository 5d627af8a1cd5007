"""Blocking contacts: the rule, the deed, who may do it, and that it is undone exactly."""

from typing import Any

import pytest

from models.activity import Activity, ActivityKind
from models.contact import Contact
from models.conversation import Conversation, ConversationStatus
from models.episode import ChangeSource, Episode
from models.member import Restriction, Role, Visibility
from realtime.events import ContactBlocked, ContactUnblocked
from resolvers.access import is_frozen
from resolvers.block import can_be_blocked, can_be_unblocked
from schema.ids import encode_id
from tests.acting import api_key, assigned_to, make_cast, nothing_changes, succeed
from tests.test_snooze import NOON, snooze
from tests.world import Api, World

ANSWER = """
  contact { id isBlocked }
  conversation {
    id status version blockedAt assignee { ... on Member { id } } snooze { until }
    viewerCanBlock viewerCanUnblock viewerCanAssign
    viewerCanOpen viewerCanReopen viewerCanClose viewerCanSnooze viewerCanUnsnooze
  }
  userErrors { code message field }
"""
FROZEN = ("Open", "Reopen", "Close", "Snooze", "Unsnooze")
STATE = (
    "status",
    "assignee_id",
    "team_id",
    "opened_at",
    "closed_at",
    "status_since",
    "unreplied_since",
    "last_message_id",
    "last_message_at",
    "last_incoming_at",
    "incoming_count",
    "last_channel_id",
    "idle_since",
    "auto_close_minutes",
)
"""What blocking and unblocking leave as they are."""
NOT_FOUND = {
    "contact": None,
    "conversation": None,
    "userErrors": [
        {
            "code": "NOT_FOUND",
            "message": "Nothing was found under this id.",
            "field": ["contactId"],
        }
    ],
}


async def use(api: Api, who: Any, name: str, row: Any) -> Any:
    """Block or unblock the contact of a conversation, or of a message; return the payload."""
    key = row
    if not isinstance(row, str):
        found = await Conversation.get(id=getattr(row, "conversation_id", row.id))
        key = encode_id("Contact", found.contact_id)
    kind = name[0].upper() + name[1:]
    document = f"mutation ($input: {kind}Input!) {{ {name}(input: $input) {{ {ANSWER} }} }}"
    return (await api.ask(who, document, input={"contactId": key}))[name]


async def block(api: Api, who: Any, row: Any) -> Any:
    """Block a contact; return the conversation."""
    payload = await use(api, who, "blockContact", row)
    assert (payload["userErrors"], payload["contact"]["isBlocked"]) == ([], True)
    return payload["conversation"]


async def unblock(api: Api, who: Any, row: Any) -> Any:
    """Unblock a contact; return the conversation."""
    payload = await use(api, who, "unblockContact", row)
    assert (payload["userErrors"], payload["contact"]["isBlocked"]) == ([], False)
    return payload["conversation"]


async def state_of(row: Any) -> dict[str, Any]:
    """Return what blocking leaves as it is."""
    found = await Conversation.get(id=getattr(row, "conversation_id", row.id))
    return {name: getattr(found, name) for name in STATE}


def test_the_rule() -> None:
    free, blocked = Conversation(), Conversation(blocked_at=NOON)
    assert [can_be_blocked(row) for row in (free, blocked)] == [True, False]
    assert [can_be_unblocked(row) for row in (free, blocked)] == [False, True]
    assert [is_frozen(row) for row in (free, blocked)] == [False, True]


@pytest.mark.parametrize("status", ["OPEN", "CLOSED"])
async def test_blocking_freezes_and_unblocking_restores(
    api: Api, world: World, status: str
) -> None:
    message = await world.hear("Hello")
    ada = await world.add("Ada", team=await world.team())
    await succeed(api, world.owner, "assignConversation", message, assigneeId=ada.id)
    if status == "CLOSED":
        await succeed(api, world.owner, "closeConversation", message)
    before, episodes = await state_of(message), await Episode.all().values()
    version = (await Conversation.get()).version

    blocked = await block(api, ada, message)

    row = await Conversation.get()
    assert row.blocked_at is not None
    assert (row.blocked_by_id, row.version) == (ada.member.id, version + 1)
    assert blocked["blockedAt"] == row.blocked_at.isoformat()
    assert (blocked["status"], blocked["assignee"]) == (status, {"id": ada.id})
    assert await state_of(message) == before
    assert (await world.facts())[-1] == ContactBlocked(
        world.workspace.id,
        row.contact_id,
        row.id,
        assignee_id=ada.member.id,
        assignee_team_id=ada.member.team_id,
        team_id=None,
    )

    freed = await unblock(api, world.owner, message)

    row = await Conversation.get()
    assert (row.blocked_at, row.blocked_by_id, row.version) == (None, None, version + 2)
    assert (freed["status"], freed["blockedAt"]) == (status, None)
    assert await state_of(message) == before
    assert await Episode.all().values() == episodes
    assert (await world.facts())[-1] == ContactUnblocked(world.workspace.id, row.contact_id, row.id)


async def test_both_are_lines_of_the_timeline(api: Api, world: World) -> None:
    conversation = await world.conversation()
    await block(api, world.owner, conversation)
    await unblock(api, await api_key(world), conversation)

    lines = await Activity.all().order_by("seq")
    assert [(line.seq, line.kind, line.source, line.actor_id) for line in lines] == [
        (1, ActivityKind.BLOCKED, ChangeSource.USER, world.owner.member.id),
        (2, ActivityKind.UNBLOCKED, ChangeSource.API, None),
    ]


async def test_again_changes_nothing(api: Api, world: World) -> None:
    conversation = await world.conversation()
    async with nothing_changes():
        await unblock(api, world.owner, conversation)
    await block(api, world.owner, conversation)
    ada = await world.add("Ada")
    async with nothing_changes():
        same = await block(api, ada, conversation)
    assert same["version"] == 2
    assert (await Conversation.get()).blocked_by_id == world.owner.member.id


@pytest.mark.parametrize("origin", ["OPEN", "CLOSED"])
async def test_blocking_ends_a_snooze(api: Api, world: World, origin: str) -> None:
    message = await world.hear("Hello")
    if origin == "CLOSED":
        await succeed(api, world.owner, "closeConversation", message)
    before = await state_of(message)
    await snooze(api, world, message, hours=1)

    blocked = await block(api, world.owner, message)

    assert (blocked["status"], blocked["snooze"]) == (origin, None)
    row = await Conversation.get()
    assert (row.status_before_snooze, row.snoozed_at, row.snoozed_until, row.snoozed_by_id) == (
        None,
        None,
        None,
        None,
    )
    assert await state_of(message) == before
    assert (await unblock(api, world.owner, message))["status"] == origin


async def test_what_the_viewer_can_do(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    blocked = await block(api, world.owner, message)
    assert not any(blocked[f"viewerCan{name}"] for name in FROZEN)
    cans = ("viewerCanAssign", "viewerCanBlock", "viewerCanUnblock")
    assert [blocked[can] for can in cans] == [True, False, True]
    freed = await unblock(api, world.owner, message)
    assert [freed[can] for can in cans] == [True, True, False]
    assert [freed[f"viewerCan{name}"] for name in FROZEN] == [False, False, True, True, False]


@pytest.mark.parametrize("name", ["blockContact", "unblockContact"])
async def test_who_may(api: Api, world: World, name: str) -> None:
    cast = await make_cast(world)

    async def prepared(title: str) -> Conversation:
        conversation = await assigned_to(world, cast.assignee, title)
        if name == "unblockContact":
            await block(api, world.owner, conversation)
        return conversation

    for kind, who in cast.seers.items():
        conversation = await prepared(kind)
        payload = await use(api, who, name, conversation)
        assert payload["userErrors"] == [], kind
        assert payload["contact"]["id"] == encode_id("Contact", conversation.contact_id)
        assert payload["conversation"]["id"] == encode_id("Conversation", conversation.id)
    hidden = await prepared("Hidden")
    async with nothing_changes():
        for kind, blind in cast.blind.items():
            assert await use(api, blind, name, hidden) == NOT_FOUND, kind
        missing = [encode_id("Contact", 999_999), encode_id("Conversation", hidden.id), "", "?"]
        for key in missing:
            assert await use(api, world.owner, name, key) == NOT_FOUND
        kind = name[0].upper() + name[1:]
        document = f"mutation ($input: {kind}Input!) {{ {name}(input: $input) {{ {ANSWER} }} }}"
        answer = await api.run(None, document, input={"contactId": missing[0]})
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


@pytest.mark.parametrize("role", [Role.MANAGER, Role.AGENT])
async def test_who_may_not_see_blocked_contacts_blocks_and_then_loses_sight(
    api: Api, world: World, role: Role
) -> None:
    kept_from = await world.add("Kim", role, restrictions=[Restriction.BLOCKED_CONTACTS])
    conversation = await assigned_to(world, kept_from)

    await block(api, kept_from, conversation)

    async with nothing_changes():
        for name in ("blockContact", "unblockContact"):
            assert await use(api, kept_from, name, conversation) == NOT_FOUND
    await unblock(api, world.owner, conversation)
    await block(api, kept_from, conversation)


async def test_assigning_goes_on_and_is_kept(api: Api, world: World) -> None:
    ada = await world.add("Ada", visibility=Visibility.OWN)
    conversation = await assigned_to(world, ada)
    await block(api, ada, conversation)

    await succeed(api, ada, "assignConversation", conversation, assigneeId=world.owner.id)
    assert (await world.facts())[-1].is_blocked  # type: ignore[union-attr]  # the fact has it
    await succeed(api, world.owner, "unassignConversation", conversation)
    assert (await world.facts())[-1].is_blocked  # type: ignore[union-attr]  # the fact has it

    row = await Conversation.get()
    assert (row.assignee_id, row.status) == (None, ConversationStatus.CLOSED)
    assert row.blocked_at is not None
    assert (await unblock(api, world.owner, conversation))["assignee"] is None


async def test_contacts_tell_who_is_blocked_in_one_statement_more(api: Api, world: World) -> None:
    rows = [await world.conversation(f"Carla{number}") for number in range(4)]
    for row in rows[::2]:
        await block(api, world.owner, row)
    data = await api.ask(
        world.owner,
        "query ($id: ID!) { contacts(workspaceId: $id) { nodes {"
        " isBlocked conversation { blockedAt contact { isBlocked } } } } }",
        id=world.id,
    )
    nodes = data["contacts"]["nodes"]
    assert [node["isBlocked"] for node in nodes] == [False, True, False, True]
    for node in nodes:
        assert (node["conversation"]["blockedAt"] is not None) is node["isBlocked"]
        assert node["conversation"]["contact"] == {"isBlocked": node["isBlocked"]}
    assert await Contact.all().count() == 4
