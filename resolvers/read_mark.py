"""Read marks: how far each member has read a conversation, and what is left unread."""

from models.engine import sql
from models.message import Direction, Message
from models.records import ConversationRecord, MessageRow
from models.refusal import Code, Refused
from realtime.events import ConversationMarkedUnread, ConversationRead
from realtime.transaction import transaction
from resolvers.access import get_conversation
from resolvers.rights import Right
from resolvers.viewer import Viewer, hidden


def can_be_unread(message: MessageRow) -> bool:
    """Tell whether a message counts as unread at all: one of the contact's, not in quarantine."""
    return message.direction is Direction.INCOMING and not message.is_quarantined


async def mark_conversation_read(
    viewer: Viewer, conversation_id: int, *, up_to_message_id: int | None = None
) -> ConversationRecord:
    """Mark a conversation as read by the viewer, up to a message or whole; never moves back."""
    async with transaction() as announce:
        conversation, member_id = await _read_by(viewer, conversation_id)
        incoming_read = conversation.incoming_count
        if up_to_message_id is not None:
            message = await _message(conversation, up_to_message_id, "upToMessageId")
            incoming_read = message.incoming_count
        if incoming_read and await _move(member_id, conversation.id, incoming_read):
            announce(ConversationRead(conversation.workspace_id, conversation.id, member_id))
    return conversation


async def mark_conversation_unread(
    viewer: Viewer, conversation_id: int, *, from_message_id: int | None = None
) -> ConversationRecord:
    """Mark an incoming message and all later ones as unread by the viewer; None: the newest.

    What is unread already stays so: the mark never moves forward.
    """
    async with transaction() as announce:
        conversation, member_id = await _read_by(viewer, conversation_id)
        first_unread = conversation.incoming_count
        if from_message_id is not None:
            message = await _message(conversation, from_message_id, "fromMessageId")
            if not can_be_unread(message):
                raise Refused(
                    Code.INVALID,
                    "Only messages of the contact can be unread.",
                    field=("fromMessageId",),
                )
            first_unread = message.incoming_count
        if first_unread and await _move_back(member_id, conversation.id, first_unread - 1):
            announce(
                ConversationMarkedUnread(conversation.workspace_id, conversation.id, member_id)
            )
    return conversation


async def _read_by(viewer: Viewer, conversation_id: int) -> tuple[ConversationRecord, int]:
    """Return a visible conversation and who reads it there; programs have no read marks."""
    conversation = await get_conversation(viewer, conversation_id, Right.VIEW)
    member_id = viewer.member_id(conversation.workspace_id)
    if member_id is None:
        raise Refused(Code.FORBIDDEN, "Only members have read marks.")
    return conversation, member_id


async def _message(conversation: ConversationRecord, message_id: int, field: str) -> Message:
    """Return a message of a conversation that is seen; others are as if they did not exist."""
    message = await Message.filter(id=message_id, conversation_id=conversation.id).first()
    if message is None:
        raise hidden((field,))
    return message


async def _move(member_id: int, conversation_id: int, incoming_read: int) -> bool:
    """Move a read mark forward; tell whether it was behind."""
    moved = await sql.affected(
        "INSERT INTO read_mark (member_id, conversation_id, incoming_read) VALUES (?, ?, ?)"
        " ON CONFLICT (member_id, conversation_id) DO UPDATE"
        " SET incoming_read = excluded.incoming_read"
        " WHERE read_mark.incoming_read < excluded.incoming_read",
        member_id,
        conversation_id,
        incoming_read,
    )
    return moved > 0


async def _move_back(member_id: int, conversation_id: int, incoming_read: int) -> bool:
    """Move a read mark back; tell whether it was ahead."""
    moved = await sql.affected(
        "UPDATE read_mark SET incoming_read = ?"
        " WHERE member_id = ? AND conversation_id = ? AND incoming_read > ?",
        incoming_read,
        member_id,
        conversation_id,
        incoming_read,
    )
    return moved > 0
