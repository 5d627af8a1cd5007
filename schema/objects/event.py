"""Events: what the streams and the log tell, each with its cursor."""

from collections.abc import Callable
from datetime import datetime
from enum import Enum

import strawberry

from models.records import (
    ContactRecord,
    ConversationRecord,
    MemberRecord,
    MessageRecord,
)
from realtime import attachment_events
from realtime import events as facts
from realtime.events import Fact
from resolvers.batches import teams_by_id, workspaces_by_id
from resolvers.inbox_finding import inboxes_of_viewers
from resolvers.viewer import Viewer
from schema.context import Info, viewer_of
from schema.ids import encode_id
from schema.objects.comment_event import COMMENT_KINDS
from schema.objects.contact import Contact
from schema.objects.contact_event import CONTACT_KINDS
from schema.objects.conversation import Conversation
from schema.objects.conversation_change import CHANGES, ConversationChange
from schema.objects.inbox import CustomInbox
from schema.objects.member import Member
from schema.objects.message import Message
from schema.objects.notification_event import NOTIFICATION_KINDS
from schema.objects.team import Team
from schema.objects.transfer_event import TRANSFER_KINDS
from schema.objects.workspace import Workspace
from schema.objects.workspace_event import WorkspaceEvent
from schema.relation import relation
from schema.sight import OF_THE_GONE, Seen


def changes_conversation(fact: Fact, only: int | None) -> bool:
    """Tell whether a fact changes a conversation, or the one that is asked for."""
    if type(fact) not in CHANGES:
        return False
    return only is None or getattr(fact, "conversation_id", None) == only


@strawberry.type
class MessageAdded(WorkspaceEvent):
    """A message came in or was accepted for sending; one of a blocked contact is
    `isQuarantined`."""

    @strawberry.field(graphql_type=Message)
    def message(self) -> MessageRecord | None:
        """The message."""
        return self.seen.told.delivery.message

    @strawberry.field(graphql_type=Conversation | None)
    def conversation(self) -> ConversationRecord | None:
        """Its conversation as it is now; never null here, but in `ConversationChanged`."""
        return self.seen.told.delivery.conversation


@strawberry.type
class MessageChanged(WorkspaceEvent):
    """An outgoing message went on, failed, or its outcome became unknown; or a file changed."""

    @strawberry.field(graphql_type=Message)
    def message(self) -> MessageRecord | None:
        """The message as it is now."""
        return self.seen.told.delivery.message

    @strawberry.field(graphql_type=Conversation | None)
    def conversation(self) -> ConversationRecord | None:
        """Its conversation as it is now; never null here, but in `ConversationChanged`."""
        return self.seen.told.delivery.conversation


@strawberry.type
class ConversationChanged(WorkspaceEvent):
    """Something changed about a conversation."""

    @strawberry.field
    def change(self) -> ConversationChange:
        """What changed."""
        fact = self.seen.told.delivery.logged.fact
        is_lost = self.seen.is_hidden and not isinstance(fact, OF_THE_GONE)
        return ConversationChange.HIDDEN if is_lost else CHANGES[type(fact)]

    @strawberry.field
    def conversation_id(self) -> strawberry.ID:
        """Which conversation it is, known also where it is hidden."""
        fact = self.seen.told.delivery.logged.fact
        return encode_id("Conversation", getattr(fact, "conversation_id", 0))

    @strawberry.field(graphql_type=Conversation | None)
    def conversation(self) -> ConversationRecord | None:
        """The conversation as it is now; null where the viewer can no longer see it."""
        return None if self.seen.is_hidden else self.seen.told.delivery.conversation


@strawberry.type
class SnoozeExpired(WorkspaceEvent):
    """A snooze came to its end by itself."""

    @strawberry.field
    def until(self) -> datetime:
        """When it was to end."""
        fact = self.seen.told.delivery.logged.fact
        assert isinstance(fact, facts.SnoozeExpired)  # noqa: S101 - nothing else is told by it
        return fact.until

    @strawberry.field(graphql_type=Conversation | None)
    def conversation(self) -> ConversationRecord | None:
        """The conversation, back where it was; never null here, but in `ConversationChanged`."""
        return self.seen.told.delivery.conversation


@strawberry.enum
class ContactChange(Enum):
    """What changed about a contact."""

    CREATED = "CREATED"
    """They became known."""
    UPDATED = "UPDATED"
    """Their details were edited."""


