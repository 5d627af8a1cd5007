"""A member: a user inside one workspace."""

from datetime import datetime
from typing import Any

import strawberry

from models.member import Restriction, Role, Visibility
from models.records import MemberRow, UserRow
from realtime.attendance import PresenceState, presence_of
from resolvers.batches import teams_by_id, working_hours_of_members
from resolvers.member import leads, read_restrictions
from schema.columns import attribute, derived, joined
from schema.context import Info
from schema.objects.node import Node, global_id
from schema.objects.team import Team
from schema.objects.user import User
from schema.objects.working_hours import WorkingHours, working_hours_of
from schema.relation import relation


@strawberry.type
class Member(Node):
    """A user's place in a workspace."""

    id: strawberry.ID = global_id("Member")
    role: Role
    """What they may do."""
    visibility: Visibility
    """Which conversations they may see; it restricts agents only."""
    is_active: bool
    """Whether they still work here; inactive members keep their history."""
    created_at: datetime
    """When they joined."""

    name: str = attribute("user.name", "The person's name.")

    @joined(User, {"User": "user"})
    def user(root: strawberry.Parent[MemberRow]) -> UserRow:
        """The person."""
        return root.user

    @derived("restrictions")
    def restrictions(root: strawberry.Parent[MemberRow]) -> list[Restriction]:
        """What they may not do although their role allows it."""
        return sorted(read_restrictions(root.restrictions), key=lambda one: one.value)

    @derived("id", "workspace_id")
    def presence(root: strawberry.Parent[MemberRow]) -> PresenceState:
        """Whether they are there, as far as this server has heard; `presenceChanged` tells."""
        return presence_of(root.workspace_id, root.id)[0]

    @derived("id", "workspace_id", "role")
    def viewer_can_update(root: strawberry.Parent[MemberRow], info: Info) -> bool:
        """Whether the viewer may use `updateMember` and `removeMember`."""
        return leads(info.context.viewer, root)

    @relation(Team | None, teams_by_id, needs=("team_id",))
    def team(root: strawberry.Parent[MemberRow]) -> int | None:
        """The team they belong to; null for none."""
        return root.team_id

    @relation(
        WorkingHours | None,
        working_hours_of_members,
        then=lambda _, found: working_hours_of(found),
        needs=("id",),
    )
    def working_hours(root: strawberry.Parent[MemberRow]) -> int:
        """When they work, by the workspace's time; null: the hours of the workspace."""
        return root.id

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, MemberRow)
