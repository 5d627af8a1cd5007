"""The facts about scheduled messages: a part of all facts, which stand in `realtime/events.py`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MessageScheduled:
    """Somebody wrote a message that is to be sent at a moment."""

    workspace_id: int
    conversation_id: int
    scheduled_message_id: int


@dataclass(frozen=True, slots=True)
class ScheduledMessageCancelled:
    """A scheduled message will not be sent: somebody, or something, cancelled it."""

    workspace_id: int
    conversation_id: int
    scheduled_message_id: int


@dataclass(frozen=True, slots=True)
class ScheduledMessageSent:
    """A scheduled message was due, and accepted for sending."""

    workspace_id: int
    conversation_id: int
    scheduled_message_id: int


@dataclass(frozen=True, slots=True)
class ScheduledMessageFailed:
    """A scheduled message was due, and could not be sent."""

    workspace_id: int
    conversation_id: int
    scheduled_message_id: int


ScheduleFact = (
    MessageScheduled | ScheduledMessageCancelled | ScheduledMessageSent | ScheduledMessageFailed
)
