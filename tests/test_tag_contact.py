"""Tags on contacts: put on and taken off once, by whoever sees the contact, at a constant price."""

import asyncio
from typing import Any

import pytest

from models.clock import now
from models.contact import Contact
from models.conversation import Conversation
from models.engine import sql
from models.refusal import Code, Refused
from models.tag import ContactTag, Tag
from realtime.events import ContactUpdated
from resolvers.tag import MAX_TAGS_OF_CONTACT, check_number, create_tag, tag_contact
from schema.ids import encode_id
from tests.acting import MISSING, NOT_FOUND_SENTENCE, assigned_to, make_cast
from tests.test_tag import delete
from tests.world import Api, World, make_world, snapshot

FIELDS = "contact { id version tags { name } } userErrors { code message field }"
TABLES = ("tag", "contact_tag", "contact", "event")
PAGE = """query ($id: ID!) { contacts(workspaceId: $id, first: 100) {
  nodes { id name tags { id name } } } }"""
INBOX = """query ($id: ID!) { workspace(id: $id) { inboxes { conversations(first: 100) {
  nodes { id contact { tags { name } } } } } } }"""


async def act(api: Api, who: Any, name: str, contact_id: Any, tag_ids: Any, **more: Any) -> Any:
    """Tag or untag a contact; return the payload."""
    document = (
        f"mutation ($input: {name[0].upper()}{name[1:]}Input!)"
        f" {{ {name}(input: $input) {{ {FIELDS} }} }}"
    )
    key = encode_id("Contact", contact_id) if isinstance(contact_id, int) else contact_id
    ids = [encode_id("Tag", one) if isinstance(one, int) else one for one in tag_ids]
    given = {"contactId": key, "tagIds": ids, **more}
    return (await api.ask(who, document, input=given))[name]


async def make_tags(world: World, *names: str) -> list[int]:
    """Add tags; return their ids."""
    viewer = await world.owner.viewer()
    return [(await create_tag(viewer, world.workspace.id, name=name)).id for name in names]


def refused(code: str, message: str, field: str, contact: Any = None) -> dict[str, Any]:
    """Return the payload of a refusal."""
    error = {"code": code, "message": message, "field": [field]}
    return {"contact": contact, "userErrors": [error]}


NO_TAG = refused("NOT_FOUND", NOT_FOUND_SENTENCE, "tagIds")
NO_CONTACT = refused("NOT_FOUND", NOT_FOUND_SENTENCE, "contactId")


@pytest.mark.parametrize(
    ("number", "of_contact", "is_allowed"),
    [(50, 0, True), (1, 49, True), (0, 50, True), (51, 0, False), (1, 50, False)],
)
def test_the_rule_at_its_edges(number: int, of_contact: int, is_allowed: bool) -> None:
    try:
        check_number(range(number), of_contact=of_contact)
    except Refused as refusal:
        assert not is_allowed
        assert (refusal.code, refusal.field) == (Code.WRONG_STATE, ("tagIds",))
    else:
        assert is_allowed


async def test_only_what_changes_is_written_and_told(api: Api, world: World) -> None:
    contact = await world.contact()
    conversation = await Conversation.get(contact_id=contact.id)
    vip, press = await make_tags(world, "VIP", "Press")
    key = encode_id("Contact", contact.id)
    start = len(await world.facts())

    async def changes(name: str, tags: list[int], version: int, *names: str) -> None:
        assert await act(api, world.owner, name, contact.id, tags) == {
            "contact": {
                "id": key,
                "version": version,
                "tags": [{"name": one} for one in names],
            },
            "userErrors": [],
        }

    await changes("tagContact", [vip, vip], 2, "VIP")
    await changes("tagContact", [vip], 2, "VIP")
    await changes("tagContact", [], 2, "VIP")
    await changes("tagContact", [vip, press], 3, "Press", "VIP")
    await changes("untagContact", [], 3, "Press", "VIP")
    await changes("untagContact", [vip, vip], 4, "Press")
    await changes("untagContact", [vip], 4, "Press")
    await changes("untagContact", [vip, press], 5)
    told = ContactUpdated(world.workspace.id, contact.id, conversation.id)
    assert (await world.facts())[start:] == [told] * 4
    assert (await Contact.get(id=contact.id)).version == 5
    assert await ContactTag.all().count() == 0


async def test_another_version_is_a_conflict(api: Api, world: World) -> None:
    contact = await world.contact()
    [vip] = await make_tags(world, "VIP")
    before = await snapshot(*TABLES)
    current = {"id": encode_id("Contact", contact.id), "version": 1, "tags": []}
    sentence = "Somebody changed this in the meantime."
    for name in ("tagContact", "untagContact"):
        payload = await act(api, world.owner, name, contact.id, [vip], expectedVersion=2)
        assert payload == refused("CONFLICT", sentence, "expectedVersion", current)
    assert await snapshot(*TABLES) == before
    payload = await act(api, world.owner, "tagContact", contact.id, [vip], expectedVersion=1)
    assert payload["contact"]["version"] == 2


async def test_tags_of_another_workspace_never_existed(api: Api, world: World) -> None:
    contact = await world.contact()
    [vip] = await make_tags(world, "VIP")
    [foreign] = await make_tags(await make_world("Other"), "Foreign")
    before = await snapshot(*TABLES)
    for name in ("tagContact", "untagContact"):
        for key in (foreign, 999_999, *MISSING, encode_id("Tag", "9" * 40)):
            assert await act(api, world.owner, name, contact.id, [vip, key]) == NO_TAG
    assert await snapshot(*TABLES) == before


