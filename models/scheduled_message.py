"""A scheduled message: what is to be sent at a moment, unless something comes first."""

from enum import Enum

from tortoise import fields
from tortoise.models import Model

from models.conversation import Conversation
from models.member import Member


class ScheduleState(Enum):
    """What has become of a scheduled message; only one that waits changes."""

    SCHEDULED = "SCHEDULED"
    """It waits for its moment."""
    SENT = "SENT"
    """It was accepted for sending, as a message like all others."""
    CANCELLED = "CANCELLED"
    """It will not be sent."""
    FAILED = "FAILED"
    """It was due, and could not be sent."""


class CancelReason(Enum):
    """Why a scheduled message will not be sent."""

    CANCELLED_BY_MEMBER = "CANCELLED_BY_MEMBER"
    """Somebody cancelled it, or a program did."""
    CONTACT_REPLIED = "CONTACT_REPLIED"
    """The contact wrote before, and it was to be cancelled then."""
    CONTACT_BLOCKED = "CONTACT_BLOCKED"
    """The contact was blocked."""


class ScheduledMessage(Model):
    """Its state changes only while its conversation is locked."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = fields.BigIntField()
    conversation: fields.ForeignKeyRelation[Conversation] = fields.ForeignKeyField(
        "models.Conversation", related_name="scheduled_messages"
    )
    conversation_id: int
    actor = fields.CharField(max_length=64)
    """With whose rights it is sent: `member:5` or `api_key:7`."""
    author: fields.ForeignKeyNullableRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="scheduled_messages", null=True, on_delete=fields.SET_NULL
    )
    author_id: int | None
    text = fields.TextField()
    channel_id = fields.BigIntField(null=True)
    """The chosen channel. Without one it is sent on the channel used last by then."""
    contact_channel_id = fields.BigIntField(null=True)
    """By which identity the contact was to be reached on the chosen channel."""
    reply_to_id = fields.BigIntField(null=True)
    subject = fields.TextField(null=True)
    """The subject of the mail, if one was given."""
    cc = fields.TextField(null=True)
    """One address on each line. Null where nothing was said of a mail."""
    bcc = fields.TextField(null=True)
    send_at = fields.DatetimeField()
    cancel_on_reply = fields.BooleanField()
    state = fields.CharEnumField(ScheduleState, max_length=16, default=ScheduleState.SCHEDULED)
    cancel_reason = fields.CharEnumField(CancelReason, max_length=32, null=True)
    failure_code = fields.CharField(max_length=32, null=True)
    """A value of `Code`: why it could not be sent."""
    message_id = fields.BigIntField(null=True)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "scheduled_message"
        indexes = (("conversation_id", "state", "send_at"),)
