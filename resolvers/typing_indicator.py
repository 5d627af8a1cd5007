"""Typing indicators: telling teammates that somebody is about to answer."""

from datetime import datetime

from models.records import ConversationRecord
from models.refusal import Code, Refused
from realtime.presence import tell_typing
from resolvers.access import get_conversation, refuse_blocked
from resolvers.rights import Right
from resolvers.viewer import Viewer


async def start_typing(
    viewer: Viewer, conversation_id: int, *, surface: str
) -> tuple[ConversationRecord, datetime]:
    """Tell teammates that the viewer types; return when that expires unless it is repeated.

    Refused where the contact is blocked: there is nothing to be typed to them.
    """
    return await _tell(viewer, conversation_id, surface=surface, is_typing=True)


async def stop_typing(
    viewer: Viewer, conversation_id: int, *, surface: str
) -> tuple[ConversationRecord, datetime]:
    """Tell teammates that the viewer has stopped typing."""
    return await _tell(viewer, conversation_id, surface=surface, is_typing=False)


async def _tell(
    viewer: Viewer, conversation_id: int, *, surface: str, is_typing: bool
) -> tuple[ConversationRecord, datetime]:
    conversation = await get_conversation(viewer, conversation_id, Right.REPLY)
    member_id = viewer.member_id(conversation.workspace_id)
    if member_id is None:
        raise Refused(Code.FORBIDDEN, "Only members type.")
    if is_typing:
        refuse_blocked(conversation)
    expires_at = tell_typing(
        conversation.workspace_id,
        conversation.id,
        f"member:{member_id}",
        surface=surface,
        is_typing=is_typing,
    )
    return conversation, expires_at
