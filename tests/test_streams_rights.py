"""Streams and rights: each event is checked when it is delivered, and sockets close in time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import orjson
import pytest

from models.clock import now
from models.conversation import Conversation
from models.member import Member, Role, Visibility
from models.session import Session
from realtime.events import MemberChanged
from realtime.transaction import transaction
from resolvers.api_key import create_api_key, revoke_api_key
from resolvers.assignment import assign_conversation, unassign_conversation
from resolvers.message import send_message
from resolvers.read_mark import mark_conversation_read, mark_conversation_unread
from resolvers.session import log_out
from resolvers.typing_indicator import start_typing
from resolvers.workspace import change_member
from schema.ids import encode_id
from tests import streaming
from tests.streaming import (
    CHANGES,
    MESSAGES,
    TYPING,
    WORKSPACE_EVENTS,
    Ended,
    Server,
    cursor_of,
    hears_typing,
    last_seq,
    seq_of,
)
from tests.world import Person, World

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world


@dataclass(frozen=True, slots=True)
class Key:
    """A program's token."""

    id: int
    token: str


async def _mark(world: World, member: Member) -> None:
    """Write an event that every member sees, last."""
    async with transaction() as announce:
        announce(MemberChanged(world.workspace.id, member.id))


async def test_an_agent_is_told_of_theirs_only(server: Server, world: World) -> None:
    sales = await world.team()
    own = await world.add("Own", visibility=Visibility.OWN)
    team = await world.add("Tim", visibility=Visibility.TEAM, team=sales)
    mate = await world.add("Mia", visibility=Visibility.OWN, team=sales)
    owner = await world.owner.viewer()
    places = {}
    for sender, assignee in (("anna", own), ("ben", mate), ("cleo", None), ("dora", None)):
        places[sender] = (await world.hear("first", sender=sender)).conversation_id
        if assignee is not None:
            await assign_conversation(owner, places[sender], assignee_id=assignee.member.id)
    await Conversation.filter(id=places["dora"]).update(team_id=sales.id)
    cursor = await cursor_of(world)
    heard = {}
    async with server.client(own) as first, server.client(team) as second:
        for client in (first, second):
            await client.subscribe(WORKSPACE_EVENTS, workspaceId=world.id, after=cursor)
        for sender in places:
            await world.hear(f"to {sender}", sender=sender)
        await _mark(world, world.owner.member)
        for name, client in (("own", first), ("team", second)):
            events = await client.until(await last_seq(world))
            heard[name] = [event["message"]["text"] for event in events if "message" in event]
            assert {event["__typename"] for event in events} == {"MessageAdded", "MemberChanged"}
    assert heard == {"own": ["to anna"], "team": ["to ben", "to dora"]}


def _hidden(conversation: int) -> dict[str, str | None]:
    return {
        "__typename": "ConversationChanged",
        "change": "HIDDEN",
        "conversationId": encode_id("Conversation", conversation),
        "now": None,
    }


@pytest.mark.parametrize("replayed", [False, True])
async def test_losing_sight_is_told_once_by_id_only_and_then_nothing(
    server: Server, world: World, replayed: bool
) -> None:
    agent = await world.add("Own", visibility=Visibility.OWN)
    other = await world.add("Else")
    owner = await world.owner.viewer()
    lost = (await world.hear(sender="anna")).conversation_id
    dropped = (await world.hear(sender="ben")).conversation_id
    for conversation in (lost, dropped):
        await assign_conversation(owner, conversation, assignee_id=agent.member.id)
    cursor = await cursor_of(world)

    async def act() -> None:
        await assign_conversation(owner, lost, assignee_id=other.member.id)
        await unassign_conversation(owner, dropped)
        await send_message(owner, lost, text="secret")
        await send_message(owner, dropped, text="secret")
        await assign_conversation(owner, lost, assignee_id=world.owner.member.id)
        await _mark(world, other.member)

    if replayed:
        await act()
    async with server.client(agent) as client:
        everything = await client.subscribe(WORKSPACE_EVENTS, workspaceId=world.id, after=cursor)
        changes = await client.subscribe(CHANGES, workspaceId=world.id, after=cursor)
        if not replayed:
            await act()
        heard = await client.until(await last_seq(world), everything)
        assert [
            {key: value for key, value in event.items() if key not in ("eventId", "cursor")}
            for event in heard
        ] == [_hidden(lost), _hidden(dropped), {"__typename": "MemberChanged"}]
        for wanted in heard[:2]:
            assert (await client.hear(changes))["eventId"] == wanted["eventId"]
        assert client.left(changes) == []


async def test_read_marks_are_told_to_own_devices_only(server: Server, world: World) -> None:
    agent = await world.add()
    conversation = (await world.hear()).conversation_id
    cursor = await cursor_of(world)
    async with (
        server.client(agent) as phone,
        server.client(agent) as desk,
        server.client(world.owner) as boss,
    ):
        for client in (phone, desk, boss):
            await client.subscribe(CHANGES, workspaceId=world.id, after=cursor)
        await mark_conversation_read(await agent.viewer(), conversation)
        await mark_conversation_unread(await agent.viewer(), conversation)
        await send_message(await world.owner.viewer(), conversation, text="later")
        for client in (phone, desk):
            heard = await client.until(await last_seq(world))
            assert [event["change"] for event in heard] == ["READ", "UNREAD", "MESSAGE_ADDED"]
        assert [e["change"] for e in await boss.until(await last_seq(world))] == ["MESSAGE_ADDED"]


async def _another_team(world: World, agent: Person) -> None:
    team = await world.team("Support")
    await Member.filter(id=agent.member.id).update(team_id=team.id)
    await _mark(world, agent.member)


