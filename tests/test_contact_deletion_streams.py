"""A contact who is deleted is told to all who saw them, live and replayed, before and after it."""

from typing import Any

import pytest

from models.member import Restriction, Visibility
from resolvers.assignment import assign_conversation, unassign_conversation
from resolvers.block import block_contact
from resolvers.comment import add_comment
from resolvers.contact_deletion import delete_contact
from resolvers.message import send_message
from schema.ids import encode_id
from tests import streaming
from tests.streaming import CHANGES, Server, cursor_of, last_seq, visible_seqs
from tests.test_block_sight import told
from tests.waiting import until
from tests.world import World, run_jobs

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

EVENTS = """
subscription($workspaceId: ID!, $conversationId: ID, $after: String) {
  workspaceEvents(workspaceId: $workspaceId, conversationId: $conversationId, after: $after) {
    __typename eventId cursor
    ... on ContactDeleted { contactId conversationId }
    ... on MessageAdded { message { text } }
    ... on CommentAdded { comment { text } }
    ... on ContactChanged { contact { id } }
    ... on ConversationChanged { change conversationId now: conversation { id } }
  }
}"""
PAGE = """
query ($id: ID!, $after: String!) {
  events(workspaceId: $id, after: $after) { nodes { __typename eventId } pageInfo { hasNextPage } }
}"""
KEPT = [Restriction.BLOCKED_CONTACTS]


async def nothing_waits() -> None:
    """Return once no job is left to be done."""

    async def is_done() -> bool:
        return await run_jobs() == 0

    await until(is_done)


async def life(world: World) -> tuple[int, int]:
    """Let a contact come, be talked to and about; return the ids of them and the conversation."""
    owner, message = await world.owner.viewer(), await world.hear("Hello")
    await send_message(owner, message.conversation_id, text="Hi")
    await add_comment(owner, message.conversation_id, text="Note")
    return message.conversation.contact_id, message.conversation_id


def gone(contact_id: int, conversation_id: int) -> dict[str, Any]:
    """Return what is told of a contact who is deleted."""
    return {
        "__typename": "ContactDeleted",
        "contactId": encode_id("Contact", contact_id),
        "conversationId": encode_id("Conversation", conversation_id),
    }


async def test_it_is_told_live_to_all_who_saw_them(server: Server, world: World) -> None:
    ada = await world.add("Ada")
    ian = await world.add("Ian", visibility=Visibility.OWN)
    bea = await world.add("Bea", visibility=Visibility.OWN)
    owner, ids = await world.owner.viewer(), await life(world)
    await assign_conversation(owner, ids[1], assignee_id=ian.member.id)
    await nothing_waits()
    after = await cursor_of(world)
    async with (
        server.client(ada) as all_seeing,
        server.client(ian) as his,
        server.client(bea) as no,
    ):
        for client in (all_seeing, his, no):
            await client.subscribe(EVENTS, workspaceId=world.id, after=after)
            await client.subscribe(CHANGES, workspaceId=world.id, after=after)
        await delete_contact(owner, ids[0])
        await nothing_waits()
        other = await world.hear("Me, too", sender="bob")
        await assign_conversation(owner, other.conversation_id, assignee_id=bea.member.id)
        last = await last_seq(world)
        for client in (all_seeing, his):
            assert told([await client.hear("1")]) == [gone(*ids)]
            change = await client.hear("2")
            assert (change["change"], change["conversation"]) == ("DELETED", None)
            assert change["conversationId"] == encode_id("Conversation", ids[1])
        heard = told(await no.until(last, "1"))  # of bob's coming as much as Bea sees by then
        assert (heard[-1]["__typename"], heard[-1]["change"]) == ("ConversationChanged", "ASSIGNED")
        assert not [word for word in gone(*ids).values() if word in str(heard)]


