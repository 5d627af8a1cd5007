"""A team: members who share an inbox."""

from typing import Any

import strawberry

from models.team import Team as TeamRow
from schema.objects.node import Node, global_id


@strawberry.type
class Team(Node):
    """A named group of members."""

    id: strawberry.ID = global_id("Team")
    name: str
    """The team's name, unique in the workspace."""

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, TeamRow)
