"""Who may not see blocked contacts sees nothing of them, anywhere, and hears of it once."""

from collections.abc import Mapping
from typing import Any

import pytest

from models.member import Restriction, Role, Visibility
from models.message import Message, MessageStatus
from realtime.events import (
    ContactBlocked,
    ContactUnblocked,
    ConversationAssigned,
    ConversationUnassigned,
    Fact,
)
from resolvers.assignment import assign_conversation, unassign_conversation
from resolvers.block import block_contact, unblock_contact
from resolvers.message import send_message
from resolvers.viewer import Membership
from schema.ids import encode_id
from schema.sight import saw_before
from tests import streaming
from tests.streaming import CHANGES, TYPING, Client, Server, cursor_of, hears_typing, last_seq
from tests.test_inbound import text
from tests.test_streams_rights import _hidden, _mark
from tests.world import Person, World, run_jobs, webhook

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

KEPT = [Restriction.BLOCKED_CONTACTS]
EVENTS = """
subscription($workspaceId: ID!, $after: String) {
  workspaceEvents(workspaceId: $workspaceId, after: $after) {
    __typename eventId cursor
    ... on MessageAdded { message { text isQuarantined } conversation { id } }
    ... on ConversationChanged { change conversationId now: conversation { id } }
  }
}"""
MESSAGES = """
subscription($workspaceId: ID!, $after: String) {
  messageAdded(workspaceId: $workspaceId, after: $after) {
    eventId message { text isQuarantined }
  }
}"""
BY_ID = {
    "Conversation": "query ($id: ID!) { conversation(id: $id) { id } }",
    "Contact": "query ($id: ID!) { contact(id: $id) { id isBlocked } }",
    "Message": "query ($id: ID!) { message(id: $id) { id } }",
}
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
LISTS = """query ($id: ID!, $after: String!) {
  contacts(workspaceId: $id) { nodes { id } }
  events(workspaceId: $id, after: $after) { nodes { __typename } }
}"""
ACTIONS = ("assignConversation", "unassignConversation", "closeConversation", "sendMessage")


def membership(visibility: Visibility, restrictions: str = "", team_id: int | None = 7) -> Any:
    """Return the membership of the agent 5 in the workspace 1."""
    return Membership(1, 5, Role.AGENT, visibility, team_id, restrictions, None)


def blocked(assignee_id: int | None, assignee_team_id: int | None, team_id: int | None) -> Fact:
    """Return the fact that a contact was blocked who was looked after like this."""
    return ContactBlocked(1, 2, 3, assignee_id, assignee_team_id, team_id)


@pytest.mark.parametrize(
    ("fact", "sees_all", "team", "own"),
    [
        (blocked(5, 7, None), True, True, True),
        (blocked(6, 7, None), True, True, False),
        (blocked(None, None, 7), True, True, False),
        (blocked(6, 8, 9), True, False, False),
        (ContactUnblocked(1, 2, 3), False, False, False),
    ],
)
def test_a_block_hides_from_who_saw_and_may_not_see_it(
    fact: Fact, sees_all: bool, team: bool, own: bool
) -> None:
    for visibility, expected in zip(
        (Visibility.ALL, Visibility.TEAM, Visibility.OWN), (sees_all, team, own), strict=True
    ):
        assert saw_before(membership(visibility, "BLOCKED_CONTACTS"), fact) is expected
        assert not saw_before(membership(visibility), fact)


@pytest.mark.parametrize("is_blocked", [False, True])
def test_an_assignment_hides_what_was_seen_until_then(is_blocked: bool) -> None:
    facts = (
        ConversationAssigned(1, 3, 9, 5, 7, None, is_blocked=is_blocked),
        ConversationUnassigned(1, 3, 5, 7, None, is_blocked=is_blocked),
    )
    for fact in facts:
        assert saw_before(membership(Visibility.OWN), fact)
        kept_from = membership(Visibility.OWN, "BLOCKED_CONTACTS")
        assert saw_before(kept_from, fact) is not is_blocked


