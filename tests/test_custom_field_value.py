"""What contacts have in custom fields: written once, by who sees them, at a constant price."""

import asyncio
from typing import Any

import pytest

from models.contact import Contact
from models.conversation import Conversation
from models.custom_field import CustomField, CustomFieldKind, CustomFieldValue
from models.engine import sql
from realtime.events import ContactCreated, ContactUpdated
from resolvers.contact import update_contact
from resolvers.contact_details import clean_details
from resolvers.custom_field import create_custom_field
from resolvers.custom_field_value import GivenValue
from schema.ids import encode_id
from tests.acting import NOT_FOUND_SENTENCE, assigned_to, make_cast
from tests.test_custom_field import delete
from tests.world import Api, World, make_world, snapshot

K = CustomFieldKind
SAID = "field { name } text number checked date time"
RESULT = f"contact {{ id version customFields {{ {SAID} }} }} userErrors {{ code message field }}"
TABLES = ("custom_field", "custom_field_value", "contact", "conversation", "event")
PAGE = """query ($id: ID!) { contacts(workspaceId: $id, first: 100) {
  nodes { name tags { name } customFields { field { name } text } } } }"""
NOTHING = {"text": None, "number": None, "checked": None, "date": None, "time": None}


async def act(api: Api, who: Any, contact: Contact, said: Any, **more: Any) -> Any:
    """Edit what a contact has in fields; return the payload."""
    document = (
        f"mutation ($input: UpdateContactInput!) {{ updateContact(input: $input) {{ {RESULT} }} }}"
    )
    key = encode_id("Contact", contact.id)
    given = {"contactId": key, "customFields": said, **more}
    return (await api.ask(who, document, input=given))["updateContact"]


async def make_fields(world: World, *kinds: CustomFieldKind) -> dict[CustomFieldKind, str]:
    """Add a field of each kind, called like it; return their global ids."""
    viewer = await world.owner.viewer()
    found: dict[CustomFieldKind, str] = {}
    for kind in kinds:
        options = ["S", "M"] if kind is K.LIST else []
        field = await create_custom_field(
            viewer,
            world.workspace.id,
            name=kind.value,
            slug=f"{kind.value}_1",
            kind=kind,
            options=options,
        )
        found[kind] = encode_id("CustomField", field.id)
    return found


def told(kind: CustomFieldKind, **value: Any) -> dict[str, Any]:
    """Return how a value is told."""
    return {"field": {"name": kind.value}, **NOTHING, **value}


GIVEN: dict[CustomFieldKind, dict[str, Any]] = {
    K.TEXT: {"text": "Paris"},
    K.LIST: {"text": "M"},
    K.CHECKBOX: {"checked": False},
    K.EMAIL: {"text": "zoe@example.com"},
    K.NUMBER: {"number": 1.5},
    K.URL: {"text": "https://a.example"},
    K.DATE: {"date": "2026-11-25"},
    K.TIME: {"time": "09:30"},
}
BY_NAME = sorted(K, key=lambda kind: kind.value)


async def test_a_value_of_every_kind_is_kept_and_told(api: Api, world: World) -> None:
    fields = await make_fields(world, *K)
    contact = await world.contact()
    conversation = await Conversation.get(contact_id=contact.id)
    start = len(await world.facts())
    said = [{"fieldId": fields[kind], **GIVEN[kind]} for kind in K]
    payload = await act(api, world.owner, contact, said)
    expected = [told(kind, **GIVEN[kind]) for kind in BY_NAME]
    assert payload["userErrors"] == []
    assert payload["contact"]["customFields"] == expected
    rows = await CustomFieldValue.all().select_related("field")
    assert {row.field.kind: (row.text, row.number) for row in rows} == {
        **{kind: (next(iter(GIVEN[kind].values())), None) for kind in K},
        K.CHECKBOX: (None, 0.0),
        K.NUMBER: (None, 1.5),
    }
    assert (await act(api, world.owner, contact, said)) == payload
    assert (await act(api, world.owner, contact, [])) == payload
    assert (await act(api, world.owner, contact, None)) == payload
    facts = (await world.facts())[start:]
    assert facts == [ContactUpdated(world.workspace.id, contact.id, conversation.id)]
    assert payload["contact"]["version"] == 2


