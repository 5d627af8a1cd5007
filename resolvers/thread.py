"""Threads: how a message gets its place at the end of a conversation."""

from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from models.clock import now
from models.engine import sql
from models.message import Direction, Message, MessageKind, MessageSource, MessageStatus
from models.queries import lock_conversation, next_id
from models.records import CONVERSATIONS, ConversationRecord, MessageRecord
from models.terms import entry_of
from realtime.events import MessageAdded, MessageQuarantined
from realtime.transaction import Announce
from resolvers.idle_clock import note_message


@dataclass(frozen=True, slots=True)
class Target:
    """Where a contact is reached: their identity on a channel."""

    contact_channel_id: int
    channel_id: int
    next_message_id: int
    """The id that was taken for the message."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known of a message before it has its place in the conversation."""

    direction: Direction
    kind: MessageKind
    source: MessageSource
    status: MessageStatus
    text: str | None
    full_text: str | None = None
    author_id: int | None = None
    payload: str | None = None
    external_id: str | None = None
    retry_of_id: int | None = None
    reply_to_id: int | None = None
    reply_to_external_id: str | None = None
    sent_at: datetime | None = None
    provider_at: datetime | None = None
    is_quarantined: bool = False
    """Whether it only takes its place in the thread: it is no news, and changes nothing else."""


NOT_YET: dict[str, Any] = dict.fromkeys(
    ("failure_code", "failure_text", "delivered_at", "read_at", "failed_at")
)
DRAFTED = (
    "direction",
    "kind",
    "source",
    "author_id",
    "text",
    "full_text",
    "payload",
    "external_id",
    "status",
    "is_quarantined",
    "retry_of_id",
    "reply_to_id",
    "reply_to_external_id",
    "sent_at",
)
"""What a message's row and record have as its draft says it."""
_drafted = attrgetter(*DRAFTED)
LAST_MESSAGE = (
    "last_seq",
    "incoming_count",
    "last_message_id",
    "last_message_at",
    "last_incoming_at",
    "last_channel_id",
    "unreplied_since",
    "idle_since",
)


async def hold_message(message: Message) -> Message | None:
    """Return a message as it is now, its conversation locked until the transaction ends.

    It may be in another conversation by now. None where its contact was deleted.
    """
    found: Message | None = message
    while found is not None:
        conversation = await lock_conversation(found.conversation_id)
        found = await Message.filter(id=message.id).first()
        if found is None or (conversation and found.conversation_id == conversation.id):
            break
    if found is None or conversation is None or conversation.workspace_id != found.workspace_id:
        return None
    return found


async def take_message_id() -> int:
    """Take the id of the next message; nobody else gets it."""
    [row] = await sql.records(f"SELECT {next_id('message')}")
    return int(row[0])


def append(
    conversation: ConversationRecord, target: Target, draft: Draft, announce: Announce
) -> MessageRecord:
    """Have a message written as the last of its locked conversation, and announce it."""
    moment = now()
    conversation.last_seq += 1
    counts = draft.direction is Direction.INCOMING and not draft.is_quarantined
    conversation.incoming_count += counts
    values: dict[str, Any] = {
        "workspace_id": conversation.workspace_id,
        "conversation_id": conversation.id,
        "channel_id": target.channel_id,
        "seq": conversation.last_seq,
        "incoming_count": conversation.incoming_count,
        "created_at": moment,
        **dict(zip(DRAFTED, _drafted(draft), strict=True)),
    }
    message_id, reached = target.next_message_id, target.contact_channel_id
    more = {"contact_channel_id": reached, "provider_at": draft.provider_at}
    announce.insert("message", id=message_id, **values, **more)
    _enter(conversation, message_id, draft, announce)
    _note_last(conversation, target, draft, moment, announce)
    return MessageRecord(id=message_id, **values, **NOT_YET)


def _enter(
    conversation: ConversationRecord, message_id: int, draft: Draft, announce: Announce
) -> None:
    """Have a message found by its words."""
    terms = entry_of(conversation.workspace_id, draft.text)
    if terms is not None:
        announce.insert("message_entry", message_id=message_id, terms=terms)


def _note_last(
    conversation: ConversationRecord,
    target: Target,
    draft: Draft,
    moment: datetime,
    announce: Announce,
) -> None:
    """Save and announce what a message changes: one in quarantine only takes its place."""
    place = (conversation.workspace_id, conversation.id, target.next_message_id)
    if draft.is_quarantined:
        announce.save(CONVERSATIONS, conversation, ("last_seq",))
        announce(MessageQuarantined(*place))
        return
    conversation.last_message_id = target.next_message_id
    conversation.last_message_at = moment
    if draft.direction is Direction.INCOMING:
        conversation.last_incoming_at = moment
    conversation.last_channel_id = target.contact_channel_id
    note_message(conversation, draft.source, moment, announce)
    announce.save(CONVERSATIONS, conversation, LAST_MESSAGE)
    announce(MessageAdded(*place))
