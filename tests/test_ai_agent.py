"""AI agents: who may make, change and delete them, what is refused, and what is told."""

import asyncio
from typing import Any

import pytest

from models.ai_agent import AiAgent
from models.clock import now
from models.conversation import Conversation
from models.engine import sql
from models.member import Role
from models.refusal import Code, Refused
from realtime.events import WorkspaceSettingsChanged
from resolvers.ai_agent import MAX_AI_AGENTS
from resolvers.names import check_name
from schema.ids import encode_id
from tests.acting import NOT_FOUND_SENTENCE, act, api_key, succeed
from tests.world import Api, World, make_world, snapshot

LIST = "query ($id: ID!) { workspace(id: $id) { aiAgents { id name isActive } } }"
FIELDS = "aiAgent { id name isActive } userErrors { code message field }"
BUSY = {
    "code": "WRONG_STATE",
    "message": "This AI agent still looks after conversations.",
    "field": ["aiAgentId"],
}


def document(name: str, fields: str = FIELDS) -> str:
    """Return the operation of a mutation on AI agents."""
    return (
        f"mutation ($input: {name[0].upper()}{name[1:]}Input!)"
        f" {{ {name}(input: $input) {{ {fields} }} }}"
    )


DELETED = "deletedAiAgentId userErrors { code message field }"


async def create(api: Api, world: World, name: str, who: Any = None, **values: Any) -> Any:
    """Make an AI agent; return the payload."""
    given = {"workspaceId": world.id, "name": name, **values}
    data = await api.ask(who or world.owner, document("createAiAgent"), input=given)
    return data["createAiAgent"]


async def update(api: Api, world: World, key: str, who: Any = None, **values: Any) -> Any:
    """Change an AI agent; return the payload."""
    given = {"aiAgentId": key, **values}
    data = await api.ask(who or world.owner, document("updateAiAgent"), input=given)
    return data["updateAiAgent"]


async def delete(api: Api, world: World, key: str, who: Any = None) -> Any:
    """Delete an AI agent; return the payload."""
    given = {"aiAgentId": key}
    data = await api.ask(who or world.owner, document("deleteAiAgent", DELETED), input=given)
    return data["deleteAiAgent"]


async def listed(api: Api, world: World) -> list[tuple[str, bool]]:
    """Return names and activity of the AI agents, as the workspace lists them."""
    data = await api.ask(world.owner, LIST, id=world.id)
    return [(one["name"], one["isActive"]) for one in data["workspace"]["aiAgents"]]


async def told(world: World) -> int:
    """Return how often a change of the settings was told."""
    facts = await world.facts()
    return facts.count(WorkspaceSettingsChanged(world.workspace.id))


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        (" Robo ", "Robo"),
        ("x" * 100, "x" * 100),
        (None, Code.BLANK),
        (" \n", Code.BLANK),
        ("x" * 101, Code.TOO_LONG),
    ],
)
def test_the_rule_at_its_edges(name: str | None, outcome: Any) -> None:
    try:
        assert check_name(name) == outcome
    except Refused as refusal:
        assert (refusal.code, refusal.field) == (outcome, ("name",))


async def test_an_ai_agent_from_its_making_to_its_end(api: Api, world: World) -> None:
    made = await create(api, world, "Robo")
    await create(api, world, "Alma")
    key = made["aiAgent"]["id"]
    assert made == {
        "aiAgent": {"id": key, "name": "Robo", "isActive": True},
        "userErrors": [],
    }
    changed = await update(api, world, key, name="Rob", isActive=False)
    assert changed["aiAgent"] == {"id": key, "name": "Rob", "isActive": False}
    assert await listed(api, world) == [("Alma", True), ("Rob", False)]
    assert (await update(api, world, key, isActive=None))["aiAgent"]["isActive"] is True
    assert await told(world) == 4
    assert await delete(api, world, key) == {"deletedAiAgentId": key, "userErrors": []}
    assert await listed(api, world) == [("Alma", True)]
    assert await told(world) == 5


async def test_what_changes_nothing_tells_nothing(api: Api, world: World) -> None:
    made = await create(api, world, "Robo")
    before = await snapshot("ai_agent", "event")
    for values in ({}, {"name": " Robo "}, {"isActive": True}):
        assert (await update(api, world, made["aiAgent"]["id"], **values)) == made
    assert await snapshot("ai_agent", "event") == before


async def test_refused_values_change_nothing(api: Api, world: World) -> None:
    key = (await create(api, world, "Robo"))["aiAgent"]["id"]
    await create(api, world, "Alma")
    before = await snapshot("ai_agent", "event")
    taken = {"code": "TAKEN", "message": "Another AI agent has this name.", "field": ["name"]}
    blank = {"code": "BLANK", "message": "A name has 1 to 100 characters.", "field": ["name"]}
    for payload, error in (
        (await create(api, world, " Alma"), taken),
        (await update(api, world, key, name="Alma"), taken),
        (await create(api, world, " "), blank),
        (await update(api, world, key, name=None), blank),
    ):
        assert payload == {"aiAgent": None, "userErrors": [error]}
    assert await snapshot("ai_agent", "event") == before


async def test_another_workspace_has_names_of_its_own(api: Api, world: World) -> None:
    for one in (world, await make_world("Other")):
        assert (await create(api, one, "Robo"))["userErrors"] == []
        assert await listed(api, one) == [("Robo", True)]