async def test_details_and_values_are_one_version(api: Api, world: World) -> None:
    fields = await make_fields(world, K.TEXT, K.NUMBER)
    contact = await world.contact()
    said: list[dict[str, Any]] = [
        {"fieldId": fields[K.TEXT], "text": "a"},
        {"fieldId": fields[K.NUMBER], "number": 1},
    ]
    both = await act(api, world.owner, contact, said, firstName="Zoe")
    assert both["contact"]["version"] == 2
    changed = await act(api, world.owner, contact, [said[0] | {"text": "b"}])
    assert changed["contact"]["customFields"] == [told(K.NUMBER, number=1), told(K.TEXT, text="b")]
    cleared = await act(
        api, world.owner, contact, [{"fieldId": fields[K.TEXT]}, said[1] | {"number": None}]
    )
    assert (cleared["contact"]["version"], cleared["contact"]["customFields"]) == (4, [])
    again = await act(api, world.owner, contact, [{"fieldId": fields[K.TEXT], "text": " "}])
    assert again == cleared
    assert await CustomFieldValue.all().count() == 0
    conflict = await act(api, world.owner, contact, said, expectedVersion=3)
    assert [error["code"] for error in conflict["userErrors"]] == ["CONFLICT"]
    assert conflict["contact"] == cleared["contact"]


async def create(api: Api, world: World, said: Any, **more: Any) -> Any:
    """Add a contact with values; return the payload."""
    document = (
        f"mutation ($input: CreateContactInput!) {{ createContact(input: $input) {{ {RESULT} }} }}"
    )
    given = {"workspaceId": world.id, "firstName": "Carla", "customFields": said, **more}
    return (await api.ask(world.owner, document, input=given))["createContact"]


async def test_a_contact_is_born_with_values(api: Api, world: World) -> None:
    fields = await make_fields(world, K.TEXT, K.DATE)
    said = [{"fieldId": fields[kind], **GIVEN[kind]} for kind in (K.TEXT, K.DATE)]
    start = len(await world.facts())
    made = await create(api, world, said, idempotencyKey="one")
    assert made["contact"]["version"] == 1
    assert made["contact"]["customFields"] == [
        told(kind, **GIVEN[kind]) for kind in (K.DATE, K.TEXT)
    ]
    assert await create(api, world, said, idempotencyKey="one") == made
    other = await create(api, world, said[:1], idempotencyKey="one")
    assert [error["code"] for error in other["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]
    assert [type(fact) for fact in (await world.facts())[start:]] == [ContactCreated]


async def test_refused_values_change_nothing(api: Api, world: World) -> None:
    fields = await make_fields(world, K.TEXT, K.NUMBER)
    foreign = (await make_fields(await make_world("Other"), K.TEXT))[K.TEXT]
    contact = await world.contact()
    good = {"fieldId": fields[K.TEXT], "text": "x"}
    before = await snapshot(*TABLES)
    once = ("INVALID", "Give each custom field once.", "customFields")
    place = ("customFields", "1")
    refusals: list[tuple[Any, tuple[str, ...]]] = [
        ([good, good], once),
        ([{"fieldId": f"{n}"} for n in range(201)], ("NOT_FOUND", "", "customFields")),
        (
            [good, {"fieldId": fields[K.NUMBER], "text": "1"}],
            ("INVALID", "“NUMBER” takes its value as `number`.", *place, "text"),
        ),
    ]
    refusals += [
        (
            [good, {"fieldId": key, "text": "x"}],
            ("NOT_FOUND", NOT_FOUND_SENTENCE, *place, "fieldId"),
        )
        for key in (foreign, encode_id("CustomField", 999_999), encode_id("Tag", 1), "", "9" * 400)
    ]
    for said, (code, message, *field) in refusals:
        for payload in (
            await act(api, world.owner, contact, said, firstName="Zoe"),
            await create(api, world, said),
        ):
            [error] = payload["userErrors"]
            assert payload["contact"] is None
            assert error["code"] == code
            if message:
                assert (error["message"], error["field"]) == (message, field)
    assert await snapshot(*TABLES) == before


async def test_more_values_than_fields_are_refused(api: Api, world: World) -> None:
    contact = await world.contact()
    said = [{"fieldId": encode_id("CustomField", number)} for number in range(1, 202)]
    message = "At most 200 custom fields."
    error = {"code": "INVALID", "message": message, "field": ["customFields"]}
    assert await act(api, world.owner, contact, said) == {"contact": None, "userErrors": [error]}


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *[("date", text) for text in ("2026-02-30", "20261125", "2026-W48-3", "25.11.2026", 1)],
        *[("time", text) for text in ("9:30", "24:00", "09:30:00", "09:30Z", "0930", 9)],
        *[("number", "1"), ("checked", "yes"), ("text", 1)],
    ],
)
async def test_what_is_no_value_at_all(api: Api, world: World, argument: str, value: Any) -> None:
    document = (
        "mutation ($input: UpdateContactInput!) { updateContact(input: $input) { __typename } }"
    )
    key = encode_id("CustomField", 1)
    given = {"contactId": key, "customFields": [{"fieldId": key, argument: value}]}
    answer = await api.run(world.owner, document, input=given)
    assert answer["data"] is None
    assert "$input" in answer["errors"][0]["message"]


