"""A channel: a connected account of a messaging vendor."""

from datetime import datetime
from typing import Any

import strawberry

from models.channel import Channel as ChannelRow
from models.channel import ChannelKind
from models.contact_channel import ContactChannel as ContactChannelRow
from resolvers.batches import channels_by_id
from resolvers.masking import HIDDEN
from schema.context import Info
from schema.objects.node import Node, global_id
from schema.relation import relation


@strawberry.type
class Channel(Node):
    """Where contacts write and are answered."""

    id: strawberry.ID = global_id("Channel")
    kind: ChannelKind
    """The vendor."""
    name: str
    """The name given to it here."""
    handle: str
    """The `channelId` by which vendor and server name it."""
    accepts_reply_to: bool
    """Whether a message on it can say which one it answers."""
    messaging_window_hours: int | None
    """For how long a contact can be written to after they wrote there, and not before; null:
    always."""
    files_per_call: int | None
    """How many files one call takes, each call with its own delivery; null: all of a message."""
    accepts_captions: bool
    """Whether a text goes with files in one call."""
    is_connected: bool
    """Whether messages can pass."""

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, ChannelRow)


@strawberry.type
class ContactChannel(Node):
    """A contact's identity on one channel."""

    id: strawberry.ID = global_id("ContactChannel")
    last_incoming_at: datetime | None
    """When the contact last wrote there; null if never."""
    last_message_at: datetime | None
    """When the last message passed there; null if none has."""

    @strawberry.field
    def external_id(root: strawberry.Parent[ContactChannelRow], info: Info) -> str:
        """The vendor's name for the contact; hidden from who does not see phone numbers or email
        addresses: on many channels it is one."""
        masking = info.context.masking(root.channel.workspace_id)
        return HIDDEN if masking.is_any else root.external_id

    @relation(Channel, channels_by_id)
    def channel(root: strawberry.Parent[ContactChannelRow]) -> int:
        """The channel."""
        return root.channel_id

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, ContactChannelRow)
