"""Blocking contacts: their conversation is frozen until they no longer are."""

from models.activity import ActivityKind
from models.clock import now
from models.records import ConversationRecord, ConversationRow
from models.scheduled_message import CancelReason
from realtime.events import ContactBlocked, ContactUnblocked
from realtime.transaction import transaction
from resolvers.access import hold_conversation_with, is_frozen
from resolvers.conversation import caused_by, clear_snooze, record, save_state
from resolvers.idle_clock import resume
from resolvers.rights import Right
from resolvers.schedule import cancel_waiting
from resolvers.viewer import Viewer


def can_be_blocked(conversation: ConversationRow) -> bool:
    """Tell whether blocking its contact would change anything."""
    return not is_frozen(conversation)


def can_be_unblocked(conversation: ConversationRow) -> bool:
    """Tell whether unblocking its contact would change anything."""
    return is_frozen(conversation)


async def block_contact(viewer: Viewer, contact_id: int) -> ConversationRecord:
    """Block a contact and return the frozen conversation; a blocked one stays as they are.

    A snooze ends, what is scheduled is cancelled, status and assignee stay, and nothing closes by
    itself. It succeeds also where the viewer then no longer sees the contact.
    """
    async with transaction() as announce:
        conversation = await hold_conversation_with(viewer, contact_id, Right.BLOCK)
        if can_be_blocked(conversation):
            cause = caused_by(viewer, conversation.workspace_id)
            conversation.blocked_at = now()
            conversation.blocked_by_id = cause.member_id
            if conversation.status_before_snooze is not None:
                conversation.status = conversation.status_before_snooze
                clear_snooze(conversation, announce)
            record(conversation, announce, ActivityKind.BLOCKED, cause)
            await cancel_waiting(conversation, CancelReason.CONTACT_BLOCKED, announce)
            save_state(conversation, announce)
            assignee = conversation.assignee
            announce(
                ContactBlocked(
                    conversation.workspace_id,
                    conversation.contact_id,
                    conversation.id,
                    assignee_id=conversation.assignee_id,
                    assignee_team_id=assignee.team_id if assignee else None,
                    team_id=conversation.team_id,
                )
            )
    return conversation


async def unblock_contact(viewer: Viewer, contact_id: int) -> ConversationRecord:
    """Unblock a contact and return the conversation as it was; another one stays as they are.

    The clock of automatic closing starts anew. What was quarantined stays in its place.
    """
    async with transaction() as announce:
        conversation = await hold_conversation_with(viewer, contact_id, Right.BLOCK)
        if can_be_unblocked(conversation):
            conversation.blocked_at = conversation.blocked_by_id = None
            resume(conversation, announce)
            cause = caused_by(viewer, conversation.workspace_id)
            record(conversation, announce, ActivityKind.UNBLOCKED, cause)
            save_state(conversation, announce)
            workspace_id, contact_id = conversation.workspace_id, conversation.contact_id
            announce(ContactUnblocked(workspace_id, contact_id, conversation.id))
    return conversation