async def test_an_option_that_is_gone_stays_with_who_has_it(api: Api, world: World) -> None:
    fields = await make_fields(world, K.LIST)
    contact = await world.contact()
    said = [{"fieldId": fields[K.LIST], "text": "M"}]
    had = await act(api, world.owner, contact, said)
    await CustomField.all().update(options='["L"]')
    assert (await act(api, world.owner, contact, []))["contact"] == had["contact"]
    [error] = (await act(api, world.owner, contact, said))["userErrors"]
    assert error["message"] == "“LIST” takes one of its options."


async def test_whoever_sees_the_contact_may_say_it(api: Api, world: World) -> None:
    cast = await make_cast(world)
    fields = await make_fields(world, K.TEXT)
    said = [{"fieldId": fields[K.TEXT], "text": "x"}]
    for kind, who in cast.seers.items():
        conversation = await assigned_to(world, cast.assignee, kind)
        contact = await Contact.get(id=conversation.contact_id)
        assert (await act(api, who, contact, said))["userErrors"] == [], kind
    hidden = await Contact.get(id=(await assigned_to(world, cast.assignee)).contact_id)
    error = {"code": "NOT_FOUND", "message": NOT_FOUND_SENTENCE, "field": ["contactId"]}
    before = await snapshot(*TABLES)
    for kind, who in cast.blind.items():
        payload = await act(api, who, hidden, said)
        assert payload == {"contact": None, "userErrors": [error]}, kind
    assert await snapshot(*TABLES) == before


async def test_values_at_once_lose_none_and_survive_no_field(api: Api, world: World) -> None:
    contact = await world.contact()
    fields = await make_fields(world, *K)
    said = [{"fieldId": fields[kind], **GIVEN[kind]} for kind in K]
    await asyncio.gather(*(act(api, world.owner, contact, [one]) for one in said * 2))
    rows = await CustomFieldValue.all().count()
    assert (rows, (await Contact.get(id=contact.id)).version) == (len(K), 1 + len(K))
    deleted, *payloads = await asyncio.gather(
        delete(api, world, fields[K.TEXT]),
        *(act(api, world.owner, contact, [said[0] | {"text": f"{n}"}]) for n in range(4)),
        *(create(api, world, said) for _ in range(3)),
    )
    assert deleted["userErrors"] == []
    codes = {error["code"] for payload in payloads for error in payload["userErrors"]}
    assert codes <= {"NOT_FOUND"}
    left = await CustomFieldValue.all().select_related("field")
    assert K.TEXT not in {row.field.kind for row in left}


async def test_a_hundred_contacts_with_values_cost_what_two_cost(api: Api, world: World) -> None:
    viewer = await world.owner.viewer()
    fields = [
        await create_custom_field(viewer, world.workspace.id, name=name, slug=name, kind=K.TEXT)
        for name in (f"f{number}" for number in range(9, -1, -1))
    ]
    counted: list[int] = []
    made: list[Contact] = []
    for size in (2, 100):
        for number in range(len(made), size):
            made.append(await world.contact(f"C{number}"))
            values = [GivenValue(field.id, text=f"{number}") for field in fields[number % 10 :]]
            await update_contact(viewer, made[-1].id, clean_details(), values=values)
        with sql.count_statements() as counter:
            data = await api.ask(world.owner, PAGE, id=world.id)
        counted.append(counter.total)
        assert {
            node["name"]: [(one["field"]["name"], one["text"]) for one in node["customFields"]]
            for node in data["contacts"]["nodes"]
        } == {f"C{n}": [(f"f{place}", f"{n}") for place in range(10 - n % 10)] for n in range(size)}
    assert counted == [5, 5]  # the viewer, the page, no tags, the values, their fields
