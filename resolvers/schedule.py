"""Scheduled messages: written now and sent at a moment, unless they are cancelled before."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from models.clock import now
from models.contact_channel import ContactChannel
from models.engine import sql
from models.queries import lock_conversation
from models.records import ConversationRecord
from models.refusal import Code, Refused
from models.scheduled_message import CancelReason, ScheduledMessage, ScheduleState
from realtime.schedule_events import MessageScheduled, ScheduledMessageCancelled
from realtime.transaction import Announce, transaction
from resolvers.access import hold_conversation, sees
from resolvers.attaching import attach, said_with
from resolvers.batches import scheduled_messages_by_id
from resolvers.channel_target import Way
from resolvers.composed import ANYHOW, Composed, make_ready
from resolvers.email_message import Envelope, said_of
from resolvers.file_erasure import release_files
from resolvers.idempotency import KeyUse, Settled
from resolvers.rights import Right
from resolvers.thread import Target
from resolvers.transfer import actor_in
from resolvers.viewer import Viewer, hidden, require

LEAST_SECONDS = 10
"""How far ahead the moment is at least."""
MAX_DAYS = 366
MAX_WAITING = 100
"""How many messages may wait in a conversation."""
SEND_SCHEDULED = "send_scheduled"
OWNER = "scheduled_message"
"""What files belong to while it waits."""
FIRST_WAITING = (
    "CASE WHEN state = 'SCHEDULED' THEN 0 ELSE 1 END,"
    " CASE WHEN state = 'SCHEDULED' THEN send_at END, updated_at DESC, id DESC"
)
"""The order of a conversation's: those that wait by their moment, then what ended last."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be sent, how and when."""

    text: str
    send_at: datetime
    way: Way = ANYHOW
    cancel_on_reply: bool = False
    file_ids: tuple[int, ...] = ()
    email: Envelope | None = None

    @property
    def composed(self) -> Composed:
        """Return what is to be sent, and how."""
        return Composed(self.text, self.way, self.file_ids, self.email)

    def cleaned(self) -> "Plan":
        """Return it without what means nothing; refuse what no message says."""
        clean = self.composed.cleaned()
        return replace(self, text=clean.text, email=clean.email)

    def said(self, conversation_id: int) -> list[object]:
        """Return what tells one call from another."""
        moment = self.send_at.isoformat()
        way = [self.way.channel_id, self.way.reply_to_id]
        said = [conversation_id, self.text, moment, self.cancel_on_reply, *way]
        return [*said_with(said, self.file_ids), *said_of(self.email)]


def check_moment(send_at: datetime, moment: datetime) -> None:
    """Refuse a moment less than 10 seconds, or more than 366 days, ahead."""
    if send_at < moment + timedelta(seconds=LEAST_SECONDS):
        raise Refused(
            Code.TIME_IN_PAST,
            "Choose a moment at least {seconds} seconds ahead.",
            field=("sendAt",),
            seconds=LEAST_SECONDS,
        )
    if send_at > moment + timedelta(days=MAX_DAYS):
        raise Refused(
            Code.TIME_TOO_FAR,
            "A message can be scheduled at most {days} days ahead.",
            field=("sendAt",),
            days=MAX_DAYS,
        )


def cancels(state: ScheduleState) -> bool:
    """Tell whether cancelling changes a scheduled message; refuse where it is too late.

    One that is cancelled already stays so.
    """
    if state in (ScheduleState.SENT, ScheduleState.FAILED):
        raise Refused(
            Code.WRONG_STATE,
            "This message does not wait any more.",
            field=("scheduledMessageId",),
        )
    return state is ScheduleState.SCHEDULED


async def schedule_message(
    viewer: Viewer, conversation_id: int, plan: Plan, *, idempotency_key: str | None = None
) -> ScheduledMessage:
    """Have a message sent at a moment with the rights that the viewer has then.

    What `send_message` would refuse now is refused, and what it refuses then fails. Its files are
    held until then. The same key with the same input returns the first one, whatever has become of
    it.
    """
    plan = plan.cleaned()
    async with Settled(idempotency_key), transaction() as announce:
        conversation = await hold_conversation(
            viewer, conversation_id, Right.REPLY, also_blocked=True
        )
        use = KeyUse(viewer, conversation.workspace_id, "scheduleMessage", idempotency_key)
        first = await use.first_result(plan.said(conversation_id))
        if first is not None:
            return await _hold(viewer, first)
        check_moment(plan.send_at, now())
        ready = await make_ready(viewer, conversation, plan.composed, is_trial=True)
        await _check_count(conversation_id)
        row = await _add(viewer, conversation, plan, ready.target)
        attach(OWNER, row.id, ready.files, announce)
        use.remember(row.id, announce)
        announce.job(SEND_SCHEDULED, {"scheduled_message_id": row.id}, run_at=row.send_at)
        announce(MessageScheduled(row.workspace_id, conversation_id, row.id))
    return row


async def _check_count(conversation_id: int) -> None:
    waiting = ScheduledMessage.filter(
        conversation_id=conversation_id, state=ScheduleState.SCHEDULED
    )
    if await waiting.count() >= MAX_WAITING:
        raise Refused(
            Code.WRONG_STATE,
            "At most {limit} messages wait in a conversation.",
            field=("conversationId",),
            limit=MAX_WAITING,
        )


