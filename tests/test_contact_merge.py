"""Merging contacts: what the two become, who may do it, and what is refused."""

from typing import Any

from models.activity import Activity, ActivityKind
from models.contact import Contact
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.engine import sql
from models.episode import Episode
from models.member import Restriction, Role, Visibility
from models.message import Message
from resolvers.block import block_contact
from resolvers.comment import add_comment
from resolvers.contact_deletion import delete_contact
from resolvers.message import send_message
from resolvers.workspace import add_member
from schema.ids import encode_id
from tests.acting import api_key
from tests.world import Api, Person, World, make_world, run_jobs, snapshot

MERGE = """
mutation ($input: MergeContactsInput!) {
  mergeContacts(input: $input) {
    contact { id version name } conversation { id } mergedContactId
    userErrors { code field }
  }
}
"""


async def merge(api: Api, who: Person | str, kept_id: int, merged_id: int, **more: Any) -> Any:
    """Merge a contact into another one; return the payload."""
    given = {
        "contactId": encode_id("Contact", kept_id),
        "mergedContactId": encode_id("Contact", merged_id),
        **more,
    }
    return (await api.ask(who, MERGE, input=given))["mergeContacts"]


async def two(world: World) -> tuple[Message, Message]:
    """Let two contacts write; return their messages."""
    return await world.hear("I am Carla"), await world.hear("I am Karla", sender="karla")


def contacts_of(first: Message, second: Message) -> tuple[int, int]:
    """Return whose conversations two messages are in."""
    return first.conversation.contact_id, second.conversation.contact_id


async def test_two_become_one(api: Api, world: World) -> None:
    owner = await world.owner.viewer()
    first, second = await two(world)
    kept_id, merged_id = contacts_of(first, second)
    await send_message(owner, second.conversation_id, text="Hi Karla")
    await add_comment(owner, first.conversation_id, text="The same?")
    await world.hear("Again", sender="karla")
    waits_since = (await Conversation.get(id=first.conversation_id)).unreplied_since

    payload = await merge(api, world.owner, kept_id, merged_id)

    kept = {"id": encode_id("Contact", kept_id), "version": 2, "name": "Carla"}
    assert payload == {
        "contact": kept,
        "conversation": {"id": encode_id("Conversation", first.conversation_id)},
        "mergedContactId": encode_id("Contact", merged_id),
        "userErrors": [],
    }
    messages = await Message.all().order_by("seq")
    assert [row.text for row in messages] == ["I am Carla", "I am Karla", "Hi Karla", "Again"]
    assert {row.conversation_id for row in messages} == {first.conversation_id}
    assert [row.incoming_count for row in messages] == [1, 2, 2, 3]
    row = await Conversation.get(id=first.conversation_id)
    places = await sql.rows(
        "SELECT seq FROM message UNION ALL SELECT seq FROM activity UNION ALL"
        " SELECT seq FROM comment ORDER BY seq"
    )
    assert [place["seq"] for place in places] == list(range(1, row.last_seq + 1))
    assert row.incoming_count == 3
    assert (row.last_message_id, row.last_incoming_at) == (
        messages[-1].id,
        messages[-1].created_at,
    )
    assert row.unreplied_since == waits_since
    assert await Activity.filter(kind=ActivityKind.MERGED, seq=row.last_seq).count() == 1
    assert {one.contact_id for one in await ContactChannel.all()} == {kept_id}
    assert await Episode.filter(conversation_id=row.id, closed_at=None).count() == 1
    await run_jobs()
    assert await Contact.all().count() == await Conversation.all().count() == 1
    assert await Message.all().count() == 4


