"""A team: members who share an inbox."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from models.team import Team as TeamRow
from resolvers.batches import members_of_teams
from schema.objects.node import Node, global_id
from schema.relation import relation

if TYPE_CHECKING:
    from schema.objects.member import Member


@strawberry.type
class Team(Node):
    """A named group of members."""

    id: strawberry.ID = global_id("Team")
    name: str
    """The team's name, unique in the workspace."""

    @relation(
        list[Annotated["Member", strawberry.lazy("schema.objects.member")]],
        members_of_teams,
        then=lambda _, found: found or [],
        needs=("id",),
    )
    def members(root: strawberry.Parent[TeamRow]) -> int:
        """Its members who still work here, by name."""
        return root.id

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, TeamRow)
