"""Scheduling messages and cancelling them: what waits, who is told, and what is refused."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from models.channel import Channel
from models.clock import now
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.engine import sql
from models.member import Visibility
from models.message import Message
from models.refusal import Code, Refused
from models.scheduled_message import ScheduledMessage, ScheduleState
from resolvers.schedule import (
    LEAST_SECONDS,
    MAX_DAYS,
    MAX_WAITING,
    Plan,
    cancels,
    check_moment,
    schedule_message,
)
from schema.ids import encode_id
from tests.acting import act, api_key, conversation_id
from tests.world import Api, World, let_time_pass, make_world, run_jobs, snapshot

SHOWN = """
  id text sendAt cancelOnReply state cancelReason failureCode version
  author { name } channel { id } replyTo { text } message { text author { ... on Member { name } } }
"""
SCHEDULE = f"""
mutation ($input: ScheduleMessageInput!) {{ scheduleMessage(input: $input) {{
  scheduledMessage {{ {SHOWN} }} userErrors {{ code field }}
}} }}
"""
CANCEL = f"""
mutation ($input: CancelScheduledMessageInput!) {{ cancelScheduledMessage(input: $input) {{
  scheduledMessage {{ {SHOWN} }} userErrors {{ code field }}
}} }}
"""
LIST = f"query ($id: ID!) {{ conversation(id: $id) {{ scheduledMessages {{ {SHOWN} }} }} }}"
NODES = f"""
query ($ids: [ID!]!) {{ nodes(ids: $ids) {{
  ... on Conversation {{ scheduledMessages(first: 2) {{ {SHOWN} }} }}
}} }}
"""
EVENTS = """
query ($id: ID!, $after: String!) { events(workspaceId: $id, after: $after) { nodes {
  ... on ConversationChanged { change conversation { scheduledMessages { state } } }
} } }
"""
CURSOR = "query ($id: ID!) { workspace(id: $id) { eventCursor } }"
CHANGES = (
    "MESSAGE_SCHEDULED",
    "MESSAGE_SCHEDULED",
    "SCHEDULED_MESSAGE_CANCELLED",
    "SCHEDULED_MESSAGE_SENT",
)
WAITING = {
    "text": "Dear $contact.name",
    "cancelOnReply": True,
    "state": "SCHEDULED",
    "cancelReason": None,
    "failureCode": None,
    "version": 1,
    "message": None,
}
TABLES = ("scheduled_message", "contact_channel", "conversation", "event", "job", "message")


def ahead(**period: float) -> str:
    """Return a moment that much ahead, as a client writes it."""
    return (now() + timedelta(**period)).isoformat()


async def schedule(api: Api, who: Any, row: Any, text: str = "Hi", **more: Any) -> Any:
    """Schedule a message, for in an hour unless said; return the payload."""
    given = {"conversationId": conversation_id(row), "text": text, "sendAt": ahead(hours=1)}
    return (await api.ask(who, SCHEDULE, input=given | more))["scheduleMessage"]


async def cancel(api: Api, who: Any, key: str) -> Any:
    """Cancel a scheduled message; return the payload."""
    given = {"scheduledMessageId": key}
    return (await api.ask(who, CANCEL, input=given))["cancelScheduledMessage"]


async def shown(api: Api, who: Any, row: Any) -> Any:
    """Return the scheduled messages of a conversation as somebody sees them."""
    data = await api.ask(who, LIST, id=conversation_id(row))
    return data["conversation"]["scheduledMessages"]


def refusal(code: str, *field: str) -> dict[str, Any]:
    """Return the payload of a refusal."""
    return {"scheduledMessage": None, "userErrors": [{"code": code, "field": list(field)}]}


def test_the_rules() -> None:
    moment = now()
    for period, code in (
        (timedelta(seconds=-1), Code.TIME_IN_PAST),
        (timedelta(seconds=LEAST_SECONDS - 1), Code.TIME_IN_PAST),
        (timedelta(seconds=LEAST_SECONDS), None),
        (timedelta(days=MAX_DAYS), None),
        (timedelta(days=MAX_DAYS, seconds=1), Code.TIME_TOO_FAR),
    ):
        assert _code(lambda send_at: check_moment(send_at, moment), moment + period) is code
    assert cancels(ScheduleState.SCHEDULED)
    assert not cancels(ScheduleState.CANCELLED)
    for state in (ScheduleState.SENT, ScheduleState.FAILED):
        with pytest.raises(Refused) as refused:
            cancels(state)
        assert refused.value.code is Code.WRONG_STATE


def _code(check: Any, send_at: datetime) -> Code | None:
    try:
        check(send_at)
    except Refused as refused:
        assert refused.field == ("sendAt",)
        return refused.code
    return None


async def test_from_scheduling_to_sending_or_cancelling(api: Api, world: World) -> None:
    await world.connect(accepts_reply_to=True)
    heard, ada, program = await world.hear(), await world.add("Ada"), await api_key(world)
    after = (await api.ask(ada, CURSOR, id=world.id))["workspace"]["eventCursor"]
    named = {
        "channelId": encode_id("Channel", world.channels[0].id),
        "replyToMessageId": encode_id("Message", heard.id),
        "sendAt": ahead(hours=2),
        "cancelOnReply": True,
        "idempotencyKey": "1",
    }
    first = await schedule(api, ada, heard, "Dear $contact.name", **named)
    assert first["userErrors"] == []
    row = first["scheduledMessage"]
    assert row == WAITING | {one: row[one] for one in ("id", "sendAt")} | {
        "author": {"name": "Ada"},
        "channel": {"id": named["channelId"]},
        "replyTo": {"text": "Hello"},
    }
    assert await schedule(api, ada, heard, "Dear $contact.name", **named) == first
    assert await schedule(api, ada, heard, "Another", **named) == refusal(
        "IDEMPOTENCY_KEY_REUSED", "idempotencyKey"
    )
    sooner = (await schedule(api, program, heard))["scheduledMessage"]
    assert (sooner["author"], sooner["channel"], sooner["replyTo"]) == (None, None, None)
    assert [one["id"] for one in await shown(api, ada, heard)] == [sooner["id"], row["id"]]
    for _ in range(2):
        gone = await cancel(api, world.owner, sooner["id"])
        reason = {"state": "CANCELLED", "cancelReason": "CANCELLED_BY_MEMBER", "version": 2}
        assert gone == {"scheduledMessage": sooner | reason, "userErrors": []}
    await check_told(api, world, after, *CHANGES[:3])


async def test_at_its_moment_it_is_a_message_as_all_others(api: Api, world: World) -> None:
    await world.connect(accepts_reply_to=True)
    heard, ada = await world.hear(), await world.add("Ada")
    after = (await api.ask(ada, CURSOR, id=world.id))["workspace"]["eventCursor"]
    named = {
        "replyToMessageId": encode_id("Message", heard.id),
        "sendAt": ahead(hours=2),
        "idempotencyKey": "1",
    }
    row = (await schedule(api, ada, heard, "Dear $contact.name", **named))["scheduledMessage"]
    await let_time_pass(7000)
    await run_jobs()
    assert await Message.filter(direction="OUTGOING").count() == 0
    await act(api, ada, "closeConversation", heard)
    await let_time_pass(300)
    await run_jobs()
    [sent] = await shown(api, ada, heard)
    assert (sent["id"], sent["state"], sent["version"]) == (row["id"], "SENT", 2)
    assert sent["message"] == {"text": "Dear Carla", "author": {"name": "Ada"}}
    message = await Message.get(direction="OUTGOING").select_related("conversation")
    assert (message.reply_to_id, message.source.value) == (heard.id, "USER")
    assert message.conversation.status.value == "OPEN"
    assert await cancel(api, ada, row["id"]) == refusal("WRONG_STATE", "scheduledMessageId")
    assert await schedule(api, ada, heard, "Dear $contact.name", **named) == {
        "scheduledMessage": sent,
        "userErrors": [],
    }
    await check_told(api, world, after, CHANGES[0], CHANGES[3])


async def check_told(api: Api, world: World, after: str, *changes: str) -> None:
    """Show that who sees the conversation has heard of these, and who does not of none."""
    blind = await world.add("Ian", visibility=Visibility.OWN)
    for who, expected in (
        (world.owner, [*changes]),
        (await api_key(world), [*changes]),
        (blind, []),
    ):
        told = (await api.ask(who, EVENTS, id=world.id, after=after))["events"]["nodes"]
        assert [one["change"] for one in told if one.get("change") in CHANGES] == expected


async def test_what_is_refused_changes_nothing(api: Api, world: World) -> None:
    heard, other = await world.hear(), await world.hear(sender="kim")
    elsewhere = await make_world("Elsewhere")
    foreign = await elsewhere.hear()
    blind = await world.add("Ian", visibility=Visibility.OWN)
    unreachable, blocked = await world.conversation("Zoe"), await world.conversation("Spam")
    handled = await world.hear(sender="robo")
    own = Conversation.filter(id=handled.conversation_id)
    await own.update(ai_agent_id=(await world.ai_agent()).id)
    await Conversation.filter(id=blocked.id).update(blocked_at=now())
    viewer, plan = await world.owner.viewer(), Plan("Hi", now() + timedelta(hours=1))
    stranger = await elsewhere.owner.viewer()
    theirs = await schedule_message(stranger, foreign.conversation_id, plan)
    full = await world.hear(sender="full")
    for _ in range(MAX_WAITING):
        last = await schedule_message(viewer, full.conversation_id, plan)
    before = await snapshot(*TABLES)
    reply_to = {"replyToMessageId": encode_id("Message", other.id)}
    channel = {"channelId": encode_id("Channel", elsewhere.channels[0].id)}
    for who, row, given, code, field in (
        (world.owner, heard, {"text": " "}, "BLANK", "text"),
        (world.owner, heard, {"text": "x" * 7001}, "TOO_LONG", "text"),
        (world.owner, heard, {"sendAt": ahead(seconds=5)}, "TIME_IN_PAST", "sendAt"),
        (world.owner, heard, {"sendAt": ahead(days=367)}, "TIME_TOO_FAR", "sendAt"),
        (world.owner, heard, reply_to, "NOT_FOUND", "replyToMessageId"),
        (world.owner, heard, channel, "NOT_FOUND", "channelId"),
        (world.owner, unreachable, {}, "NO_CHANNEL", "channelId"),
        (world.owner, blocked, {}, "BLOCKED", "conversationId"),
        (world.owner, handled, {}, "AI_HANDLING", "conversationId"),
        (world.owner, full, {}, "WRONG_STATE", "conversationId"),
        (world.owner, foreign, {}, "NOT_FOUND", "conversationId"),
        (blind, heard, {}, "NOT_FOUND", "conversationId"),
    ):
        assert await schedule(api, who, row, **given) == refusal(code, field), (code, field)
    for who, key in ((world.owner, theirs.id), (blind, last.id), (world.owner, 999_999)):
        answer = await cancel(api, who, encode_id("ScheduledMessage", key))
        assert answer == refusal("NOT_FOUND", "scheduledMessageId")
    assert await snapshot(*TABLES) == before


async def test_a_first_contact_is_made_when_it_is_sent(api: Api, world: World) -> None:
    await world.connect()
    row = await world.conversation("Zoe", phone="+33612345678")
    assert (await schedule(api, world.owner, row))["userErrors"] == []
    assert await ContactChannel.all().count() == 0
    await let_time_pass(3700)
    await run_jobs()
    [one] = await shown(api, world.owner, row)
    assert one["state"] == "SENT"
    assert (await ContactChannel.get()).external_id == "+33612345678"


async def test_a_list_costs_the_same_for_one_and_for_many(api: Api, world: World) -> None:
    viewer, rows = await world.owner.viewer(), []
    await world.connect()
    channel = await Channel.get()
    for sender in ("carla", "kim", "zoe"):
        heard = await world.hear(sender=sender)
        rows.append(heard)
        for hours in (3, 1, 2):
            plan = Plan(f"in {hours}", now() + timedelta(hours=hours))
            await schedule_message(viewer, heard.conversation_id, plan)
    ids = [conversation_id(row) for row in rows]
    counts = []
    for asked in (ids[:1], ids):
        await ScheduledMessage.all().update(channel_id=channel.id, reply_to_id=rows[0].id)
        with sql.count_statements() as counter:
            found = (await api.ask(world.owner, NODES, ids=asked))["nodes"]
        counts.append(counter.total)
        for node in found:
            assert [one["text"] for one in node["scheduledMessages"]] == ["in 1", "in 2"]
    assert counts[0] == counts[1] <= 10
