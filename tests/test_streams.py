"""Streams over real sockets: what each subscription tells, live and from a cursor."""

from datetime import timedelta
from typing import Any

import pytest

from models.clock import now
from models.engine import sql
from realtime.log import encode_cursor, read_head
from resolvers.closing import close_conversation
from resolvers.message import send_message
from resolvers.snooze import snooze_conversation
from schema.ids import encode_id
from tests import streaming
from tests.streaming import (
    CHANGES,
    MESSAGES,
    SNOOZES,
    TYPING,
    WORKSPACE_EVENTS,
    Ended,
    Server,
    cursor_of,
    last_seq,
    repeating,
    seq_of,
    visible_seqs,
)
from tests.world import World, let_time_pass, make_world, run_jobs

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

DURABLE = {
    "workspaceEvents": WORKSPACE_EVENTS,
    "messageAdded": MESSAGES,
    "conversationChanged": CHANGES,
    "snoozeExpired": SNOOZES,
}


async def test_a_message_is_told_live_by_each_stream_that_it_concerns(
    server: Server, world: World
) -> None:
    cursor = await cursor_of(world)
    async with server.client(world.owner) as client:
        streams = [
            await client.subscribe(document, workspaceId=world.id, after=cursor)
            for document in (WORKSPACE_EVENTS, MESSAGES, CHANGES)
        ]

        message = await world.hear("Hello")

        conversation = {"id": encode_id("Conversation", message.conversation_id)}
        opened = {**conversation, "status": "OPEN"}
        everything = await client.until(await last_seq(world), streams[0])
        assert [(event["__typename"], event.get("change")) for event in everything] == [
            ("ContactChanged", None),
            ("ConversationChanged", "OPENED"),
            ("MessageAdded", None),
        ]
        added = await client.hear(streams[1])
        assert (added["message"], added["conversation"]) == ({"text": "Hello"}, conversation)
        changes = [await client.hear(streams[2]) for _ in range(3)]
        assert [(event["change"], event["conversation"]) for event in changes] == [
            ("CREATED", opened),
            ("OPENED", opened),
            ("MESSAGE_ADDED", opened),
        ]
        assert [event["eventId"] for event in changes] == [e["eventId"] for e in everything]
        assert [event["cursor"] for event in changes] == [e["cursor"] for e in everything]
        assert added["eventId"] == everything[-1]["eventId"]


async def test_a_stream_without_a_cursor_begins_now(server: Server, world: World) -> None:
    conversation = (await world.hear("before")).conversation_id
    before = await last_seq(world)
    owner = await world.owner.viewer()
    async with server.client(world.owner) as client:
        await client.subscribe(MESSAGES, workspaceId=world.id)
        async with repeating(lambda: send_message(owner, conversation, text="after")):
            first = await client.hear()
        assert first["message"] == {"text": "after"}
        heard = await client.until(await last_seq(world), "1", first)
    assert seq_of(first) > before
    assert [seq_of(event) for event in heard] == await visible_seqs(world, seq_of(first) - 1)


async def test_a_snooze_that_ends_by_itself_is_told_once(server: Server, world: World) -> None:
    conversation = (await world.hear()).conversation_id
    cursor = await cursor_of(world)
    until = now() + timedelta(hours=1)
    async with server.client(world.owner) as client:
        await client.subscribe(SNOOZES, workspaceId=world.id, after=cursor)
        everything = await client.subscribe(WORKSPACE_EVENTS, workspaceId=world.id, after=cursor)
        await snooze_conversation(await world.owner.viewer(), conversation, until=until)
        await let_time_pass(3600)
        await run_jobs()
        expired = await client.hear()
        await close_conversation(await world.owner.viewer(), conversation)

        heard = await client.until(await last_seq(world), everything)
        assert [(e["__typename"], e.get("change")) for e in heard] == [
            ("ConversationChanged", "SNOOZED"),
            ("SnoozeExpired", None),
            ("ConversationChanged", "CLOSED"),
        ]
        assert expired["conversation"] == {
            "id": encode_id("Conversation", conversation),
            "status": "OPEN",
        }
        assert expired["eventId"] == heard[1]["eventId"]
        assert client.left() == []


