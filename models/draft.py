"""A draft: what a member has begun to write in a conversation, on any of their devices."""

from enum import Enum

from tortoise import fields
from tortoise.models import Model

from models.conversation import Conversation
from models.member import Member


class DraftSurface(Enum):
    """What a draft is to become."""

    MESSAGE = "MESSAGE"
    """A message to the contact."""
    COMMENT = "COMMENT"
    """A comment for teammates."""


class Draft(Model):
    """One for each member and conversation. Once discarded it has no text, and goes on counting."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = fields.BigIntField()
    member: fields.ForeignKeyRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="drafts"
    )
    member_id: int
    conversation: fields.ForeignKeyRelation[Conversation] = fields.ForeignKeyField(
        "models.Conversation", related_name="drafts", db_index=True
    )
    conversation_id: int
    surface = fields.CharEnumField(DraftSurface, max_length=16)
    text = fields.TextField(null=True)
    reply_to_id = fields.BigIntField(null=True)
    channel_id = fields.BigIntField(null=True)
    version = fields.IntField(default=1)
    updated_at = fields.DatetimeField()

    class Meta:
        table = "draft"
        unique_together = (("member", "conversation"),)
