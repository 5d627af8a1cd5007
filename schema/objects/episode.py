"""An episode: one stretch of a conversation from opened to closed."""

from datetime import datetime
from typing import Any

import strawberry

from models.episode import ChangeSource
from models.episode import Episode as EpisodeRow
from resolvers import batches
from schema.objects.member import Member
from schema.objects.node import Node, global_id
from schema.relation import relation


@strawberry.type
class ClosingNote:
    """What was said when an episode was closed; it stays, whatever becomes of the category."""

    category_name: str | None
    """The category's name at the time; null if none was chosen."""
    category_description: str | None
    """The category's description at the time; null if none was chosen."""
    summary: str | None
    """The text; null if there is none."""


@strawberry.type
class Episode(Node):
    """One stretch of a conversation from opened to closed."""

    id: strawberry.ID = global_id("Episode")
    opened_at: datetime
    """When it was opened."""
    opened_source: ChangeSource
    """Who or what opened it."""
    first_response_at: datetime | None
    """When the first answer to the contact reached the vendor; null if none has."""
    closed_at: datetime | None
    """When it was closed; null while it is open."""
    closed_source: ChangeSource | None
    """Who or what closed it; null while it is open."""

    @relation(Member | None, batches.members_by_id)
    def opened_by(root: strawberry.Parent[EpisodeRow]) -> int | None:
        """The member who opened it; null for the contact, a program or the server."""
        return root.opened_by_id

    @relation(Member | None, batches.members_by_id)
    def closed_by(root: strawberry.Parent[EpisodeRow]) -> int | None:
        """The member who closed it; null for a program or the server, and while it is open."""
        return root.closed_by_id

    @strawberry.field
    def note(root: strawberry.Parent[EpisodeRow]) -> ClosingNote | None:
        """The closing note; null if it was closed without one."""
        note = ClosingNote(
            category_name=root.note_category,
            category_description=root.note_description,
            summary=root.note_summary,
        )
        return note if root.note_category or root.note_summary else None

    @strawberry.field
    def first_response_seconds(root: strawberry.Parent[EpisodeRow]) -> int | None:
        """Full seconds from `openedAt` to `firstResponseAt`; null if there is none."""
        return _seconds(root.opened_at, root.first_response_at)

    @strawberry.field
    def resolution_seconds(root: strawberry.Parent[EpisodeRow]) -> int | None:
        """Full seconds from `openedAt` to `closedAt`; null while it is open."""
        return _seconds(root.opened_at, root.closed_at)

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, EpisodeRow)


def _seconds(start: datetime, end: datetime | None) -> int | None:
    """Return the full seconds between; clocks of two servers may differ, but never below 0."""
    return None if end is None else max(0, int((end - start).total_seconds()))
