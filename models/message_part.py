"""A part of a message: what one call to the vendor takes of it, with its own delivery."""

from tortoise import fields
from tortoise.models import Model

from models.message import Message, MessageStatus


class MessagePart(Model):
    """What one call takes of a message that takes several. A message of one call has none."""

    id = fields.BigIntField(primary_key=True)
    message: fields.ForeignKeyRelation[Message] = fields.ForeignKeyField(
        "models.Message", related_name="parts"
    )
    message_id: int
    channel_id = fields.BigIntField()
    """The channel of the message."""
    position = fields.IntField()
    """Its place among the parts, from 0: they are sent in this order."""
    has_text = fields.BooleanField()
    """Whether it carries the text of the message."""
    first_file = fields.IntField()
    """Which of the message's files is its first, from 0."""
    file_count = fields.IntField()
    external_id = fields.CharField(max_length=255, null=True)
    status = fields.CharEnumField(MessageStatus, max_length=16)
    attempt_started_at = fields.DatetimeField(null=True)
    """Set before a request to the vendor leaves and cleared when its outcome is known, as that of
    a message."""
    failure_code = fields.CharField(max_length=64, null=True)
    failure_text = fields.CharField(max_length=500, null=True)
    sent_at = fields.DatetimeField(null=True)
    delivered_at = fields.DatetimeField(null=True)
    read_at = fields.DatetimeField(null=True)
    failed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "message_part"
        unique_together = (("message", "position"), ("channel_id", "external_id"))
