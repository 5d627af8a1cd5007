"""Deleting contacts: nobody sees them any more, all are told, and nothing is left of them."""

from datetime import timedelta
from typing import Any

import pytest

from models.clock import now
from models.contact import Contact
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.engine import sql
from models.inbound_event import InboundEvent
from models.member import Restriction, Role, Visibility
from models.message import Message
from realtime.contact_events import ContactDeleted
from realtime.events import Fact
from realtime.jobs import claim
from resolvers.assignment import assign_conversation
from resolvers.block import block_contact
from resolvers.comment import add_comment
from resolvers.contact_deletion import delete_contact
from resolvers.erasure import ERASE_CONTACT, erase_contact
from resolvers.message import send_message
from resolvers.snooze import snooze_conversation
from resolvers.viewer import Membership
from schema.ids import encode_id
from schema.sight import saw_before
from tests.acting import api_key
from tests.world import Api, Person, World, let_time_pass, make_world, run_jobs, snapshot, webhook

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


async def everything() -> str:
    """Return all that is in the database, as text."""
    if sql.dialect() == "postgres":
        query = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
    else:
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    return str([await sql.rows(f"SELECT * FROM {row['name']}") for row in await sql.rows(query)])


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


async def test_nothing_of_the_person_is_left(api: Api, world: World) -> None:
    owner = await world.owner.viewer()
    await world.connect()
    said = {"type": "message", "mId": "m1", "message": {"type": "text", "text": "Secret-1"}}
    profile = {"firstName": "Zerlina", "lastName": "Mozart", "email": "z@secret-2.test"}
    await webhook(world.channels[0], "+31612345678", said, contact=profile)
    await run_jobs()
    contact = await Contact.get(first_name="Zerlina")
    row = await Conversation.get(contact_id=contact.id)
    await send_message(owner, row.id, text="Secret-3", idempotency_key="k1")
    await add_comment(owner, row.id, text="Secret-4", idempotency_key="k2")
    await world.hear("Stays", sender="Bob")
    await run_jobs()
    words = ("Zerlina", "Mozart", "secret-2", "612345678", "Secret-1", "Secret-3", "Secret-4")
    kept = await everything()
    assert [word for word in words if word not in kept] == []

    await erase(world, contact.id)

    kept = await everything()
    assert [word for word in words if word.casefold() in kept.casefold()] == []
    assert "Stays" in kept
    assert "Bob" in kept
    tables = ("contact", "conversation", "contact_channel", "message", "comment", "episode")
    for name, rows in (await snapshot(*tables)).items():
        assert len(rows) == (name != "comment"), name
    assert await sql.rows("SELECT id FROM job") == []
    hashes = {r["key"]: r["input_hash"] for r in await sql.rows("SELECT * FROM idempotency_key")}
    assert hashes == {"k1": "", "k2": ""}
    assert await InboundEvent.filter(payload="{}").count() == 1


async def test_what_the_vendor_repeats_brings_nobody_back(api: Api, world: World) -> None:
    message = await world.hear("Hello", message_id="m1")
    await erase(world, message.conversation.contact_id)
    said = {"type": "message", "mId": "m1", "message": {"type": "text", "text": "Hello"}}
    assert await webhook(world.channels[0], "carla", said) == 0
    await run_jobs()
    assert await Contact.all().count() == 0


@pytest.mark.parametrize("erased", [False, True])
async def test_who_writes_again_is_a_new_contact(api: Api, world: World, erased: bool) -> None:
    first = await world.hear("Hello")
    await delete_contact(await world.owner.viewer(), first.conversation.contact_id)
    if erased:
        await run_jobs()
    second = await world.hear("It is me")
    assert second.conversation.contact_id != first.conversation.contact_id
    assert second.seq < 3
    await run_jobs()
    assert await Message.all().count() == 1
    assert await ContactChannel.filter(external_id="carla").count() == 1


async def test_what_waits_when_they_go_makes_them_known_anew(api: Api, world: World) -> None:
    first = await world.hear("Hello")
    said = {"type": "message", "mId": "m2", "message": {"type": "text", "text": "Well?"}}
    await webhook(world.channels[0], "carla", said)
    await erase(world, first.conversation.contact_id)
    [message] = await Message.all()
    assert message.text == "Well?"
    assert message.conversation_id != first.conversation_id


async def test_their_phone_and_email_are_free_at_once(api: Api, world: World) -> None:
    details = {"phone": "+31612345678", "email": "c@parley.test"}
    first = await world.contact("Carla", **details)
    await delete_contact(await world.owner.viewer(), first.id)
    assert (await world.contact("Carla", **details)).id != first.id


async def test_jobs_that_wait_for_them_do_nothing(api: Api, world: World) -> None:
    owner, message = await world.owner.viewer(), await world.hear("Hello")
    await send_message(owner, message.conversation_id, text="Hi")
    await snooze_conversation(owner, message.conversation_id, until=now() + timedelta(hours=1))
    before = len(await world.facts())
    await delete_contact(owner, message.conversation.contact_id)
    await let_time_pass(10_000)
    await run_jobs()
    assert [type(fact) for fact in (await world.facts())[before:]] == [ContactDeleted]
    assert await sql.rows("SELECT id FROM job") == []


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


async def test_a_job_that_was_killed_midway_goes_on(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.erasure.ROWS_AT_ONCE", 2)
    for number in range(7):
        message = await world.hear(f"Hello {number}")
    await world.hear("Stays", sender="bob")
    await delete_contact(await world.owner.viewer(), message.conversation.contact_id)
    jobs = {job.kind: job for job in await claim()}
    written = sql.affected
    count = 0

    async def dies(query: str, *values: Any) -> int:
        nonlocal count
        count += query.startswith("DELETE FROM message")
        if count == 3:
            raise ConnectionError
        return await written(query, *values)

    with monkeypatch.context() as patch:
        patch.setattr("models.engine.sql.affected", dies)
        with pytest.raises(ConnectionError):
            await erase_contact(jobs[ERASE_CONTACT])
    assert await Message.all().count() == 4

    await sql.affected("UPDATE job SET lease_until = created_at")
    await run_jobs()

    assert [row.text for row in await Message.all()] == ["Stays"]
    assert await Contact.all().count() == await Conversation.all().count() == 1
    assert await sql.rows("SELECT id FROM job") == []
