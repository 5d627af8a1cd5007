"""Deleting contacts: at once nobody sees them any more, and a job erases what is left of them."""

from realtime.contact_events import ContactDeleted
from realtime.transaction import transaction
from resolvers.access import hold_contact, hold_conversation_with
from resolvers.erasure import bury
from resolvers.rights import Right
from resolvers.viewer import Viewer


async def delete_contact(
    viewer: Viewer, contact_id: int, *, expected_version: int | None = None
) -> tuple[int, int]:
    """Delete a contact with the conversation, also a blocked one; return the ids of both.

    Raises Conflict if `expected_version` is not the contact's version any more.
    """
    right = Right.DELETE_CONTACTS
    async with transaction() as announce:
        conversation = await hold_conversation_with(viewer, contact_id, right)
        await hold_contact(viewer, contact_id, right, expected_version=expected_version)
        assignee = conversation.assignee
        announce(
            ContactDeleted(
                conversation.workspace_id,
                contact_id,
                conversation.id,
                assignee_id=conversation.assignee_id,
                assignee_team_id=assignee.team_id if assignee else None,
                team_id=conversation.team_id,
                is_blocked=conversation.blocked_at is not None,
            )
        )
        await bury(conversation, announce)
    return contact_id, conversation.id
