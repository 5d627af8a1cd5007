"""A channel: a connected account of a messaging vendor, through which contacts write."""

from enum import Enum

from tortoise import fields
from tortoise.models import Model

from models.workspace import Workspace


class ChannelKind(Enum):
    """The vendor behind a channel."""

    CUSTOM = "CUSTOM"
    """An integrator's own server, over plain HTTP."""
    EMAIL = "EMAIL"
    """A mailbox: mail goes out by SMTP and comes in by a webhook."""


class Channel(Model):
    """Where a vendor is reached and how it proves itself."""

    id = fields.BigIntField(primary_key=True)
    workspace: fields.ForeignKeyRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", related_name="channels", db_index=True
    )
    workspace_id: int
    kind = fields.CharEnumField(ChannelKind, max_length=32)
    name = fields.CharField(max_length=100)
    handle = fields.CharField(max_length=50, unique=True)
    """The `channelId` that vendor and server name this channel by."""
    base_url = fields.CharField(max_length=2000)
    """Where an integrator takes messages. Empty for mail, which goes out by `EmailAccount`."""
    token = fields.CharField(max_length=255)
    """The bearer token of both directions; it must be sent, so it cannot be kept as a hash."""
    signing_secret = fields.CharField(max_length=255, null=True)
    """With one, incoming calls must carry a valid HMAC signature."""
    accepts_idempotency_key = fields.BooleanField(default=False)
    """True where the vendor drops a repeated `Idempotency-Key`: only then is an attempt whose
    outcome is unknown repeated automatically (guarantee G6)."""
    accepts_reply_to = fields.BooleanField(default=False, db_default=False)
    """Whether the vendor takes, with a message, which one it answers."""
    messaging_window_hours = fields.IntField(null=True)
    """How long a contact can be written to after they wrote; null: always."""
    files_per_call = fields.IntField(null=True)
    """How many files the vendor takes in one call: null where it takes all of a message."""
    accepts_captions = fields.BooleanField(default=True, db_default=True)
    """Whether the vendor takes a text with files: else it goes in a call of its own."""
    is_connected = fields.BooleanField(default=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "channel"
