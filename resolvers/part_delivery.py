"""Part delivery: the calls of a message that takes several, one after another, each at most once.

A message of one call goes through `delivery.py`, which this leaves as it is.
"""

from collections.abc import Sequence

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
)
from connectors.http import GuardedClient
from models.clock import now
from models.engine import sql
from models.message import Message, MessageSource, MessageStatus
from models.message_part import MessagePart
from realtime.jobs import MAX_ATTEMPTS, ClaimedJob, LeaseLost, Retry, outlast
from realtime.transaction import transaction
from resolvers.message_part import (
    NOT_GONE,
    NOT_SENT,
    note,
    note_whole,
    parts_of_message,
    taken_by,
)
from resolvers.outgoing_files import files_for_vendor
from resolvers.thread import hold_message

STOPPED = (NOT_SENT, "A part before it failed, or may not have arrived.")

log = structlog.get_logger()


async def deliver_parts(client: GuardedClient, job: ClaimedJob) -> None:
    """Bring the parts of a message to their vendor, in order, until one does not arrive.

    The attempt at each is marked before its request leaves and its outcome is committed before the
    next: a process that takes over goes on behind the last certain part.
    """
    message = (
        await Message.filter(id=job.payload["message_id"])
        .select_related("contact_channel__channel")
        .first()
    )
    if message is None:
        return
    try:
        while (part := next_part(parts := await parts_of_message(message.id))) is not None:
            if part.attempt_started_at is None and not all_went(parts[: part.position]):
                await _settle(job, message, part.position - 1, None)
            else:
                await _deliver(client, job, message, part)
    except (LeaseLost, Retry):
        raise
    except Exception:
        if job.attempts < MAX_ATTEMPTS:
            raise
        log.exception("delivery_given_up", message_id=message.id)
        await _settle_at_last(job, message)


def next_part(parts: Sequence[MessagePart]) -> MessagePart | None:
    """Return the part that is to leave now: the first that has not; None after the last."""
    return next((part for part in parts if part.status is MessageStatus.PENDING), None)


def all_went(parts: Sequence[MessagePart]) -> bool:
    """Tell whether none of these parts failed or is uncertain."""
    return not any(part.status in NOT_GONE for part in parts)


async def _deliver(
    client: GuardedClient, job: ClaimedJob, message: Message, part: MessagePart
) -> None:
    """Make one attempt at a part, and write or raise what becomes of it."""
    channel = message.contact_channel.channel
    in_doubt = part.attempt_started_at is not None
    may_repeat = channel.accepts_idempotency_key
    outcome: SendOutcome
    if in_doubt and not may_repeat:
        outcome = Unknown("The server stopped while it was sending this part.")
    else:
        await _mark_attempt(job, part, may_repeat=may_repeat)
        address = ChannelAddress(channel.base_url, channel.token, channel.handle, may_repeat)
        outcome = await custom.send(client, address, await _outgoing(message, part))
        if job.attempts < MAX_ATTEMPTS:
            await _try_again(part, outcome, may_repeat, in_doubt)
        if in_doubt and isinstance(outcome, RetryLater):
            outcome = Unknown(outcome.reason)
    await outlast(lambda: _settle(job, message, part.position, outcome))


async def _outgoing(message: Message, part: MessagePart) -> OutgoingMessage:
    """Return one call; only the first says what the message answers."""
    files = await files_for_vendor(message) if part.file_count else ()
    files = files[taken_by(part).files]
    return OutgoingMessage(
        message.contact_channel.external_id,
        f"parley-{message.id}-{part.position}",
        (message.full_text or message.text or "") if part.has_text else "",
        ContentKind.ATTACHMENT if files else ContentKind.TEXT,
        reply_to_external_id=message.reply_to_external_id if part.position == 0 else None,
        files=files,
    )


