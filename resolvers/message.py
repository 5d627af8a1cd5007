"""Messages: accepting what an agent writes, once, to be delivered by a job."""

from collections.abc import Collection, Sequence
from typing import Any

from connectors.channels import Capabilities
from models.attachment import Attachment
from models.conversation import ConversationStatus
from models.episode import ChangeSource
from models.message import Direction, Message, MessageKind, MessageSource, MessageStatus
from models.records import ConversationRecord, MessageRecord, MessageRow
from models.refusal import Code, Refused
from realtime.presence import tell_typing
from realtime.transaction import Announce, transaction
from resolvers.access import get_message, hold_conversation
from resolvers.attached import attachments_of_messages
from resolvers.attaching import attach, kind_of, said_with
from resolvers.channel_choice import reach_by
from resolvers.channel_target import Way, identity_of
from resolvers.composed import Composed, Ready, make_ready
from resolvers.composer import check_composer
from resolvers.conversation import caused_by, open_now, save_state
from resolvers.email_message import Envelope, keep_mail, mail_again, said_of
from resolvers.idempotency import KeyUse, Settled
from resolvers.message_part import divide, what_did_not_go
from resolvers.rights import Right
from resolvers.thread import Draft, Target, append, take_message_id
from resolvers.variables import Filled
from resolvers.viewer import Viewer

DELIVER_MESSAGE = "deliver_message"
DELIVER_PARTS = "deliver_parts"
"""The delivery of a message that takes several calls."""
RETRYABLE = (MessageStatus.FAILED, MessageStatus.UNCERTAIN)


async def send_message(
    viewer: Viewer,
    conversation_id: int,
    *,
    text: str = "",
    attachment_ids: Sequence[int] = (),
    channel_id: int | None = None,
    reply_to_id: int | None = None,
    email: Envelope | None = None,
    idempotency_key: str | None = None,
) -> MessageRow:
    """Accept a message for delivery, PENDING; without a channel, on the one used last.

    Its variables are filled in with what is known at this moment. A closed conversation opens. What
    it replies to is a message on that channel. The same key with the same input returns the first
    message, also where the composer is restricted by then; else it is refused there.
    """
    way = Way(channel_id, reply_to_id)
    composed = Composed(text, way, tuple(attachment_ids), email).cleaned()
    async with Settled(idempotency_key), transaction() as announce:
        conversation = await hold_conversation(
            viewer, conversation_id, Right.REPLY, also_blocked=True
        )
        use = KeyUse(viewer, conversation.workspace_id, "sendMessage", idempotency_key)
        said = [conversation_id, composed.text, channel_id]
        said = [*said_with(said, attachment_ids, reply_to_id), *said_of(composed.email)]
        first, found = await use.first_result_and(said, identity_of(conversation, way))
        if first is not None:
            return await get_message(viewer, first)
        message = await accept(viewer, conversation, composed, announce, found=found)
        use.remember(message.id, announce)
    _stop_typing(message)
    return message


async def accept(
    viewer: Viewer,
    conversation: ConversationRecord,
    composed: Composed,
    announce: Announce,
    *,
    held: Collection[int] = (),
    found: Sequence[Any] | None = None,
) -> MessageRecord:
    """Have a message to a locked conversation accepted, or refuse it, as `send_message` does.

    What is refused is so before anything is announced. Files may be held for it, and what
    `identity_of` finds may be known.
    """
    ready = await make_ready(viewer, conversation, composed, held=held, found=found)
    return await _enqueue(viewer, conversation, ready, announce)


def _stop_typing(message: MessageRow) -> None:
    """Tell that who wrote a message types no more."""
    if message.author_id is not None:
        place, typist = message.conversation_id, f"member:{message.author_id}"
        tell_typing(message.workspace_id, place, typist, surface="MESSAGE", is_typing=False)


