"""A message: what a contact wrote, or what was sent to them, with the story of its delivery."""

from enum import Enum

from tortoise import fields
from tortoise.models import Model

from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.member import Member


class Direction(Enum):
    """Whether the contact wrote it or received it."""

    INCOMING = "INCOMING"
    """The contact wrote it."""
    OUTGOING = "OUTGOING"
    """It was sent to the contact."""


class MessageKind(Enum):
    """What a message consists of."""

    TEXT = "TEXT"
    """Text."""
    ATTACHMENT = "ATTACHMENT"
    """Files, perhaps with text."""
    VOICE = "VOICE"
    """One voice message."""
    VIDEO = "VIDEO"
    """One video, without text."""
    EMAIL = "EMAIL"
    """A mail, with a subject: see `email`."""
    UNSUPPORTED = "UNSUPPORTED"
    """Something that cannot be shown; its `payload` is kept."""
    CUSTOM_PAYLOAD = "CUSTOM_PAYLOAD"
    """Data for the programs of who sent it, to be found in its `payload`."""


class MessageSource(Enum):
    """Who wrote a message: rules about windows, replies and automation branch on it."""

    CONTACT = "CONTACT"
    """The contact."""
    USER = "USER"
    """A member."""
    API = "API"
    """A program, with an API key."""
    ECHO = "ECHO"
    """Somebody outside of here, in the vendor's own app."""


class MessageStatus(Enum):
    """How far an outgoing message came; an incoming one is RECEIVED."""

    RECEIVED = "RECEIVED"
    """It came in; only incoming messages have this status."""
    PENDING = "PENDING"
    """It is accepted here and on its way to the vendor."""
    SENT = "SENT"
    """The vendor has taken it."""
    DELIVERED = "DELIVERED"
    """It reached the contact's device."""
    READ = "READ"
    """The contact has seen it."""
    FAILED = "FAILED"
    """It was refused, or could not be brought to the vendor."""
    UNCERTAIN = "UNCERTAIN"
    """It left, and nobody knows whether it arrived; it is not repeated by itself."""


class Message(Model):
    """One message of a conversation: `seq` is its place, the same for everybody."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = fields.BigIntField()
    conversation: fields.ForeignKeyRelation[Conversation] = fields.ForeignKeyField(
        "models.Conversation", related_name="messages"
    )
    conversation_id: int
    contact_channel: fields.ForeignKeyRelation[ContactChannel] = fields.ForeignKeyField(
        "models.ContactChannel", related_name="messages"
    )
    contact_channel_id: int
    channel_id = fields.BigIntField()
    seq = fields.BigIntField()
    incoming_count = fields.BigIntField()
    """How many incoming messages the conversation had up to and with this one."""
    direction = fields.CharEnumField(Direction, max_length=16)
    kind = fields.CharEnumField(MessageKind, max_length=32)
    source = fields.CharEnumField(MessageSource, max_length=16)
    author: fields.ForeignKeyNullableRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="messages", null=True, on_delete=fields.SET_NULL
    )
    author_id: int | None
    text = fields.TextField(null=True)
    """As everybody in the workspace may read it."""
    full_text = fields.TextField(null=True)
    """As the contact gets it, where that says what may be hidden from members."""
    payload = fields.TextField(null=True)
    """The vendor's own JSON of a message that we cannot show; never dropped."""
    external_id = fields.CharField(max_length=255, null=True)
    status = fields.CharEnumField(MessageStatus, max_length=16)
    is_quarantined = fields.BooleanField(default=False, db_default=False)
    """Whether it came from a blocked contact: it counts as neither unread nor unreplied."""
    retry_of_id = fields.BigIntField(null=True, db_index=True)
    reply_to_id = fields.BigIntField(null=True)
    """The message that it answers, where we have it."""
    reply_to_external_id = fields.CharField(max_length=255, null=True)
    """The vendor's id of the message that it answers, also where we do not have that."""
    attempt_started_at = fields.DatetimeField(null=True)
    """Set before a request to the vendor leaves and cleared when its outcome is known: still set
    after a crash, it means that nobody knows."""
    failure_code = fields.CharField(max_length=64, null=True)
    failure_text = fields.CharField(max_length=500, null=True)
    created_at = fields.DatetimeField()
    sent_at = fields.DatetimeField(null=True)
    delivered_at = fields.DatetimeField(null=True)
    read_at = fields.DatetimeField(null=True)
    failed_at = fields.DatetimeField(null=True)
    provider_at = fields.DatetimeField(null=True)
    """The vendor's own time: shown, never used for order."""

    class Meta:
        table = "message"
        unique_together = (("conversation", "seq"), ("channel_id", "external_id"))
