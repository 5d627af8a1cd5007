"""What agents save who do not see what is there: echoes, numbers of their own, and guesses."""

from typing import Any

import pytest

from models.contact import Contact
from resolvers.masking import HIDDEN
from schema.ids import encode_id
from tests.test_masking import EMAIL, MASK, PHONE, SHOWN, look, switch
from tests.world import Api, World, snapshot

UPDATE = """
mutation ($input: UpdateContactInput!) { updateContact(input: $input) {
  contact { version name lastName phone { value masked display } email }
  userErrors { code message field }
} }
"""
CREATE = """
mutation ($input: CreateContactInput!) { createContact(input: $input) {
  contact { id name phone { value masked display } email country }
  userErrors { code message field }
} }
"""


async def update(api: Api, who: Any, contact: Any, **given: Any) -> Any:
    """Edit a contact; return the payload."""
    values = {"contactId": encode_id("Contact", contact.id), **given}
    return (await api.ask(who, UPDATE, input=values))["updateContact"]


@pytest.mark.parametrize("value", [HIDDEN, f" {HIDDEN} "])
async def test_an_echo_changes_nothing_but_the_rest(api: Api, world: World, value: str) -> None:
    contact = await world.contact(phone=PHONE, email=EMAIL)
    agent = await world.add()
    await switch(api, world, phones=True, emails=True)
    before = await snapshot()
    payload = await update(api, agent, contact, phone=value, email=value)
    assert payload["userErrors"] == []
    assert payload["contact"]["version"] == 1
    assert await snapshot() == before
    payload = await update(api, agent, contact, phone=value, email=value, lastName="Martin")
    assert payload == {
        "contact": {
            "version": 2,
            "name": "Carla Martin",
            "lastName": "Martin",
            "phone": MASK,
            "email": HIDDEN,
        },
        "userErrors": [],
    }
    row = await Contact.get(id=contact.id)
    assert (row.phone, row.email, row.given_phone) == (PHONE, EMAIL, None)
    await update(api, world.owner, contact, phone=value, email=value, lastName="")
    row = await Contact.get(id=contact.id)
    assert (row.phone, row.email, row.last_name) == (PHONE, EMAIL, "")


async def test_a_shown_name_given_back_keeps_the_number_in_it(api: Api, world: World) -> None:
    contact = await world.contact(f"Zoë {PHONE}")
    agent = await world.add()
    await switch(api, world, phones=True)
    shown = await look(api, agent, contact)
    assert (shown["name"], shown["firstName"]) == (f"Zoë {HIDDEN}", f"Zoë {HIDDEN}")
    payload = await update(api, agent, contact, firstName=shown["firstName"])
    assert payload["contact"]["version"] == 1
    assert (await Contact.get(id=contact.id)).first_name == f"Zoë {PHONE}"


async def test_a_number_that_an_agent_adds_is_masked_once_saved(api: Api, world: World) -> None:
    agent = await world.add()
    await switch(api, world, phones=True)
    given = {"workspaceId": world.id, "firstName": "Zoë", "phone": PHONE, "email": EMAIL}
    payload = (await api.ask(agent, CREATE, input=given))["createContact"]
    [contact] = await Contact.all()
    assert payload == {
        "contact": {
            "id": encode_id("Contact", contact.id),
            "name": "Zoë",
            "phone": MASK,
            "email": EMAIL,
            "country": None,
        },
        "userErrors": [],
    }
    assert (contact.phone, contact.given_phone, contact.given_email) == (PHONE, PHONE, None)
    assert (await look(api, world.owner, contact))["phone"] == SHOWN


async def test_whether_a_number_is_taken_is_not_told_to_who_sees_none(
    api: Api, world: World
) -> None:
    first = await world.contact(phone=PHONE, email=EMAIL)
    agent = await world.add()
    await switch(api, world, phones=True, emails=True)
    answers = []
    for phone, email in ((PHONE, EMAIL), ("+33612345679", "eva@example.com")):
        given = {"workspaceId": world.id, "firstName": "Eva", "phone": phone, "email": email}
        payload = (await api.ask(agent, CREATE, input=given))["createContact"]
        payload["contact"].pop("id")
        answers.append(payload)
    assert answers[0] == answers[1]
    assert answers[0]["userErrors"] == []
    taken, free = await Contact.exclude(id=first.id).order_by("id")
    assert (taken.phone, taken.given_phone) == (None, PHONE)
    assert (taken.email, taken.given_email) == (None, EMAIL)
    assert (free.phone, free.email) == ("+33612345679", "eva@example.com")
    payload = await update(api, agent, free, phone=PHONE)
    assert payload["userErrors"] == []
    free = await Contact.get(id=free.id)
    assert (free.phone, free.given_phone) == (None, PHONE)
    # who sees numbers sees both, and is told that it is taken
    assert (await look(api, world.owner, taken))["phone"] == SHOWN
    payload = await update(api, world.owner, taken, phone=PHONE, lastName="Martin")
    assert payload["userErrors"] == []
    payload = await update(api, world.owner, taken, phone=PHONE[:-1] + "0")
    assert payload["userErrors"] == []
    payload = await update(api, world.owner, taken, phone=PHONE)
    assert [error["code"] for error in payload["userErrors"]] == ["TAKEN"]
    taken = await Contact.get(id=taken.id)
    assert (taken.phone, taken.given_phone) == (PHONE[:-1] + "0", None)


async def test_a_guess_counts_as_a_change(api: Api, world: World) -> None:
    contact = await world.contact(phone=PHONE, email=EMAIL)
    agent = await world.add()
    await switch(api, world, phones=True, emails=True)
    right = await update(api, agent, contact, phone=PHONE, email=EMAIL)
    wrong = await update(api, agent, contact, phone="+33612345670", email="eva@example.com")
    assert [one["contact"]["version"] for one in (right, wrong)] == [2, 3]
    cleared = await update(api, agent, contact, phone=None, email=None)
    assert (cleared["contact"]["phone"], cleared["contact"]["email"]) == (None, None)
    again = await update(api, agent, contact, phone=None, email=None)
    assert again["contact"]["version"] == 4