async def retry_message(
    viewer: Viewer, message_id: int, *, idempotency_key: str | None = None
) -> MessageRow:
    """Send a failed or uncertain message again, or those parts of it, as a new one that names it.

    Refused while another retry of it is on its way or has arrived, and where the composer is
    restricted, but for a payment problem: to try again is how one finds that it is solved.
    """
    failed = await get_message(viewer, message_id, Right.REPLY)
    async with Settled(idempotency_key), transaction() as announce:
        conversation = await hold_conversation(
            viewer, failed.conversation_id, Right.REPLY, also_blocked=True
        )
        use = KeyUse(viewer, conversation.workspace_id, "retryMessage", idempotency_key)
        first = await use.first_result([message_id])
        if first is not None:
            return await get_message(viewer, first)
        failed = await get_message(viewer, message_id, Right.REPLY)
        again, files = await _check_retry(failed)
        reach = reach_by(failed.contact_channel)
        check_composer(
            conversation,
            reach,
            is_member=viewer.member_id(conversation.workspace_id) is not None,
            field="messageId",
        )
        target = Target(failed.contact_channel_id, failed.channel_id, await take_message_id())
        mail = await mail_again(failed, target.next_message_id)
        ready = Ready(target, reach.capabilities, again, files, mail=mail)
        message = await _enqueue(viewer, conversation, ready, announce, retried=failed)
        use.remember(message.id, announce)
    return message


def can_be_retried(message: MessageRow) -> bool:
    """Tell whether a message may be sent again: it failed, or nobody knows."""
    return message.status in RETRYABLE


async def _check_retry(failed: Message) -> tuple[Filled, Sequence[Attachment]]:
    """Return what of a message is to be sent again; refuse where that is nothing."""
    files = (await attachments_of_messages([failed.id]))[failed.id]
    left = await what_did_not_go(failed, files)
    if left is None or not can_be_retried(failed) or await _has_live_retry(failed):
        raise Refused(
            Code.WRONG_STATE,
            "Only a message that failed can be sent again, once at a time.",
            field=("messageId",),
        )
    has_text, again = left
    return Filled(failed.text or "", failed.full_text) if has_text else Filled(""), again


async def _has_live_retry(failed: Message) -> bool:
    return (
        await Message.filter(conversation_id=failed.conversation_id, retry_of_id=failed.id)
        .exclude(status=MessageStatus.FAILED)
        .exists()
    )


async def _enqueue(
    viewer: Viewer,
    conversation: ConversationRecord,
    ready: Ready,
    announce: Announce,
    *,
    retried: MessageRow | None = None,
) -> MessageRecord:
    """Have a pending message of a locked conversation written, its event and its delivery.

    A retry answers what the message did that it sends again.
    """
    cause = caused_by(viewer, conversation.workspace_id)
    filled, files, mail = ready.filled, ready.files, ready.mail
    if conversation.status is ConversationStatus.CLOSED:
        await open_now(conversation, cause, announce)
        save_state(conversation, announce)
    answered_id, answered_name = _answered(ready.parent, retried)
    draft = Draft(
        direction=Direction.OUTGOING,
        kind=MessageKind.EMAIL if mail else kind_of(filled.text, files),
        external_id=mail.header_id if mail else None,
        source=MessageSource.API if cause.source is ChangeSource.API else MessageSource.USER,
        status=MessageStatus.PENDING,
        text=filled.text,
        full_text=filled.full_text,
        author_id=cause.member_id,
        retry_of_id=retried.id if retried else None,
        reply_to_id=answered_id,
        reply_to_external_id=answered_name,
    )
    message = append(conversation, ready.target, draft, announce)
    attach("message", message.id, files, announce)
    keep_mail(message.id, mail, announce)
    _deliver_by(ready.capabilities, message, len(files), announce)
    return message


def _answered(
    parent: MessageRow | None, retried: MessageRow | None
) -> tuple[int | None, str | None]:
    """Return our id and the vendor's of what a message answers."""
    if retried:
        return retried.reply_to_id, retried.reply_to_external_id
    return (parent.id, parent.external_id) if parent else (None, None)


def _deliver_by(
    capabilities: Capabilities, message: MessageRow, file_count: int, announce: Announce
) -> None:
    """Have a message brought to its vendor, in its turn among those of the conversation."""
    is_divided = divide(message, file_count, capabilities, announce)
    deed = DELIVER_PARTS if is_divided else DELIVER_MESSAGE
    in_turn = f"conversation:{message.conversation_id}"
    announce.job(deed, {"message_id": message.id}, ordering_key=in_turn)
