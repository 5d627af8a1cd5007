"""A lifecycle stage: how far a contact has come on the way to being a customer."""

from typing import Any

import strawberry

from models.lifecycle_stage import LifecycleStage as LifecycleStageRow
from schema.objects.node import Node, global_id


@strawberry.type
class LifecycleStage(Node):
    """How far a contact has come on the way to being a customer."""

    id: strawberry.ID = global_id("LifecycleStage")
    name: str
    """Its name, unique in the workspace."""
    position: int
    """Its place in the list of stages, from 0."""

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, LifecycleStageRow)
