"""A merge is told: who saw the contact who is no more, and who sees the one who stays."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from models.member import Visibility
from models.message import Message
from resolvers.assignment import assign_conversation
from resolvers.contact_merge import merge_contacts
from schema.ids import encode_id
from tests import streaming
from tests.streaming import CHANGES, Server, cursor_of, last_seq
from tests.test_block_sight import told
from tests.test_contact_deletion_streams import nothing_waits
from tests.world import Person, World

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

EVENTS = """
subscription($workspaceId: ID!, $after: String) {
  workspaceEvents(workspaceId: $workspaceId, after: $after) {
    __typename eventId cursor
    ... on ContactMerged { contactId conversationId into { id } }
    ... on MessageAdded { message { text } conversation { id } }
    ... on ContactChanged { contact { id } }
    ... on ConversationChanged { change conversationId }
  }
}"""


async def two_who_differ(world: World) -> tuple[Message, Message, list[Person]]:
    """Let two contacts write who are seen by others; return everybody, who sees both first."""
    owner = await world.owner.viewer()
    messages = [await world.hear("Hello"), await world.hear("Hi", sender="karla")]
    people = [await world.add(name, visibility=Visibility.OWN) for name in ("Bea", "Ian")]
    for message, person in zip(messages, people, strict=True):
        await assign_conversation(owner, message.conversation_id, assignee_id=person.member.id)
    await nothing_waits()
    return messages[0], messages[1], [world.owner, *people]


@pytest.mark.parametrize("replayed", [False, True])
async def test_it_is_told_by_what_one_sees(server: Server, world: World, replayed: bool) -> None:
    first, second, people = await two_who_differ(world)
    pair = first.conversation.contact_id, second.conversation.contact_id
    after = await cursor_of(world)
    if replayed:
        await merge_contacts(await world.owner.viewer(), *pair)
        await nothing_waits()
    gone: dict[str, Any] = {
        "__typename": "ContactMerged",
        "contactId": encode_id("Contact", pair[1]),
        "conversationId": encode_id("Conversation", second.conversation_id),
        "into": None,
    }
    into = {"id": encode_id("Conversation", first.conversation_id)}
    changed = {"__typename": "ContactChanged", "contact": {"id": encode_id("Contact", pair[0])}}
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(server.client(person)) for person in people]
        for client in clients:
            await client.subscribe(EVENTS, workspaceId=world.id, after=after)
            await client.subscribe(CHANGES, workspaceId=world.id, after=after)
        if not replayed:
            await merge_contacts(await world.owner.viewer(), *pair)
        await world.add("Zoe")
        last, end = await last_seq(world), {"__typename": "MemberChanged"}
        heard = [told(await client.until(last)) for client in clients]
        assert heard == [[gone | {"into": into}, changed, end], [changed, end], [gone, end]]
        change = await clients[2].hear("2")
        assert (change["change"], change["conversation"]) == ("MERGED", None)
        assert change["conversationId"] == gone["conversationId"]


async def test_messages_of_before_are_replayed_where_they_are_now(
    server: Server, world: World
) -> None:
    after = await cursor_of(world)
    first, second = await world.hear("Hello"), await world.hear("Hi", sender="karla")
    pair = first.conversation.contact_id, second.conversation.contact_id
    await merge_contacts(await world.owner.viewer(), *pair)
    await nothing_waits()
    async with server.client(world.owner) as client:
        await client.subscribe(EVENTS, workspaceId=world.id, after=after)
        heard = told(await client.until(await last_seq(world)))
    added = [event for event in heard if event["__typename"] == "MessageAdded"]
    now = {"id": encode_id("Conversation", first.conversation_id)}
    assert added == [
        {"__typename": "MessageAdded", "message": {"text": text}, "conversation": now}
        for text in ("Hello", "Hi")
    ]
