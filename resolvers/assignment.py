"""Assignment: who looks after a conversation, a member, an AI agent or a team."""

from dataclasses import dataclass
from typing import Any, TypeVar

from models.activity import ActivityKind
from models.ai_agent import AiAgent
from models.engine import sql
from models.member import Member, Restriction
from models.queries import read, read_members
from models.records import (
    AI_AGENTS,
    AiAgentRecord,
    ConversationRecord,
    ConversationRow,
    MemberRecord,
)
from models.refusal import Code, Conflict, Refused
from realtime.events import ConversationAssigned, ConversationTakenOver, ConversationUnassigned
from realtime.jobs import cancel
from realtime.transaction import Announce, transaction
from resolvers.access import hold_conversation, is_frozen
from resolvers.conversation import caused_by, record, save_state
from resolvers.idle_clock import watch
from resolvers.rights import Right
from resolvers.viewer import Viewer, hidden

M = TypeVar("M", Member, MemberRecord)
A = TypeVar("A", AiAgent, AiAgentRecord)


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a conversation is given to: one of the three, or nobody."""

    member: MemberRecord | None = None
    ai_agent: AiAgentRecord | None = None
    team_id: int | None = None


NOBODY = Target()


def check_choice(assignee_id: int | None, ai_agent_id: int | None, team_id: int | None) -> None:
    """Refuse anything but exactly one of the three."""
    if [assignee_id, ai_agent_id, team_id].count(None) != 2:
        raise Refused(
            Code.INVALID,
            "Give an assignee or a team, and only one of them.",
            field=("assigneeId",),
        )


def check_assignee(member: M | None, conversation: ConversationRow) -> M:
    """Return the member if they can look after the conversation.

    They are active, of its workspace, and may see its contact if that is blocked.
    """
    if member is None or member.workspace_id != conversation.workspace_id:
        raise hidden(("assigneeId",))
    if not member.is_active:
        raise Refused(Code.INVALID, "Only active members can be assigned.", field=("assigneeId",))
    is_barred = Restriction.BLOCKED_CONTACTS.value in member.restrictions.split(",")
    if conversation.blocked_at is not None and is_barred:
        raise Refused(
            Code.INVALID, "This member does not see blocked contacts.", field=("assigneeId",)
        )
    return member


def check_ai_agent(ai_agent: A | None, conversation: ConversationRow) -> A:
    """Return the AI agent if it can look after the conversation: active, of its workspace."""
    if ai_agent is None or ai_agent.workspace_id != conversation.workspace_id:
        raise hidden(("assigneeId",))
    if not ai_agent.is_active:
        raise Refused(Code.INVALID, "Only active AI agents can be assigned.", field=("assigneeId",))
    return ai_agent


def is_with(conversation: ConversationRow, target: Target) -> bool:
    """Tell whether giving a conversation to a target would change nothing."""
    if target.member is not None:
        return conversation.assignee_id == target.member.id
    if target.ai_agent is not None:
        return conversation.ai_agent_id == target.ai_agent.id
    return is_unassigned(conversation) and conversation.team_id == target.team_id


def is_unassigned(conversation: ConversationRow) -> bool:
    """Tell whether neither a member nor an AI agent looks after it, also where a team has it."""
    return conversation.assignee_id is None and conversation.ai_agent_id is None


def check_take_over(conversation: ConversationRow) -> int:
    """Return the AI agent that a conversation can be taken over from.

    Raises Conflict where a member has it, and refuses where nobody does.
    """
    if conversation.assignee_id is not None:
        raise Conflict(conversation, field="conversationId")
    if conversation.ai_agent_id is None:
        raise Refused(
            Code.WRONG_STATE,
            "No AI agent looks after this conversation.",
            field=("conversationId",),
        )
    return conversation.ai_agent_id


def ai_work_of(conversation_id: int) -> str:
    """Return the ordering key of an AI agent's jobs in a conversation."""
    return f"conversation:{conversation_id}:ai"


async def _hold(
    viewer: Viewer, conversation_id: int, expected_version: int | None
) -> ConversationRecord:
    """Return a locked conversation to be assigned: who looks after it is no matter of blocking."""
    return await hold_conversation(
        viewer,
        conversation_id,
        Right.ASSIGN,
        expected_version=expected_version,
        also_blocked=True,
    )


async def assign_conversation(
    viewer: Viewer,
    conversation_id: int,
    *,
    assignee_id: int | None = None,
    ai_agent_id: int | None = None,
    team_id: int | None = None,
    if_unassigned: bool = False,
    expected_version: int | None = None,
) -> ConversationRecord:
    """Give a conversation to a member, an AI agent or a team; where it is already, all stays.

    A team gets it without an assignee; a member or an AI agent leaves it with its team. With
    `if_unassigned` it raises Conflict where somebody else has it. It succeeds also where the
    viewer then no longer sees the conversation.
    """
    check_choice(assignee_id, ai_agent_id, team_id)
    async with transaction() as announce:
        conversation = await _hold(viewer, conversation_id, expected_version)
        target = await _target(conversation, assignee_id, ai_agent_id, team_id)
        if is_with(conversation, target):
            return conversation
        if if_unassigned and not is_unassigned(conversation):
            raise Conflict(conversation, field="ifUnassigned")
        previous = previous_place(conversation)
        await hand_over(conversation, target, announce)
        given: dict[str, Any] = {
            "assignee_id": assignee_id,
            "ai_agent_id": ai_agent_id,
            "team_id": team_id,
        }
        cause = caused_by(viewer, conversation.workspace_id)
        record(conversation, announce, ActivityKind.ASSIGNED, cause, until=None, **given)
        save_state(conversation, announce)
        announce(
            ConversationAssigned(conversation.workspace_id, conversation.id, **given, **previous)
        )
    return conversation


