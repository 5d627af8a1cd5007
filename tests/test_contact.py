"""Contacts: adding and editing them, with phone and email kept unique."""

import asyncio
from typing import Any

import pytest

from models.contact import Contact
from models.conversation import Conversation
from models.engine import sql
from models.member import Visibility
from realtime.events import ContactCreated, ContactUpdated
from schema.ids import encode_id
from tests.world import Api, World, make_world, snapshot

FIELDS = (
    "contact { id firstName lastName name phone { value } email language country version"
    " conversation { status } } userErrors { code message field }"
)
CREATE = f"mutation($input: CreateContactInput!) {{ createContact(input: $input) {{ {FIELDS} }} }}"
UPDATE = f"mutation($input: UpdateContactInput!) {{ updateContact(input: $input) {{ {FIELDS} }} }}"
PHONE = "+33612345678"
TAKEN_PHONE = "Another contact has this phone number."
TAKEN_EMAIL = "Another contact has this email address."


async def create(api: Api, who: Any, world: World, **given: Any) -> Any:
    """Add a contact and return the payload."""
    values = {"workspaceId": world.id, "firstName": "Carla", **given}
    return (await api.ask(who, CREATE, input=values))["createContact"]


async def update(api: Api, who: Any, contact_id: int, **given: Any) -> Any:
    """Edit a contact and return the payload."""
    values = {"contactId": encode_id("Contact", contact_id), **given}
    return (await api.ask(who, UPDATE, input=values))["updateContact"]


def refused(code: str, message: str, field: str) -> dict[str, Any]:
    """Return the payload of a refusal."""
    return {
        "contact": None,
        "userErrors": [{"code": code, "message": message, "field": [field]}],
    }


async def test_a_contact_is_born_with_a_closed_conversation(api: Api, world: World) -> None:
    payload = await create(
        api,
        world.owner,
        world,
        firstName=" Zoë ",
        lastName=" Martin ",
        phone="+33 (0)6 12 34 56 78",
        email=" Zoe@Example.COM ",
        language="fr",
    )

    [row] = await Contact.all()
    assert payload == {
        "contact": {
            "id": encode_id("Contact", row.id),
            "firstName": "Zoë",
            "lastName": "Martin",
            "name": "Zoë Martin",
            "phone": {"value": PHONE},
            "email": "zoe@example.com",
            "language": "fr",
            "country": "FR",
            "version": 1,
            "conversation": {"status": "CLOSED"},
        },
        "userErrors": [],
    }
    [conversation] = await Conversation.all()
    assert (await world.facts())[-1] == ContactCreated(world.workspace.id, row.id, conversation.id)


BAD = [
    ({"firstName": " "}, ("BLANK", "A contact needs a first name.", "firstName")),
    ({"firstName": "x" * 101}, ("TOO_LONG", "At most 100 characters.", "firstName")),
    ({"lastName": "x" * 101}, ("TOO_LONG", "At most 100 characters.", "lastName")),
    ({"email": "zoe"}, ("INVALID", "This is no email address.", "email")),
    ({"email": "@example.com"}, ("INVALID", "This is no email address.", "email")),
    ({"email": "a b@example.com"}, ("INVALID", "This is no email address.", "email")),
    ({"email": "x" * 250 + "@e.com"}, ("INVALID", "This is no email address.", "email")),
]
BAD += [
    (
        {"phone": phone},
        (
            "INVALID",
            "This is no phone number in international form, such as +33612345678.",
            "phone",
        ),
    )
    for phone in ("0612345678", "+33", "+336123456789012345", "phone", "+999123456789")
]


@pytest.mark.parametrize(("given", "why"), BAD)
async def test_what_cannot_be_a_contact_is_refused(
    api: Api, world: World, given: dict[str, str], why: tuple[str, str, str]
) -> None:
    contact = await world.contact("Bob")
    before = await snapshot()
    assert await create(api, world.owner, world, **given) == refused(*why)
    assert await update(api, world.owner, contact.id, **given) == refused(*why)
    assert await snapshot() == before


async def test_a_phone_or_email_belongs_to_one_contact(api: Api, world: World) -> None:
    await world.contact("Bob", phone=PHONE, email="bob@example.com")
    other = await world.contact("Eve")
    before = await snapshot()

    for given, why in (
        ({"phone": "+33 6 12 34 56 78"}, ("TAKEN", TAKEN_PHONE, "phone")),
        ({"email": "BOB@example.com"}, ("TAKEN", TAKEN_EMAIL, "email")),
    ):
        assert await create(api, world.owner, world, **given) == refused(*why)
        assert await update(api, world.owner, other.id, **given) == refused(*why)

    assert await snapshot() == before
    elsewhere = await make_world("Other")
    assert (await create(api, elsewhere.owner, elsewhere, phone=PHONE))["userErrors"] == []


