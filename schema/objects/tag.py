"""A tag: a word that a workspace puts on its contacts."""

from typing import Any

import strawberry

from models.tag import Tag as TagRow
from schema.objects.node import Node, global_id


@strawberry.type
class Tag(Node):
    """A word that a workspace puts on its contacts."""

    id: strawberry.ID = global_id("Tag")
    name: str
    """Its name, unique in the workspace whatever the case."""

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, TagRow)
