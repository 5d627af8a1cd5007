"""Events about comments."""

from collections.abc import Callable

import strawberry

from models.records import CommentRecord, ConversationRecord
from realtime import comment_events as facts
from realtime.events import Fact
from schema.objects.comment import Comment
from schema.objects.conversation import Conversation
from schema.objects.workspace_event import WorkspaceEvent
from schema.sight import Seen


@strawberry.type
class _CommentEvent(WorkspaceEvent):
    """What is told of a comment."""

    @strawberry.field(graphql_type=Comment)
    def comment(self) -> CommentRecord | None:
        """The comment as it is now."""
        return self.seen.told.delivery.comment

    @strawberry.field(graphql_type=Conversation | None)
    def conversation(self) -> ConversationRecord | None:
        """Its conversation as it is now; never null here, but in `ConversationChanged`."""
        return self.seen.told.delivery.conversation


@strawberry.type
class CommentAdded(_CommentEvent):
    """A comment was written."""


@strawberry.type
class CommentChanged(_CommentEvent):
    """A comment was edited by its author."""


@strawberry.type
class CommentDeleted(_CommentEvent):
    """A comment was deleted by its author: only its place is left."""


COMMENT_KINDS: dict[type[Fact], Callable[[Seen], WorkspaceEvent]] = {
    facts.CommentAdded: lambda seen: CommentAdded(seen=seen),
    facts.CommentChanged: lambda seen: CommentChanged(seen=seen),
    facts.CommentDeleted: lambda seen: CommentDeleted(seen=seen),
}