async def made(world: World) -> tuple[Message, dict[str, str]]:
    """Let a contact write, and an answer fail; return the message and the ids of all of it."""
    message = await world.hear("Hello")
    sent = await send_message(await world.owner.viewer(), message.conversation_id, text="Hi")
    await Message.filter(id=sent.id).update(status=MessageStatus.FAILED)
    return message, {
        "Conversation": encode_id("Conversation", message.conversation_id),
        "Contact": encode_id("Contact", message.conversation.contact_id),
        "Message": encode_id("Message", sent.id),
    }


async def test_ids_of_it_never_existed(server: Server, world: World) -> None:
    kim, ada = await world.add("Kim", restrictions=KEPT), await world.add("Ada")
    message, ids = await made(world)
    owner, every = await world.owner.viewer(), list(ids.values())

    await block_contact(owner, message.conversation.contact_id)

    for kind, document in BY_ID.items():
        missing = await server.post(kim, document, id=encode_id(kind, 999_999))
        assert await server.post(kim, document, id=ids[kind]) == missing, kind
        assert (await server.ask(ada, document, id=ids[kind]))[kind.lower()]["id"] == ids[kind]
    assert (await server.ask(kim, NODES, ids=every))["nodes"] == [None] * 3
    assert (await server.ask(ada, NODES, ids=every))["nodes"] == [{"id": key} for key in every]
    for name in ACTIONS:
        assert await refusal(server, kim, name, ids["Conversation"]) == "NOT_FOUND", name
    await unblock_contact(owner, message.conversation.contact_id)
    for kind, document in BY_ID.items():
        assert (await server.ask(kim, document, id=ids[kind]))[kind.lower()]["id"] == ids[kind]


async def test_lists_and_the_log_are_without_it(server: Server, world: World) -> None:
    kim, ada = await world.add("Kim", restrictions=KEPT), await world.add("Ada")
    start = await cursor_of(world)
    message, ids = await made(world)
    await block_contact(await world.owner.viewer(), message.conversation.contact_id)

    hidden = await server.ask(kim, LISTS, id=world.id, after=start)
    seen = await server.ask(ada, LISTS, id=world.id, after=start)

    assert hidden["contacts"]["nodes"] == []
    assert [node["__typename"] for node in hidden["events"]["nodes"]] == ["ConversationChanged"]
    assert seen["contacts"]["nodes"] == [{"id": ids["Contact"]}]
    assert len(seen["events"]["nodes"]) > 1


async def refusal(server: Server, who: Person, name: str, key: str) -> str:
    """Return why a member is refused an action on a conversation."""
    kind = name[0].upper() + name[1:]
    document = (
        f"mutation ($input: {kind}Input!) {{ {name}(input: $input) {{ userErrors {{ code }} }} }}"
    )
    more: Mapping[str, Mapping[str, str]] = {
        "assignConversation": {"assigneeId": who.id},
        "sendMessage": {"text": "Hi"},
    }
    given = {"conversationId": key, **more.get(name, {})}
    [error] = (await server.ask(who, document, input=given))[name]["userErrors"]
    return str(error["code"])


def told(events: list[Any]) -> list[Any]:
    """Return what events tell, without where they stand in the log."""
    return [
        {key: value for key, value in event.items() if key not in ("eventId", "cursor")}
        for event in events
    ]


async def deeds(world: World, message: Message, other: Person) -> None:
    """Block a contact, and let everything happen that still can."""
    owner, key = await world.owner.viewer(), message.conversation_id
    await block_contact(owner, message.conversation.contact_id)
    await world.hear("Buy now", sender="carla")
    echo = text("From the app", "e1", "message_echo")
    await webhook(world.channels[0], "carla", echo)
    await run_jobs()
    await assign_conversation(owner, key, assignee_id=other.member.id)
    await unassign_conversation(owner, key)
    await _mark(world, other.member)