async def _add(
    viewer: Viewer, conversation: ConversationRecord, plan: Plan, target: Target
) -> ScheduledMessage:
    """Write what waits; on a chosen channel it is to be read by whom it would reach now."""
    moment, email = now(), plan.email
    is_chosen = plan.way.channel_id is not None
    return await ScheduledMessage.create(
        workspace_id=conversation.workspace_id,
        conversation_id=conversation.id,
        actor=actor_in(viewer, conversation.workspace_id),
        author_id=viewer.member_id(conversation.workspace_id),
        text=plan.text,
        channel_id=plan.way.channel_id,
        contact_channel_id=target.contact_channel_id or None if is_chosen else None,
        reply_to_id=plan.way.reply_to_id,
        subject=email.subject if email else None,
        cc="\n".join(email.cc) if email else None,
        bcc="\n".join(email.bcc) if email else None,
        send_at=plan.send_at,
        cancel_on_reply=plan.cancel_on_reply,
        created_at=moment,
        updated_at=moment,
    )


async def cancel_scheduled_message(viewer: Viewer, scheduled_id: int) -> ScheduledMessage:
    """Cancel a message that waits; one that is cancelled stays as it is."""
    async with transaction() as announce:
        row = await _hold(viewer, scheduled_id)
        if cancels(row.state):
            row.cancel_reason = CancelReason.CANCELLED_BY_MEMBER
            await end(row, ScheduleState.CANCELLED, "cancel_reason")
            announce(ScheduledMessageCancelled(row.workspace_id, row.conversation_id, row.id))
    return row


async def hold_scheduled(
    scheduled_id: int,
) -> tuple[ScheduledMessage, ConversationRecord] | None:
    """Return a scheduled message as it is, its conversation locked until the transaction ends.

    It may be in another conversation by now. None where its contact was deleted.
    """
    found = (await scheduled_messages_by_id([scheduled_id])).get(scheduled_id)
    while found is not None:
        conversation = await lock_conversation(found.conversation_id)
        found = (await scheduled_messages_by_id([scheduled_id])).get(scheduled_id)
        if found is None or conversation is None:
            return None
        if found.conversation_id == conversation.id:
            is_there = conversation.workspace_id == found.workspace_id
            return (found, conversation) if is_there else None
    return None


async def _hold(viewer: Viewer, scheduled_id: int) -> ScheduledMessage:
    """Return one of a conversation that the viewer sees and may reply to, locked as above."""
    held = await hold_scheduled(scheduled_id)
    if held is None or not sees(viewer, held[1]):
        raise hidden(("scheduledMessageId",))
    require(viewer, held[1].workspace_id, Right.REPLY)
    return held[0]


async def end(row: ScheduledMessage, state: ScheduleState, *names: str) -> None:
    """Write what has become of a held message, and why in the named columns.

    Its files are those of the message that it became, or its author's again.
    """
    row.state, row.updated_at = state, now()
    row.version += 1
    await row.save(update_fields=["state", "updated_at", "version", *names])
    if state is not ScheduleState.SENT:
        await release_files(OWNER, [row.id])
        return
    await sql.affected(
        "DELETE FROM scheduled_message_attachment WHERE scheduled_message_id = ?", row.id
    )


async def cancel_waiting(
    conversation: ConversationRecord,
    reason: CancelReason,
    announce: Announce,
    *,
    only_on_reply: bool = False,
) -> None:
    """Cancel what waits in a locked conversation; perhaps only what a reply cancels."""
    condition = " AND cancel_on_reply" if only_on_reply else ""
    cancelled = await sql.rows(
        "UPDATE scheduled_message SET state = 'CANCELLED', cancel_reason = ?, updated_at = ?,"
        " version = version + 1 WHERE conversation_id = ? AND state = 'SCHEDULED'"
        f"{condition} RETURNING id",
        reason.value,
        now(),
        conversation.id,
    )
    if not cancelled:
        return
    keys = sorted(row["id"] for row in cancelled)
    await release_files(OWNER, keys)
    for key in keys:
        announce(ScheduledMessageCancelled(conversation.workspace_id, conversation.id, key))


async def join_scheduled(kept: ConversationRecord, merged: ConversationRecord) -> None:
    """Move what was scheduled in a conversation to another one, both of them locked.

    What waits goes to the identity of the contact to which it would have gone.
    """
    last = await ContactChannel.filter(id=merged.last_channel_id or 0).first()
    if last is not None:
        await sql.affected(
            "UPDATE scheduled_message SET channel_id = ?, contact_channel_id = ?"
            " WHERE conversation_id = ? AND state = 'SCHEDULED' AND channel_id IS NULL",
            last.channel_id,
            last.id,
            merged.id,
        )
    await sql.affected(
        "UPDATE scheduled_message SET conversation_id = ?, version = version + 1"
        " WHERE conversation_id = ?",
        kept.id,
        merged.id,
    )


async def scheduled_of_conversations(
    keys: Collection[tuple[int, int]],
) -> dict[tuple[int, int], list[ScheduledMessage]]:
    """Return the first ones of conversations, for pairs of conversation and limit."""
    most = max(limit for _, limit in keys)
    ranked = await sql.records(
        "SELECT id FROM (SELECT id, conversation_id, ROW_NUMBER() OVER ("
        f"PARTITION BY conversation_id ORDER BY {FIRST_WAITING}) AS place FROM scheduled_message"
        f" WHERE {sql.among('conversation_id')}) ranked WHERE place <= {int(most)}"
        " ORDER BY conversation_id, place",
        sql.group({conversation for conversation, _ in keys}),
    )
    rows = await scheduled_messages_by_id([row[0] for row in ranked])
    found: dict[int, list[ScheduledMessage]] = defaultdict(list)
    for (key,) in ranked:
        if key in rows:
            found[rows[key].conversation_id].append(rows[key])
    return {key: found[key[0]][: key[1]] for key in keys}
