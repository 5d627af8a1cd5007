"""Tags of a workspace: who may change them, what is refused, and what is told."""

import asyncio
from typing import Any

import pytest

from models.clock import now
from models.member import Role
from models.refusal import Code, Refused
from models.tag import ContactTag, Tag
from realtime.events import ContactUpdated, WorkspaceSettingsChanged
from resolvers.tag import MAX_TAGS, check_name, create_tag, tag_contact
from schema.ids import encode_id
from tests.acting import NOT_FOUND_SENTENCE, api_key
from tests.world import Api, World, make_world, snapshot

LIST = "query ($id: ID!) { workspace(id: $id) { tags { id name } } }"
FIELDS = "tag { id name } userErrors { code message field }"
TABLES = ("tag", "contact_tag", "contact", "event", "idempotency_key")
TAKEN = {"code": "TAKEN", "message": "Another tag has this name.", "field": ["name"]}


def document(name: str, fields: str = FIELDS) -> str:
    """Return the operation of a mutation on tags."""
    return (
        f"mutation ($input: {name[0].upper()}{name[1:]}Input!)"
        f" {{ {name}(input: $input) {{ {fields} }} }}"
    )


CREATE, UPDATE = document("createTag"), document("updateTag")
DELETE = document("deleteTag", "deletedTagId userErrors { code message field }")


async def create(api: Api, world: World, name: str, who: Any = None, **values: Any) -> Any:
    """Add a tag; return the payload."""
    given = {"workspaceId": world.id, "name": name, **values}
    return (await api.ask(who or world.owner, CREATE, input=given))["createTag"]


async def update(api: Api, world: World, key: str, name: str, who: Any = None) -> Any:
    """Rename a tag; return the payload."""
    data = await api.ask(who or world.owner, UPDATE, input={"tagId": key, "name": name})
    return data["updateTag"]


async def delete(api: Api, world: World, key: str, who: Any = None) -> Any:
    """Delete a tag; return the payload."""
    data = await api.ask(who or world.owner, DELETE, input={"tagId": key})
    return data["deleteTag"]


async def listed(api: Api, world: World) -> list[str]:
    """Return the names of the workspace's tags."""
    data = await api.ask(world.owner, LIST, id=world.id)
    return [tag["name"] for tag in data["workspace"]["tags"]]


async def told(world: World) -> int:
    """Return how often a change of the settings was told."""
    facts = await world.facts()
    return facts.count(WorkspaceSettingsChanged(world.workspace.id))


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        (" VIP ", ("VIP", "vip")),
        ("Straße", ("Straße", "strasse")),
        ("ÉTÉ", ("ÉTÉ", "été")),
        ("x" * 100, ("x" * 100, "x" * 100)),
        ("ß" * 100, ("ß" * 100, "s" * 200)),
        (None, Code.BLANK),
        (" \n", Code.BLANK),
        ("x" * 101, Code.TOO_LONG),
        ("\N{LATIN SMALL LIGATURE FFI}" * 67, Code.TOO_LONG),
    ],
)
def test_the_rule_at_its_edges(name: str | None, outcome: Any) -> None:
    try:
        assert check_name(name) == outcome
    except Refused as refusal:
        assert (refusal.code, refusal.field) == (outcome, ("name",))


async def test_a_tag_from_its_making_to_its_end(api: Api, world: World) -> None:
    made = await create(api, world, " vip ")
    key = made["tag"]["id"]
    assert made == {"tag": {"id": key, "name": "vip"}, "userErrors": []}
    await create(api, world, "Press")
    assert await listed(api, world) == ["Press", "vip"]
    for name in ("VIP", "A customer"):  # its own name in another case is not taken
        assert await update(api, world, key, name) == {
            "tag": {"id": key, "name": name},
            "userErrors": [],
        }
    assert await listed(api, world) == ["A customer", "Press"]
    assert await told(world) == 4
    assert await delete(api, world, key) == {"deletedTagId": key, "userErrors": []}
    assert await listed(api, world) == ["Press"]
    assert await told(world) == 5


async def test_what_changes_nothing_tells_nothing(api: Api, world: World) -> None:
    made = await create(api, world, "VIP")
    before = await snapshot(*TABLES)
    assert await update(api, world, made["tag"]["id"], " VIP ") == made
    assert await snapshot(*TABLES) == before


async def test_refused_names_change_nothing(api: Api, world: World) -> None:
    key = (await create(api, world, "VIP"))["tag"]["id"]
    await create(api, world, "Straße")
    before = await snapshot(*TABLES)
    blank = {"code": "BLANK", "message": "A name has 1 to 100 characters.", "field": ["name"]}
    for payload, error in (
        (await create(api, world, " vip"), TAKEN),
        (await create(api, world, "STRASSE"), TAKEN),
        (await update(api, world, key, "strasse"), TAKEN),
        (await create(api, world, " "), blank),
        (await update(api, world, key, ""), blank),
        (await update(api, world, key, "x" * 101), blank | {"code": "TOO_LONG"}),
    ):
        assert payload == {"tag": None, "userErrors": [error]}
    assert await snapshot(*TABLES) == before


