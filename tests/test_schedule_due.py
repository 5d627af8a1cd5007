"""Scheduled messages when something comes first, and when their moment comes: once, or not."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from models.api_key import ApiKey
from models.channel import Channel
from models.clock import now
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.engine import sql
from models.member import Member, Visibility
from models.message import Message
from models.refusal import Code, Refused
from models.scheduled_message import CancelReason, ScheduledMessage, ScheduleState
from realtime.events import MessageAdded
from realtime.jobs import claim
from realtime.schedule_events import (
    MessageScheduled,
    ScheduledMessageCancelled,
    ScheduledMessageFailed,
    ScheduledMessageSent,
)
from resolvers.authentication import viewer_of_key
from resolvers.block import block_contact, unblock_contact
from resolvers.channel_target import Way
from resolvers.contact_deletion import delete_contact
from resolvers.contact_merge import merge_contacts
from resolvers.member import remove_member
from resolvers.message import send_message
from resolvers.schedule import Plan, cancel_scheduled_message, schedule_message
from resolvers.schedule_due import send_scheduled
from resolvers.viewer import Viewer
from tests.acting import api_key
from tests.world import World, let_time_pass, run_jobs, webhook

AN_HOUR = 3700.0
SCHEDULE_FACTS = (
    MessageScheduled,
    ScheduledMessageCancelled,
    ScheduledMessageSent,
    ScheduledMessageFailed,
)


async def planned(
    viewer: Viewer, row: Message, text: str = "Later", **options: Any
) -> ScheduledMessage:
    """Schedule a message for in an hour."""
    plan = Plan(text, now() + timedelta(hours=1), **options)
    return await schedule_message(viewer, row.conversation_id, plan)


async def reread(row: ScheduledMessage) -> ScheduledMessage:
    """Return a scheduled message as it is now."""
    return await ScheduledMessage.get(id=row.id)


async def told(world: World) -> list[str]:
    """Return what was told of scheduled messages, but that they were scheduled."""
    facts = [fact for fact in await world.facts() if isinstance(fact, SCHEDULE_FACTS[1:])]
    return [type(fact).__name__ for fact in facts]


async def echo(world: World) -> None:
    """A colleague answers in the vendor's own app."""
    content = {"type": "text", "text": "Echo"}
    event = {"type": "message_echo", "mId": "echo", "message": content}
    await webhook(world.channels[0], "carla", event)
    await run_jobs()


async def test_a_reply_cancels_what_is_to_be_and_a_block_all(world: World) -> None:
    heard, viewer = await world.hear(), await world.owner.viewer()
    shy, bold = await planned(viewer, heard, cancel_on_reply=True), await planned(viewer, heard)
    other = await planned(viewer, await world.hear(sender="kim"), cancel_on_reply=True)
    await echo(world)
    await send_message(viewer, heard.conversation_id, text="Hi")
    assert (await reread(shy)).state is ScheduleState.SCHEDULED
    await world.hear("I am here")
    row = await reread(shy)
    assert (row.state, row.cancel_reason) == (
        ScheduleState.CANCELLED,
        CancelReason.CONTACT_REPLIED,
    )
    contact = heard.conversation.contact_id
    await block_contact(viewer, contact)
    row = await reread(bold)
    assert (row.state, row.cancel_reason) == (
        ScheduleState.CANCELLED,
        CancelReason.CONTACT_BLOCKED,
    )
    # nothing that a blocked contact writes does anything, also to what was there before a block
    await ScheduledMessage.filter(id=shy.id).update(state="SCHEDULED", cancel_reason=None)
    spam = await world.hear("Buy now")
    assert spam.is_quarantined
    assert (await reread(shy)).state is ScheduleState.SCHEDULED
    await block_contact(viewer, contact)
    await ScheduledMessage.filter(id=shy.id).delete()
    await unblock_contact(viewer, contact)
    assert (await reread(other)).state is ScheduleState.SCHEDULED
    await let_time_pass(AN_HOUR)
    await run_jobs()
    assert await Message.filter(text="Later").count() == 1
    assert await told(world) == [
        "ScheduledMessageCancelled",
        "ScheduledMessageCancelled",
        "ScheduledMessageSent",
    ]


