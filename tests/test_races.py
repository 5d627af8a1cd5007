"""Twenty agents do the same at once, through two processes: one of them does it, and all know."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from models.activity import Activity, ActivityKind
from models.clock import now
from models.conversation import Conversation
from models.database import connect, disconnect
from realtime.log import read_page
from resolvers.assignment import assign_conversation
from resolvers.closing import close_conversation
from tests.acting import STATE, conversation_id, document
from tests.processes import Process, processes
from tests.streaming import cursor_of, last_seq
from tests.world import Person, World, make_world

AGENTS = 20
ROUNDS = 3
UNTIL = now() + timedelta(hours=1)
LOOK = f"query ($id: ID!) {{ conversation(id: $id) {{ {STATE} }} }}"
EVENTS = """
query ($id: ID!, $after: String!) { events(workspaceId: $id, after: $after) { nodes {
  eventId ... on ConversationChanged { change conversationId }
} } }
"""


@dataclass(frozen=True, slots=True)
class Race:
    """What all do at once, and what the first of them changes."""

    action: str
    fact: str
    line: ActivityKind
    after: Mapping[str, Any]
    """What the conversation is then, whoever won."""
    is_repeatable: bool = False
    """Whether who comes too late finds that it is done; else they meet CONFLICT."""


RACES = (
    Race("assignConversation", "ConversationAssigned", ActivityKind.ASSIGNED, {"status": "OPEN"}),
    Race(
        "closeConversation",
        "ConversationClosed",
        ActivityKind.CLOSED,
        {"status": "CLOSED", "assignee": None},
        is_repeatable=True,
    ),
    Race(
        "snoozeConversation",
        "ConversationSnoozed",
        ActivityKind.SNOOZED,
        {"status": "SNOOZED", "assignee": None},
    ),
    Race(
        "takeOverConversation",
        "ConversationTakenOver",
        ActivityKind.TAKEN_OVER,
        {"status": "OPEN"},
    ),
    Race(
        "reopenConversation",
        "ConversationOpened",
        ActivityKind.OPENED,
        {"status": "OPEN", "assignee": None},
        is_repeatable=True,
    ),
)


async def prepare(world: World, race: Race, sender: str) -> Conversation:
    """Return a conversation with which the race can be run: open, but what it wants else."""
    key = (await world.hear(sender=sender)).conversation_id
    owner = await world.owner.viewer()
    if race.action == "takeOverConversation":
        robo = await world.ai_agent(f"Robo {sender}")
        await assign_conversation(owner, key, ai_agent_id=robo.id)
    elif race.action == "reopenConversation":
        await close_conversation(owner, key)
    return await Conversation.get(id=key)


def values_of(race: Race, row: Conversation, agent: Person) -> dict[str, Any]:
    """Return what an agent gives to the mutation."""
    values: dict[str, Any] = {"conversationId": conversation_id(row)}
    if race.action == "assignConversation":
        values |= {"assigneeId": agent.id, "ifUnassigned": True}
    elif race.action == "snoozeConversation":
        values |= {"until": UNTIL.isoformat(), "expectedVersion": row.version}
    return values


async def run(
    race: Race, row: Conversation, agents: list[Person], servers: list[Process]
) -> list[Any]:
    """Let all act at once, every second one through the other process; return their payloads."""
    answers = await asyncio.gather(
        *(
            servers[number % len(servers)].ask(
                agent, document(race.action), input=values_of(race, row, agent)
            )
            for number, agent in enumerate(agents)
        )
    )
    return [answer[race.action] for answer in answers]


def winner_of(
    race: Race, payloads: list[Any], agents: list[Person], actor_id: int | None
) -> Person:
    """Return who did it; show that everybody else was told so."""
    [winner] = [agent for agent in agents if agent.member.id == actor_id]
    for agent, payload in zip(agents, payloads, strict=True):
        codes = [error["code"] for error in payload["userErrors"]]
        is_late = agent is not winner and not race.is_repeatable
        assert codes == (["CONFLICT"] if is_late else []), (race.action, agent.user.name)
    return winner


async def check_race(
    world: World, race: Race, row: Conversation, agents: list[Person], servers: list[Process]
) -> None:
    """Run a race; show that it had one winner, and that all of it is told alike everywhere."""
    seq, cursor = await last_seq(world), await cursor_of(world)
    lines = await Activity.filter(conversation_id=row.id).count()

    payloads = await run(race, row, agents, servers)

    [line] = (await Activity.filter(conversation_id=row.id).order_by("seq"))[lines:]
    assert line.kind is race.line
    winner = winner_of(race, payloads, agents, line.actor_id)
    facts = [logged.fact for logged in await read_page(world.workspace.id, seq)]
    assert [type(fact).__name__ for fact in facts] == [race.fact]
    after = await Conversation.get(id=row.id)
    assert after.version == row.version + 1

    key = conversation_id(row)
    looks = [await server.ask(winner, LOOK, id=key) for server in servers]
    state = looks[0]["conversation"]
    assert all(look == looks[0] for look in looks)
    assert all(payload["conversation"] == state for payload in payloads)
    assert state["version"] == after.version
    if race.action in ("assignConversation", "takeOverConversation"):
        assert state["assignee"] == {"id": winner.id}
    elif race.action == "snoozeConversation":
        assert state["snooze"]["by"] == {"id": winner.id}
    assert {name: state[name] for name in race.after} == race.after
    told = [await server.ask(winner, EVENTS, id=world.id, after=cursor) for server in servers]
    assert all(one == told[0] for one in told)
    assert [event["conversationId"] for event in told[0]["events"]["nodes"]] == [key]


@asynccontextmanager
async def workplace(database_url: str) -> AsyncIterator[World]:
    """Set up a workspace on a database of which no server knows yet."""
    await connect(database_url)
    try:
        yield await make_world()
    finally:
        await disconnect()


async def test_one_of_twenty_does_it(
    postgres_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async with workplace(postgres_database_url) as world:
        agents = [await world.add(f"Ada{number}") for number in range(AGENTS)]
        places = [
            (race, await prepare(world, race, f"{race.action}{number}"))
            for number in range(ROUNDS)
            for race in RACES
        ]
        async with processes(tmp_path, postgres_database_url, redis_url, 2) as servers:
            for race, row in places:
                await check_race(world, race, row, agents, servers)
