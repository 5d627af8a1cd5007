"""What every action on a conversation proves alike: its answer, who may use it, and refusals."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import strawberry

from models.conversation import Conversation
from models.member import Role, Visibility
from models.team import Team
from resolvers.api_key import create_api_key
from schema.ids import encode_id
from tests.world import Api, Person, World, make_world, snapshot

STATE = """
  id status version unreadCount unrepliedSince openedAt closedAt
  assignee { ... on Member { id } ... on AiAgent { id } } team { id }
  snooze { until since by { id } }
"""
NOT_FOUND_SENTENCE = "Nothing was found under this id."
MISSING = (
    encode_id("Conversation", 999_999_999),
    encode_id("Conversation", "9" * 5000),
    encode_id("Conversation", "x"),
    encode_id("Contact", 1),
    "",
    "no id at all",
)
"""Ids under which there was never a conversation."""

Who = Person | str | None
Values = Callable[[strawberry.ID], Mapping[str, Any]]


def conversation_id(row: Any) -> strawberry.ID:
    """Return the global id of a conversation, or of a message's."""
    return encode_id(
        "Conversation", row.id if isinstance(row, Conversation) else row.conversation_id
    )


def document(name: str) -> str:
    """Return the operation of a mutation that answers with a conversation."""
    kind = name[0].upper() + name[1:]
    return (
        f"mutation ($input: {kind}Input!) {{ {name}(input: $input)"
        f" {{ conversation {{ {STATE} }} userErrors {{ code message field }} }} }}"
    )


async def act(api: Api, who: Who, name: str, row: Any, **values: Any) -> Any:
    """Use a mutation on a conversation; return its payload."""
    key = row if isinstance(row, str) else conversation_id(row)
    data = await api.ask(who, document(name), input={"conversationId": key, **values})
    return data[name]


async def succeed(api: Api, who: Who, name: str, row: Any, **values: Any) -> Any:
    """Use a mutation that must not be refused; return the conversation."""
    payload = await act(api, who, name, row, **values)
    assert payload["userErrors"] == []
    return payload["conversation"]


@asynccontextmanager
async def nothing_changes() -> AsyncIterator[None]:
    """Show that what happens inside changes no row and announces nothing."""
    before = await snapshot()
    marks = await snapshot("read_mark")
    yield
    assert await snapshot() == before
    assert await snapshot("read_mark") == marks


def refused(code: str, message: str, *field: str, conversation: Any = None) -> dict[str, Any]:
    """Return the payload of a refusal."""
    error = {"code": code, "message": message, "field": list(field)}
    return {"conversation": conversation, "userErrors": [error]}


NOT_FOUND = refused("NOT_FOUND", NOT_FOUND_SENTENCE, "conversationId")


async def api_key(world: World, role: Role = Role.AGENT) -> str:
    """Return the secret of a program's key."""
    _, secret = await create_api_key(
        await world.owner.viewer(), world.workspace.id, name="Program", role=role
    )
    assert secret is not None
    return secret


@dataclass(frozen=True, slots=True)
class Cast:
    """People of every kind, seen from a conversation of `assignee`, who belongs to a team."""

    assignee: Person
    team: Team
    seers: Mapping[str, Who]
    blind: Mapping[str, Person]


async def make_cast(world: World) -> Cast:
    """Add people of every role and visibility, and one of another workspace."""
    sales, support = await world.team("Sales"), await world.team("Support")
    add, agent = world.add, Role.AGENT
    assignee = await add("Own", agent, visibility=Visibility.OWN, team=sales)
    seers: dict[str, Who] = {
        "owner": world.owner,
        "manager": await add("Manager", Role.MANAGER, visibility=Visibility.OWN),
        "agent who sees all": await add("All"),
        "agent of the assignee's team": await add(
            "Team", agent, visibility=Visibility.TEAM, team=sales
        ),
        "assignee": assignee,
        "program": await api_key(world),
    }
    blind = {
        "agent of another team": await add(
            "Other", agent, visibility=Visibility.TEAM, team=support
        ),
        "agent without team": await add("Alone", agent, visibility=Visibility.TEAM),
        "agent who sees their own": await add("Mine", agent, visibility=Visibility.OWN, team=sales),
        "owner of another workspace": (await make_world("Other")).owner,
    }
    return Cast(assignee, sales, seers, blind)


async def assigned_to(world: World, person: Person, name: str = "Carla") -> Conversation:
    """Add a closed conversation that a person looks after."""
    conversation = await world.conversation(name)
    await Conversation.filter(id=conversation.id).update(assignee_id=person.member.id)
    return await Conversation.get(id=conversation.id)


async def check_rights(
    api: Api,
    world: World,
    name: str,
    *,
    prepare: Callable[[Conversation], Awaitable[Any]] | None = None,
    members_only: str = "",
    **values: Any,
) -> None:
    """Show who may use a mutation on a conversation, and that for others it never existed."""
    cast = await make_cast(world)
    for kind, who in cast.seers.items():
        conversation = await assigned_to(world, cast.assignee, kind)
        if prepare is not None:
            await prepare(conversation)
        payload = await act(api, who, name, conversation, **values)
        if members_only and kind == "program":
            assert payload == refused("FORBIDDEN", members_only)
        else:
            assert payload["userErrors"] == [], kind
            assert payload["conversation"]["id"] == conversation_id(conversation)
    hidden = await assigned_to(world, cast.assignee)
    if prepare is not None:
        await prepare(hidden)
    async with nothing_changes():
        for kind, who in cast.blind.items():
            assert await act(api, who, name, hidden, **values) == NOT_FOUND, kind
        for missing in MISSING:
            assert await act(api, world.owner, name, missing, **values) == NOT_FOUND
        key = conversation_id(hidden)
        answer = await api.run(None, document(name), input={"conversationId": key, **values})
        assert answer["data"] is None
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


async def check_conflict(api: Api, world: World, name: str, row: Any, **values: Any) -> None:
    """Show that another version is refused with the current object, and that the same passes."""
    conversation = await Conversation.get(id=row.id if isinstance(row, Conversation) else row)
    sentence = "Somebody changed this in the meantime."
    async with nothing_changes():
        for version in (conversation.version - 1, conversation.version + 1):
            payload = await act(
                api, world.owner, name, conversation, expectedVersion=version, **values
            )
            assert payload["userErrors"] == [
                {"code": "CONFLICT", "message": sentence, "field": ["expectedVersion"]}
            ]
            assert payload["conversation"]["id"] == conversation_id(conversation)
            assert payload["conversation"]["version"] == conversation.version
            assert payload["conversation"]["status"] == conversation.status.value
    after = await succeed(
        api, world.owner, name, conversation, expectedVersion=conversation.version, **values
    )
    assert after["version"] == conversation.version + 1
