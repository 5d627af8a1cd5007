"""Lifecycle stages of a workspace: who may change them, their order, and what is refused."""

import asyncio
from typing import Any

import pytest

from models.clock import now
from models.contact import Contact
from models.lifecycle_stage import LifecycleStage
from models.member import Role
from models.refusal import Code, Refused
from realtime.events import WorkspaceSettingsChanged
from resolvers.lifecycle import MAX_STAGES, check_position, create_lifecycle_stage
from resolvers.names import check_name
from schema.ids import encode_id
from tests.acting import NOT_FOUND_SENTENCE, api_key
from tests.world import Api, World, make_world, snapshot

LIST = "query ($id: ID!) { workspace(id: $id) { lifecycleStages { id name position } } }"
FIELDS = "lifecycleStage { id name position } userErrors { code message field }"
TABLES = ("lifecycle_stage", "contact", "event", "idempotency_key")


def document(name: str, fields: str = FIELDS) -> str:
    """Return the operation of a mutation on stages."""
    return (
        f"mutation ($input: {name[0].upper()}{name[1:]}Input!)"
        f" {{ {name}(input: $input) {{ {fields} }} }}"
    )


CREATE, UPDATE = document("createLifecycleStage"), document("updateLifecycleStage")
DELETE = document(
    "deleteLifecycleStage", "deletedLifecycleStageId userErrors { code message field }"
)


async def create(api: Api, world: World, name: str, who: Any = None, **values: Any) -> Any:
    """Add a stage; return the payload."""
    given = {"workspaceId": world.id, "name": name, **values}
    return (await api.ask(who or world.owner, CREATE, input=given))["createLifecycleStage"]


async def update(api: Api, world: World, key: str, who: Any = None, **values: Any) -> Any:
    """Change a stage; return the payload."""
    data = await api.ask(who or world.owner, UPDATE, input={"lifecycleStageId": key, **values})
    return data["updateLifecycleStage"]


async def delete(api: Api, world: World, key: str, who: Any = None) -> Any:
    """Delete a stage; return the payload."""
    data = await api.ask(who or world.owner, DELETE, input={"lifecycleStageId": key})
    return data["deleteLifecycleStage"]


async def listed(api: Api, world: World) -> str:
    """Return the names of the stages in their order, whose positions are 0, 1, 2 …"""
    data = await api.ask(world.owner, LIST, id=world.id)
    stages = data["workspace"]["lifecycleStages"]
    assert [stage["position"] for stage in stages] == list(range(len(stages)))
    return " ".join(stage["name"] for stage in stages)


async def make_stages(world: World, names: str) -> dict[str, str]:
    """Add stages; return their ids by name."""
    viewer = await world.owner.viewer()
    made = {}
    for name in names.split():
        stage = await create_lifecycle_stage(viewer, world.workspace.id, name=name)
        made[name] = str(encode_id("LifecycleStage", stage.id))
    return made


async def told(world: World) -> int:
    """Return how often a change of the settings was told."""
    facts = await world.facts()
    return facts.count(WorkspaceSettingsChanged(world.workspace.id))


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        (" Lead ", "Lead"),
        ("x" * 100, "x" * 100),
        (None, Code.BLANK),
        (" \n", Code.BLANK),
        ("x" * 101, Code.TOO_LONG),
    ],
)
def test_the_rule_of_names_at_its_edges(name: str | None, outcome: Any) -> None:
    try:
        assert check_name(name) == outcome
    except Refused as refusal:
        assert (refusal.code, refusal.field) == (outcome, ("name",))


@pytest.mark.parametrize(
    ("position", "outcome"),
    [(None, 3), (0, 0), (3, 3), (-1, Code.INVALID), (4, Code.INVALID)],
)
def test_the_rule_of_positions_at_its_edges(position: int | None, outcome: Any) -> None:
    try:
        assert check_position(position, last=3) == outcome
    except Refused as refusal:
        assert (refusal.code, refusal.field) == (outcome, ("position",))


async def test_a_stage_from_its_making_to_its_end(api: Api, world: World) -> None:
    made = await create(api, world, " Lead ")
    key = made["lifecycleStage"]["id"]
    assert made == {
        "lifecycleStage": {"id": key, "name": "Lead", "position": 0},
        "userErrors": [],
    }
    assert (await create(api, world, "Customer"))["lifecycleStage"]["position"] == 1
    assert (await create(api, world, "New", position=0))["lifecycleStage"]["position"] == 0
    assert await listed(api, world) == "New Lead Customer"
    changed = await update(api, world, key, name="Hot", position=None)
    assert changed["lifecycleStage"] == {"id": key, "name": "Hot", "position": 2}
    assert await listed(api, world) == "New Customer Hot"
    assert await told(world) == 4
    assert await delete(api, world, key) == {"deletedLifecycleStageId": key, "userErrors": []}
    assert await listed(api, world) == "New Customer"
    assert await told(world) == 5


@pytest.mark.parametrize(
    ("name", "position", "order"),
    [
        ("a", 0, "a b c d"),
        ("a", 1, "b a c d"),
        ("a", 3, "b c d a"),
        ("d", 0, "d a b c"),
        ("c", 1, "a c b d"),
        ("b", 2, "a c b d"),
    ],
)
async def test_the_others_make_room(
    api: Api, world: World, name: str, position: int, order: str
) -> None:
    stages = await make_stages(world, "a b c d")
    other = await make_world("Other")
    await make_stages(other, "x y")
    assert (await update(api, world, stages[name], position=position))["userErrors"] == []
    assert await listed(api, world) == order
    assert await listed(api, other) == "x y"
    await delete(api, world, stages["b"])
    assert await listed(api, world) == order.replace("b ", "")
    assert await listed(api, other) == "x y"


