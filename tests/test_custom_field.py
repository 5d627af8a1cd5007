"""Custom fields of a workspace: who may change them, what is refused, and what is told."""

import asyncio
from typing import Any

import pytest

from models.clock import now
from models.custom_field import CustomField, CustomFieldKind, CustomFieldValue
from models.engine import sql
from models.member import Role
from models.refusal import Code, Refused
from realtime.events import WorkspaceSettingsChanged
from resolvers.contact import update_contact
from resolvers.contact_details import clean_details
from resolvers.custom_field import MAX_FIELDS, FieldSettings, check_field, create_custom_field
from resolvers.custom_field_value import GivenValue
from schema.ids import encode_id
from tests.acting import NOT_FOUND_SENTENCE, api_key
from tests.world import Api, World, make_world, snapshot

SELECTION = "id name slug kind options"
LIST = f"query ($id: ID!) {{ workspace(id: $id) {{ customFields {{ {SELECTION} }} }} }}"
FIELDS = f"customField {{ {SELECTION} }} userErrors {{ code message field }}"
TABLES = ("custom_field", "custom_field_value", "contact", "event", "idempotency_key")
SLUG = "A slug has 1 to 50 of the letters A to Z, digits and underscores."
TEXT, CHOICE = CustomFieldKind.TEXT, CustomFieldKind.LIST


def document(name: str, fields: str = FIELDS) -> str:
    """Return the operation of a mutation on custom fields."""
    return (
        f"mutation ($input: {name[0].upper()}{name[1:]}Input!)"
        f" {{ {name}(input: $input) {{ {fields} }} }}"
    )


CREATE, UPDATE = document("createCustomField"), document("updateCustomField")
DELETE = document("deleteCustomField", "deletedCustomFieldId userErrors { code message field }")


async def create(api: Api, world: World, who: Any = None, **values: Any) -> Any:
    """Add a custom field; return the payload."""
    given = {"workspaceId": world.id, "name": "City", "slug": "city", "kind": "TEXT", **values}
    return (await api.ask(who or world.owner, CREATE, input=given))["createCustomField"]


async def update(api: Api, world: World, key: str, who: Any = None, **values: Any) -> Any:
    """Change a custom field; return the payload."""
    data = await api.ask(who or world.owner, UPDATE, input={"customFieldId": key, **values})
    return data["updateCustomField"]


async def delete(api: Api, world: World, key: str, who: Any = None) -> Any:
    """Delete a custom field; return the payload."""
    data = await api.ask(who or world.owner, DELETE, input={"customFieldId": key})
    return data["deleteCustomField"]


async def listed(api: Api, world: World) -> list[Any]:
    """Return the custom fields of the workspace."""
    data = await api.ask(world.owner, LIST, id=world.id)
    found: list[Any] = data["workspace"]["customFields"]
    return found


async def told(world: World) -> int:
    """Return how often a change of the settings was told."""
    facts = await world.facts()
    return facts.count(WorkspaceSettingsChanged(world.workspace.id))


HUNDRED = tuple(f"o{number}" for number in range(100))


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ((TEXT, " City ", " city ", None), FieldSettings("City", "city", ())),
        ((TEXT, "x" * 50, "A_9" + "x" * 47, ()), FieldSettings("x" * 50, "A_9" + "x" * 47, ())),
        ((CHOICE, "Size", "size", (" S ", "s")), FieldSettings("Size", "size", ("S", "s"))),
        ((CHOICE, "Size", "size", HUNDRED), FieldSettings("Size", "size", HUNDRED)),
        ((CHOICE, "Size", "size", ("x" * 100,)), FieldSettings("Size", "size", ("x" * 100,))),
        ((TEXT, None, "city", ()), (Code.BLANK, "name")),
        ((TEXT, "x" * 51, "city", ()), (Code.TOO_LONG, "name")),
        ((TEXT, "City", None, ()), (Code.INVALID, "slug")),
        ((TEXT, "City", "", ()), (Code.INVALID, "slug")),
        ((TEXT, "City", "x" * 51, ()), (Code.INVALID, "slug")),
        ((TEXT, "City", "cité", ()), (Code.INVALID, "slug")),
        ((TEXT, "City", "my city", ()), (Code.INVALID, "slug")),
        ((TEXT, "City", "FirstName", ()), (Code.TAKEN, "slug")),
        ((TEXT, "City", "city", ("x",)), (Code.INVALID, "options")),
        ((CHOICE, "Size", "size", None), (Code.INVALID, "options")),
        ((CHOICE, "Size", "size", (*HUNDRED, "more")), (Code.INVALID, "options")),
        ((CHOICE, "Size", "size", ("S", " ")), (Code.BLANK, "options")),
        ((CHOICE, "Size", "size", ("x" * 101,)), (Code.TOO_LONG, "options")),
        ((CHOICE, "Size", "size", ("S", " S")), (Code.TAKEN, "options")),
    ],
)
def test_the_rule_at_its_edges(given: Any, outcome: Any) -> None:
    try:
        assert check_field(*given) == outcome
    except Refused as refusal:
        assert (refusal.code, *refusal.field) == outcome