@pytest.mark.parametrize("erased", [False, True])
async def test_a_replay_over_what_is_erased_goes_on_without_a_gap(
    server: Server, world: World, erased: bool
) -> None:
    ada = await world.add("Ada")
    owner, start = await world.owner.viewer(), await cursor_of(world)
    other = await world.hear("Stays", sender="bob")
    ids = await life(world)
    await delete_contact(owner, ids[0])
    if erased:
        await nothing_waits()
    await add_comment(owner, other.conversation_id, text="After")
    last = await last_seq(world)
    async with server.client(ada) as client:
        await client.subscribe(EVENTS, workspaceId=world.id, after=start)
        heard = await client.until(last)
    kinds = [event["__typename"] for event in heard]
    assert kinds.count("ContactDeleted") == 1
    assert gone(*ids) in told(heard)
    texts = [event["message"]["text"] for event in heard if event["__typename"] == "MessageAdded"]
    assert texts == ["Stays"]
    assert heard[-1]["comment"] == {"text": "After"}
    page = (await server.ask(ada, PAGE, id=world.id, after=start))["events"]
    assert [node["eventId"] for node in page["nodes"]] == [event["eventId"] for event in heard]
    assert len(await visible_seqs(world)) == last
    async with server.client(ada) as client:
        await client.subscribe(EVENTS, workspaceId=world.id, after=heard[0]["cursor"])
        again = await client.until(last)
    assert [event["eventId"] for event in again] == [event["eventId"] for event in heard[1:]]


async def test_who_lost_sight_before_is_not_told(server: Server, world: World) -> None:
    kim = await world.add("Kim", restrictions=KEPT)
    ian = await world.add("Ian", visibility=Visibility.OWN)
    owner, ids = await world.owner.viewer(), await life(world)
    await assign_conversation(owner, ids[1], assignee_id=ian.member.id)
    await unassign_conversation(owner, ids[1])
    await block_contact(owner, ids[0])
    await nothing_waits()
    after = await cursor_of(world)
    async with server.client(kim) as blind, server.client(ian) as apart:
        for client in (blind, apart):
            await client.subscribe(EVENTS, workspaceId=world.id, after=after)
        await delete_contact(owner, ids[0])
        await world.add("Zoe")
        for client in (blind, apart):
            heard = told(await client.until(await last_seq(world)))
            assert heard == [{"__typename": "MemberChanged"}]


async def test_who_loses_sight_of_what_is_erased_by_now_is_told(
    server: Server, world: World
) -> None:
    kim = await world.add("Kim", restrictions=KEPT)
    ian = await world.add("Ian", visibility=Visibility.OWN)
    owner, ids = await world.owner.viewer(), await life(world)
    await assign_conversation(owner, ids[1], assignee_id=ian.member.id)
    after = await cursor_of(world)
    await unassign_conversation(owner, ids[1])
    await block_contact(owner, ids[0])
    await delete_contact(owner, ids[0])
    await nothing_waits()
    lost = {
        "__typename": "ConversationChanged",
        "change": "HIDDEN",
        "conversationId": encode_id("Conversation", ids[1]),
        "now": None,
    }
    await world.add("Zoe")
    for person, times in ((kim, 2), (ian, 1)):
        async with server.client(person) as client:
            await client.subscribe(EVENTS, workspaceId=world.id, after=after)
            heard = told(await client.until(await last_seq(world)))
        assert [one for one in heard if one["__typename"] == "ConversationChanged"] == [
            lost
        ] * times


async def test_the_stream_of_one_conversation_tells_its_end(server: Server, world: World) -> None:
    ids = await life(world)
    async with server.client(world.owner) as client:
        key = encode_id("Conversation", ids[1])
        await nothing_waits()
        after = await cursor_of(world)
        await client.subscribe(EVENTS, workspaceId=world.id, conversationId=key, after=after)
        await delete_contact(await world.owner.viewer(), ids[0])
        assert told([await client.hear()]) == [gone(*ids)]
