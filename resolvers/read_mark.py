"""Read marks: how far each member has read a conversation, and what is left unread."""

from models.engine import sql
from models.message import Message
from models.records import ConversationRecord
from models.refusal import Code, Refused
from realtime.events import ConversationRead
from realtime.transaction import transaction
from resolvers.access import get_conversation
from resolvers.viewer import Right, Viewer, hidden


async def mark_conversation_read(
    viewer: Viewer, conversation_id: int, *, up_to_message_id: int | None = None
) -> ConversationRecord:
    """Mark a conversation as read by the viewer, up to a message or whole; never moves back."""
    async with transaction() as announce:
        conversation = await get_conversation(viewer, conversation_id, Right.VIEW)
        member_id = viewer.member_id(conversation.workspace_id)
        if member_id is None:
            raise Refused(Code.FORBIDDEN, "Only members have read marks.")
        incoming_read = conversation.incoming_count
        if up_to_message_id is not None:
            message = await Message.filter(
                id=up_to_message_id, conversation_id=conversation.id
            ).first()
            if message is None:
                raise hidden(("upToMessageId",))
            incoming_read = message.incoming_count
        if incoming_read and await _move(member_id, conversation.id, incoming_read):
            announce(ConversationRead(conversation.workspace_id, conversation.id, member_id))
    return conversation


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