async def test_a_field_from_its_making_to_its_end(api: Api, world: World) -> None:
    size = {"name": "Size", "slug": "size", "kind": "LIST", "options": ["S", "M"]}
    made = await create(api, world, **size)
    key = made["customField"]["id"]
    assert made == {"customField": {"id": key, **size}, "userErrors": []}
    city = (await create(api, world))["customField"]
    assert city == {**city, "name": "City", "slug": "city", "kind": "TEXT", "options": []}
    changed = {"name": "A size", "slug": "Size_2", "options": ["M", "L"]}
    assert await update(api, world, key, **changed) == {
        "customField": {"id": key, "kind": "LIST", **changed},
        "userErrors": [],
    }
    assert [field["name"] for field in await listed(api, world)] == ["A size", "City"]
    assert await told(world) == 3
    assert await delete(api, world, key) == {"deletedCustomFieldId": key, "userErrors": []}
    assert await listed(api, world) == [city]
    assert await told(world) == 4


@pytest.mark.parametrize("kind", [kind.value for kind in CustomFieldKind])
async def test_every_kind_can_be_made(api: Api, world: World, kind: str) -> None:
    options = ["x"] if kind == "LIST" else []
    made = await create(api, world, kind=kind, options=options)
    assert (made["customField"]["kind"], made["userErrors"]) == (kind, [])


async def test_what_changes_nothing_tells_nothing(api: Api, world: World) -> None:
    made = await create(api, world, kind="LIST", options=["S"])
    key = made["customField"]["id"]
    before = await snapshot(*TABLES)
    for values in ({}, {"name": " City "}, {"slug": "city"}, {"options": ["S "]}):
        assert await update(api, world, key, **values) == made
    assert await snapshot(*TABLES) == before


async def test_refused_values_change_nothing(api: Api, world: World) -> None:
    key = (await create(api, world))["customField"]["id"]
    await create(api, world, slug="town")
    before = await snapshot(*TABLES)
    for values, code, message, field in (
        ({"slug": "town"}, "TAKEN", "Another field has this slug.", "slug"),
        ({"slug": "Email"}, "TAKEN", "This slug names a standard detail.", "slug"),
        ({"slug": "a-b"}, "INVALID", SLUG, "slug"),
        ({"slug": None}, "INVALID", SLUG, "slug"),
        ({"name": " "}, "BLANK", "A name has 1 to 50 characters.", "name"),
        ({"name": None}, "BLANK", "A name has 1 to 50 characters.", "name"),
        ({"options": ["x"]}, "INVALID", "Only a list has options.", "options"),
    ):
        error = {"code": code, "message": message, "field": [field]}
        wanted = {"customField": None, "userErrors": [error]}
        assert await update(api, world, key, **values) == wanted
        if None not in values.values():
            assert await create(api, world, **{"slug": "new", **values}) == wanted
    assert await snapshot(*TABLES) == before


async def test_another_workspace_has_slugs_of_its_own(api: Api, world: World) -> None:
    for one in (world, await make_world("Other")):
        assert (await create(api, one))["userErrors"] == []
        assert len(await listed(api, one)) == 1


async def test_of_one_slug_at_once_there_is_one(api: Api, world: World) -> None:
    payloads = await asyncio.gather(*(create(api, world) for _ in range(5)))
    codes = sorted(str([error["code"] for error in one["userErrors"]]) for one in payloads)
    assert codes == ["['TAKEN']"] * 4 + ["[]"]
    assert (len(await listed(api, world)), await told(world)) == (1, 1)