@pytest.mark.parametrize("replayed", [False, True])
async def test_a_block_is_told_and_then_nothing_to_who_may_not_see_it(
    server: Server, world: World, replayed: bool
) -> None:
    kim = await world.add("Kim", restrictions=KEPT)
    ian = await world.add("Ian", visibility=Visibility.OWN, restrictions=KEPT)
    own, ada = await world.add("Own", visibility=Visibility.OWN), await world.add("Ada")
    message = await world.hear("Hello")
    owner, key = await world.owner.viewer(), message.conversation_id
    await assign_conversation(owner, key, assignee_id=ian.member.id)
    cursor = await cursor_of(world)
    if replayed:
        await deeds(world, message, ada)
    end = {"__typename": "MemberChanged"}
    async with (
        server.client(kim) as first,
        server.client(ian) as second,
        server.client(own) as none,
    ):
        for client in (first, second, none):
            await client.subscribe(EVENTS, workspaceId=world.id, after=cursor)
        if not replayed:
            await deeds(world, message, ada)
        last = await last_seq(world)
        for client in (first, second):
            assert told(await client.until(last)) == [_hidden(key), end]
        assert told(await none.until(last)) == [end]
        await unblock_contact(owner, message.conversation.contact_id)
        now = {"id": encode_id("Conversation", key)}
        assert told(await first.until(await last_seq(world))) == [changed(now, "UNBLOCKED")]
        assert second.left() == []


def changed(now: Mapping[str, str], change: str) -> dict[str, Any]:
    """Return what is told of a change of a conversation that is seen."""
    kind = "ConversationChanged"
    return {"__typename": kind, "change": change, "conversationId": now["id"], "now": now}


async def test_who_sees_it_is_told_of_all(server: Server, world: World) -> None:
    ada, message = await world.add("Ada"), await world.hear("Hello")
    now = {"id": encode_id("Conversation", message.conversation_id)}
    added = {"__typename": "MessageAdded", "conversation": now}
    async with server.client(ada) as client:
        await client.subscribe(EVENTS, workspaceId=world.id, after=await cursor_of(world))
        await deeds(world, message, ada)
        heard = told(await client.until(await last_seq(world)))
    assert heard == [
        changed(now, "BLOCKED"),
        {**added, "message": {"text": "Buy now", "isQuarantined": True}},
        {**added, "message": {"text": "From the app", "isQuarantined": False}},
        changed(now, "REPLIED"),
        changed(now, "ASSIGNED"),
        changed(now, "UNASSIGNED"),
        {"__typename": "MemberChanged"},
    ]


async def test_the_narrower_streams_tell_the_same(server: Server, world: World) -> None:
    kim, ada = await world.add("Kim", restrictions=KEPT), await world.add("Ada")
    message = await world.hear("Hello")
    owner, contact_id = await world.owner.viewer(), message.conversation.contact_id
    cursor = await cursor_of(world)
    async with server.client(ada) as seeing, server.client(kim) as kept_from:
        for client in (seeing, kept_from):
            await client.subscribe(CHANGES, workspaceId=world.id, after=cursor)
            await client.subscribe(MESSAGES, workspaceId=world.id, after=cursor)
        await block_contact(owner, contact_id)
        assert (await kept_from.hear("1"))["change"] == "HIDDEN"
        await world.hear("Buy now")
        spam = await seeing.hear("2")
        assert spam["message"] == {"text": "Buy now", "isQuarantined": True}
        await assign_conversation(owner, message.conversation_id, assignee_id=ada.member.id)
        await last_told(seeing, "ASSIGNED")
        await unblock_contact(owner, contact_id)
        await world.hear("Sorry")
        for client in (seeing, kept_from):
            said = await client.hear("2")
            assert said["message"] == {"text": "Sorry", "isQuarantined": False}
        heard = await kept_from.until(await last_seq(world), "1")
    assert [event["change"] for event in heard] == ["UNBLOCKED", "MESSAGE_ADDED"]


async def last_told(client: Client, change: str) -> None:
    """Return once a change is told: the same process has then told it to all."""
    while (await client.hear("1"))["change"] != change:
        pass


async def test_nobody_types_to_a_blocked_contact_and_no_sign_of_it_is_told(
    server: Server, world: World
) -> None:
    kim = await world.add("Kim", restrictions=KEPT)
    message, other = await world.hear("Hello"), await world.hear("Hello", sender="bob")
    owner = await world.owner.viewer()
    async with server.client(kim) as client:
        await client.subscribe(TYPING, workspaceId=world.id)
        await hears_typing(client, owner, message.conversation_id, "1")
        await block_contact(owner, message.conversation.contact_id)
        await hears_typing(client, owner, other.conversation_id, "1")
