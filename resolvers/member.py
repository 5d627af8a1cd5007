"""Members: what they may do, who may change that, and leaving."""

from collections.abc import Collection, Mapping
from typing import Any

from models.activity import ActivityKind
from models.engine import sql
from models.episode import ChangeSource
from models.member import Restriction, Role, Visibility
from models.queries import lock_conversation
from models.records import MEMBERS, MemberRecord, MemberRow
from models.refusal import Code, Refused
from realtime.events import ConversationUnassigned, MemberChanged, MemberTeamChanged
from realtime.jobs import ClaimedJob
from realtime.transaction import Announce, transaction
from resolvers.access import hold_members, hold_team
from resolvers.batches import members_by_id
from resolvers.conversation import Cause, caused_by, record, save_state
from resolvers.rights import RESTRICTABLE, Right
from resolvers.viewer import Membership, Viewer, require
from resolvers.working_hours import encode_working_hours
from resolvers.workspace import written

RELEASE_CONVERSATIONS = "release_conversations"
RELEASED_AT_ONCE = 50
"""How many conversations of somebody who left are unassigned in one transaction."""


def check_leads(membership: Membership, role: Role, *field: str) -> None:
    """Refuse to invite or change somebody of a role that the viewer's role does not lead."""
    if membership.role is not Role.OWNER and role is not Role.AGENT:
        raise Refused(Code.FORBIDDEN, "Managers invite and change agents only.", field=field)


def check_restrictions(role: Role, restrictions: Collection[Restriction]) -> None:
    """Refuse a restriction of what the role does not allow anyway, or cannot be denied."""
    if not set(restrictions) <= RESTRICTABLE[role]:
        raise Refused(
            Code.INVALID,
            "A member of this role cannot have this restriction.",
            field=("restrictions",),
        )


def check_owners(owners: Collection[int], leaving: int) -> None:
    """Refuse that the last owner stops being one."""
    if set(owners) == {leaving}:
        raise Refused(Code.WRONG_STATE, "A workspace keeps at least one owner.")


def restrictions_at_first(role: Role) -> frozenset[Restriction]:
    """Return the restrictions of a new member: agents do not export data unless it is allowed."""
    return frozenset({Restriction.DATA_EXPORT} if role is Role.AGENT else ())


def restrictions_after(
    before: Collection[Restriction], old: Role, new: Role
) -> frozenset[Restriction]:
    """Return what is left of a member's restrictions in another role, and what comes with it."""
    kept = RESTRICTABLE[new] & set(before)
    return kept if old is new else kept | restrictions_at_first(new)


def read_restrictions(text: str) -> frozenset[Restriction]:
    """Return the restrictions that a member's row keeps; the inverse of `written`."""
    return frozenset(Restriction(one) for one in text.split(",") if one)


async def update_member(viewer: Viewer, member_id: int, changes: Mapping[str, Any]) -> MemberRecord:
    """Change the given ones of `role`, `visibility`, `restrictions`, `team_id`, `working_hours`.

    None clears: visibility to ALL, restrictions and team to none, hours to the workspace's.
    Managers change agents only, nobody changes themselves, and the last owner stays. Sockets of
    the member close, and those of who sees the conversations of a team that they join or leave.
    """
    async with transaction() as announce:
        member, owners = await hold_members(viewer, member_id)
        membership = _check_other(viewer, member)
        if not member.is_active:
            raise Refused(Code.WRONG_STATE, "This member has left.", field=("memberId",))
        given = given_access(member, changes)
        check_leads(membership, given["role"], "role")
        if given["role"] is not Role.OWNER:
            check_owners(owners, member.id)
        if given["team_id"] not in (None, member.team_id):
            await hold_team(member.workspace_id, given["team_id"])
        has_changed = _save(member, given, announce)
        if "working_hours" in changes:
            hours = encode_working_hours(changes["working_hours"])
            if await _save_hours(member.id, hours) and not has_changed:
                announce(MemberChanged(member.workspace_id, member.id))
    return member


async def _save_hours(member_id: int, hours: str | None) -> bool:
    """Write a member's working hours; return whether they were others."""
    changed = await sql.affected(
        "UPDATE member SET working_hours = ? WHERE id = ?"
        " AND COALESCE(working_hours, '') <> COALESCE(?, '')",
        hours,
        member_id,
        hours,
    )
    return changed == 1


