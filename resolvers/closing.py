"""Closing: ending the episode of a conversation."""

from models.activity import ActivityKind
from models.clock import now
from models.conversation import ConversationStatus
from models.episode import Episode
from models.records import ConversationRecord, ConversationRow
from realtime.events import ConversationClosed
from realtime.transaction import transaction
from resolvers.access import Right, Viewer, hold_conversation
from resolvers.conversation import caused_by, clear_snooze, record, save_state


def can_be_closed(conversation: ConversationRow) -> bool:
    """Tell whether closing would change anything: a closed conversation stays as it is."""
    return conversation.status is not ConversationStatus.CLOSED


async def close_conversation(
    viewer: Viewer, conversation_id: int, *, expected_version: int | None = None
) -> ConversationRecord:
    """Move a conversation to Closed and end its episode; a closed one stays as it is.

    A snooze ends, nothing waits for a reply any more, and the assignee stays.
    """
    async with transaction() as announce:
        conversation = await hold_conversation(
            viewer, conversation_id, Right.CLOSE, expected_version=expected_version
        )
        if can_be_closed(conversation):
            cause = caused_by(viewer, conversation.workspace_id)
            moment = now()
            conversation.status = ConversationStatus.CLOSED
            clear_snooze(conversation)
            conversation.closed_at = moment
            conversation.unreplied_since = None
            await Episode.filter(conversation_id=conversation.id, closed_at=None).update(
                closed_at=moment, closed_source=cause.source, closed_by_id=cause.member_id
            )
            record(conversation, announce, ActivityKind.CLOSED, cause)
            save_state(conversation, announce)
            announce(ConversationClosed(conversation.workspace_id, conversation.id))
    return conversation