async def test_deleted_and_changed_at_once_it_is_gone(api: Api, world: World) -> None:
    key = (await create(api, world))["customField"]["id"]
    deleted, *changed = await asyncio.gather(
        delete(api, world, key), *(update(api, world, key, name=f"N{n}") for n in range(4))
    )
    assert deleted["deletedCustomFieldId"] == key
    assert {error["code"] for one in changed for error in one["userErrors"]} <= {"NOT_FOUND"}
    assert await listed(api, world) == []


async def test_the_same_key_makes_one(api: Api, world: World) -> None:
    first = await create(api, world, idempotencyKey="one")
    assert await create(api, world, idempotencyKey="one") == first
    other = await create(api, world, idempotencyKey="one", kind="NUMBER")
    assert [error["code"] for error in other["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]
    assert (len(await listed(api, world)), await told(world)) == (1, 1)


async def test_there_is_room_for_two_hundred(api: Api, world: World) -> None:
    await CustomField.bulk_create(
        CustomField(
            workspace_id=world.workspace.id, name=name, slug=name, kind=TEXT, created_at=now()
        )
        for name in (f"n{number}" for number in range(MAX_FIELDS - 1))
    )
    last = await create(api, world)
    assert last["userErrors"] == []
    sentence = "A workspace has at most 200 custom fields."
    error = {"code": "WRONG_STATE", "message": sentence, "field": []}
    full = await create(api, world, slug="full")
    assert full == {"customField": None, "userErrors": [error]}
    assert (await update(api, world, last["customField"]["id"], name="L"))["userErrors"] == []
    with sql.count_statements() as counter:
        assert len(await listed(api, world)) == MAX_FIELDS
    assert counter.total <= 3


async def test_who_may_change_fields_and_who_may_delete_them(api: Api, world: World) -> None:
    key = (await create(api, world))["customField"]["id"]
    stranger = (await make_world("Other")).owner
    manager = await world.add("Mia", Role.MANAGER)
    program = await api_key(world, Role.MANAGER)
    blind = {"code": "NOT_FOUND", "message": NOT_FOUND_SENTENCE}
    forbidden = {"code": "FORBIDDEN", "message": "Your role does not allow this.", "field": []}
    before = await snapshot("custom_field")
    for who, in_workspace, of_field in (
        (await world.add("Ada"), forbidden, forbidden),
        (await api_key(world), forbidden, forbidden),
        (stranger, blind | {"field": ["workspaceId"]}, blind | {"field": ["customFieldId"]}),
    ):
        assert (await create(api, world, who, slug="new"))["userErrors"] == [in_workspace]
        assert (await update(api, world, key, who, name="New"))["userErrors"] == [of_field]
        assert (await delete(api, world, key, who))["userErrors"] == [of_field]
    leaders: tuple[Any, ...] = (manager, program)
    for who in leaders:
        assert (await delete(api, world, key, who))["userErrors"] == [forbidden]
    assert await snapshot("custom_field") == before
    for number, who in enumerate(leaders):
        made = await create(api, world, who, slug=f"new{number}")
        assert made["userErrors"] == []
        changed = await update(api, world, made["customField"]["id"], who, name="New")
        assert changed["userErrors"] == []


async def test_a_deleted_field_takes_its_values_along_and_is_told_once(
    api: Api, world: World
) -> None:
    viewer = await world.owner.viewer()
    kept, gone = [
        await create_custom_field(viewer, world.workspace.id, name=name, slug=name, kind=TEXT)
        for name in ("Kept", "Gone")
    ]
    contacts = [await world.contact(f"C{number}") for number in range(3)]
    for contact in contacts:
        values = [GivenValue(field.id, text="x") for field in (kept, gone)]
        await update_contact(viewer, contact.id, clean_details(), values=values)
    before = await snapshot("contact")
    start = len(await world.facts())
    await delete(api, world, encode_id("CustomField", gone.id))
    assert (await world.facts())[start:] == [WorkspaceSettingsChanged(world.workspace.id)]
    assert {(row.contact_id, row.field_id) for row in await CustomFieldValue.all()} == {
        (contact.id, kept.id) for contact in contacts
    }
    assert await snapshot("contact") == before