@pytest.mark.parametrize("document", [WORKSPACE_EVENTS, MESSAGES, CHANGES])
async def test_only_one_conversation_where_asked(
    server: Server, world: World, document: str
) -> None:
    first = await world.hear("one", sender="anna")
    await world.hear("two", sender="ben")
    cursor = encode_cursor((await read_head(world.workspace.id)).epoch, 0)
    async with server.client(world.owner) as client:
        wanted = encode_id("Conversation", first.conversation_id)
        await client.subscribe(document, workspaceId=world.id, conversationId=wanted, after=cursor)
        await world.hear("three", sender="ben")
        await world.hear("four", sender="anna")
        heard = await client.until(await last_seq(world))
    texts = [event["message"]["text"] for event in heard if "message" in event]
    assert texts == ([] if document == CHANGES else ["one", "four"])
    places = [event.get("conversation") for event in heard if event.get("conversation")]
    assert {place["id"] for place in places} == {wanted}


async def test_a_stream_over_http_tells_the_same(server: Server, world: World) -> None:
    cursor = await cursor_of(world)
    stream = server.events(world.owner, MESSAGES, workspaceId=world.id, after=cursor)
    await world.hear("one")
    name, answer = await anext(stream)
    assert (name, answer["data"]["messageAdded"]["message"]) == ("next", {"text": "one"})
    await world.hear("two")
    name, answer = await anext(stream)
    assert (name, answer["data"]["messageAdded"]["message"]) == ("next", {"text": "two"})
    await stream.aclose()  # type: ignore[attr-defined]  # an async generator has it


async def _bad_cursors(world: World) -> dict[str, str]:
    head = await read_head(world.workspace.id)
    other = await make_world("Other")
    return {
        "malformed": "%%%",
        "no text": encode_id("Conversation", 1),
        "foreign": await cursor_of(other),
        "of the future": encode_cursor(head.epoch, head.seq + 1),
        "negative": encode_cursor(head.epoch, -1),
        "before a restore": encode_cursor("0" * 16, head.seq),
        "too old": encode_cursor(head.epoch, head.oldest_seq - 2),
        "empty": "",
    }


async def _forget_all_but_the_last(world: World) -> None:
    seq = await last_seq(world)
    await sql.affected(
        "DELETE FROM event WHERE workspace_id = ? AND seq < ?", world.workspace.id, seq
    )
    await sql.affected(
        "UPDATE event_counter SET oldest_seq = ? WHERE workspace_id = ?", seq, world.workspace.id
    )


async def test_a_cursor_that_the_log_does_not_reach_is_refused(
    server: Server, world: World
) -> None:
    await world.hear()
    await _forget_all_but_the_last(world)
    cursors = await _bad_cursors(world)
    async with server.client(world.owner) as client:
        for what, cursor in cursors.items():
            for document in DURABLE.values():
                name = await client.subscribe(document, workspaceId=world.id, after=cursor)
                with pytest.raises(Ended) as ended:
                    await client.hear(name)
                assert ended.value.codes == ["CURSOR_EXPIRED"], what
            stream = server.events(
                world.owner, WORKSPACE_EVENTS, workspaceId=world.id, after=cursor
            )
            told: list[tuple[str, Any]] = [event async for event in stream]
            assert [name for name, _ in told] == ["next", "complete"]
            [error] = told[0][1]["errors"]
            assert error["extensions"]["code"] == "CURSOR_EXPIRED"
        oldest = encode_cursor(
            (await read_head(world.workspace.id)).epoch, await last_seq(world) - 1
        )
        name = await client.subscribe(WORKSPACE_EVENTS, workspaceId=world.id, after=oldest)
        assert seq_of(await client.hear(name)) == await last_seq(world)


@pytest.mark.parametrize("document", [*DURABLE.values(), TYPING])
async def test_a_workspace_of_others_is_one_that_does_not_exist(
    server: Server, world: World, document: str
) -> None:
    stranger = await make_world("Strangers")
    codes = []
    async with server.client(stranger.owner) as client:
        for workspace in (world.id, encode_id("Workspace", 10**9), "nonsense"):
            name = await client.subscribe(document, workspaceId=workspace)
            with pytest.raises(Ended) as ended:
                await client.hear(name)
            codes.append(ended.value.codes)
    assert codes == [["NOT_FOUND"]] * 3
