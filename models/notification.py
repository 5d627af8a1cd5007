"""A notification: something in a conversation that a member is to know of."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from tortoise import fields
from tortoise.models import Model

from models.comment import Comment
from models.conversation import Conversation
from models.member import Member
from models.records import Table


class NotificationKind(Enum):
    """What a member is notified of."""

    MENTION = "MENTION"
    """Somebody mentioned them in a comment."""


class Notification(Model):
    """One for each member and comment, however often the comment is edited."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = fields.BigIntField()
    member: fields.ForeignKeyRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="notifications"
    )
    member_id: int
    """Who is notified."""
    kind = fields.CharEnumField(NotificationKind, max_length=32)
    conversation: fields.ForeignKeyRelation[Conversation] = fields.ForeignKeyField(
        "models.Conversation", related_name="notifications", db_index=True
    )
    conversation_id: int
    comment: fields.ForeignKeyNullableRelation[Comment] = fields.ForeignKeyField(
        "models.Comment", related_name="notifications", null=True
    )
    comment_id: int | None
    actor: fields.ForeignKeyNullableRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="caused", null=True, on_delete=fields.SET_NULL
    )
    actor_id: int | None
    """Whose doing it is. None for a program."""
    created_at = fields.DatetimeField()
    archived_at = fields.DatetimeField(null=True)

    class Meta:
        table = "notification"
        unique_together = (("comment", "member"),)
        indexes = (("member_id", "created_at", "id"),)


@dataclass(slots=True, eq=False)
class NotificationRecord:
    """A row of `notification`."""

    id: int
    workspace_id: int
    member_id: int
    kind: NotificationKind
    conversation_id: int
    comment_id: int | None
    actor_id: int | None
    created_at: datetime
    archived_at: datetime | None


NOTIFICATIONS = Table(NotificationRecord, "notification")
