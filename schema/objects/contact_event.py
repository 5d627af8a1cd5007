"""Events about contacts who are gone."""

from collections.abc import Callable

import strawberry

from realtime import contact_events as facts
from realtime.events import Fact
from resolvers.contact_merge import seen_conversations
from resolvers.viewer import Viewer
from schema.context import Info, viewer_of
from schema.ids import encode_id
from schema.objects.conversation import Conversation
from schema.objects.workspace_event import WorkspaceEvent
from schema.relation import relation
from schema.sight import Seen


@strawberry.type
class _GoneEvent(WorkspaceEvent):
    """What is told of a contact who is no more."""

    @strawberry.field
    def contact_id(self) -> strawberry.ID:
        """Who it was."""
        return encode_id("Contact", getattr(self.seen.told.delivery.logged.fact, "contact_id", 0))

    @strawberry.field
    def conversation_id(self) -> strawberry.ID:
        """Which conversation was theirs."""
        fact = self.seen.told.delivery.logged.fact
        return encode_id("Conversation", getattr(fact, "conversation_id", 0))


@strawberry.type
class ContactDeleted(_GoneEvent):
    """A contact was deleted, with their conversation: forget all that is known of both."""


@strawberry.type
class ContactMerged(_GoneEvent):
    """A contact was merged into another one: forget what is known of them and their conversation;
    all that was in it is in the other one's."""

    @relation(Conversation | None, seen_conversations)
    def into(self, info: Info) -> tuple[Viewer, int]:
        """The conversation of the contact who stays, as it is now; null where the viewer does not
        see it."""
        fact = self.seen.told.delivery.logged.fact
        return (viewer_of(info), getattr(fact, "kept_conversation_id", 0))


CONTACT_KINDS: dict[type[Fact], Callable[[Seen], WorkspaceEvent]] = {
    facts.ContactDeleted: lambda seen: ContactDeleted(seen=seen),
    facts.ContactMerged: lambda seen: ContactMerged(seen=seen),
}
