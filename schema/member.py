"""Members: changing what they may do, removing them, and leaving."""

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry.types.unset import UNSET

from models.member import Restriction, Role, Visibility
from models.records import MemberRow
from resolvers import member as members
from schema.context import Info, viewer_of
from schema.ids import decode_id, decode_optional_id, encode_id
from schema.objects.member import Member
from schema.objects.working_hours import WorkingIntervalInput, intervals_in
from schema.payload import Payload, mutation, result


@strawberry.input
class UpdateMemberInput:
    """What is to be changed; omitted fields stay, null clears."""

    member_id: strawberry.ID
    """The member: anybody but the viewer."""
    role: Role | None = UNSET
    """What they may do; restrictions that the new role cannot have are dropped."""
    visibility: Visibility | None = UNSET
    """Which conversations they may see, as an agent; null means all."""
    restrictions: list[Restriction] | None = UNSET
    """What they may not do although their role allows it; null means none."""
    team_id: strawberry.ID | None = UNSET
    """The team they belong to; null means none."""
    working_hours: list[WorkingIntervalInput] | None = UNSET
    """The intervals of a week in which they work, by the workspace's time: at most 50, none of
    which overlap; null means those of the workspace."""


@strawberry.type
class UpdateMemberPayload(Payload):
    """The member as they are now."""

    member: MemberRow | None = result(Member)
    """The changed member."""


@strawberry.input
class RemoveMemberInput:
    """Who is to be removed."""

    member_id: strawberry.ID
    """The member: anybody but the viewer."""


@strawberry.type
class RemoveMemberPayload(Payload):
    """The member as they are now."""

    member: MemberRow | None = result(Member)
    """The inactive member."""


@strawberry.input
class LeaveWorkspaceInput:
    """Which workspace the viewer leaves."""

    workspace_id: strawberry.ID
    """The workspace."""


@strawberry.type
class LeaveWorkspacePayload(Payload):
    """What was left."""

    left_workspace_id: strawberry.ID | None = None
    """The id of the workspace that the viewer cannot see any more; null where it was refused."""


def _changes(input: UpdateMemberInput) -> Mapping[str, Any]:
    given: dict[str, Any] = {
        "role": input.role,
        "visibility": input.visibility,
        "restrictions": input.restrictions,
        "team_id": input.team_id,
    }
    changes = {name: value for name, value in given.items() if value is not UNSET}
    if "team_id" in changes:
        changes["team_id"] = decode_optional_id(changes["team_id"], "Team", "teamId")
    if input.working_hours is not UNSET:
        changes["working_hours"] = intervals_in(input.working_hours)
    return changes


@strawberry.type
class Mutation:
    """Changing members."""

    @mutation
    async def update_member(self, info: Info, input: UpdateMemberInput) -> UpdateMemberPayload:
        """Change what a member may do; for owners, and for managers where it is an agent.

        The member's sockets close with 4412, and those of who sees the conversations of a team
        that the member joins or leaves. The last owner stays one.
        """
        member = await members.update_member(
            viewer_of(info), decode_id(input.member_id, "Member", "memberId"), _changes(input)
        )
        return UpdateMemberPayload(member=member)

    @mutation
    async def remove_member(self, info: Info, input: RemoveMemberInput) -> RemoveMemberPayload:
        """End a membership; for owners, and for managers where it is an agent.

        What they wrote stays theirs. Their conversations move to Unassigned a little later, or
        stay with the team that has them.
        """
        member = await members.remove_member(
            viewer_of(info), decode_id(input.member_id, "Member", "memberId")
        )
        return RemoveMemberPayload(member=member)

    @mutation
    async def leave_workspace(
        self, info: Info, input: LeaveWorkspaceInput
    ) -> LeaveWorkspacePayload:
        """End the viewer's own membership; the last owner stays."""
        left = await members.leave_workspace(
            viewer_of(info), decode_id(input.workspace_id, "Workspace", "workspaceId")
        )
        return LeaveWorkspacePayload(left_workspace_id=encode_id("Workspace", left))
