"""Snoozes and replies: whether a message of the contact ends one, and where it then returns to."""

from typing import Any

import pytest

from models.activity import Activity, ActivityKind
from models.conversation import Conversation, ConversationStatus
from models.episode import ChangeSource, Episode
from models.message import Message
from models.workspace import Workspace
from realtime.events import ConversationOpened, MessageAdded, SnoozeExpired
from tests.acting import conversation_id, succeed
from tests.test_snooze import later
from tests.world import Api, World, let_time_pass, run_jobs

WAKE = "query ($id: ID!) { conversation(id: $id) { snooze { wakeOnReply } } }"


async def snoozed(api: Api, world: World, row: Any, **values: Any) -> bool:
    """Snooze as the owner for an hour; return whether a reply ends it."""
    until = later(hours=1).isoformat()
    await succeed(api, world.owner, "snoozeConversation", row, until=until, **values)
    found = await api.ask(world.owner, WAKE, id=conversation_id(row))
    wakes: bool = found["conversation"]["snooze"]["wakeOnReply"]
    return wakes


async def held(api: Api, world: World, *, origin: str) -> Message:
    """Let a contact write and be snoozed from Open or Closed until the moment, whatever comes."""
    message = await world.hear("Hello")
    if origin == "CLOSED":
        await succeed(api, world.owner, "closeConversation", message)
    assert await snoozed(api, world, message, wakeOnReply=False) is False
    return message


@pytest.mark.parametrize("by_default", [True, False])
@pytest.mark.parametrize("given", [True, False, None])
async def test_the_snooze_decides_and_else_the_workspace(
    api: Api, world: World, by_default: bool, given: bool | None
) -> None:
    await Workspace.filter(id=world.workspace.id).update(wake_on_reply=by_default)
    message = await world.hear("Hello")
    values = {} if given is None else {"wakeOnReply": given}
    expected = by_default if given is None else given
    assert await snoozed(api, world, message, **values) is expected

    await world.hear("Are you there?")

    row = await Conversation.get(id=message.conversation_id)
    assert row.status.value == ("OPEN" if expected else "SNOOZED")
    assert row.wake_on_reply is expected or row.status is ConversationStatus.OPEN


async def test_snoozing_again_decides_anew(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    assert await snoozed(api, world, message, wakeOnReply=False) is False
    assert await snoozed(api, world, message) is True


async def test_a_held_message_arrives_and_changes_nothing_else(api: Api, world: World) -> None:
    message = await held(api, world, origin="OPEN")
    before = await Conversation.get(id=message.conversation_id)
    told = len(await world.facts())

    second = await world.hear("Are you there?")

    row = await Conversation.get(id=message.conversation_id)
    assert (row.status, row.version) == (ConversationStatus.SNOOZED, before.version)
    assert (row.snoozed_until, row.incoming_count) == (before.snoozed_until, 2)
    assert (await world.facts())[told:] == [MessageAdded(world.workspace.id, row.id, second.id)]
    assert await Episode.all().count() == 1


async def test_held_in_closed_an_episode_begins_underneath(api: Api, world: World) -> None:
    message = await held(api, world, origin="CLOSED")
    told = len(await world.facts())

    second = await world.hear("Are you there?")
    await world.hear("Hello?")

    row = await Conversation.get(id=message.conversation_id)
    assert (row.status, row.closed_at) == (ConversationStatus.SNOOZED, None)
    added = (await world.facts())[told:]
    assert {type(fact) for fact in added} == {MessageAdded}
    assert added[0] == MessageAdded(world.workspace.id, row.id, second.id)
    first, running = await Episode.all().order_by("id")
    assert (first.closed_at is None, running.closed_at) == (False, None)
    assert running.opened_source is ChangeSource.CONTACT

    await let_time_pass(3700)
    assert await run_jobs() == 1

    row = await Conversation.get(id=message.conversation_id)
    assert row.status is ConversationStatus.OPEN
    assert await Episode.all().count() == 2
    ended = [fact for fact in await world.facts() if isinstance(fact, SnoozeExpired)]
    assert [fact.conversation_id for fact in ended] == [row.id]


@pytest.mark.parametrize("origin", ["OPEN", "CLOSED"])
async def test_held_without_a_message_it_returns_to_where_it_was(
    api: Api, world: World, origin: str
) -> None:
    message = await held(api, world, origin=origin)
    await let_time_pass(3700)
    assert await run_jobs() == 1
    row = await Conversation.get(id=message.conversation_id)
    assert (row.status.value, row.wake_on_reply) == (origin, True)
    assert await Episode.all().count() == 1


@pytest.mark.parametrize("origin", ["OPEN", "CLOSED"])
async def test_a_message_that_ends_a_snooze_tells_no_expiry(
    api: Api, world: World, origin: str
) -> None:
    message = await world.hear("Hello")
    if origin == "CLOSED":
        await succeed(api, world.owner, "closeConversation", message)
    await snoozed(api, world, message)
    told = len(await world.facts())

    second = await world.hear("Are you there?")
    await let_time_pass(3700)
    await run_jobs()

    key = message.conversation_id
    assert (await world.facts())[told:] == [
        ConversationOpened(world.workspace.id, key),
        MessageAdded(world.workspace.id, key, second.id),
    ]
    assert await Activity.filter(kind=ActivityKind.SNOOZE_EXPIRED).count() == 0