def given_access(member: MemberRecord, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return role, visibility, restrictions and team of a member after changes."""
    role = changes.get("role", member.role)
    if role is None:
        raise Refused(Code.INVALID, "A member has a role.", field=("role",))
    kept = restrictions_after(read_restrictions(member.restrictions), member.role, role)
    restrictions = changes.get("restrictions", kept) or ()
    check_restrictions(role, restrictions)
    return {
        "role": role,
        "visibility": changes.get("visibility", member.visibility) or Visibility.ALL,
        "restrictions": written(restrictions),
        "team_id": changes.get("team_id", member.team_id),
    }


async def remove_member(viewer: Viewer, member_id: int) -> MemberRecord:
    """End a membership: history stays, rights end, and a job unassigns their conversations.

    Who has left already stays as they are.
    """
    async with transaction() as announce:
        member, owners = await hold_members(viewer, member_id)
        _check_other(viewer, member)
        check_owners(owners, member.id)
        _end(member, caused_by(viewer, member.workspace_id), announce)
    return member


async def leave_workspace(viewer: Viewer, workspace_id: int) -> int:
    """End the viewer's own membership as `remove_member` does; return the workspace's id."""
    membership = require(viewer, workspace_id, Right.VIEW)
    if membership.member_id is None:
        raise Refused(Code.FORBIDDEN, "Only members leave.")
    async with transaction() as announce:
        member, owners = await hold_members(viewer, membership.member_id)
        check_owners(owners, member.id)
        _end(member, caused_by(viewer, workspace_id), announce)
    return workspace_id


def leads(viewer: Viewer | None, member: MemberRow) -> bool:
    """Tell whether the viewer may change a member."""
    if viewer is None:
        return False
    try:
        _check_other(viewer, member)
    except Refused:
        return False
    return True


def _check_other(viewer: Viewer, member: MemberRow) -> Membership:
    """Refuse who may not change a member: the viewer leads their role, and is somebody else."""
    membership = require(viewer, member.workspace_id, Right.MANAGE_MEMBERS)
    if member.id == membership.member_id:
        raise Refused(Code.FORBIDDEN, "Nobody changes their own access.", field=("memberId",))
    check_leads(membership, member.role, "memberId")
    return membership


def _save(member: MemberRecord, given: Mapping[str, Any], announce: Announce) -> bool:
    """Have what is new about a member written and told; return whether anything is."""
    changed = [name for name, new in given.items() if getattr(member, name) != new]
    if not changed:
        return False
    previous_team_id = member.team_id
    for name in changed:
        setattr(member, name, given[name])
    announce.save(MEMBERS, member, changed)
    if "team_id" in changed:
        announce(
            MemberTeamChanged(member.workspace_id, member.id, member.team_id, previous_team_id)
        )
    else:
        announce(MemberChanged(member.workspace_id, member.id))
    return True


def _end(member: MemberRecord, cause: Cause, announce: Announce) -> None:
    if not member.is_active:
        return
    _save(member, {"is_active": False}, announce)
    _release(member.id, cause, announce)


def _release(member_id: int, cause: Cause, announce: Announce) -> None:
    """Have the conversations of somebody who left unassigned, a few at a time."""
    payload: dict[str, int | str] = {"member_id": member_id, "source": cause.source.value}
    if cause.member_id is not None:
        payload["actor_id"] = cause.member_id
    announce.job(RELEASE_CONVERSATIONS, payload, dedupe_key=f"release:{member_id}")


async def release_conversations(job: ClaimedJob) -> None:
    """Unassign some conversations of a member who left, then enqueue the next ones.

    A conversation that a team has stays with the team. Nothing happens once they are back.
    """
    member_id = int(job.payload["member_id"])
    cause = Cause(ChangeSource(job.payload["source"]), job.payload.get("actor_id"))
    async with transaction() as announce:
        await job.complete()
        member = (await members_by_id([member_id])).get(member_id)
        if member is None or member.is_active:
            return
        rows = await sql.records(
            "SELECT id FROM conversation WHERE assignee_id = ?"
            f" ORDER BY id LIMIT {RELEASED_AT_ONCE}",
            member_id,
        )
        for (conversation_id,) in rows:
            await _unassign(conversation_id, member, cause, announce)
        if len(rows) == RELEASED_AT_ONCE:
            _release(member_id, cause, announce)


async def _unassign(
    conversation_id: int, member: MemberRecord, cause: Cause, announce: Announce
) -> None:
    conversation = await lock_conversation(conversation_id)
    if conversation is None or conversation.assignee_id != member.id:
        return  # somebody else has it by now
    conversation.assignee = conversation.assignee_id = None
    record(conversation, announce, ActivityKind.UNASSIGNED, cause)
    save_state(conversation, announce)
    announce(
        ConversationUnassigned(
            conversation.workspace_id,
            conversation.id,
            previous_assignee_id=member.id,
            previous_assignee_team_id=member.team_id,
            previous_team_id=conversation.team_id,
        )
    )
