"""A read mark: how far a member has read a conversation."""

from tortoise import fields
from tortoise.models import Model

from models.conversation import Conversation
from models.member import Member


class ReadMark(Model):
    """The number of incoming messages that a member has read: it never moves back by reading."""

    id = fields.BigIntField(primary_key=True)
    member: fields.ForeignKeyRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="read_marks"
    )
    member_id: int
    conversation: fields.ForeignKeyRelation[Conversation] = fields.ForeignKeyField(
        "models.Conversation", related_name="read_marks"
    )
    conversation_id: int
    incoming_read = fields.BigIntField()

    class Meta:
        table = "read_mark"
        unique_together = (("member", "conversation"),)