async def test_the_merged_one_is_no_more(api: Api, world: World) -> None:
    first, second = await two(world)
    await merge(api, world.owner, *contacts_of(first, second))
    ids = [
        encode_id("Contact", second.conversation.contact_id),
        encode_id("Conversation", second.conversation_id),
        encode_id("Message", second.id),
    ]
    asked = await api.ask(world.owner, "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
    assert asked["nodes"] == [None, None, {"id": ids[2]}]
    listed = "query ($id: ID!) { contacts(workspaceId: $id) { nodes { id } } }"
    nodes = (await api.ask(world.owner, listed, id=world.id))["contacts"]["nodes"]
    assert nodes == [{"id": encode_id("Contact", first.conversation.contact_id)}]
    again = await merge(api, world.owner, *contacts_of(first, second))
    assert again["userErrors"] == [{"code": "NOT_FOUND", "field": ["mergedContactId"]}]


async def test_who_may_merge(api: Api, world: World) -> None:
    kept = [Restriction.CONTACT_DELETION]
    expected = {
        await world.add("Ada"): "FORBIDDEN",
        await world.add("Ian", visibility=Visibility.OWN): "NOT_FOUND",
        await world.add("Max", Role.MANAGER, restrictions=kept): "FORBIDDEN",
        await world.add("Mia", Role.MANAGER): None,
        world.owner: None,
        (await make_world("Elsewhere")).owner: "NOT_FOUND",
    }
    for who, code in expected.items():
        contacts = [(await world.contact()).id, (await world.contact("Karla")).id]
        before = await snapshot()
        errors = [error["code"] for error in (await merge(api, who, *contacts))["userErrors"]]
        assert errors == ([code] if code else []), who.user.name
        assert (await snapshot() == before) is (code is not None)
    contacts = [(await world.contact()).id, (await world.contact("Karla")).id]
    agent = await merge(api, await api_key(world), *contacts)
    assert [error["code"] for error in agent["userErrors"]] == ["FORBIDDEN"]


async def test_refusals_change_nothing(api: Api, world: World) -> None:
    owner = await world.owner.viewer()
    first, second, third = [await world.contact(f"C{number}") for number in range(3)]
    other = await make_world("Other")
    elsewhere = await other.contact("Carla")
    await block_contact(owner, second.id)
    await delete_contact(owner, third.id)
    before = await snapshot()
    refusals = {
        (first.id, first.id): ("INVALID", "mergedContactId"),
        (first.id, second.id): ("BLOCKED", "mergedContactId"),
        (second.id, first.id): ("BLOCKED", "mergedContactId"),
        (first.id, third.id): ("NOT_FOUND", "mergedContactId"),
        (third.id, first.id): ("NOT_FOUND", "contactId"),
        (first.id, 999_999): ("NOT_FOUND", "mergedContactId"),
        (first.id, elsewhere.id): ("NOT_FOUND", "mergedContactId"),
    }
    for pair, (code, field) in refusals.items():
        payload = await merge(api, world.owner, *pair, idempotencyKey="k")
        assert payload["userErrors"] == [{"code": code, "field": [field]}], pair
        assert await snapshot() == before
    stale = await merge(api, world.owner, first.id, elsewhere.id, expectedVersion=9)
    assert stale["userErrors"][0]["code"] == "NOT_FOUND"
    fourth = await world.contact("C4")
    before = await snapshot()
    stale = await merge(api, world.owner, first.id, fourth.id, expectedVersion=9)
    assert stale["userErrors"] == [{"code": "CONFLICT", "field": ["expectedVersion"]}]
    assert stale["contact"]["version"] == 1
    assert await snapshot() == before
    assert await sql.rows("SELECT id FROM idempotency_key") == []


async def test_contacts_of_two_workspaces_of_one_owner(api: Api, world: World) -> None:
    other = await make_world("Other")
    await add_member(other.workspace.id, world.owner.user.id, Role.OWNER)
    pair = (await world.contact()).id, (await other.contact()).id
    payload = await merge(api, world.owner, *pair)
    assert payload["userErrors"] == [{"code": "INVALID", "field": ["mergedContactId"]}]


async def test_the_same_key_merges_once(api: Api, world: World) -> None:
    first, second = await two(world)
    pair, key = contacts_of(first, second), "k"
    payload = await merge(api, world.owner, *pair, idempotencyKey=key)
    await run_jobs()
    before = await snapshot()
    assert await merge(api, world.owner, *pair, idempotencyKey=key) == payload
    assert await snapshot() == before
    reused = await merge(api, world.owner, pair[1], pair[0], idempotencyKey=key)
    assert reused["userErrors"][0]["code"] == "NOT_FOUND"
    reused = await merge(api, world.owner, pair[0], 999, idempotencyKey=key)
    assert reused["userErrors"][0]["code"] == "IDEMPOTENCY_KEY_REUSED"
