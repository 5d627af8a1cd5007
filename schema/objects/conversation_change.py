"""What changed about a conversation: the word for each fact that the streams tell of one."""

from enum import Enum

import strawberry

from realtime import contact_events, draft_events, schedule_events
from realtime import events as facts
from realtime.events import Fact


@strawberry.enum
class ConversationChange(Enum):
    """What changed about a conversation."""

    CREATED = "CREATED"
    """It was born with its contact."""
    CONTACT_UPDATED = "CONTACT_UPDATED"
    """Its contact was edited."""
    MESSAGE_ADDED = "MESSAGE_ADDED"
    """A message came in or was accepted for sending."""
    OPENED = "OPENED"
    """It moved to Open."""
    CLOSED = "CLOSED"
    """It moved to Closed."""
    ASSIGNED = "ASSIGNED"
    """It was given to a member, an AI agent or a team."""
    TAKEN_OVER = "TAKEN_OVER"
    """A member took it over from an AI agent."""
    UNASSIGNED = "UNASSIGNED"
    """It moved to Unassigned."""
    SNOOZED = "SNOOZED"
    """It moved to Snoozed."""
    UNSNOOZED = "UNSNOOZED"
    """Its snooze was ended."""
    SNOOZE_EXPIRED = "SNOOZE_EXPIRED"
    """Its snooze came to its end."""
    BLOCKED = "BLOCKED"
    """Its contact was blocked: it is frozen, and in no standard inbox."""
    UNBLOCKED = "UNBLOCKED"
    """Its contact is no longer blocked: it is where it was."""
    DELETED = "DELETED"
    """Its contact was deleted, and it with them: forget what is known of both."""
    MERGED = "MERGED"
    """Its contact was merged into another one, and it into that one's: forget what is known of
    both."""
    REPLIED = "REPLIED"
    """A reply reached the vendor: it no longer waits for one."""
    READ = "READ"
    """The viewer read it, on any device."""
    UNREAD = "UNREAD"
    """The viewer marked it as unread, on any device."""
    DRAFT = "DRAFT"
    """The viewer saved or discarded their draft, on any device."""
    MESSAGE_SCHEDULED = "MESSAGE_SCHEDULED"
    """A message was scheduled: it is in `scheduledMessages`."""
    SCHEDULED_MESSAGE_CANCELLED = "SCHEDULED_MESSAGE_CANCELLED"
    """A scheduled message will not be sent."""
    SCHEDULED_MESSAGE_SENT = "SCHEDULED_MESSAGE_SENT"
    """A scheduled message was accepted for sending, which MESSAGE_ADDED tells, too."""
    SCHEDULED_MESSAGE_FAILED = "SCHEDULED_MESSAGE_FAILED"
    """A scheduled message was due and could not be sent."""
    HIDDEN = "HIDDEN"
    """The viewer can no longer see it: forget what is known of it."""


CHANGES: dict[type[Fact], ConversationChange] = {
    facts.ContactCreated: ConversationChange.CREATED,
    facts.ContactUpdated: ConversationChange.CONTACT_UPDATED,
    facts.ContactBlocked: ConversationChange.BLOCKED,
    facts.ContactUnblocked: ConversationChange.UNBLOCKED,
    contact_events.ContactDeleted: ConversationChange.DELETED,
    contact_events.ContactMerged: ConversationChange.MERGED,
    facts.MessageAdded: ConversationChange.MESSAGE_ADDED,
    facts.MessageQuarantined: ConversationChange.MESSAGE_ADDED,
    facts.ConversationOpened: ConversationChange.OPENED,
    facts.ConversationClosed: ConversationChange.CLOSED,
    facts.ConversationAssigned: ConversationChange.ASSIGNED,
    facts.ConversationTakenOver: ConversationChange.TAKEN_OVER,
    facts.ConversationUnassigned: ConversationChange.UNASSIGNED,
    facts.ConversationSnoozed: ConversationChange.SNOOZED,
    facts.ConversationUnsnoozed: ConversationChange.UNSNOOZED,
    facts.SnoozeExpired: ConversationChange.SNOOZE_EXPIRED,
    facts.UnrepliedCleared: ConversationChange.REPLIED,
    facts.ConversationRead: ConversationChange.READ,
    facts.ConversationMarkedUnread: ConversationChange.UNREAD,
    draft_events.DraftChanged: ConversationChange.DRAFT,
    schedule_events.MessageScheduled: ConversationChange.MESSAGE_SCHEDULED,
    schedule_events.ScheduledMessageCancelled: ConversationChange.SCHEDULED_MESSAGE_CANCELLED,
    schedule_events.ScheduledMessageSent: ConversationChange.SCHEDULED_MESSAGE_SENT,
    schedule_events.ScheduledMessageFailed: ConversationChange.SCHEDULED_MESSAGE_FAILED,
}
