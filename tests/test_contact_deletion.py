"""Deleting contacts: nobody sees them any more, all are told, and nothing is left of them."""

from typing import Any

import pytest

from models.member import Restriction, Role, Visibility
from realtime.contact_events import ContactDeleted
from realtime.events import Fact
from resolvers.assignment import assign_conversation
from resolvers.block import block_contact
from resolvers.contact_deletion import delete_contact
from resolvers.viewer import Membership
from schema.ids import encode_id
from schema.sight import saw_before
from tests.acting import api_key
from tests.world import Api, Person, World, make_world, run_jobs, snapshot

DELETE = """
mutation ($input: DeleteContactInput!) {
  deleteContact(input: $input) {
    contact { id version } deletedContactId deletedConversationId
    userErrors { code field }
  }
}
"""
EVERYTHING = """
query ($id: ID!, $contact: ID!, $conversation: ID!, $message: ID!) {
  contacts(workspaceId: $id) { nodes { id } }
  found: contacts(workspaceId: $id, search: "carla") { nodes { id } }
  workspace(id: $id) { inboxes { kind openCount unreadCount conversations { nodes { id } } } }
  nodes(ids: [$contact, $conversation, $message]) { id }
}
"""
BY_ID = {
    "Conversation": "query ($id: ID!) { conversation(id: $id) { id } }",
    "Contact": "query ($id: ID!) { contact(id: $id) { id } }",
    "Message": "query ($id: ID!) { message(id: $id) { id } }",
}


async def delete(api: Api, who: Person | str, contact_id: int, **more: Any) -> Any:
    """Delete a contact; return the payload."""
    given = {"contactId": encode_id("Contact", contact_id), **more}
    return (await api.ask(who, DELETE, input=given))["deleteContact"]


async def erase(world: World, contact_id: int) -> None:
    """Delete a contact as the owner, and let the jobs erase them."""
    await delete_contact(await world.owner.viewer(), contact_id)
    await run_jobs()


@pytest.mark.parametrize("erased", [False, True])
async def test_nobody_sees_anything_of_it_any_more(api: Api, world: World, erased: bool) -> None:
    ada, message = await world.add("Ada"), await world.hear("Hello")
    contact_id = message.conversation.contact_id
    ids = {
        "Contact": encode_id("Contact", contact_id),
        "Conversation": encode_id("Conversation", message.conversation_id),
        "Message": encode_id("Message", message.id),
    }

    payload = await delete(api, world.owner, contact_id)
    if erased:
        await run_jobs()

    assert payload == {
        "contact": None,
        "deletedContactId": ids["Contact"],
        "deletedConversationId": ids["Conversation"],
        "userErrors": [],
    }
    for who in (world.owner, ada):
        named = {kind.lower(): key for kind, key in ids.items()}
        seen = await api.ask(who, EVERYTHING, id=world.id, **named)
        assert seen["contacts"]["nodes"] == seen["found"]["nodes"] == []
        assert seen["nodes"] == [None, None, None]
        for inbox in seen["workspace"]["inboxes"]:
            assert (inbox["openCount"], inbox["unreadCount"]) == (0, 0)
            assert inbox["conversations"]["nodes"] == []
        for kind, document in BY_ID.items():
            missing = await api.run(who, document, id=encode_id(kind, 999_999))
            assert await api.run(who, document, id=ids[kind]) == missing, kind
    again = await delete(api, world.owner, contact_id)
    assert again["userErrors"] == [{"code": "NOT_FOUND", "field": ["contactId"]}]


async def test_who_may_delete(api: Api, world: World) -> None:
    kept = [Restriction.CONTACT_DELETION]
    expected = {
        await world.add("Ada"): "FORBIDDEN",
        await world.add("Ian", visibility=Visibility.OWN): "NOT_FOUND",
        await world.add("Max", Role.MANAGER, restrictions=kept): "FORBIDDEN",
        await world.add("Kim", Role.MANAGER, restrictions=[Restriction.BLOCKED_CONTACTS]): None,
        await world.add("Mia", Role.MANAGER): None,
        world.owner: None,
        (await make_world("Elsewhere")).owner: "NOT_FOUND",
    }
    for who, code in expected.items():
        contact = await world.contact()
        before = await snapshot()
        errors = [error["code"] for error in (await delete(api, who, contact.id))["userErrors"]]
        assert errors == ([code] if code else []), who.user.name
        assert (await snapshot() == before) is (code is not None)
    contact = await world.contact()
    agent = await delete(api, await api_key(world), contact.id)
    assert [error["code"] for error in agent["userErrors"]] == ["FORBIDDEN"]


async def test_a_blocked_contact_can_be_deleted_by_who_sees_them(api: Api, world: World) -> None:
    kept = [Restriction.BLOCKED_CONTACTS]
    kim = await world.add("Kim", Role.MANAGER, restrictions=kept)
    contact = await world.contact()
    await block_contact(await world.owner.viewer(), contact.id)

    blind = await delete(api, kim, contact.id)
    assert [error["code"] for error in blind["userErrors"]] == ["NOT_FOUND"]
    assert (await delete(api, world.owner, contact.id))["userErrors"] == []


async def test_another_version_is_not_deleted(api: Api, world: World) -> None:
    contact = await world.contact()
    before = await snapshot()
    payload = await delete(api, world.owner, contact.id, expectedVersion=7)
    assert payload["userErrors"] == [{"code": "CONFLICT", "field": ["expectedVersion"]}]
    assert payload["contact"] == {"id": encode_id("Contact", contact.id), "version": 1}
    assert await snapshot() == before
    assert (await delete(api, world.owner, contact.id, expectedVersion=1))["userErrors"] == []


async def test_the_fact_says_who_saw_them(api: Api, world: World) -> None:
    team = await world.team()
    tim = await world.add("Tim", team=team)
    message = await world.hear("Hello")
    await assign_conversation(
        await world.owner.viewer(), message.conversation_id, assignee_id=tim.member.id
    )
    await erase(world, message.conversation.contact_id)
    assert (await world.facts())[-1] == ContactDeleted(
        world.workspace.id,
        message.conversation.contact_id,
        message.conversation_id,
        assignee_id=tim.member.id,
        assignee_team_id=team.id,
        team_id=None,
        is_blocked=False,
    )


def deleted(assignee_id: int | None, team_id: int | None, *, is_blocked: bool = False) -> Fact:
    """Return the fact that a contact was deleted who was looked after like this."""
    return ContactDeleted(1, 2, 3, assignee_id, None, team_id, is_blocked)


@pytest.mark.parametrize(
    ("fact", "sees_all", "team", "own"),
    [
        (deleted(5, None), True, True, True),
        (deleted(None, 7), True, True, False),
        (deleted(6, 8), True, False, False),
    ],
)
def test_it_is_told_to_who_saw_them(fact: Fact, sees_all: bool, team: bool, own: bool) -> None:
    for visibility, expected in zip(
        (Visibility.ALL, Visibility.TEAM, Visibility.OWN), (sees_all, team, own), strict=True
    ):
        member = Membership(1, 5, Role.AGENT, visibility, 7, "", None)
        assert saw_before(member, fact) is expected


@pytest.mark.parametrize("is_blocked", [False, True])
def test_who_saw_no_blocked_contacts_is_told_of_none(is_blocked: bool) -> None:
    kim = Membership(1, 5, Role.AGENT, Visibility.ALL, 7, "BLOCKED_CONTACTS", None)
    assert saw_before(kim, deleted(5, None, is_blocked=is_blocked)) is not is_blocked
