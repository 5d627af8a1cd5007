"""Blocking at the same time as everything else: each call happens whole, before or after it."""

import asyncio
import random
from typing import Any

import pytest

from models.activity import Activity, ActivityKind
from models.conversation import Conversation, ConversationStatus
from models.message import Message
from realtime.events import (
    ContactBlocked,
    ContactUnblocked,
    ConversationClosed,
    ConversationOpened,
    ConversationSnoozed,
    ConversationUnsnoozed,
    MessageAdded,
    MessageQuarantined,
)
from resolvers.block import block_contact, unblock_contact
from tests.acting import act
from tests.test_block import use
from tests.test_message import send
from tests.test_snooze import later
from tests.world import Api, Person, World, run_jobs, webhook

CALLS = 20
FREE_ONLY = (
    ConversationClosed,
    ConversationOpened,
    ConversationSnoozed,
    ConversationUnsnoozed,
    MessageAdded,
)
"""What happens only while the contact is not blocked."""
LINES = {
    ContactBlocked: ActivityKind.BLOCKED,
    ContactUnblocked: ActivityKind.UNBLOCKED,
    ConversationClosed: ActivityKind.CLOSED,
    ConversationOpened: ActivityKind.OPENED,
    ConversationSnoozed: ActivityKind.SNOOZED,
    ConversationUnsnoozed: ActivityKind.UNSNOOZED,
}


async def check_log(world: World, row: Message) -> None:
    """Show that the log tells one story, which ends in the state that is stored."""
    facts = await world.facts()
    is_blocked = False
    for fact in facts:
        if isinstance(fact, ContactBlocked | ContactUnblocked):
            assert isinstance(fact, ContactBlocked) is not is_blocked, "in turns"
            is_blocked = not is_blocked
        elif isinstance(fact, MessageQuarantined):
            assert is_blocked
        elif isinstance(fact, FREE_ONLY):
            assert not is_blocked, fact
    conversation = await Conversation.get(id=row.conversation_id)
    assert (conversation.blocked_at is not None) is is_blocked
    snoozed = conversation.status is ConversationStatus.SNOOZED
    assert snoozed is (conversation.snoozed_until is not None)
    assert not (snoozed and is_blocked)
    for kind, line in LINES.items():
        count = len([fact for fact in facts if isinstance(fact, kind)])
        assert await Activity.filter(kind=line).count() == count, line
    places = [item.seq for item in await Activity.all()] + [m.seq for m in await Message.all()]
    assert sorted(places) == list(range(1, conversation.last_seq + 1))
    heard = await Message.filter(direction="INCOMING", is_quarantined=False).count()
    assert conversation.incoming_count == heard


ACTIONS = (
    "blockContact",
    "unblockContact",
    "closeConversation",
    "openConversation",
    "snoozeConversation",
    "unsnoozeConversation",
    "sendMessage",
    "hear",
)
ALWAYS = ("blockContact", "unblockContact", "hear")
"""What is never refused."""


async def write(world: World, number: int) -> None:
    """Let the contact write; it is processed when jobs run."""
    said: dict[str, Any] = {"type": "text", "text": f"Hello {number}"}
    event = {"type": "message", "mId": f"m{number}", "message": said}
    await webhook(world.channels[0], "carla", event)


async def call(
    api: Api, world: World, message: Message, who: Person, number: int, name: str
) -> list[str]:
    """Do one of the actions; return the codes of its refusal."""
    if name == "hear":
        await write(world, number)
        return []
    if name in ALWAYS:
        payload = await use(api, who, name, message)
    elif name == "sendMessage":
        payload = await send(api, who, message.conversation_id, f"Hi {number}")
    else:
        until = later(hours=1 + number).isoformat()
        values = {"until": until} if name == "snoozeConversation" else {}
        payload = await act(api, who, name, message, **values)
    return [error["code"] for error in payload["userErrors"]]


@pytest.mark.parametrize("seed", [1, 2])
async def test_twenty_calls_at_once_end_in_one_story(api: Api, world: World, seed: int) -> None:
    message = await world.hear("Hello")
    people = [world.owner, *[await world.add(f"Ada{number}") for number in range(3)]]
    names = [ACTIONS[number % len(ACTIONS)] for number in range(CALLS)]
    random.Random(seed).shuffle(names)

    codes = await asyncio.gather(
        *(
            call(api, world, message, people[number % len(people)], number, name)
            for number, name in enumerate(names)
        )
    )
    await run_jobs()

    for name, refused in zip(names, codes, strict=True):
        assert refused in ([[]] if name in ALWAYS else [[], ["BLOCKED"]]), name
    await check_log(world, message)


async def test_twenty_blocks_at_once_are_one(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    contact_id = message.conversation.contact_id
    viewers = [await world.owner.viewer(), await (await world.add("Ada")).viewer()]

    rows = await asyncio.gather(
        *(block_contact(viewers[number % 2], contact_id) for number in range(CALLS))
    )

    assert {row.version for row in rows} == {3}
    assert len({row.blocked_at for row in rows}) == 1
    blocks = [fact for fact in await world.facts() if isinstance(fact, ContactBlocked)]
    assert len(blocks) == 1
    await check_log(world, message)

    await asyncio.gather(
        *(unblock_contact(viewers[number % 2], contact_id) for number in range(CALLS))
    )
    assert (await Conversation.get()).version == 4
    await check_log(world, message)


async def test_messages_that_come_while_it_is_blocked_are_all_kept(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    viewer, contact_id = await world.owner.viewer(), message.conversation.contact_id
    for number in range(10):
        await write(world, number)

    async def toggle() -> None:
        for _ in range(4):
            await block_contact(viewer, contact_id)
            await unblock_contact(viewer, contact_id)

    await asyncio.gather(toggle(), run_jobs(), run_jobs())
    await run_jobs()

    assert await Message.filter(text__startswith="Hello ").count() == 10
    await check_log(world, message)
