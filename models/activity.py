"""An activity: a change of a conversation's state, kept as a line of its timeline."""

from enum import Enum

from tortoise import fields
from tortoise.models import Model

from models.conversation import Conversation
from models.episode import ChangeSource


class ActivityKind(Enum):
    """What was done to the conversation."""

    OPENED = "OPENED"
    """It moved to Open."""
    CLOSED = "CLOSED"
    """It moved to Closed."""
    ASSIGNED = "ASSIGNED"
    """It was given to a member, an AI agent or a team."""
    UNASSIGNED = "UNASSIGNED"
    """It moved to Unassigned."""
    SNOOZED = "SNOOZED"
    """It moved to Snoozed, or its moment was moved."""
    UNSNOOZED = "UNSNOOZED"
    """Its snooze was ended by somebody."""
    SNOOZE_EXPIRED = "SNOOZE_EXPIRED"
    """Its snooze came to its end by itself."""
    TAKEN_OVER = "TAKEN_OVER"
    """A member took it over from an AI agent."""
    BLOCKED = "BLOCKED"
    """Its contact was blocked."""
    UNBLOCKED = "UNBLOCKED"
    """Its contact is no longer blocked."""
    MERGED = "MERGED"
    """Another contact was merged into its own, with all of their conversation."""


class Activity(Model):
    """Who changed what and when: numbered together with the messages."""

    id = fields.BigIntField(primary_key=True)
    conversation: fields.ForeignKeyRelation[Conversation] = fields.ForeignKeyField(
        "models.Conversation", related_name="activities"
    )
    conversation_id: int
    seq = fields.BigIntField()
    kind = fields.CharEnumField(ActivityKind, max_length=32)
    source = fields.CharEnumField(ChangeSource, max_length=16)
    actor_id = fields.BigIntField(null=True)
    """The member who did it."""
    assignee_id = fields.BigIntField(null=True)
    """The member it was assigned to."""
    ai_agent_id = fields.BigIntField(null=True)
    """The AI agent it was assigned to."""
    team_id = fields.BigIntField(null=True)
    """The team it was assigned to."""
    until = fields.DatetimeField(null=True)
    """When the snooze was to end."""
    created_at = fields.DatetimeField()

    class Meta:
        table = "activity"
        unique_together = (("conversation", "seq"),)
