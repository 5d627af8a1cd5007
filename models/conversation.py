"""A conversation: the one lasting thread of a contact, across all channels."""

from datetime import UTC, datetime
from enum import Enum
from typing import cast

from tortoise import fields
from tortoise.models import Model

from models.ai_agent import AiAgent
from models.contact import Contact
from models.member import Member
from models.team import Team
from models.workspace import Workspace

BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
"""What a row has in the instant between a new column and its value."""


class ConversationStatus(Enum):
    """The tab in which a conversation is listed; a snoozed one returns to where it was."""

    OPEN = "OPEN"
    """It is being worked on: an episode is running."""
    CLOSED = "CLOSED"
    """Nothing is to be done, until the contact writes again."""
    SNOOZED = "SNOOZED"
    """It is out of the other tabs until a moment."""


class Conversation(Model):
    """State of a contact's thread: `last_seq` numbers its messages and activities."""

    id = fields.BigIntField(primary_key=True)
    workspace: fields.ForeignKeyRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", related_name="conversations"
    )
    workspace_id: int
    contact: fields.OneToOneRelation[Contact] = fields.OneToOneField(
        "models.Contact", related_name="conversation"
    )
    contact_id: int
    status = fields.CharEnumField(ConversationStatus, max_length=16)
    assignee: fields.ForeignKeyNullableRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="conversations", null=True, on_delete=fields.SET_NULL
    )
    assignee_id: int | None
    ai_agent: fields.ForeignKeyNullableRelation[AiAgent] = fields.ForeignKeyField(
        "models.AiAgent", related_name="conversations", null=True, on_delete=fields.SET_NULL
    )
    ai_agent_id: int | None
    """The AI agent that looks after it; there is never a member beside it."""
    team: fields.ForeignKeyNullableRelation[Team] = fields.ForeignKeyField(
        "models.Team", related_name="conversations", null=True, on_delete=fields.SET_NULL
    )
    team_id: int | None
    last_seq = fields.BigIntField(default=0)
    incoming_count = fields.BigIntField(default=0)
    """Messages of the contact so far; less a member's read mark: that member's unread count."""
    last_message_id = fields.BigIntField(null=True)
    last_message_at = fields.DatetimeField()
    """The sort key of lists; the moment of creation until a first message is there."""
    last_channel_id = fields.BigIntField(null=True)
    """The contact channel used last: the default of the next outgoing message."""
    last_incoming_at = fields.DatetimeField(null=True)
    """When the contact wrote last, on whatever channel."""
    unreplied_since = fields.DatetimeField(null=True)
    opened_at = fields.DatetimeField(null=True)
    closed_at = fields.DatetimeField(null=True)
    status_since = fields.DatetimeField(db_default=BEFORE_ALL)
    """Since when it is open, closed or snoozed: the moment of creation, `opened_at`, `closed_at`
    or `snoozed_at`; the sort key of lists by time."""
    blocked_at = fields.DatetimeField(null=True)
    """Since when its contact is blocked: all else is frozen until they no longer are."""
    blocked_by: fields.ForeignKeyNullableRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="blocks", null=True, on_delete=fields.SET_NULL
    )
    blocked_by_id: int | None
    handling_epoch = fields.BigIntField(default=0, db_default=0)
    """Raised when somebody takes over: what an AI agent thought of before is worth nothing."""
    status_before_snooze = cast(
        "fields.Field[ConversationStatus | None]",
        fields.CharEnumField(ConversationStatus, max_length=16, null=True),
    )
    snoozed_at = fields.DatetimeField(null=True)
    snoozed_until = fields.DatetimeField(null=True)
    snoozed_by: fields.ForeignKeyNullableRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="snoozes", null=True, on_delete=fields.SET_NULL
    )
    snoozed_by_id: int | None
    wake_on_reply = fields.BooleanField(default=True, db_default=True)
    """Whether a message of the contact ends the snooze that is on."""
    idle_since = fields.DatetimeField(null=True)
    """When a member last wrote, or a later snooze ended; null once the contact has answered."""
    auto_close_minutes = fields.IntField(null=True)
    """The time of automatic closing when the episode began; null: it was off."""
    version = fields.IntField(default=1)
    """Counts the changes of status, assignee and snooze; a message is none of them."""
    created_at = fields.DatetimeField()

    class Meta:
        table = "conversation"
        indexes = (
            ("workspace_id", "last_message_at", "id"),
            ("workspace_id", "status", "last_message_at", "id"),
            ("workspace_id", "assignee_id", "status", "last_message_at", "id"),
            ("workspace_id", "assignee_id", "last_message_at", "id"),
            ("workspace_id", "status", "assignee_id", "incoming_count"),
            ("workspace_id", "status", "status_since", "id"),
            ("workspace_id", "assignee_id", "status", "status_since", "id"),
        )
