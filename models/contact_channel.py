"""A contact channel: a contact's identity on one channel."""

from tortoise import fields
from tortoise.models import Model

from models.channel import Channel
from models.contact import Contact


class ContactChannel(Model):
    """The vendor's name for a contact, and when they last wrote there."""

    id = fields.BigIntField(primary_key=True)
    contact: fields.ForeignKeyRelation[Contact] = fields.ForeignKeyField(
        "models.Contact", related_name="channels", db_index=True
    )
    contact_id: int
    channel: fields.ForeignKeyRelation[Channel] = fields.ForeignKeyField(
        "models.Channel", related_name="contacts"
    )
    channel_id: int
    external_id = fields.CharField(max_length=255)
    last_incoming_at = fields.DatetimeField(null=True)
    last_message_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "contact_channel"
        unique_together = (("channel", "external_id"),)
