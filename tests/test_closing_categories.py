"""Categories of closing notes: who may change them, what is refused, and what is told."""

import asyncio
from typing import Any

import pytest

from models.clock import now
from models.closing_note_category import ClosingNoteCategory
from models.member import Role
from models.refusal import Code, Refused
from realtime.events import WorkspaceSettingsChanged
from resolvers.closing import MAX_CATEGORIES, check_category, create_closing_note_category
from tests.acting import NOT_FOUND_SENTENCE, api_key
from tests.world import Api, World, make_world, snapshot

LIST = "query ($id: ID!) { workspace(id: $id) { closingNoteCategories { id name description } } }"
FIELDS = "category { id name description } userErrors { code message field }"


def document(name: str, fields: str = FIELDS) -> str:
    """Return the operation of a mutation on categories."""
    return (
        f"mutation ($input: {name[0].upper()}{name[1:]}Input!)"
        f" {{ {name}(input: $input) {{ {fields} }} }}"
    )


CREATE = document("createClosingNoteCategory")
UPDATE = document("updateClosingNoteCategory")
DELETE = document(
    "deleteClosingNoteCategory", "deletedCategoryId userErrors { code message field }"
)


async def create(api: Api, world: World, name: str, who: Any = None, **values: Any) -> Any:
    """Add a category; return the payload."""
    given = {"workspaceId": world.id, "name": name, **values}
    data = await api.ask(who or world.owner, CREATE, input=given)
    return data["createClosingNoteCategory"]


async def update(api: Api, world: World, key: str, who: Any = None, **values: Any) -> Any:
    """Change a category; return the payload."""
    data = await api.ask(who or world.owner, UPDATE, input={"categoryId": key, **values})
    return data["updateClosingNoteCategory"]


async def delete(api: Api, world: World, key: str, who: Any = None) -> Any:
    """Delete a category; return the payload."""
    data = await api.ask(who or world.owner, DELETE, input={"categoryId": key})
    return data["deleteClosingNoteCategory"]


async def listed(api: Api, world: World) -> list[Any]:
    """Return the categories of the workspace."""
    data = await api.ask(world.owner, LIST, id=world.id)
    found: list[Any] = data["workspace"]["closingNoteCategories"]
    return found


async def told(world: World) -> int:
    """Return how often a change of the settings was told."""
    facts = await world.facts()
    return facts.count(WorkspaceSettingsChanged(world.workspace.id))


@pytest.mark.parametrize(
    ("name", "description", "outcome"),
    [
        (" Solved ", None, ("Solved", "")),
        ("x" * 100, " y ", ("x" * 100, "y")),
        ("x", "y" * 500, ("x", "y" * 500)),
        (None, "", (Code.BLANK, "name")),
        (" \n", "", (Code.BLANK, "name")),
        ("x" * 101, "", (Code.TOO_LONG, "name")),
        ("x", "y" * 501, (Code.TOO_LONG, "description")),
    ],
)
def test_the_rule_at_its_edges(name: str | None, description: str | None, outcome: Any) -> None:
    try:
        assert check_category(name, description) == outcome
    except Refused as refusal:
        assert (refusal.code, *refusal.field) == outcome


async def test_a_category_from_its_making_to_its_end(api: Api, world: World) -> None:
    made = await create(api, world, "Spam")
    await create(api, world, "Solved", description="All is well")
    key = made["category"]["id"]
    assert made == {
        "category": {"id": key, "name": "Spam", "description": ""},
        "userErrors": [],
    }
    changed = await update(api, world, key, description="Advertising")
    assert changed["category"] == {"id": key, "name": "Spam", "description": "Advertising"}
    assert [(one["name"], one["description"]) for one in await listed(api, world)] == [
        ("Solved", "All is well"),
        ("Spam", "Advertising"),
    ]
    cleared = await update(api, world, key, description=None)
    assert cleared["category"]["description"] == ""
    assert await told(world) == 4
    assert await delete(api, world, key) == {"deletedCategoryId": key, "userErrors": []}
    assert [one["name"] for one in await listed(api, world)] == ["Solved"]
    assert await told(world) == 5


async def test_what_changes_nothing_tells_nothing(api: Api, world: World) -> None:
    made = await create(api, world, "Spam", description="Advertising")
    before = await snapshot("closing_note_category", "event")
    for values in ({}, {"name": " Spam "}, {"description": "Advertising"}):
        assert (await update(api, world, made["category"]["id"], **values)) == made
    assert await snapshot("closing_note_category", "event") == before


