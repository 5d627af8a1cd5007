"""An AI agent: a program that looks after conversations as a member would."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from models.records import AiAgentRow
from schema.objects.member import Member
from schema.objects.node import Node, global_id


@strawberry.type
class AiAgent(Node):
    """A program that looks after conversations as a member would."""

    id: strawberry.ID = global_id("AiAgent")
    name: str
    """Its name, unique in the workspace."""
    is_active: bool
    """Whether it can be given conversations; otherwise it keeps those that it has."""
    created_at: datetime
    """When it was made."""

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, AiAgentRow)


Assignee = Annotated[
    Member | AiAgent,
    strawberry.union("Assignee", description="Who looks after a conversation."),
]
