"""A notification: what a member is to know of."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from models.notification import NotificationKind, NotificationRecord
from resolvers import batches
from schema.objects.comment import Comment
from schema.objects.contact import Contact
from schema.objects.member import Member
from schema.objects.node import Node, global_id
from schema.relation import relation

if TYPE_CHECKING:
    from schema.objects.conversation import Conversation


@strawberry.type
class Notification(Node):
    """Something that the viewer is to know of, theirs alone, and there as long as they see the
    conversation. The notification of a comment goes when that is deleted (`CommentDeleted`)."""

    id: strawberry.ID = global_id("Notification")
    kind: NotificationKind
    """What it is about."""
    created_at: datetime
    """When it came."""
    archived_at: datetime | None
    """When the viewer archived it; null if it is new, or was taken out of the archive."""

    @strawberry.field
    def is_archived(root: strawberry.Parent[NotificationRecord]) -> bool:
        """Whether it is in the archive."""
        return root.archived_at is not None

    @relation(Member | None, batches.members_by_id)
    def actor(root: strawberry.Parent[NotificationRecord]) -> int | None:
        """Whose doing it is: of a mention, who wrote the comment. Null for a program, or a member
        who is gone."""
        return root.actor_id

    @relation(
        Annotated["Conversation", strawberry.lazy("schema.objects.conversation")],
        batches.conversations_by_id,
    )
    def conversation(root: strawberry.Parent[NotificationRecord]) -> int:
        """The conversation that it leads to."""
        return root.conversation_id

    @relation(Contact, batches.conversations_by_id, then=lambda _, found: found.contact)
    def contact(root: strawberry.Parent[NotificationRecord]) -> int:
        """The contact of the conversation: show the notifications of one together."""
        return root.conversation_id

    @relation(Comment | None, batches.comments_by_id)
    def comment(root: strawberry.Parent[NotificationRecord]) -> int | None:
        """The comment that mentions the viewer, as it is now; perhaps it does no more. Null for
        other kinds."""
        return root.comment_id

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, NotificationRecord)
