"""What a live inbox tells: conversations that enter, leave or move, each with the counts."""

from typing import TYPE_CHECKING

import strawberry

from models.records import ConversationRecord
from resolvers.inbox_view import InboxView, Move
from schema.context import Info, viewer_of
from schema.ids import encode_id
from schema.objects.conversation import Conversation
from schema.objects.workspace_event import WorkspaceEvent

if TYPE_CHECKING:
    from resolvers.inbox_view import Moved


@strawberry.type
class InboxCounts:
    """How many open conversations an inbox has."""

    open: int
    """How many are open."""
    unreplied: int
    """How many of these wait for an answer."""
    view: strawberry.Private[InboxView]

    @strawberry.field
    async def unread(self, info: Info) -> int:
        """How many of these have messages that the viewer has not read; 0 for a program."""
        member_id = viewer_of(info).member_id(self.view.inbox.workspace_id)
        return await info.context.hub.inbox_views.unread_count(self.view, member_id)


@strawberry.type
class InboxChanged(WorkspaceEvent):
    """A conversation entered an inbox, left it, or changed in it."""

    view: strawberry.Private[InboxView]

    @property
    def _moved(self) -> "Moved":
        moved = self.seen.moved
        assert moved is not None  # noqa: S101 - nothing else is told by it
        return moved

    @strawberry.field
    def change(self) -> Move:
        """What happened to its place in the inbox."""
        return self._moved.move

    @strawberry.field
    def conversation_id(self) -> strawberry.ID:
        """Which conversation it is, known also where it is hidden."""
        fact = self.seen.told.delivery.logged.fact
        return encode_id("Conversation", getattr(fact, "conversation_id", 0))

    @strawberry.field(graphql_type=Conversation | None)
    def conversation(self) -> ConversationRecord | None:
        """The conversation as it is now; null where it left and the viewer can no longer see it."""
        return None if self.seen.is_hidden else self.seen.told.delivery.conversation

    @strawberry.field
    def counts(self) -> InboxCounts:
        """The inbox's counts after it."""
        moved = self._moved
        return InboxCounts(open=moved.open_count, unreplied=moved.unreplied_count, view=self.view)
