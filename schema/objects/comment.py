"""A comment: what a member tells the others about a conversation."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from models.comment import Comment as CommentModel
from models.episode import ChangeSource
from models.records import CommentRecord, CommentRow
from resolvers import attached, batches
from resolvers import comment as comments
from resolvers.mention import mentions_of_comments
from resolvers.rights import Right
from schema.columns import derived
from schema.connection import page_request
from schema.context import Info, viewer_of
from schema.objects.attachment import Attachment
from schema.objects.member import Member
from schema.objects.node import Node, global_id
from schema.permalinks import permalink_of
from schema.relation import relation

if TYPE_CHECKING:
    from schema.objects.conversation import Conversation


@strawberry.type
class CommentRevision:
    """What a comment said before it was edited."""

    version: int
    """The version of the comment that said it last."""
    text: str
    """The text."""
    written_at: datetime
    """When it was written."""


@strawberry.type
class Comment(Node):
    """What members tell each other about a conversation; the contact never gets it."""

    id: strawberry.ID = global_id("Comment")
    source: ChangeSource
    """Who or what wrote it."""
    text: str | None
    """What it says; null once it is deleted."""
    seq: int
    """Its place in the conversation, the same for everybody; messages are numbered along."""
    version: int
    """Counts its changes; give it as `expectedVersion`."""
    created_at: datetime
    """When it was written."""
    edited_at: datetime | None
    """When its text was last edited; null if never."""
    deleted_at: datetime | None
    """When it was deleted, of which its place is left; null if it was not."""

    @relation(
        Member | None, batches.members_by_id, needs=("author_id",), joined={"Member": "author"}
    )
    def author(root: strawberry.Parent[CommentRow]) -> int | None:
        """The member who wrote it; null for a program, or a member who is gone."""
        return root.author_id

    @relation(list[Member], mentions_of_comments, needs=("id",))
    def mentions(root: strawberry.Parent[CommentRow]) -> int:
        """The members whom it mentions, in the order in which they were given."""
        return root.id

    @relation(list[Attachment], attached.attachments_of_comments, needs=("id",))
    def attachments(root: strawberry.Parent[CommentRow]) -> int:
        """Its files, in their order; empty once it is deleted. No channel ever gets them."""
        return root.id

    @relation(list[CommentRevision], comments.newest_revisions, needs=("id",))
    def history(root: strawberry.Parent[CommentRow], first: int = 10) -> tuple[int, int]:
        """What it said before it was edited, newest first; empty once it is deleted."""
        return (root.id, page_request(first, None, None, None).size)

    @relation(
        Annotated["Conversation", strawberry.lazy("schema.objects.conversation")],
        batches.conversations_by_id,
        needs=("conversation_id",),
    )
    def conversation(root: strawberry.Parent[CommentRow]) -> int:
        """The conversation it is about."""
        return root.conversation_id

    @relation(
        str,
        batches.contacts_of_conversations,
        then=lambda row, contact_id: permalink_of("Comment", row.id, row.workspace_id, contact_id),
        needs=("id", "workspace_id", "conversation_id"),
    )
    def permalink(root: strawberry.Parent[CommentRow]) -> int:
        """The lasting address of the comment, for `resolveLink`; it lets in nobody."""
        return root.conversation_id

    @derived("workspace_id", "actor", "deleted_at")
    def viewer_can_edit(root: strawberry.Parent[CommentRow], info: Info) -> bool:
        """Whether the viewer may use `updateComment` and `deleteComment` on it, as its author."""
        allowed = info.context.may(root.workspace_id, Right.COMMENT)
        return allowed and comments.can_be_changed(viewer_of(info), root)

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, CommentModel | CommentRecord)