async def _mark_attempt(job: ClaimedJob, part: MessagePart, *, may_repeat: bool) -> None:
    """Commit that a part is about to leave, if the job is still ours and the part did not."""
    part.attempt_started_at = now()
    marked = await sql.affected(
        "UPDATE message_part SET attempt_started_at = ? WHERE id = ? AND status = 'PENDING'"
        " AND (attempt_started_at IS NULL OR ?)"
        " AND EXISTS (SELECT 1 FROM job WHERE id = ? AND fence = ?)",
        part.attempt_started_at,
        part.id,
        may_repeat,
        job.id,
        job.fence,
    )
    if not marked:
        raise LeaseLost(f"job {job.id}")


async def _try_again(
    part: MessagePart, outcome: SendOutcome, may_repeat: bool, in_doubt: bool
) -> None:
    """Raise Retry where another attempt cannot duplicate; the mark stays while any is in doubt."""
    if isinstance(outcome, RetryLater):
        if not in_doubt:
            marked = MessagePart.filter(id=part.id, attempt_started_at=part.attempt_started_at)
            await marked.update(attempt_started_at=None)
        raise Retry(outcome.reason, after_seconds=outcome.after_seconds)
    if isinstance(outcome, Unknown) and may_repeat:
        raise Retry(outcome.reason)


async def _settle(
    job: ClaimedJob, message: Message, position: int, outcome: SendOutcome | None
) -> None:
    """Write what is known after an attempt at a part; what did not arrive stops the rest.

    None: there was no attempt, as the vendor has reported meanwhile that it failed. That the
    vendor took it stays true also where the lease was lost.
    """
    async with transaction() as announce:
        held = await hold_message(message)
        if held is None:  # its contact was deleted meanwhile, and the job with them
            return
        parts = await parts_of_message(held.id)
        if outcome is not None:
            await _note(held, parts[position], outcome)
        if not all_went(parts[: position + 1]):
            for part in parts[position + 1 :]:
                if part.status is MessageStatus.PENDING:
                    await note(part, MessageStatus.FAILED, failure=STOPPED)
        await note_whole(held, parts, announce)
        if isinstance(outcome, Sent):
            # Each part may be tried as often as a message.
            await sql.affected(
                "UPDATE job SET attempts = 0 WHERE id = ? AND fence = ?", job.id, job.fence
            )
        else:
            await job.complete()


async def _note(message: Message, part: MessagePart, outcome: SendOutcome) -> None:
    """Write what an attempt made of its part; the first part's id is that of the message."""
    part.attempt_started_at = None
    match outcome:
        case Sent(external_id):
            part.external_id = await _freed_id(message, part, external_id)
            if part.position == 0:
                message.external_id = part.external_id
            await note(part, MessageStatus.SENT)
        case Unknown():
            await note(part, MessageStatus.UNCERTAIN)
        case FailedForGood(code, text):
            await note(part, MessageStatus.FAILED, failure=(code, text))
        case RetryLater(reason):
            await note(part, MessageStatus.FAILED, failure=("UNREACHABLE", reason))


async def _freed_id(message: Message, part: MessagePart, external_id: str) -> str | None:
    """Return the vendor's id of a part, taken from its echo if that came first.

    None where the vendor has given the same id to something else of ours.
    """
    same = Message.filter(channel_id=part.channel_id, external_id=external_id)
    await same.filter(conversation_id=message.conversation_id, source=MessageSource.ECHO).update(
        external_id=None
    )
    others = MessagePart.filter(channel_id=part.channel_id, external_id=external_id)
    taken = await same.exclude(id=message.id).exists() or (
        await others.exclude(id=part.id).exists()
    )
    return None if taken else external_id


async def _settle_at_last(job: ClaimedJob, message: Message) -> None:
    """End a delivery that failed for reasons of our own, before its job is buried."""
    part = next_part(await parts_of_message(message.id))
    if part is None:
        return
    outcome: SendOutcome = FailedForGood("INTERNAL", "The server could not send this part.")
    if part.attempt_started_at is not None:
        outcome = Unknown("The server failed while it was sending this part.")
    await _settle(job, message, part.position, outcome)