async def test_another_workspace_has_names_of_its_own(api: Api, world: World) -> None:
    other = await make_world("Other")
    for one in (world, other):
        assert (await create(api, one, "VIP"))["userErrors"] == []
        assert await listed(api, one) == ["VIP"]


async def test_of_one_name_at_once_there_is_one(api: Api, world: World) -> None:
    payloads = await asyncio.gather(*(create(api, world, name) for name in ("VIP", "vip") * 3))
    codes = sorted(str([error["code"] for error in one["userErrors"]]) for one in payloads)
    assert codes == ["['TAKEN']"] * 5 + ["[]"]
    assert (len(await listed(api, world)), await told(world)) == (1, 1)


async def test_deleted_and_renamed_at_once_it_is_gone(api: Api, world: World) -> None:
    key = (await create(api, world, "VIP"))["tag"]["id"]
    deleted, *changed = await asyncio.gather(
        delete(api, world, key), *(update(api, world, key, f"N{n}") for n in range(4))
    )
    assert deleted["deletedTagId"] == key
    assert {error["code"] for one in changed for error in one["userErrors"]} <= {"NOT_FOUND"}
    assert await listed(api, world) == []


async def test_the_same_key_makes_one(api: Api, world: World) -> None:
    first = await create(api, world, "VIP", idempotencyKey="one")
    assert await create(api, world, "VIP", idempotencyKey="one") == first
    other = await create(api, world, "Press", idempotencyKey="one")
    assert [error["code"] for error in other["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]
    assert (await listed(api, world), await told(world)) == (["VIP"], 1)


async def test_a_refused_key_is_not_remembered(api: Api, world: World) -> None:
    viewer = await world.owner.viewer()
    with pytest.raises(Refused):
        await create_tag(viewer, world.workspace.id, name=" ", idempotency_key="one")
    made = await create_tag(viewer, world.workspace.id, name="VIP", idempotency_key="one")
    assert made.name == "VIP"


async def test_there_is_room_for_a_thousand(api: Api, world: World) -> None:
    await Tag.bulk_create(
        Tag(workspace_id=world.workspace.id, name=name, folded_name=name, created_at=now())
        for name in (f"n{number}" for number in range(MAX_TAGS - 1))
    )
    last = await create(api, world, "Last")
    assert last["userErrors"] == []
    before = await snapshot("tag", "event")
    error = {"code": "WRONG_STATE", "message": "A workspace has at most 1000 tags.", "field": []}
    assert await create(api, world, "Full") == {"tag": None, "userErrors": [error]}
    assert await snapshot("tag", "event") == before
    assert (await update(api, world, last["tag"]["id"], "L"))["userErrors"] == []
    assert len(await listed(api, world)) == MAX_TAGS


async def test_who_may_change_tags(api: Api, world: World) -> None:
    key = (await create(api, world, "VIP"))["tag"]["id"]
    stranger = (await make_world("Other")).owner
    blind = {"code": "NOT_FOUND", "message": NOT_FOUND_SENTENCE}
    forbidden = {"code": "FORBIDDEN", "message": "Your role does not allow this.", "field": []}
    before = await snapshot("tag")
    for who, in_workspace, of_tag in (
        (await world.add("Ada"), forbidden, forbidden),
        (await api_key(world), forbidden, forbidden),
        (stranger, blind | {"field": ["workspaceId"]}, blind | {"field": ["tagId"]}),
    ):
        assert (await create(api, world, "New", who))["userErrors"] == [in_workspace]
        assert (await update(api, world, key, "New", who))["userErrors"] == [of_tag]
        assert (await delete(api, world, key, who))["userErrors"] == [of_tag]
    assert await snapshot("tag") == before
    for number, leader in enumerate(
        (await world.add("Mia", Role.MANAGER), await api_key(world, Role.MANAGER))
    ):
        made = await create(api, world, f"New{number}", leader)
        assert made["userErrors"] == []
        assert (await delete(api, world, made["tag"]["id"], leader))["userErrors"] == []


async def test_a_deleted_tag_is_off_its_contacts_and_told_once(api: Api, world: World) -> None:
    viewer = await world.owner.viewer()
    kept, gone = [
        await create_tag(viewer, world.workspace.id, name=name) for name in ("Kept", "Gone")
    ]
    contacts = [await world.contact(f"C{number}") for number in range(3)]
    for contact in contacts:
        await tag_contact(viewer, contact.id, [kept.id, gone.id])
    before = await world.facts()
    await delete(api, world, encode_id("Tag", gone.id))
    assert (await world.facts())[len(before) :] == [WorkspaceSettingsChanged(world.workspace.id)]
    assert {(row.contact_id, row.tag_id) for row in await ContactTag.all()} == {
        (contact.id, kept.id) for contact in contacts
    }
    assert sum(isinstance(fact, ContactUpdated) for fact in before) == 3
