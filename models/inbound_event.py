"""The inbound events: every item that a channel sent, raw, before anything is made of it."""

from tortoise import fields
from tortoise.models import Model

from models.channel import Channel


class InboundEvent(Model):
    """Committed before the vendor gets its 2xx, also what cannot be understood."""

    id = fields.BigIntField(primary_key=True)
    channel: fields.ForeignKeyRelation[Channel] = fields.ForeignKeyField(
        "models.Channel", related_name="inbound_events"
    )
    channel_id: int
    dedupe_key = fields.CharField(max_length=128)
    kind = fields.CharField(max_length=32)
    item = fields.TextField()
    """What the adapter made of it, as JSON."""
    payload = fields.TextField()
    """The vendor's own JSON."""
    received_at = fields.DatetimeField(db_index=True)
    handled_at = fields.DatetimeField(null=True)
    problem = fields.CharField(max_length=500, null=True)
    """Why nothing was made of it."""

    class Meta:
        table = "inbound_event"
        unique_together = (("channel", "dedupe_key"),)