async def unassign_conversation(
    viewer: Viewer, conversation_id: int, *, expected_version: int | None = None
) -> ConversationRecord:
    """Move a conversation to Unassigned; one without assignee and team stays as it is."""
    async with transaction() as announce:
        conversation = await _hold(viewer, conversation_id, expected_version)
        if is_with(conversation, NOBODY):
            return conversation
        previous = previous_place(conversation)
        await hand_over(conversation, NOBODY, announce)
        cause = caused_by(viewer, conversation.workspace_id)
        record(conversation, announce, ActivityKind.UNASSIGNED, cause)
        save_state(conversation, announce)
        announce(ConversationUnassigned(conversation.workspace_id, conversation.id, **previous))
    return conversation


async def take_over_conversation(
    viewer: Viewer, conversation_id: int, *, expected_version: int | None = None
) -> ConversationRecord:
    """Stop the AI agent that looks after a conversation, and give it to the viewer.

    It stays as it is where the viewer has it already, and raises Conflict where another member
    was faster.
    """
    async with transaction() as announce:
        conversation = await hold_conversation(viewer, conversation_id, Right.ASSIGN)
        member_id = viewer.member_id(conversation.workspace_id)
        if member_id is None:
            raise Refused(Code.FORBIDDEN, "Only members take over conversations.")
        if conversation.assignee_id == member_id:
            return conversation
        ai_agent_id = check_take_over(conversation)
        if expected_version not in (None, conversation.version):
            raise Conflict(conversation)
        target = await _target(conversation, assignee_id=member_id)
        await hand_over(conversation, target, announce)
        cause = caused_by(viewer, conversation.workspace_id)
        record(conversation, announce, ActivityKind.TAKEN_OVER, cause, assignee_id=member_id)
        save_state(conversation, announce)
        announce(
            ConversationTakenOver(
                conversation.workspace_id,
                conversation.id,
                assignee_id=member_id,
                previous_ai_agent_id=ai_agent_id,
                previous_team_id=conversation.team_id,
            )
        )
    return conversation


async def _target(
    conversation: ConversationRecord,
    assignee_id: int | None = None,
    ai_agent_id: int | None = None,
    team_id: int | None = None,
) -> Target:
    """Return whom a locked conversation is to be given to; refuse who cannot have it.

    What can be deleted, and who can be removed, stays until the transaction ends.
    """
    if assignee_id is not None:
        stays = " FOR SHARE OF m" if sql.dialect() == "postgres" else ""
        members = await read_members("WHERE m.id = ?" + stays, assignee_id)
        return Target(member=check_assignee(members[0] if members else None, conversation))
    lock = " FOR SHARE" if sql.dialect() == "postgres" else ""
    if ai_agent_id is not None:
        agents = await read(AI_AGENTS, "WHERE t.id = ?" + lock, ai_agent_id)
        return Target(ai_agent=check_ai_agent(agents[0] if agents else None, conversation))
    teams = await sql.records(
        "SELECT id FROM team WHERE id = ? AND workspace_id = ?" + lock,
        team_id,
        conversation.workspace_id,
    )
    if not teams:
        raise hidden(("teamId",))
    return Target(team_id=team_id)


def previous_place(conversation: ConversationRecord) -> dict[str, Any]:
    """Return who saw a conversation before it was given away, as its event tells."""
    member = conversation.assignee
    return {
        "previous_assignee_id": member.id if member is not None else None,
        "previous_assignee_team_id": member.team_id if member is not None else None,
        "previous_team_id": conversation.team_id,
        "is_blocked": is_frozen(conversation),
    }


async def hand_over(conversation: ConversationRecord, target: Target, announce: Announce) -> None:
    """Put a locked conversation into other hands; the caller saves it.

    An AI agent that had it stops: its jobs that wait are gone, and what one that runs does after
    that is worth nothing, as the epoch is another one. A clock of automatic closing runs for people
    as it did before.
    """
    if conversation.ai_agent_id is not None:
        conversation.handling_epoch += 1
        await cancel(ai_work_of(conversation.id))
    conversation.assignee, conversation.ai_agent = target.member, target.ai_agent
    conversation.assignee_id = target.member.id if target.member is not None else None
    conversation.ai_agent_id = target.ai_agent.id if target.ai_agent is not None else None
    if is_unassigned(conversation):
        conversation.team_id = target.team_id
    watch(conversation, announce)