async def test_what_changes_nothing_tells_nothing(api: Api, world: World) -> None:
    made = await create(api, world, "Lead")
    key = made["lifecycleStage"]["id"]
    before = await snapshot(*TABLES)
    for values in ({}, {"name": " Lead "}, {"position": 0}, {"position": None}):
        assert await update(api, world, key, **values) == made
    assert await snapshot(*TABLES) == before


async def test_refused_values_change_nothing(api: Api, world: World) -> None:
    stages = await make_stages(world, "Lead Customer")
    before = await snapshot(*TABLES)
    taken = {"code": "TAKEN", "message": "Another stage has this name.", "field": ["name"]}
    blank = {"code": "BLANK", "message": "A name has 1 to 100 characters.", "field": ["name"]}
    place = {"code": "INVALID", "message": "The position is 0 to 1.", "field": ["position"]}
    key = stages["Lead"]
    for payload, error in (
        (await create(api, world, " Lead"), taken),
        (await update(api, world, key, name="Customer"), taken),
        (await create(api, world, " "), blank),
        (await update(api, world, key, name=None), blank),
        (await update(api, world, key, position=2), place),
        (await update(api, world, key, position=-1), place),
        (
            await create(api, world, "New", position=3),
            place | {"message": "The position is 0 to 2."},
        ),
    ):
        assert payload == {"lifecycleStage": None, "userErrors": [error]}
    assert await snapshot(*TABLES) == before


async def test_at_once_names_and_places_are_given_once(api: Api, world: World) -> None:
    payloads = await asyncio.gather(
        *(create(api, world, "Lead") for _ in range(4)),
        *(create(api, world, f"N{number}", position=0) for number in range(4)),
    )
    codes = sorted(str([error["code"] for error in one["userErrors"]]) for one in payloads)
    assert codes == ["['TAKEN']"] * 3 + ["[]"] * 5
    assert sorted((await listed(api, world)).split()) == ["Lead", "N0", "N1", "N2", "N3"]
    stages = await LifecycleStage.all().order_by("position")
    keys = [str(encode_id("LifecycleStage", stage.id)) for stage in stages]
    await asyncio.gather(
        delete(api, world, keys[2]),
        *(update(api, world, key, position=place) for key in keys for place in (3, 0)),
    )
    assert len((await listed(api, world)).split()) == 4


async def test_the_same_key_makes_one(api: Api, world: World) -> None:
    first = await create(api, world, "Lead", idempotencyKey="one")
    assert await create(api, world, "Lead", idempotencyKey="one") == first
    other = await create(api, world, "Lead", idempotencyKey="one", position=0)
    assert [error["code"] for error in other["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]
    assert (await listed(api, world), await told(world)) == ("Lead", 1)


async def test_there_is_room_for_fifty(api: Api, world: World) -> None:
    await LifecycleStage.bulk_create(
        LifecycleStage(
            workspace_id=world.workspace.id, name=f"N{number}", position=number, created_at=now()
        )
        for number in range(MAX_STAGES - 1)
    )
    last = await create(api, world, "Last")
    assert last["userErrors"] == []
    error = {"code": "WRONG_STATE", "message": "A workspace has at most 50 stages.", "field": []}
    full = await create(api, world, "Full")
    assert full == {"lifecycleStage": None, "userErrors": [error]}
    assert (await update(api, world, last["lifecycleStage"]["id"], position=0))["userErrors"] == []
    assert len((await listed(api, world)).split()) == MAX_STAGES


async def test_who_may_change_stages(api: Api, world: World) -> None:
    key = (await create(api, world, "Lead"))["lifecycleStage"]["id"]
    stranger = (await make_world("Other")).owner
    blind = {"code": "NOT_FOUND", "message": NOT_FOUND_SENTENCE}
    forbidden = {"code": "FORBIDDEN", "message": "Your role does not allow this.", "field": []}
    before = await snapshot("lifecycle_stage")
    for who, in_workspace, of_stage in (
        (await world.add("Ada"), forbidden, forbidden),
        (await api_key(world), forbidden, forbidden),
        (stranger, blind | {"field": ["workspaceId"]}, blind | {"field": ["lifecycleStageId"]}),
    ):
        assert (await create(api, world, "New", who))["userErrors"] == [in_workspace]
        assert (await update(api, world, key, who, name="New"))["userErrors"] == [of_stage]
        assert (await delete(api, world, key, who))["userErrors"] == [of_stage]
    assert await snapshot("lifecycle_stage") == before
    for number, leader in enumerate(
        (await world.add("Mia", Role.MANAGER), await api_key(world, Role.MANAGER))
    ):
        made = await create(api, world, f"New{number}", leader)
        assert made["userErrors"] == []
        gone = await delete(api, world, made["lifecycleStage"]["id"], leader)
        assert gone["userErrors"] == []


async def test_in_a_deleted_stage_is_nobody_and_it_is_told_once(api: Api, world: World) -> None:
    await make_stages(world, "Lead Customer")
    gone, kept = await LifecycleStage.all().order_by("position")
    contacts = [await world.contact(f"C{number}") for number in range(4)]
    for number, contact in enumerate(contacts):
        stage = (gone, kept)[number % 2]
        await Contact.filter(id=contact.id).update(lifecycle_stage_id=stage.id)
    start = len(await world.facts())
    await delete(api, world, encode_id("LifecycleStage", gone.id))
    assert (await world.facts())[start:] == [WorkspaceSettingsChanged(world.workspace.id)]
    rows = await Contact.all().order_by("id")
    assert [row.lifecycle_stage_id for row in rows] == [None, kept.id] * 2
    assert [row.version for row in rows] == [1] * 4
