"""Events about contacts who are gone."""

from collections.abc import Callable

import strawberry

from realtime import contact_events as facts
from realtime.events import Fact
from schema.ids import encode_id
from schema.objects.workspace_event import WorkspaceEvent
from schema.sight import Seen


@strawberry.type
class ContactDeleted(WorkspaceEvent):
    """A contact was deleted, with their conversation: forget all that is known of both."""

    @strawberry.field
    def contact_id(self) -> strawberry.ID:
        """Who it was."""
        return encode_id("Contact", getattr(self.seen.told.delivery.logged.fact, "contact_id", 0))

    @strawberry.field
    def conversation_id(self) -> strawberry.ID:
        """Which conversation was theirs."""
        fact = self.seen.told.delivery.logged.fact
        return encode_id("Conversation", getattr(fact, "conversation_id", 0))


CONTACT_KINDS: dict[type[Fact], Callable[[Seen], WorkspaceEvent]] = {
    facts.ContactDeleted: lambda seen: ContactDeleted(seen=seen),
}