async def test_a_contact_has_at_most_fifty(api: Api, world: World) -> None:
    contact = await world.contact()
    tags = await make_tags(world, *(f"T{number}" for number in range(MAX_TAGS_OF_CONTACT + 1)))
    full = await act(api, world.owner, "tagContact", contact.id, tags[:-1])
    assert len(full["contact"]["tags"]) == MAX_TAGS_OF_CONTACT
    before = await snapshot(*TABLES)
    too_many = refused("WRONG_STATE", "A contact has at most 50 tags.", "tagIds")
    for given in (tags[-1:], tags):
        assert await act(api, world.owner, "tagContact", contact.id, given) == too_many
    assert await act(api, world.owner, "untagContact", contact.id, tags) == too_many
    assert await snapshot(*TABLES) == before
    again = await act(api, world.owner, "tagContact", contact.id, tags[:-1])
    assert (again["contact"]["version"], again["userErrors"]) == (2, [])


async def test_whoever_sees_the_contact_may_tag_it(api: Api, world: World) -> None:
    cast = await make_cast(world)
    [vip] = await make_tags(world, "VIP")
    for kind, who in cast.seers.items():
        conversation = await assigned_to(world, cast.assignee, kind)
        for name in ("tagContact", "untagContact"):
            payload = await act(api, who, name, conversation.contact_id, [vip])
            assert payload["userErrors"] == [], kind
    hidden = (await assigned_to(world, cast.assignee)).contact_id
    before = await snapshot(*TABLES)
    for name in ("tagContact", "untagContact"):
        for kind, who in cast.blind.items():
            assert await act(api, who, name, hidden, [vip]) == NO_CONTACT, kind
        for missing in (999_999, "", encode_id("Contact", "9" * 40), encode_id("Tag", vip)):
            assert await act(api, world.owner, name, missing, [vip]) == NO_CONTACT
    assert await snapshot(*TABLES) == before


async def test_tagged_many_times_at_once_it_is_written_once(api: Api, world: World) -> None:
    contact = await world.contact()
    [vip] = await make_tags(world, "VIP")
    start = len(await world.facts())
    payloads = await asyncio.gather(
        *(act(api, world.owner, "tagContact", contact.id, [vip]) for _ in range(6))
    )
    assert [one["userErrors"] for one in payloads] == [[]] * 6
    assert (await ContactTag.all().count(), len(await world.facts()) - start) == (1, 1)
    assert (await Contact.get(id=contact.id)).version == 2


async def test_different_tags_at_once_lose_none(api: Api, world: World) -> None:
    contact = await world.contact()
    tags = await make_tags(world, *(f"T{number}" for number in range(6)))
    await asyncio.gather(
        *(act(api, world.owner, "tagContact", contact.id, [tag]) for tag in tags),
        *(act(api, world.owner, "untagContact", contact.id, [tag]) for tag in tags[:2]),
    )
    on = {row.tag_id for row in await ContactTag.all()}
    assert set(tags[2:]) <= on <= set(tags)
    updates = [fact for fact in await world.facts() if isinstance(fact, ContactUpdated)]
    assert (await Contact.get(id=contact.id)).version == 1 + len(updates)


async def test_a_tag_deleted_while_it_is_used_is_nowhere(api: Api, world: World) -> None:
    contacts = [await world.contact(f"C{number}") for number in range(3)]
    for _ in range(4):
        [vip] = await make_tags(world, "VIP")
        deleted, *payloads = await asyncio.gather(
            delete(api, world, encode_id("Tag", vip)),
            *(act(api, world.owner, "tagContact", contact.id, [vip]) for contact in contacts),
            *(act(api, world.owner, "untagContact", contact.id, [vip]) for contact in contacts),
        )
        assert deleted["userErrors"] == []
        for payload in payloads:
            assert payload == NO_TAG or payload["userErrors"] == []
        assert await ContactTag.all().count() == 0


async def test_a_hundred_contacts_with_tags_cost_what_two_cost(api: Api, world: World) -> None:
    viewer = await world.owner.viewer()
    names = [f"t{number}" for number in range(9, -1, -1)]
    tags = await make_tags(world, *names)
    counts: dict[str, list[int]] = {PAGE: [], INBOX: []}
    made: list[Contact] = []
    for size in (2, 100):
        for number in range(len(made), size):
            made.append(await world.contact(f"C{number}"))
            await tag_contact(viewer, made[-1].id, tags[: 1 + number % 10])
        for document, counted in counts.items():
            with sql.count_statements() as counter:
                data = await api.ask(world.owner, document, id=world.id)
            counted.append(counter.total)
        nodes = (await api.ask(world.owner, PAGE, id=world.id))["contacts"]["nodes"]
        found = {node["name"]: [tag["name"] for tag in node["tags"]] for node in nodes}
        assert found == {f"C{n}": sorted(names[: 1 + n % 10]) for n in range(size)}
        listed = data["workspace"]["inboxes"][0]["conversations"]["nodes"]
        assert sum(len(node["contact"]["tags"]) for node in listed) == sum(map(len, found.values()))
    assert all(few == many for few, many in counts.values()), counts
    assert counts[PAGE] == [4, 4]  # the viewer, the page, what is on its contacts, the tags


async def test_tags_are_listed_at_the_price_of_one(api: Api, world: World) -> None:
    document = "query ($id: ID!) { workspace(id: $id) { tags { id name } } }"
    totals = []
    for size in (1, 40):
        await Tag.bulk_create(
            Tag(workspace_id=world.workspace.id, name=name, folded_name=name, created_at=now())
            for name in (f"{size}.{number}" for number in range(size))
        )
        with sql.count_statements() as counter:
            await api.ask(world.owner, document, id=world.id)
        totals.append(counter.total)
    assert totals[0] == totals[1] <= 3