async def test_what_ended_never_changes_again(world: World) -> None:
    heard, viewer = await world.hear(), await world.owner.viewer()
    ends = {
        ScheduleState.SENT: {"message_id": heard.id},
        ScheduleState.CANCELLED: {"cancel_reason": CancelReason.CONTACT_REPLIED},
        ScheduleState.FAILED: {"failure_code": Code.NO_CHANNEL.value},
    }
    for state, why in ends.items():
        row = await planned(viewer, heard, cancel_on_reply=True)
        await ScheduledMessage.filter(id=row.id).update(state=state, **why)
    before = await sql.rows("SELECT id, state, version FROM scheduled_message ORDER BY id")
    await let_time_pass(AN_HOUR)
    await sql.affected("UPDATE scheduled_message SET send_at = ?", now())
    for row in await ScheduledMessage.all():
        if row.state is ScheduleState.CANCELLED:
            await cancel_scheduled_message(viewer, row.id)
            continue
        with pytest.raises(Refused):
            await cancel_scheduled_message(viewer, row.id)
    await run_jobs()
    await world.hear("Here")
    await block_contact(viewer, heard.conversation.contact_id)
    after = await sql.rows("SELECT id, state, version FROM scheduled_message ORDER BY id")
    assert after == before
    assert await Message.filter(direction="OUTGOING").count() == 0
    assert await told(world) == []


OUTCOMES = {
    "removed": "FORBIDDEN",
    "blinded": "FORBIDDEN",
    "program": "SENT",
    "robo": "AI_HANDLING",
    "channel": "NO_CHANNEL",
    "program and robo": "SENT",
}


async def planned_by_all(world: World, program: Viewer, second: Channel) -> dict[str, Any]:
    """Schedule messages of all who will be in another state then, to one contact each."""
    rows = {}
    for name in OUTCOMES:
        heard, way = await world.hear(sender=name.replace(" ", "-")), Way()
        who = await world.add(name.title()) if name in ("removed", "blinded") else world.owner
        if name == "channel":
            await ContactChannel.create(
                contact_id=heard.conversation.contact_id,
                channel_id=second.id,
                external_id="x",
                created_at=now(),
            )
            way = Way(second.id)
        viewer = program if "program" in name else await who.viewer()
        rows[name] = await planned(viewer, heard, way=way)
    return rows


async def test_at_its_moment_its_author_must_still_be_able_to_write_it(world: World) -> None:
    owner, key = await world.owner.viewer(), await api_key(world)
    program = await viewer_of_key((await ApiKey.get()).id)
    assert key and program is not None
    await world.connect()
    second = await world.connect()
    rows = await planned_by_all(world, program, second)
    agent = await world.ai_agent()
    members = {member.user.name: member for member in await Member.all().select_related("user")}
    await remove_member(owner, members["Removed"].id)
    await Member.filter(id=members["Blinded"].id).update(visibility=Visibility.OWN)
    for name in ("robo", "program and robo"):
        own = Conversation.filter(id=rows[name].conversation_id)
        await own.update(ai_agent_id=agent.id)
    await Channel.filter(id=second.id).update(is_connected=False)
    await let_time_pass(AN_HOUR)
    await run_jobs()
    found = {name: await reread(row) for name, row in rows.items()}
    ends = {name: row.failure_code or row.state.value for name, row in found.items()}
    assert ends == OUTCOMES
    sent = await Message.filter(direction="OUTGOING")
    assert [(row.source.value, row.author_id) for row in sent] == 2 * [("API", None)]
    assert sorted(await told(world)) == 4 * ["ScheduledMessageFailed"] + 2 * [
        "ScheduledMessageSent"
    ]
    late = await planned(program, await world.hear(sender="late"))
    await ApiKey.all().update(revoked_at=now())
    await let_time_pass(AN_HOUR)
    await run_jobs()
    assert (await reread(late)).failure_code == "FORBIDDEN"