async def test_two_at_once_cannot_have_one_phone(api: Api, world: World) -> None:
    payloads = await asyncio.gather(
        *(create(api, world.owner, world, phone=PHONE, firstName=f"C{n}") for n in range(6))
    )
    lost = [payload for payload in payloads if payload["userErrors"]]
    assert lost == [refused("TAKEN", TAKEN_PHONE, "phone")] * 5
    assert await Contact.all().count() == await Conversation.all().count() == 1


async def test_editing_changes_what_is_given_and_leaves_the_rest(api: Api, world: World) -> None:
    contact = await world.contact(
        "Carla", last_name="Rossi", phone=PHONE, email="c@example.com", language="it"
    )

    payload = await update(api, world.owner, contact.id, firstName="Clara", email=None)

    assert payload["userErrors"] == []
    assert payload["contact"] == {
        "id": encode_id("Contact", contact.id),
        "firstName": "Clara",
        "lastName": "Rossi",
        "name": "Clara Rossi",
        "phone": {"value": PHONE},
        "email": None,
        "language": "it",
        "country": "FR",
        "version": 2,
        "conversation": {"status": "CLOSED"},
    }
    conversation = await Conversation.get(contact_id=contact.id)
    assert (await world.facts())[-1] == ContactUpdated(
        world.workspace.id, contact.id, conversation.id
    )
    payload = await update(api, world.owner, contact.id, lastName=None, phone="", language=None)
    row = await Contact.get(id=contact.id)
    assert (row.last_name, row.phone, row.language, row.version) == ("", None, None, 3)
    assert row.search_text == "clara"


async def test_a_first_name_cannot_be_taken_away(api: Api, world: World) -> None:
    contact = await world.contact("Carla")
    before = await snapshot()
    payload = await update(api, world.owner, contact.id, firstName=None)
    assert payload == refused("BLANK", "A contact needs a first name.", "firstName")
    assert await snapshot() == before


async def test_an_edit_that_changes_nothing_is_no_event(api: Api, world: World) -> None:
    contact = await world.contact("Carla", phone=PHONE)
    before = await snapshot()
    for given in ({}, {"firstName": " Carla "}, {"phone": "+33 6 12 34 56 78", "email": ""}):
        payload = await update(api, world.owner, contact.id, **given)
        assert (payload["userErrors"], payload["contact"]["version"]) == ([], 1)
    assert await snapshot() == before


async def test_an_edit_of_an_old_version_is_a_conflict(api: Api, world: World) -> None:
    contact = await world.contact("Carla")
    first = await update(api, world.owner, contact.id, firstName="Clara", expectedVersion=1)
    assert first["userErrors"] == []
    before = await snapshot()

    second = await update(api, world.owner, contact.id, lastName="Rossi", expectedVersion=1)

    assert (second["contact"], second["userErrors"][0]["code"]) == (first["contact"], "CONFLICT")
    assert await snapshot() == before
    third = await update(api, world.owner, contact.id, lastName="Rossi", expectedVersion=2)
    assert (third["userErrors"], third["contact"]["version"]) == ([], 3)


async def test_of_two_edits_at_once_of_one_version_one_wins(api: Api, world: World) -> None:
    contact = await world.contact("Carla")
    payloads = await asyncio.gather(
        *(
            update(api, world.owner, contact.id, firstName=f"C{number}", expectedVersion=1)
            for number in range(5)
        )
    )
    codes = sorted(str(p["userErrors"] and p["userErrors"][0]["code"]) for p in payloads)
    assert codes == ["CONFLICT"] * 4 + ["[]"]
    assert (await Contact.get(id=contact.id)).version == 2


async def test_the_same_key_adds_one_contact(api: Api, world: World) -> None:
    payloads = await asyncio.gather(
        *(create(api, world.owner, world, phone=PHONE, idempotencyKey="k") for _ in range(10))
    )
    assert [payload["userErrors"] for payload in payloads] == [[]] * 10
    assert len({payload["contact"]["id"] for payload in payloads}) == 1
    before = await snapshot()
    other = await create(api, world.owner, world, firstName="Other", idempotencyKey="k")
    assert other == refused(
        "IDEMPOTENCY_KEY_REUSED",
        "This idempotency key was used with another input.",
        "idempotencyKey",
    )
    assert await snapshot() == before
    assert len(await sql.rows("SELECT id FROM idempotency_key")) == 1


async def test_what_is_hidden_was_not_found(api: Api, world: World) -> None:
    contact = await world.contact("Carla")
    stranger = await make_world("Other")
    agent = await world.add("Ada", visibility=Visibility.OWN)
    before = await snapshot()
    nothing = "Nothing was found under this id."

    for who, contact_id in ((stranger.owner, contact.id), (agent, contact.id), (agent, 10**9)):
        payload = await update(api, who, contact_id, firstName="X")
        assert payload == refused("NOT_FOUND", nothing, "contactId")
    payload = await create(api, stranger.owner, world)
    assert payload == refused("NOT_FOUND", nothing, "workspaceId")
    assert await snapshot() == before
