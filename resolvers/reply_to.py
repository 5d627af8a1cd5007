"""Replies to a message: which can be answered on their channel, and the preview of the answered."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from models.channel import Channel
from models.engine import sql
from models.message import Message, MessageStatus
from models.queries import read
from models.records import (
    MESSAGES,
    ConversationRecord,
    MemberRecord,
    MessageRecord,
    MessageRow,
)
from models.refusal import Code, Refused
from resolvers.batches import conversations_by_id, members_by_id, messages_by_id
from resolvers.thread import Target
from resolvers.viewer import hidden

FIELD = ("replyToMessageId",)
PREVIEW_LENGTH = 120
"""How many characters of a message its preview has, the ellipsis included."""

ParentKey = tuple[int, int | None, int, str | None]
"""The conversation of an answer, our id of what it answers, their channel and the vendor's id."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What an answer answers."""

    message: MessageRecord
    conversation: ConversationRecord
    author: MemberRecord | None
    """Who wrote it, if it was a member and nobody looks after the conversation."""


def can_be_replied_to(message: MessageRow) -> bool:
    """Tell whether the vendor knows a message: it has left, and has got an id there."""
    return message.status is not MessageStatus.PENDING and message.external_id is not None


def check_reply(parent: MessageRow, channel: Channel) -> None:
    """Refuse an answer that would go out on a channel where it cannot be one."""
    if not channel.accepts_reply_to:
        raise Refused(
            Code.REPLY_TO_UNSUPPORTED,
            "The channel {channel} does not take which message another one answers.",
            field=FIELD,
            channel=channel.name,
        )
    if parent.channel_id != channel.id:
        raise Refused(
            Code.INVALID, "A message is answered on the channel that it passed.", field=FIELD
        )
    if not can_be_replied_to(parent):
        raise Refused(
            Code.WRONG_STATE, "Only a message that the vendor knows can be answered.", field=FIELD
        )


async def find_parent(
    conversation: ConversationRecord, message_id: int | None, target: Target
) -> tuple[MessageRow | None, Target]:
    """Return what is answered, and where to: the identity of the contact by which it passed.

    Messages of other conversations are as if they did not exist.
    """
    if message_id is None:
        return None, target
    parent = await Message.filter(id=message_id, conversation_id=conversation.id).first()
    if parent is None:
        raise hidden(FIELD)
    check_reply(parent, await Channel.get(id=target.channel_id))
    return parent, replace(target, contact_channel_id=parent.contact_channel_id)


def one_line(text: str) -> str:
    """Return a text on one line, cut with an ellipsis."""
    line = " ".join(text[: 10 * PREVIEW_LENGTH].split())
    return line if len(line) <= PREVIEW_LENGTH else f"{line[: PREVIEW_LENGTH - 1].rstrip()}…"


async def replies_of_messages(keys: Collection[ParentKey]) -> dict[ParentKey, Reply]:
    """Return what answers answer, as far as it is in their own conversation.

    What the vendor named before it was known here is looked for again. At most four statements.
    """
    by_id = await messages_by_id({key[1] for key in keys if key[1] is not None})
    named = [key for key in keys if key[1] is None]
    by_name = await _named(named) if named else {}
    parents = {key: by_id.get(key[1] or 0) or by_name.get(key[2:]) for key in keys}
    found = {
        key: parent
        for key, parent in parents.items()
        if parent is not None and parent.conversation_id == key[0]
    }
    conversations = await conversations_by_id({key[0] for key in found}) if found else {}
    authors = await _authors(found, conversations)
    return {
        key: Reply(parent, conversations[key[0]], authors.get(parent.author_id or 0))
        for key, parent in found.items()
        if key[0] in conversations
    }


async def _named(keys: Collection[ParentKey]) -> dict[tuple[int, str | None], MessageRecord]:
    rows = await read(
        MESSAGES,
        f"WHERE {sql.among('t.channel_id')} AND {sql.among('t.external_id', 'text')}",
        sql.group({key[2] for key in keys}),
        sql.group({key[3] or "" for key in keys}),
    )
    return {(row.channel_id, row.external_id): row for row in rows}


async def _authors(
    found: dict[ParentKey, MessageRecord], conversations: dict[int, ConversationRecord]
) -> dict[int, MemberRecord]:
    """Return who wrote what is answered where nobody looks after the conversation."""
    unassigned = {
        key
        for key, row in conversations.items()
        if row.assignee_id is None and row.ai_agent_id is None
    }
    wanted = {row.author_id for key, row in found.items() if key[0] in unassigned and row.author_id}
    return await members_by_id(wanted) if wanted else {}