async def test_a_merge_moves_them_with_their_channel_and_a_deletion_ends_all(world: World) -> None:
    viewer = await world.owner.viewer()
    kept, merged = await world.hear(), await world.hear(sender="karla")
    any_way, chosen = await planned(viewer, merged, "any"), Way(world.channels[0].id)
    named = await planned(viewer, merged, "named", way=chosen)
    own = await planned(viewer, kept, "own", way=chosen)
    gone = await world.hear(sender="gone")
    await planned(viewer, gone, "gone")
    await world.hear("I am the last one")
    await merge_contacts(viewer, kept.conversation.contact_id, merged.conversation.contact_id)
    await delete_contact(viewer, gone.conversation.contact_id)
    await let_time_pass(AN_HOUR)
    await run_jobs()
    names = {row.id: row.external_id for row in await ContactChannel.all()}
    sent = await Message.filter(direction="OUTGOING")
    assert {row.text: names[row.contact_channel_id] for row in sent} == {
        "any": "karla",
        "named": "karla",
        "own": "carla",
    }
    assert {row.conversation_id for row in sent} == {kept.conversation_id}
    left = {row.id: row.state for row in await ScheduledMessage.all()}
    assert left == dict.fromkeys((any_way.id, named.id, own.id), ScheduleState.SENT)


async def test_two_workers_and_a_clock_put_back_send_it_once(world: World) -> None:
    heard, viewer = await world.hear(), await world.owner.viewer()
    row = await planned(viewer, heard)
    await let_time_pass(AN_HOUR)
    [job] = await claim()
    back = now() + timedelta(hours=1)
    await ScheduledMessage.filter(id=row.id).update(send_at=back)
    await send_scheduled(job)
    assert (await reread(row)).state is ScheduleState.SCHEDULED
    assert await claim() == []
    await let_time_pass(AN_HOUR)
    [first] = await claim()
    past = now() - timedelta(hours=1)
    await sql.affected("UPDATE job SET lease_until = ? WHERE id = ?", past, first.id)
    [second] = await claim()
    results = await asyncio.gather(
        send_scheduled(first), send_scheduled(second), return_exceptions=True
    )
    assert [type(result).__name__ for result in results] == ["LeaseLost", "NoneType"]
    sent = await Message.get(direction="OUTGOING")
    assert (await reread(row)).message_id == sent.id
    assert await told(world) == ["ScheduledMessageSent"]
    added = [fact for fact in await world.facts() if isinstance(fact, MessageAdded)]
    assert [fact.message_id for fact in added] == [heard.id, sent.id]


async def test_cancelling_and_sending_at_once_end_in_one_of_both(world: World) -> None:
    viewer, rows = await world.owner.viewer(), []
    for number in range(6):
        heard = await world.hear(sender=f"contact{number}")
        rows.append(await planned(viewer, heard, f"to {number}"))
    await let_time_pass(AN_HOUR)
    jobs = await claim()
    deeds: list[Any] = [send_scheduled(job) for job in jobs[:3]]
    for row, job in zip(rows, jobs, strict=True):
        deeds.append(cancel_scheduled_message(viewer, row.id))
        deeds += [send_scheduled(job)] if job in jobs[3:] else []
    outcomes = await asyncio.gather(*deeds, return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, Refused)]
    assert all(one.code is Code.WRONG_STATE for one in refused)
    assert [one for one in outcomes if isinstance(one, Exception)] == refused
    sent = {row.text for row in await Message.filter(direction="OUTGOING")}
    ended = [await reread(row) for row in rows]
    assert {row.text for row in ended if row.state is ScheduleState.SENT} == sent
    assert len(refused) == len(sent)
    assert {row.state for row in ended} <= {ScheduleState.SENT, ScheduleState.CANCELLED}
    assert len(await told(world)) == len(rows)
