"""An email account: as whom a channel of mail sends, and through which server."""

from enum import Enum

from tortoise import fields
from tortoise.models import Model

from models.channel import Channel


class SmtpSecurity(Enum):
    """How a mail server is spoken to."""

    TLS = "TLS"
    """By TLS from the first byte on, as on port 465."""
    STARTTLS = "STARTTLS"
    """By TLS that begins once connected, as on port 587; without it nothing is sent."""
    NONE = "NONE"
    """In clear, and so without a password."""


class EmailAccount(Model):
    """One for each channel of kind EMAIL."""

    channel: fields.OneToOneRelation[Channel] = fields.OneToOneField(
        "models.Channel", related_name="email_account", primary_key=True
    )
    channel_id: int
    address = fields.CharField(max_length=254)
    display_name = fields.CharField(max_length=100)
    smtp_host = fields.CharField(max_length=253)
    smtp_port = fields.IntField()
    smtp_security = fields.CharEnumField(SmtpSecurity, max_length=16)
    smtp_user = fields.CharField(max_length=255, null=True)
    smtp_password = fields.CharField(max_length=255, null=True)
    """It must be sent, so it cannot be kept as a hash."""

    class Meta:
        table = "email_account"
