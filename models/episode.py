"""An episode: one stretch of a conversation from opened to closed."""

from enum import Enum

from tortoise import fields
from tortoise.models import Model

from models.conversation import Conversation


class ChangeSource(Enum):
    """Who or what caused a change of state."""

    USER = "USER"
    """A member."""
    CONTACT = "CONTACT"
    """The contact, by writing."""
    API = "API"
    """A program, with an API key."""
    AUTO_CLOSE = "AUTO_CLOSE"
    """Automatic closing: nobody wrote any more."""
    SYSTEM = "SYSTEM"
    """The server itself, such as the end of a snooze."""


class Episode(Model):
    """The open episode has no closing time, and a conversation has at most one."""

    id = fields.BigIntField(primary_key=True)
    conversation: fields.ForeignKeyRelation[Conversation] = fields.ForeignKeyField(
        "models.Conversation", related_name="episodes"
    )
    conversation_id: int
    opened_at = fields.DatetimeField()
    opened_source = fields.CharEnumField(ChangeSource, max_length=16)
    opened_by_id = fields.BigIntField(null=True)
    first_response_at = fields.DatetimeField(null=True)
    closed_at = fields.DatetimeField(null=True)
    closed_source = fields.CharEnumField(ChangeSource, max_length=16, null=True)
    closed_by_id = fields.BigIntField(null=True)
    note_category = fields.CharField(max_length=100, null=True)
    """A copy of the category's name, as it was when the episode was closed."""
    note_description = fields.CharField(max_length=500, null=True)
    note_summary = fields.TextField(null=True)

    class Meta:
        table = "episode"
        indexes = (("conversation_id", "opened_at", "id"),)