@strawberry.type
class ContactChanged(WorkspaceEvent):
    """A contact became known or was edited."""

    @strawberry.field
    def change(self) -> ContactChange:
        """What changed."""
        created = isinstance(self.seen.told.delivery.logged.fact, facts.ContactCreated)
        return ContactChange.CREATED if created else ContactChange.UPDATED

    @strawberry.field(graphql_type=Contact)
    def contact(self) -> ContactRecord | None:
        """The contact as they are now."""
        conversation = self.seen.told.delivery.conversation
        return conversation.contact if conversation is not None else None


@strawberry.type
class MemberChanged(WorkspaceEvent):
    """A member joined, left, or what they may do changed."""

    @strawberry.field(graphql_type=Member)
    def member(self) -> MemberRecord | None:
        """The member as they are now."""
        return self.seen.told.delivery.member

    @strawberry.field
    def is_sight_changed(self) -> bool:
        """Whether the viewer may see other conversations now than before: read the lists anew.

        A socket closes with 4412 instead.
        """
        return self.seen.is_hidden


@strawberry.type
class TeamChanged(WorkspaceEvent):
    """A team was made, renamed or deleted."""

    @strawberry.field
    def team_id(self) -> strawberry.ID:
        """Which team it is, known also where it was deleted."""
        fact = self.seen.told.delivery.logged.fact
        return encode_id("Team", getattr(fact, "team_id", 0))

    @relation(Team | None, teams_by_id)
    def team(self) -> int:
        """The team as it is now; null once it was deleted: no conversation is its any more."""
        return int(getattr(self.seen.told.delivery.logged.fact, "team_id", 0))


@strawberry.type
class WorkspaceSettingsChanged(WorkspaceEvent):
    """A setting of the workspace changed, or what it offers to choose from: its closing-note
    categories, tags and AI agents; a deleted tag is off its contacts without another event."""

    @relation(Workspace, workspaces_by_id)
    def workspace(self) -> int:
        """The workspace as it is now."""
        return self.seen.told.delivery.logged.workspace_id


@strawberry.type
class CustomInboxChanged(WorkspaceEvent):
    """A custom inbox was made, changed or deleted."""

    @strawberry.field
    def inbox_id(self) -> strawberry.ID:
        """Which inbox it is, known also where it is gone."""
        fact = self.seen.told.delivery.logged.fact
        return encode_id("CustomInbox", getattr(fact, "inbox_id", 0))

    @relation(CustomInbox | None, inboxes_of_viewers)
    def inbox(self, info: Info) -> tuple[Viewer, int]:
        """The inbox as it is now; null where the viewer has it no more."""
        fact = self.seen.told.delivery.logged.fact
        return (viewer_of(info), getattr(fact, "inbox_id", 0))


KINDS: dict[type[Fact], Callable[[Seen], WorkspaceEvent]] = {
    facts.MessageAdded: lambda seen: MessageAdded(seen=seen),
    facts.MessageQuarantined: lambda seen: MessageAdded(seen=seen),
    facts.MessageStatusChanged: lambda seen: MessageChanged(seen=seen),
    attachment_events.AttachmentChanged: lambda seen: MessageChanged(seen=seen),
    **COMMENT_KINDS,
    **CONTACT_KINDS,
    **NOTIFICATION_KINDS,
    **TRANSFER_KINDS,
    facts.SnoozeExpired: lambda seen: SnoozeExpired(seen=seen),
    facts.ContactCreated: lambda seen: ContactChanged(seen=seen),
    facts.ContactUpdated: lambda seen: ContactChanged(seen=seen),
    facts.MemberChanged: lambda seen: MemberChanged(seen=seen),
    facts.MemberTeamChanged: lambda seen: MemberChanged(seen=seen),
    facts.TeamChanged: lambda seen: TeamChanged(seen=seen),
    facts.CustomInboxChanged: lambda seen: CustomInboxChanged(seen=seen),
    facts.MaskingChanged: lambda seen: WorkspaceSettingsChanged(seen=seen),
    facts.WorkspaceSettingsChanged: lambda seen: WorkspaceSettingsChanged(seen=seen),
}


def workspace_event(seen: Seen) -> WorkspaceEvent:
    """Return an event as the GraphQL type that tells it best."""
    kind = KINDS.get(type(seen.told.delivery.logged.fact))
    return kind(seen) if kind is not None else ConversationChanged(seen=seen)