async def _log_out(_world: World, agent: Person) -> None:
    await log_out(await agent.viewer())


ENDINGS: dict[str, Callable[[World, Person], Awaitable[object]]] = {
    "role": lambda _world, agent: change_member(agent.member.id, role=Role.AGENT),
    "visibility": lambda _world, agent: change_member(agent.member.id, visibility=Visibility.OWN),
    "team": _another_team,
    "removal": lambda _world, agent: change_member(agent.member.id, is_active=False),
    "log-out": _log_out,
}


@pytest.mark.parametrize("document", [WORKSPACE_EVENTS, MESSAGES, TYPING])
@pytest.mark.parametrize("ending", ENDINGS)
async def test_ended_or_changed_rights_close_the_socket_and_nothing_later_is_told(
    server: Server, world: World, ending: str, document: str
) -> None:
    agent = await world.add("Max", Role.MANAGER)
    conversation = (await world.hear()).conversation_id
    cursor = {} if document == TYPING else {"after": await cursor_of(world)}
    owner = await world.owner.viewer()
    async with server.client(agent) as client:
        await client.subscribe(document, workspaceId=world.id, **cursor)
        if document == TYPING:
            await hears_typing(client, owner, conversation, "1")
        else:
            await send_message(owner, conversation, text="before")
            assert (await client.hear())["message"] == {"text": "before"}

        await ENDINGS[ending](world, agent)
        await start_typing(owner, conversation, surface="MESSAGE")
        await send_message(owner, conversation, text="after")

        assert await client.closing() == (4412, "ACCESS_REVOKED")

        [last] = client.left()
    assert (last["type"], last["payload"][0]["extensions"]) == ("error", {"code": "ACCESS_REVOKED"})


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_socket_that_follows_nothing_closes_as_well(
    server: Server, world: World, ending: str
) -> None:
    agent, other = await world.add("Max", Role.MANAGER), await world.add("Ben")
    async with server.client(agent) as client, server.client(other) as spared:
        await ENDINGS[ending](world, agent)
        assert await client.closing() == (4412, "ACCESS_REVOKED")
        await spared.say(type="ping", payload={"still": "here"})
        answer = orjson.loads(await spared.socket.recv())
        assert answer == {"type": "pong", "payload": {"still": "here"}}


async def test_a_revoked_key_closes_its_sockets_and_no_others(server: Server, world: World) -> None:
    owner = await world.owner.viewer()
    keys = []
    for name in ("good", "bad"):
        row, secret = await create_api_key(owner, world.workspace.id, name=name, role=Role.AGENT)
        keys.append(Key(row.id, secret or ""))
    conversation = (await world.hear()).conversation_id
    cursor = await cursor_of(world)
    async with server.client(keys[0]) as good, server.client(keys[1]) as bad:
        for client in (good, bad):
            await client.subscribe(MESSAGES, workspaceId=world.id, after=cursor)
        await send_message(owner, conversation, text="before")
        for client in (good, bad):
            assert (await client.hear())["message"] == {"text": "before"}
        await revoke_api_key(owner, keys[1].id)
        await send_message(owner, conversation, text="after")
        assert await bad.closing() == (4412, "ACCESS_REVOKED")
        assert [message["type"] for message in bad.left()] == ["error"]
        assert (await good.hear())["message"] == {"text": "after"}


async def test_what_changes_no_right_closes_nothing(server: Server, world: World) -> None:
    agent, other = await world.add(), await world.add("Ben")
    conversation = (await world.hear()).conversation_id
    cursor = await cursor_of(world)
    async with server.client(agent) as client:
        await client.subscribe(WORKSPACE_EVENTS, workspaceId=world.id, after=cursor)
        await _mark(world, agent.member)
        await change_member(other.member.id, is_active=False)
        await send_message(await world.owner.viewer(), conversation, text="after")
        heard = await client.until(await last_seq(world))
    assert [event["__typename"] for event in heard] == ["MemberChanged"] * 2 + ["MessageAdded"]


async def test_a_stream_over_http_says_why_it_ends(server: Server, world: World) -> None:
    agent = await world.add()
    conversation = (await world.hear("before")).conversation_id
    cursor = await cursor_of(world)
    owner = await world.owner.viewer()
    stream = server.events(agent, MESSAGES, workspaceId=world.id, after=cursor)
    await send_message(owner, conversation, text="before")
    told = [await anext(stream)]
    await change_member(agent.member.id, is_active=False)
    await send_message(owner, conversation, text="after")
    told += [event async for event in stream]
    assert [name for name, _ in told] == ["next", "next", "complete"]
    [error] = told[1][1]["errors"]
    assert error["extensions"] == {"code": "ACCESS_REVOKED"}
    assert set(told[1][1]) == {"errors"}


async def test_a_token_that_expires_closes_with_4411_after_a_typed_last_message(
    server: Server, world: World
) -> None:
    agent = await world.add()
    conversation = (await world.hear()).conversation_id
    cursor = await cursor_of(world)
    await Session.filter(user_id=agent.user.id).update(expires_at=now() + timedelta(seconds=2))
    async with server.client(agent) as client:
        await client.subscribe(MESSAGES, workspaceId=world.id, after=cursor)
        await send_message(await world.owner.viewer(), conversation, text="before")
        assert seq_of(await client.hear()) == await last_seq(world)
        with pytest.raises(Ended) as ended:
            await client.hear()
        assert ended.value.codes == ["TOKEN_EXPIRED"]
        assert await client.closing() == (4411, "TOKEN_EXPIRED")
        assert client.left() == []
