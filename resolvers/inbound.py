"""Inbound: what a contact's message, an echo or a receipt changes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.channels import (
    ContactProfile,
    ContentKind,
    InboundEcho,
    InboundItem,
    InboundMessage,
    InboundReceipt,
)
from connectors.channels.email_inbound import external_id_of
from models.channel import Channel, ChannelKind
from models.clock import now
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.message import Direction, Message, MessageKind, MessageSource, MessageStatus
from models.queries import lock_conversation
from models.records import ConversationRecord
from models.refusal import Refused
from models.scheduled_message import CancelReason
from models.workspace import Workspace
from realtime.transaction import Announce
from resolvers.access import is_frozen
from resolvers.contact import add_contact
from resolvers.contact_details import NAME_LENGTH, Claims, Details, clean_email, clean_phone
from resolvers.contact_duplicates import MAX_CLAIMS, who_has
from resolvers.conversation import contact_wrote
from resolvers.delivery import reply_arrived, report_status
from resolvers.email_file import attach_files
from resolvers.email_message import keep_mail, mail_of, texts_of
from resolvers.file_erasure import bury_files
from resolvers.incoming_file import expect_file
from resolvers.message_part import may_have_parts, part_named, report_part
from resolvers.schedule import cancel_waiting
from resolvers.thread import Draft, Target, append, hold_message, take_message_id
from resolvers.viewer import hidden

KINDS = {
    ContentKind.TEXT: MessageKind.TEXT,
    ContentKind.ATTACHMENT: MessageKind.ATTACHMENT,
    ContentKind.UNSUPPORTED: MessageKind.UNSUPPORTED,
    ContentKind.CUSTOM_PAYLOAD: MessageKind.CUSTOM_PAYLOAD,
}
KEPT = (ContentKind.UNSUPPORTED, ContentKind.CUSTOM_PAYLOAD)
"""What cannot be shown: its own JSON is kept."""


class MessageUnknown(Exception):  # noqa: N818 - it may become known
    """A receipt came for a message that is not known, or not known yet."""


async def receive(channel: Channel, item: InboundItem, announce: Announce) -> None:
    """Apply one item of a channel; a repeat of a known message has no effect.

    Raises MessageUnknown for a receipt that is ahead of its message.
    """
    if isinstance(item, InboundReceipt):
        await _receive_receipt(channel, item, announce)
    elif isinstance(item, InboundMessage | InboundEcho):
        await _receive_message(channel, item, announce)


async def _receive_receipt(channel: Channel, item: InboundReceipt, announce: Announce) -> None:
    known = await Message.filter(channel_id=channel.id, external_id=item.external_id).first()
    if known is None or may_have_parts(known):
        part = await part_named(channel.id, item.external_id)
        if part is not None:
            status, failure = MessageStatus(item.status.value), ("PROVIDER", item.error_text)
            await report_part(part, status, announce, at=item.occurred_at, failure=failure)
            return
    if known is None:
        raise MessageUnknown(f"no message {item.external_id} on channel {channel.id}")
    message = await hold_message(known)
    if message is not None and message.direction is Direction.OUTGOING:
        await report_status(
            message,
            MessageStatus(item.status.value),
            announce,
            at=item.occurred_at,
            failure=("PROVIDER", item.error_text),
        )


async def _receive_message(
    channel: Channel, item: InboundMessage | InboundEcho, announce: Announce
) -> None:
    """Store a message once; what a blocked contact sends is quarantined and changes nothing."""
    mail = item.email if isinstance(item, InboundMessage) else None
    if await _is_known(channel, item):
        if mail and mail.file_ids:
            await bury_files(mail.file_ids, announce)
        return
    target = await _contact_channel(channel, item, announce)
    conversation = await _conversation_of(target, channel.workspace_id)
    incoming = isinstance(item, InboundMessage)
    moment = now()
    is_quarantined = incoming and is_frozen(conversation)
    if not is_quarantined:
        await _note(conversation, target, moment, announce, incoming=incoming)
    text, full_text = texts_of(item.content.text, is_mail=mail is not None)
    draft = Draft(
        direction=Direction.INCOMING if incoming else Direction.OUTGOING,
        kind=MessageKind.EMAIL if mail else KINDS[item.content.kind],
        source=MessageSource.CONTACT if incoming else MessageSource.ECHO,
        text=text or ("" if mail or item.content.attachment_url else None),
        full_text=full_text,
        payload=item.raw.decode() if item.content.kind in KEPT else None,
        external_id=item.external_id,
        status=MessageStatus.RECEIVED if incoming else MessageStatus.SENT,
        sent_at=None if incoming else moment,
        provider_at=item.occurred_at,
        is_quarantined=is_quarantined,
        reply_to_id=await _parent_id(conversation, channel, item),
        reply_to_external_id=item.reply_to_external_id,
    )
    reached = Target(target.id, channel.id, await take_message_id())
    message = append(conversation, reached, draft, announce)
    await expect_file(message, item.content, announce)
    keep_mail(message.id, mail_of(mail) if mail else None, announce)
    await attach_files(message.id, mail.file_ids if mail else (), announce)
    if not incoming:
        await announce.flush()
        await reply_arrived(message, announce)


async def _is_known(channel: Channel, item: InboundMessage | InboundEcho) -> bool:
    """Tell whether an item is of a message that is there, or is one of its parts."""
    if await Message.filter(channel_id=channel.id, external_id=item.external_id).exists():
        return True
    is_echo = isinstance(item, InboundEcho)
    return is_echo and await part_named(channel.id, item.external_id) is not None


async def _parent_id(
    conversation: ConversationRecord, channel: Channel, item: InboundMessage | InboundEcho
) -> int | None:
    """Return which message of the conversation one answers; None where we do not have it.

    A mail may name all of its thread: it answers the last one that we have.
    """
    named = [item.reply_to_external_id] if item.reply_to_external_id else []
    if isinstance(item, InboundMessage) and item.email:
        named += map(external_id_of, reversed(item.email.thread_ids))
    if not named:
        return None
    parents = Message.filter(channel_id=channel.id, external_id__in=named)
    found = {row.external_id: row.id for row in await parents.filter(conversation=conversation.id)}
    known = next((found[name] for name in named if name in found), None)
    if known is None and (part := await part_named(channel.id, named[0])) is not None:
        known = part.message_id if part.message.conversation_id == conversation.id else None
    return known


async def _conversation_of(target: ContactChannel, workspace_id: int) -> ConversationRecord:
    """Return the locked conversation of who wrote.

    Where their contact was deleted while it waited, all of the item is to be done anew.
    """
    found = await Conversation.filter(contact_id=target.contact_id).first()
    conversation = await lock_conversation(found.id) if found is not None else None
    if conversation is None or conversation.workspace_id != workspace_id:
        raise hidden(("contactId",))
    return conversation


async def _note(
    conversation: ConversationRecord,
    target: ContactChannel,
    moment: datetime,
    announce: Announce,
    *,
    incoming: bool,
) -> None:
    """Note that a message passed: one of the contact opens the conversation and wants an answer.

    What is scheduled to be cancelled by it is.
    """
    if incoming:
        await contact_wrote(conversation, announce)
        if conversation.unreplied_since is None:
            workspace = await Workspace.get(id=conversation.workspace_id)
            if moment >= workspace.unreplied_since:
                conversation.unreplied_since = moment
        target.last_incoming_at = moment
        why = CancelReason.CONTACT_REPLIED
        await cancel_waiting(conversation, why, announce, only_on_reply=True)
    target.last_message_at = moment
    await target.save(update_fields=["last_incoming_at", "last_message_at"])


async def _contact_channel(
    channel: Channel, item: InboundMessage | InboundEcho, announce: Announce
) -> ContactChannel:
    """Find who wrote, or make them known: a first message on a channel makes a new contact.

    Where the channel's id of the contact is a phone number that a contact of ours has, it is that
    contact; so is who writes from the email address of one.
    """
    known = await ContactChannel.filter(
        channel_id=channel.id, external_id=item.external_contact_id
    ).first()
    if known is not None:
        return known
    return await ContactChannel.create(
        contact_id=await _contact_id(channel, item.external_contact_id, item.contact, announce),
        channel_id=channel.id,
        external_id=item.external_contact_id,
        created_at=now(),
    )


async def _contact_id(
    channel: Channel, external_id: str, profile: ContactProfile, announce: Announce
) -> int:
    """Return the contact whose phone, or email, the vendor's id is, or make one of what it says.

    A phone or email that another contact has is only claimed. One statement decides both: a
    contact of that phone that comes up after it meets the unique index, and the item is tried
    again.
    """
    given_phone = _free_of_doubt(clean_phone, profile.phone or external_id)
    given_email = _free_of_doubt(clean_email, profile.email)
    taken = await who_has(channel.workspace_id, external_id, given_phone, given_email)
    for row in taken:
        by_mail = channel.kind is ChannelKind.EMAIL and row["email"] == external_id
        if by_mail or row["phone"] == external_id:
            return int(row["id"])
    phone, claimed_phone = _shared(taken, "phone", given_phone)
    email, claimed_email = _shared(taken, "email", given_email)
    details = Details(
        frozenset(),
        first_name=(profile.first_name or "").strip()[:NAME_LENGTH],
        last_name=(profile.last_name or "").strip()[:NAME_LENGTH],
        phone=phone,
        email=email,
        language=(profile.language or "")[:16] or None,
    )
    if not (details.first_name or details.last_name or details.phone or details.email):
        details = Details(frozenset(), first_name=external_id, language=details.language)
    country = (profile.country_code or "").upper()
    contact = await add_contact(
        channel.workspace_id,
        details,
        announce,
        country=country if len(country) == 2 else None,
        picture_url=profile.picture_url,
        claims=Claims(claimed_phone, claimed_email),
    )
    return int(contact.id)


def _shared(
    taken: Sequence[Mapping[str, Any]], name: str, value: str | None
) -> tuple[str | None, str | None]:
    """Return what a new contact has of a phone or email: it or, where another has it, a claim."""
    for row in taken:
        if value is not None and row[name] == value:
            return None, value if row[f"{name}_claims"] < MAX_CLAIMS else None
    return value, None


def _free_of_doubt(clean: Callable[[str | None], str | None], value: str | None) -> str | None:
    """Return a vendor's value cleaned, or None if it cannot be one."""
    try:
        return clean(value)
    except Refused:
        return None
