"""Delivery: bringing outgoing messages to their vendor, and following what became of them."""

from datetime import datetime

import structlog

from connectors.channels import (
    ChannelAddress,
    ContentKind,
    FailedForGood,
    OutgoingMessage,
    RetryLater,
    SendOutcome,
    Sent,
    Unknown,
    custom,
    email_outbound,
)
from connectors.http import GuardedClient
from models.channel import ChannelKind
from models.clock import now
from models.conversation import Conversation
from models.engine import sql
from models.episode import Episode
from models.message import Message, MessageKind, MessageSource, MessageStatus
from models.records import MessageRow
from realtime.events import MessageStatusChanged, UnrepliedCleared
from realtime.jobs import MAX_ATTEMPTS, ClaimedJob, LeaseLost, Retry, outlast
from realtime.transaction import Announce, transaction
from resolvers.email_message import letter_of
from resolvers.masking import cut
from resolvers.outgoing_files import files_for_vendor
from resolvers.thread import hold_message

log = structlog.get_logger()

RANK = {
    MessageStatus.PENDING: 0,
    MessageStatus.UNCERTAIN: 0,
    MessageStatus.SENT: 1,
    MessageStatus.DELIVERED: 2,
    MessageStatus.READ: 3,
}
MOMENT_FIELDS = {
    MessageStatus.SENT: "sent_at",
    MessageStatus.DELIVERED: "delivered_at",
    MessageStatus.READ: "read_at",
    MessageStatus.FAILED: "failed_at",
}


def next_status(current: MessageStatus, reported: MessageStatus) -> MessageStatus:
    """Return the status after a report: it never goes backwards (guarantee G5).

    FAILED is reached from PENDING, UNCERTAIN or SENT; proof of delivery after FAILED wins.
    """
    if current is MessageStatus.FAILED:
        proof = reported in (MessageStatus.DELIVERED, MessageStatus.READ)
        return reported if proof else current
    if reported is MessageStatus.FAILED:
        return reported if RANK[current] <= RANK[MessageStatus.SENT] else current
    return reported if RANK[reported] > RANK[current] else current


async def report_status(
    message: Message,
    reported: MessageStatus,
    announce: Announce,
    *,
    at: datetime | None = None,
    failure: tuple[str, str] | None = None,
) -> None:
    """Apply a report to a message of a locked conversation; a late lower one sets its moment only,
    which is told, too: it is in the history that clients show.

    The first reply that reaches the vendor clears unreplied and counts as the first response.
    """
    fields = {"status", "external_id", "attempt_started_at"}
    moment_field = MOMENT_FIELDS.get(reported)
    if moment_field is not None and getattr(message, moment_field) is None:
        setattr(message, moment_field, at or now())
        fields.add(moment_field)
    status = next_status(message.status, reported)
    changed = status is not message.status
    message.status = status
    if changed and reported is MessageStatus.FAILED and failure is not None:
        message.failure_code, message.failure_text = failure[0][:64], cut(failure[1], 500)
        fields |= {"failure_code", "failure_text"}
    await message.save(update_fields=fields)
    if changed or moment_field in fields:
        announce(
            MessageStatusChanged(
                message.workspace_id, message.conversation_id, message.id, status.value
            )
        )
    if changed and RANK.get(status, 0) >= RANK[MessageStatus.SENT]:
        await reply_arrived(message, announce)


async def reply_arrived(message: MessageRow, announce: Announce) -> None:
    """Note a reply; it answers nothing that the contact wrote after it."""
    cleared = await Conversation.filter(
        id=message.conversation_id,
        incoming_count=message.incoming_count,
        unreplied_since__not_isnull=True,
    ).update(unreplied_since=None)
    await Episode.filter(
        conversation_id=message.conversation_id,
        closed_at=None,
        first_response_at=None,
        opened_source="CONTACT",
    ).update(first_response_at=now())
    if cleared:
        announce(UnrepliedCleared(message.workspace_id, message.conversation_id))


async def deliver_message(client: GuardedClient, job: ClaimedJob) -> None:
    """Bring one pending message to its vendor: one attempt at a time.

    The attempt is marked before the request leaves. An attempt whose outcome nobody knows is
    repeated only where the channel drops repeated idempotency keys; else the message is UNCERTAIN.
    """
    message = (
        await Message.filter(id=job.payload["message_id"])
        .select_related("contact_channel__channel")
        .first()
    )
    if message is None or message.status is not MessageStatus.PENDING:
        return
    try:
        await _deliver(client, job, message)
    except (LeaseLost, Retry):
        raise
    except Exception:
        if job.attempts < MAX_ATTEMPTS:
            raise
        log.exception("delivery_given_up", message_id=message.id)
        await _settle_at_last(job, message)


