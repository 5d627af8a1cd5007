"""Messages: accepting what an agent writes, once, to be delivered by a job."""

from tortoise.exceptions import IntegrityError

from models.channel import Channel
from models.clock import now
from models.contact import Contact
from models.contact_channel import ContactChannel
from models.conversation import Conversation, ConversationStatus
from models.episode import ChangeSource
from models.message import Direction, Message, MessageKind, MessageSource, MessageStatus
from models.records import MessageRow
from models.refusal import Code, Refused
from realtime.events import MessageAdded
from realtime.presence import tell_typing
from realtime.transaction import Announce, transaction
from resolvers.access import Right, Viewer, get_message, hidden, hold_conversation
from resolvers.conversation import caused_by, open_now, save_state
from resolvers.idempotency import claim_key

TEXT_LENGTH = 7000
DELIVER_MESSAGE = "deliver_message"
RETRYABLE = (MessageStatus.FAILED, MessageStatus.UNCERTAIN)


def check_text(text: str) -> str:
    """Return a message's text; refuse one that is blank or longer than 7,000 characters."""
    if not text.strip():
        raise Refused(Code.BLANK, "Write a message first.", field=("text",))
    if len(text) > TEXT_LENGTH:
        raise Refused(
            Code.TOO_LONG, "At most {limit} characters.", field=("text",), limit=TEXT_LENGTH
        )
    return text


async def send_message(
    viewer: Viewer,
    conversation_id: int,
    *,
    text: str,
    channel_id: int | None = None,
    idempotency_key: str | None = None,
) -> Message:
    """Accept a message for delivery, PENDING; without a channel, on the one used last.

    A closed conversation opens. The same key with the same input returns the first message.
    """
    text = check_text(text)
    async with transaction() as announce:
        conversation = await hold_conversation(viewer, conversation_id, Right.REPLY)
        claim = await claim_key(
            viewer,
            conversation.workspace_id,
            "sendMessage",
            idempotency_key,
            [conversation_id, text, channel_id],
        )
        if claim.first_result is not None:
            return await get_message(viewer, claim.first_result)
        target = await _target(conversation, channel_id)
        message = await _enqueue(viewer, conversation, target, text, announce)
        await claim.remember(message.id)
    if message.author_id is not None:
        typist = f"member:{message.author_id}"
        tell_typing(
            message.workspace_id, conversation_id, typist, surface="MESSAGE", is_typing=False
        )
    return message


async def retry_message(
    viewer: Viewer, message_id: int, *, idempotency_key: str | None = None
) -> Message:
    """Send a failed or uncertain message again, as a new message that names it.

    Refused while another retry of it is on its way or has arrived.
    """
    failed = await get_message(viewer, message_id, Right.REPLY)
    async with transaction() as announce:
        conversation = await hold_conversation(viewer, failed.conversation_id, Right.REPLY)
        claim = await claim_key(
            viewer, conversation.workspace_id, "retryMessage", idempotency_key, [message_id]
        )
        if claim.first_result is not None:
            return await get_message(viewer, claim.first_result)
        failed = await get_message(viewer, message_id, Right.REPLY)
        if not can_be_retried(failed) or await _has_live_retry(failed):
            raise Refused(
                Code.WRONG_STATE,
                "Only a message that failed can be sent again, once at a time.",
                field=("messageId",),
            )
        message = await _enqueue(
            viewer, conversation, failed.contact_channel, failed.text or "", announce, failed.id
        )
        await claim.remember(message.id)
    return message


def can_be_retried(message: MessageRow) -> bool:
    """Tell whether a message may be sent again: it failed, or nobody knows."""
    return message.status in RETRYABLE


async def _has_live_retry(failed: Message) -> bool:
    return (
        await Message.filter(conversation_id=failed.conversation_id, retry_of_id=failed.id)
        .exclude(status=MessageStatus.FAILED)
        .exists()
    )


async def _target(conversation: Conversation, channel_id: int | None) -> ContactChannel:
    """Return where the contact is reached: the given channel, or the one used last."""
    known = ContactChannel.filter(contact_id=conversation.contact_id).select_related("channel")
    if channel_id is not None:
        target = await known.filter(channel_id=channel_id).first()
        if target is None:
            return await _first_contact(conversation, channel_id)
    else:
        target = await known.filter(id=conversation.last_channel_id or 0).first()
        if target is None:
            target = await known.order_by("-id").first()
        if target is None:
            return await _first_contact(conversation, None)
    _check_connected(target.channel)
    return target


def _check_connected(channel: Channel) -> None:
    if not channel.is_connected:
        raise Refused(Code.NO_CHANNEL, "This channel is disconnected.", field=("channelId",))


async def _first_contact(conversation: Conversation, channel_id: int | None) -> ContactChannel:
    """Reach a contact by phone on a channel where they have not written yet."""
    channels = Channel.filter(workspace_id=conversation.workspace_id, is_connected=True)
    if channel_id is not None:
        channels = channels.filter(id=channel_id)
    channel = await channels.order_by("id").first()
    if channel is None and channel_id is not None:
        raise hidden(("channelId",))
    contact = await Contact.get(id=conversation.contact_id)
    if channel is None or contact.phone is None:
        raise Refused(
            Code.NO_CHANNEL, "This contact cannot be reached on any channel.", field=("channelId",)
        )
    try:
        target = await ContactChannel.create(
            contact_id=contact.id,
            channel_id=channel.id,
            external_id=contact.phone,
            created_at=now(),
        )
    except IntegrityError as error:
        raise Refused(
            Code.NO_CHANNEL,
            "This contact cannot be reached on any channel.",
            field=("channelId",),
        ) from error
    target.channel = channel
    return target


async def _enqueue(
    viewer: Viewer,
    conversation: Conversation,
    target: ContactChannel,
    text: str,
    announce: Announce,
    retry_of_id: int | None = None,
) -> Message:
    """Write a pending message of a locked conversation, its event and its delivery."""
    cause = caused_by(viewer, conversation.workspace_id)
    if conversation.status is ConversationStatus.CLOSED:
        await open_now(conversation, cause, announce)
        await save_state(conversation)
    by_program = cause.source is ChangeSource.API
    message = Message(
        conversation=conversation,
        contact_channel=target,
        direction=Direction.OUTGOING,
        kind=MessageKind.TEXT,
        source=MessageSource.API if by_program else MessageSource.USER,
        author_id=cause.member_id,
        text=text,
        status=MessageStatus.PENDING,
        retry_of_id=retry_of_id,
    )
    await append(message, announce)
    announce.job(
        DELIVER_MESSAGE,
        {"message_id": message.id},
        ordering_key=f"conversation:{conversation.id}",
    )
    return message


async def append(message: Message, announce: Announce) -> None:
    """Write a message as the last of its locked conversation, and announce it."""
    conversation, target = message.conversation, message.contact_channel
    moment = now()
    conversation.last_seq += 1
    conversation.incoming_count += message.direction is Direction.INCOMING
    conversation.last_message_at = moment
    conversation.last_channel_id = target.id
    message.workspace_id = conversation.workspace_id
    message.channel_id = target.channel_id
    message.seq = conversation.last_seq
    message.incoming_count = conversation.incoming_count
    message.created_at = moment
    await message.save(force_create=True)
    conversation.last_message_id = message.id
    await conversation.save(
        update_fields=[
            "last_seq",
            "incoming_count",
            "last_message_id",
            "last_message_at",
            "last_channel_id",
            "unreplied_since",
        ]
    )
    announce(MessageAdded(conversation.workspace_id, conversation.id, message.id))