async def test_refused_values_change_nothing(api: Api, world: World) -> None:
    key = (await create(api, world, "Spam"))["category"]["id"]
    await create(api, world, "Solved")
    await (await make_world("Other")).add()
    before = await snapshot("closing_note_category", "event")
    taken = {"code": "TAKEN", "message": "Another category has this name.", "field": ["name"]}
    blank = {"code": "BLANK", "message": "A name has 1 to 100 characters.", "field": ["name"]}
    for payload, error in (
        (await create(api, world, " Solved"), taken),
        (await update(api, world, key, name="Solved"), taken),
        (await create(api, world, " "), blank),
        (await update(api, world, key, name=None), blank),
    ):
        assert payload == {"category": None, "userErrors": [error]}
    assert await snapshot("closing_note_category", "event") == before


async def test_another_workspace_has_names_of_its_own(api: Api, world: World) -> None:
    other = await make_world("Other")
    for one in (world, other):
        assert (await create(api, one, "Spam"))["userErrors"] == []
        assert [found["name"] for found in await listed(api, one)] == ["Spam"]


async def test_of_one_name_at_once_there_is_one(api: Api, world: World) -> None:
    payloads = await asyncio.gather(*(create(api, world, "Spam") for _ in range(5)))
    codes = sorted(str([error["code"] for error in one["userErrors"]]) for one in payloads)
    assert codes == ["['TAKEN']"] * 4 + ["[]"]
    assert len(await listed(api, world)) == 1
    assert await told(world) == 1


async def test_deleted_and_changed_at_once_it_is_gone(api: Api, world: World) -> None:
    key = (await create(api, world, "Spam"))["category"]["id"]
    deleted, *changed = await asyncio.gather(
        delete(api, world, key), *(update(api, world, key, name=f"N{n}") for n in range(4))
    )
    assert deleted["deletedCategoryId"] == key
    codes = {error["code"] for one in changed for error in one["userErrors"]}
    assert codes <= {"NOT_FOUND"}
    assert await listed(api, world) == []


async def test_the_same_key_makes_one(api: Api, world: World) -> None:
    first = await create(api, world, "Spam", idempotencyKey="one")
    assert await create(api, world, "Spam", idempotencyKey="one") == first
    other = await create(api, world, "Solved", idempotencyKey="one")
    assert [error["code"] for error in other["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]
    assert (len(await listed(api, world)), await told(world)) == (1, 1)


async def test_there_is_room_for_a_hundred(api: Api, world: World) -> None:
    await ClosingNoteCategory.bulk_create(
        ClosingNoteCategory(workspace_id=world.workspace.id, name=f"N{number}", created_at=now())
        for number in range(MAX_CATEGORIES - 1)
    )
    last = await create(api, world, "Last")
    assert last["userErrors"] == []
    full = await create(api, world, "Full")
    sentence = "A workspace has at most 100 closing-note categories."
    error = {"code": "WRONG_STATE", "message": sentence, "field": []}
    assert full == {"category": None, "userErrors": [error]}
    assert (await update(api, world, last["category"]["id"], name="L"))["userErrors"] == []
    assert len(await listed(api, world)) == MAX_CATEGORIES


async def test_who_may_change_categories(api: Api, world: World) -> None:
    key = (await create(api, world, "Spam"))["category"]["id"]
    stranger = (await make_world("Other")).owner
    blind = {"code": "NOT_FOUND", "message": NOT_FOUND_SENTENCE}
    forbidden = {"code": "FORBIDDEN", "message": "Your role does not allow this.", "field": []}
    before = await snapshot("closing_note_category")
    for who, in_workspace, of_category in (
        (await world.add("Ada"), forbidden, forbidden),
        (await api_key(world), forbidden, forbidden),
        (stranger, blind | {"field": ["workspaceId"]}, blind | {"field": ["categoryId"]}),
    ):
        assert (await create(api, world, "New", who))["userErrors"] == [in_workspace]
        assert (await update(api, world, key, who, name="New"))["userErrors"] == [of_category]
        assert (await delete(api, world, key, who))["userErrors"] == [of_category]
    assert await snapshot("closing_note_category") == before
    for number, leader in enumerate(
        (await world.add("Mia", Role.MANAGER), await api_key(world, Role.MANAGER))
    ):
        made = await create(api, world, f"New{number}", leader)
        assert made["userErrors"] == []
        assert (await delete(api, world, made["category"]["id"], leader))["userErrors"] == []


async def test_a_refused_key_is_not_remembered(api: Api, world: World) -> None:
    viewer = await world.owner.viewer()
    with pytest.raises(Refused):
        await create_closing_note_category(
            viewer, world.workspace.id, name=" ", idempotency_key="one"
        )
    made = await create_closing_note_category(
        viewer, world.workspace.id, name="Spam", idempotency_key="one"
    )
    assert made.name == "Spam"
