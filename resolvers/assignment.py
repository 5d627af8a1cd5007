"""Assignment: who looks after a conversation."""

from typing import TypeVar

from models.activity import ActivityKind
from models.member import Member
from models.queries import read_members
from models.records import ConversationRecord, ConversationRow, MemberRecord
from models.refusal import Code, Conflict, Refused
from realtime.events import ConversationAssigned, ConversationUnassigned
from realtime.transaction import transaction
from resolvers.access import hold_conversation
from resolvers.conversation import caused_by, record, save_state
from resolvers.idle_clock import watch
from resolvers.viewer import Right, Viewer

M = TypeVar("M", Member, MemberRecord)


def check_assignee(member: M | None, conversation: ConversationRow) -> M:
    """Return the member if they can look after the conversation: active, of its workspace."""
    if member is None or member.workspace_id != conversation.workspace_id:
        raise Refused(Code.NOT_FOUND, "Nothing was found under this id.", field=("assigneeId",))
    if not member.is_active:
        raise Refused(Code.INVALID, "Only active members can be assigned.", field=("assigneeId",))
    return member


async def assign_conversation(
    viewer: Viewer,
    conversation_id: int,
    *,
    assignee_id: int,
    if_unassigned: bool = False,
    expected_version: int | None = None,
) -> ConversationRecord:
    """Give a conversation to an active member; giving it to its assignee changes nothing.

    With `if_unassigned` it raises Conflict where somebody else has it. It succeeds also where the
    viewer then no longer sees the conversation.
    """
    async with transaction() as announce:
        conversation = await hold_conversation(
            viewer, conversation_id, Right.ASSIGN, expected_version=expected_version
        )
        found = await read_members("WHERE m.id = ?", assignee_id)
        member = check_assignee(found[0] if found else None, conversation)
        if conversation.assignee_id == member.id:
            return conversation
        if if_unassigned and conversation.assignee_id is not None:
            raise Conflict(conversation, field="ifUnassigned")
        previous = conversation.assignee
        cause = caused_by(viewer, conversation.workspace_id)
        conversation.assignee, conversation.assignee_id = member, member.id
        record(conversation, announce, ActivityKind.ASSIGNED, cause, assignee_id=member.id)
        watch(conversation, announce)  # a clock runs for the new assignee as for the last one
        save_state(conversation, announce)
        announce(
            ConversationAssigned(
                conversation.workspace_id,
                conversation.id,
                assignee_id=member.id,
                previous_assignee_id=previous.id if previous else None,
                previous_assignee_team_id=previous.team_id if previous else None,
                previous_team_id=conversation.team_id,
            )
        )
    return conversation


async def unassign_conversation(
    viewer: Viewer, conversation_id: int, *, expected_version: int | None = None
) -> ConversationRecord:
    """Move a conversation to Unassigned; one without assignee and team stays as it is."""
    async with transaction() as announce:
        conversation = await hold_conversation(
            viewer, conversation_id, Right.ASSIGN, expected_version=expected_version
        )
        if conversation.assignee_id is None and conversation.team_id is None:
            return conversation
        previous, previous_team_id = conversation.assignee, conversation.team_id
        cause = caused_by(viewer, conversation.workspace_id)
        conversation.assignee = conversation.assignee_id = None
        conversation.team_id = None
        record(conversation, announce, ActivityKind.UNASSIGNED, cause)
        save_state(conversation, announce)
        announce(
            ConversationUnassigned(
                conversation.workspace_id,
                conversation.id,
                previous_assignee_id=previous.id if previous else None,
                previous_assignee_team_id=previous.team_id if previous else None,
                previous_team_id=previous_team_id,
            )
        )
    return conversation