async def _deliver(client: GuardedClient, job: ClaimedJob, message: Message) -> None:
    """Make one attempt, and write or raise what becomes of it."""
    channel = message.contact_channel.channel
    in_doubt = message.attempt_started_at is not None
    outcome: SendOutcome
    if in_doubt and not channel.accepts_idempotency_key:
        outcome = Unknown("The server stopped while it was sending this message.")
    else:
        await _mark_attempt(job, message, may_repeat=channel.accepts_idempotency_key)
        outcome = await _attempt(client, message)
        if job.attempts < MAX_ATTEMPTS:
            await _try_again(message, outcome, channel.accepts_idempotency_key, in_doubt)
        if in_doubt and isinstance(outcome, RetryLater):
            outcome = Unknown(outcome.reason)
    await outlast(lambda: _settle(job, message, outcome))


async def _attempt(client: GuardedClient, message: Message) -> SendOutcome:
    """Hand a message to its channel's vendor."""
    channel = message.contact_channel.channel
    if channel.kind is ChannelKind.EMAIL:
        return await email_outbound.send(client, *await letter_of(message))
    address = ChannelAddress(
        channel.base_url, channel.token, channel.handle, channel.accepts_idempotency_key
    )
    return await custom.send(client, address, await _outgoing(message))


async def _outgoing(message: Message) -> OutgoingMessage:
    files = () if message.kind is MessageKind.TEXT else await files_for_vendor(message)
    return OutgoingMessage(
        message.contact_channel.external_id,
        f"parley-{message.id}",
        message.full_text or message.text or "",
        ContentKind.ATTACHMENT if files else ContentKind.TEXT,
        reply_to_external_id=message.reply_to_external_id,
        files=files,
    )


async def _settle_at_last(job: ClaimedJob, message: Message) -> None:
    """End a delivery that failed for reasons of our own, before its job is buried."""
    found = await Message.filter(id=message.id).first()
    if found is None:
        return
    outcome: SendOutcome = FailedForGood("INTERNAL", "The server could not send this message.")
    if found.attempt_started_at is not None:
        outcome = Unknown("The server failed while it was sending this message.")
    await _settle(job, found, outcome)


async def _mark_attempt(job: ClaimedJob, message: Message, *, may_repeat: bool) -> None:
    """Commit that a request is about to leave, if the job is still ours.

    Of two workers who both believe that it is, the message's row lets one through.
    """
    message.attempt_started_at = now()
    marked = await sql.affected(
        "UPDATE message SET attempt_started_at = ? WHERE id = ? AND status = 'PENDING'"
        " AND (attempt_started_at IS NULL OR ?)"
        " AND EXISTS (SELECT 1 FROM job WHERE id = ? AND fence = ?)",
        message.attempt_started_at,
        message.id,
        may_repeat,
        job.id,
        job.fence,
    )
    if not marked:
        raise LeaseLost(f"job {job.id}")


async def _try_again(
    message: Message, outcome: SendOutcome, may_repeat: bool, in_doubt: bool
) -> None:
    """Raise Retry where another attempt cannot duplicate; the mark stays while any is in doubt."""
    if isinstance(outcome, RetryLater):
        if not in_doubt:
            await Message.filter(
                id=message.id, attempt_started_at=message.attempt_started_at
            ).update(attempt_started_at=None)
        raise Retry(outcome.reason, after_seconds=outcome.after_seconds)
    if isinstance(outcome, Unknown) and may_repeat:
        raise Retry(outcome.reason)


async def _settle(job: ClaimedJob, message: Message, outcome: SendOutcome) -> None:
    """Write what is known after an attempt, together with the end of the job.

    That the vendor took the message stays true also where the lease was lost meanwhile.
    """
    async with transaction() as announce:
        held = await hold_message(message)
        if held is None:  # its contact was deleted meanwhile, and the job with them
            return
        message = held
        message.attempt_started_at = None
        match outcome:
            case Sent(external_id):
                message.external_id = await _freed_id(message, external_id)
                await report_status(message, MessageStatus.SENT, announce)
                await sql.affected("DELETE FROM job WHERE id = ?", job.id)
                return
            case Unknown():
                await _give_up(message, announce)
            case FailedForGood(code, text):
                failure = (code, text)
                await report_status(message, MessageStatus.FAILED, announce, failure=failure)
            case RetryLater(reason):
                failure = ("UNREACHABLE", reason)
                await report_status(message, MessageStatus.FAILED, announce, failure=failure)
        await job.complete()


async def _freed_id(message: Message, external_id: str) -> str | None:
    """Return the vendor's id of a message, taken from its echo if that came first.

    None where the vendor has given the same id to another message of ours.
    """
    same = Message.filter(channel_id=message.channel_id, external_id=external_id)
    await same.filter(conversation_id=message.conversation_id, source=MessageSource.ECHO).update(
        external_id=None
    )
    return None if await same.exclude(id=message.id).exists() else external_id


async def _give_up(message: Message, announce: Announce) -> None:
    """Mark a message whose outcome nobody knows; proof may still come."""
    if message.status is MessageStatus.PENDING:
        message.status = MessageStatus.UNCERTAIN
        await message.save(update_fields=["status", "attempt_started_at"])
        announce(
            MessageStatusChanged(
                message.workspace_id, message.conversation_id, message.id, "UNCERTAIN"
            )
        )
