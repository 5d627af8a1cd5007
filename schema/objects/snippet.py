"""A snippet: a text that a workspace keeps to be sent again and again."""

from datetime import datetime
from typing import Any

import strawberry

from models.snippet import SnippetRecord
from resolvers import attached, batches
from schema.objects.attachment import Attachment
from schema.objects.member import Member
from schema.objects.node import Node, global_id
from schema.relation import relation


@strawberry.type
class Snippet(Node):
    """A text that a workspace keeps to be sent again and again."""

    id: strawberry.ID = global_id("Snippet")
    name: str
    """Its name, unique in the workspace whatever its case and accents."""
    topic: str | None
    """What it is about; null for none."""
    text: str
    """What it says, with variables as they were written."""
    version: int
    """Counts its changes; give it as `expectedVersion`."""
    created_at: datetime
    """When it was made."""
    updated_at: datetime
    """When it was last changed."""

    @relation(list[Attachment], attached.attachments_of_snippets, needs=("id",))
    def attachments(root: strawberry.Parent[SnippetRecord]) -> int:
        """Its files, in their order: their ids can be sent again and again."""
        return root.id

    @relation(int, attached.file_counts_of_snippets, needs=("id",))
    def attachment_count(root: strawberry.Parent[SnippetRecord]) -> int:
        """How many files it has."""
        return root.id

    @relation(Member | None, batches.members_by_id, needs=("created_by_id",))
    def created_by(root: strawberry.Parent[SnippetRecord]) -> int | None:
        """Who made it; null for a program."""
        return root.created_by_id

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, SnippetRecord)
