"""What a blocked contact sends: it has its place in the thread, and is no news."""

from datetime import timedelta
from typing import Any

import pytest

from models.clock import now
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.engine import sql
from models.episode import Episode
from models.message import Message, MessageSource
from models.read_mark import ReadMark
from realtime.events import MessageAdded, MessageQuarantined
from resolvers.retention import QUARANTINE_RETENTION_DAYS
from schema.ids import encode_id
from tests.acting import STATE, nothing_changes, succeed
from tests.test_automatic_closing import HOUR, after, answered
from tests.test_block import block, state_of, unblock
from tests.test_inbound import PHONE, text
from tests.test_retention import clean_up
from tests.world import Api, World, run_jobs, snapshot, webhook

THREAD = f"""query ($id: ID!) {{ conversation(id: $id) {{ {STATE}
  lastMessage {{ text }}
  messages(first: 10) {{ nodes {{ text seq isQuarantined }} }}
}} }}"""


async def thread(api: Api, who: Any, row: Message) -> Any:
    """Return a conversation with its messages."""
    key = encode_id("Conversation", row.conversation_id)
    return (await api.ask(who, THREAD, id=key))["conversation"]


@pytest.mark.parametrize("status", ["OPEN", "CLOSED"])
async def test_it_changes_nothing_but_the_thread(api: Api, world: World, status: str) -> None:
    message = await world.hear("Hello")
    if status == "CLOSED":
        await succeed(api, world.owner, "closeConversation", message)
    await succeed(api, world.owner, "markConversationRead", message)
    await block(api, world.owner, message)
    before, told = await state_of(message), len(await world.facts())
    row, identity = await Conversation.get(), await ContactChannel.all().values()
    episodes = await Episode.all().values()

    spam = await world.hear("Buy now")

    assert (spam.is_quarantined, spam.conversation_id) == (True, message.conversation_id)
    assert (spam.seq, spam.incoming_count) == (row.last_seq + 1, 1)
    assert await state_of(message) == before
    after_it = await Conversation.get()
    assert (after_it.last_seq, after_it.version) == (row.last_seq + 1, row.version)
    assert await ContactChannel.all().values() == identity
    assert await Episode.all().values() == episodes
    assert (await world.facts())[told:] == [
        MessageQuarantined(world.workspace.id, message.conversation_id, spam.id)
    ]
    seen = await thread(api, world.owner, message)
    assert (seen["status"], seen["unreadCount"]) == (status, 0)
    assert seen["lastMessage"] == {"text": "Hello"}
    lines = [(node["text"], node["isQuarantined"]) for node in seen["messages"]["nodes"]]
    assert lines == [("Hello", False), ("Buy now", True)]
    assert await sql.rows("SELECT id FROM job") == []


async def test_after_unblocking_it_stays_and_what_comes_then_is_news(
    api: Api, world: World
) -> None:
    message = await world.hear("Hello")
    await succeed(api, world.owner, "closeConversation", message)
    await succeed(api, world.owner, "markConversationRead", message)
    await block(api, world.owner, message)
    spam = await world.hear("Buy now")

    freed = await unblock(api, world.owner, message)
    assert freed["status"] == "CLOSED"
    assert (await thread(api, world.owner, message))["unreadCount"] == 0
    welcome = await world.hear("Sorry")

    assert (welcome.is_quarantined, welcome.incoming_count) == (False, 2)
    assert (await world.facts())[-1] == MessageAdded(
        world.workspace.id, message.conversation_id, welcome.id
    )
    seen = await thread(api, world.owner, message)
    assert (seen["status"], seen["unreadCount"]) == ("OPEN", 1)
    assert seen["lastMessage"] == {"text": "Sorry"}
    lines = [(node["text"], node["isQuarantined"]) for node in seen["messages"]["nodes"]]
    assert lines == [("Hello", False), ("Buy now", True), ("Sorry", False)]
    assert (await Message.get(id=spam.id)).seq < welcome.seq


async def test_a_repeat_has_no_effect(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await block(api, world.owner, message)
    await world.hear("Buy now", message_id="spam")
    await sql.affected("DELETE FROM inbound_event")
    async with nothing_changes():
        await world.hear("Buy now", message_id="spam")


async def test_a_read_mark_is_not_moved_by_it(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await world.hear("Are you there?")
    await block(api, world.owner, message)
    spam = await world.hear("Buy now")
    key = encode_id("Message", spam.id)

    await succeed(api, world.owner, "markConversationRead", message, upToMessageId=key)

    assert (await ReadMark.get()).incoming_read == 2
    seen = await succeed(api, world.owner, "markConversationRead", message)
    assert seen["unreadCount"] == 0


async def test_a_blocked_contact_is_known_on_another_channel_by_phone(
    api: Api, world: World
) -> None:
    channel, other = await world.connect(), await world.connect()
    await webhook(channel, PHONE, text())
    await run_jobs()
    first = await Message.get()
    await block(api, world.owner, first)

    await webhook(other, PHONE, text("Buy now", "m2"))
    await run_jobs()

    second = await Message.get(text="Buy now")
    assert (second.conversation_id, second.is_quarantined) == (first.conversation_id, True)


async def test_others_are_heard_as_ever(api: Api, world: World) -> None:
    await block(api, world.owner, await world.hear("Hello"))
    bob = await world.hear("Hello", sender="bob")
    assert not bob.is_quarantined
    assert (await Conversation.get(id=bob.conversation_id)).status.value == "OPEN"


async def test_it_does_not_stop_the_clock(api: Api, world: World) -> None:
    message = await answered(world)
    await block(api, world.owner, message)
    await world.hear("Buy now")
    await unblock(api, world.owner, message)
    assert await after(HOUR + 60, message) == "CLOSED"


async def test_a_reply_that_arrives_still_answers_what_was_before(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await block(api, world.owner, message)
    await world.hear("Buy now")

    await webhook(world.channels[0], "carla", text("From the app", "e1", "message_echo"))
    await run_jobs()

    echo = await Message.get(source=MessageSource.ECHO)
    row = await Conversation.get()
    assert (echo.is_quarantined, row.last_message_id) == (False, echo.id)
    assert (row.unreplied_since, row.status.value) == (None, "OPEN")
    assert row.blocked_at is not None


async def test_it_goes_after_its_time_and_nothing_else_does(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await block(api, world.owner, message)
    old, young = await world.hear("Old"), await world.hear("Young")
    edge = now() - timedelta(days=QUARANTINE_RETENTION_DAYS)
    minute = timedelta(minutes=1)
    for row, created_at in ((message, edge - minute), (old, edge - minute), (young, edge + minute)):
        await Message.filter(id=row.id).update(created_at=created_at)
    await unblock(api, world.owner, message)
    before = await snapshot("conversation", "activity", "event")

    await clean_up()

    assert [row.text for row in await Message.all().order_by("seq")] == ["Hello", "Young"]
    assert await snapshot("conversation", "activity", "event") == before
    assert QUARANTINE_RETENTION_DAYS == 30
    seen = await thread(api, world.owner, message)
    assert [node["text"] for node in seen["messages"]["nodes"]] == ["Hello", "Young"]