async def test_of_one_name_at_once_there_is_one(api: Api, world: World) -> None:
    payloads = await asyncio.gather(*(create(api, world, "Robo") for _ in range(5)))
    codes = sorted(str([error["code"] for error in one["userErrors"]]) for one in payloads)
    assert codes == ["['TAKEN']"] * 4 + ["[]"]
    assert (len(await listed(api, world)), await told(world)) == (1, 1)


async def test_the_same_key_makes_one(api: Api, world: World) -> None:
    first = await create(api, world, "Robo", idempotencyKey="one")
    assert await create(api, world, "Robo", idempotencyKey="one") == first
    other = await create(api, world, "Alma", idempotencyKey="one")
    assert [error["code"] for error in other["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]
    assert (len(await listed(api, world)), await told(world)) == (1, 1)


async def test_there_is_room_for_a_hundred(api: Api, world: World) -> None:
    await AiAgent.bulk_create(
        AiAgent(workspace_id=world.workspace.id, name=f"N{number}", created_at=now())
        for number in range(MAX_AI_AGENTS - 1)
    )
    last = await create(api, world, "Last")
    sentence = "A workspace has at most 100 AI agents."
    error = {"code": "WRONG_STATE", "message": sentence, "field": []}
    assert await create(api, world, "Full") == {"aiAgent": None, "userErrors": [error]}
    assert (await update(api, world, last["aiAgent"]["id"], name="L"))["userErrors"] == []
    assert len(await listed(api, world)) == MAX_AI_AGENTS


async def test_one_that_has_a_conversation_stays_until_it_is_given_on(
    api: Api, world: World
) -> None:
    conversation, agent = await world.conversation(), await world.ai_agent()
    key = encode_id("AiAgent", agent.id)
    await succeed(api, world.owner, "assignConversation", conversation, assigneeId=key)
    before = await snapshot("ai_agent", "conversation", "event")
    assert await delete(api, world, key) == {"deletedAiAgentId": None, "userErrors": [BUSY]}
    assert await snapshot("ai_agent", "conversation", "event") == before

    await update(api, world, key, isActive=False)
    assert (await Conversation.get(id=conversation.id)).ai_agent_id == agent.id
    await succeed(api, world.owner, "unassignConversation", conversation)
    assert (await delete(api, world, key))["userErrors"] == []
    lines = "query ($id: ID!) { conversation(id: $id) { timeline { nodes { ... on Activity"
    lines += " { kind assignee { __typename } } } } } }"
    data = await api.ask(world.owner, lines, id=encode_id("Conversation", conversation.id))
    assert data["conversation"]["timeline"]["nodes"] == [
        {"kind": "ASSIGNED", "assignee": None},
        {"kind": "UNASSIGNED", "assignee": None},
    ]


async def test_deleted_and_assigned_at_once_it_is_one_of_both(api: Api, world: World) -> None:
    for number in range(5):
        agent = await world.ai_agent(f"Robo{number}")
        conversation = await world.conversation(f"C{number}")
        key = encode_id("AiAgent", agent.id)
        deleted, assigned = await asyncio.gather(
            delete(api, world, key),
            act(api, world.owner, "assignConversation", conversation, assigneeId=key),
        )
        outcome = [one["code"] for payload in (deleted, assigned) for one in payload["userErrors"]]
        assert outcome in (["WRONG_STATE"], ["NOT_FOUND"])
        is_held = (await Conversation.get(id=conversation.id)).ai_agent_id == agent.id
        assert is_held is (outcome == ["WRONG_STATE"])
        assert await AiAgent.filter(id=agent.id).exists() is is_held


async def test_the_list_is_one_statement(api: Api, world: World) -> None:
    counts = []
    for number in range(3):
        await world.ai_agent(f"N{number}")
        with sql.count_statements() as counter:
            assert len(await listed(api, world)) == number + 1
        counts.append(counter.total)
    assert counts[1] == counts[2]


async def test_who_may_change_ai_agents(api: Api, world: World) -> None:
    key = (await create(api, world, "Robo"))["aiAgent"]["id"]
    stranger = (await make_world("Other")).owner
    blind = {"code": "NOT_FOUND", "message": NOT_FOUND_SENTENCE}
    forbidden = {"code": "FORBIDDEN", "message": "Your role does not allow this.", "field": []}
    before = await snapshot("ai_agent", "event")
    for who, in_workspace, of_agent in (
        (await world.add("Ada"), forbidden, forbidden),
        (await api_key(world), forbidden, forbidden),
        (stranger, blind | {"field": ["workspaceId"]}, blind | {"field": ["aiAgentId"]}),
    ):
        assert (await create(api, world, "New", who))["userErrors"] == [in_workspace]
        assert (await update(api, world, key, who, name="New"))["userErrors"] == [of_agent]
        assert (await delete(api, world, key, who))["userErrors"] == [of_agent]
    assert (await snapshot("ai_agent"))["ai_agent"] == before["ai_agent"]
    for number, leader in enumerate(
        (await world.add("Mia", Role.MANAGER), await api_key(world, Role.MANAGER))
    ):
        made = await create(api, world, f"New{number}", leader)
        assert made["userErrors"] == []
        assert (await delete(api, world, made["aiAgent"]["id"], leader))["userErrors"] == []
