"""An invitation: an address that may join a workspace."""

from datetime import datetime
from typing import Any

import strawberry

from models.invitation import Invitation as InvitationRow
from models.member import Restriction, Role, Visibility
from resolvers.batches import members_by_id, teams_by_id
from resolvers.member import read_restrictions
from schema.objects.member import Member
from schema.objects.node import Node, global_id
from schema.objects.team import Team
from schema.relation import relation


@strawberry.type
class Invitation(Node):
    """An address that may join a workspace once; seen by those who may invite."""

    id: strawberry.ID = global_id("Invitation")
    email: str
    """The address that it is bound to, in lower case."""
    role: Role
    """What the member will be allowed to do."""
    visibility: Visibility
    """Which conversations the member will see."""
    created_at: datetime
    """When it was made."""
    expires_at: datetime
    """Until when it can be accepted."""
    accepted_at: datetime | None
    """When it was accepted; null while it was not."""
    revoked_at: datetime | None
    """When it was revoked, or replaced by another one; null while it was not."""

    @strawberry.field
    def restrictions(root: strawberry.Parent[InvitationRow]) -> list[Restriction]:
        """What the member will not be allowed to do although the role allows it."""
        return sorted(read_restrictions(root.restrictions), key=lambda one: one.value)

    @relation(Team | None, teams_by_id)
    def team(root: strawberry.Parent[InvitationRow]) -> int | None:
        """The team that the member will belong to; null for none."""
        return root.team_id

    @relation(Member | None, members_by_id)
    def invited_by(root: strawberry.Parent[InvitationRow]) -> int | None:
        """Who has invited them; null for a program."""
        return root.invited_by_id

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, InvitationRow)
