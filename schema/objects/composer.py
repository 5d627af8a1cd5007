"""A composer: whether, and why not, the viewer can write to a contact at the moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import strawberry

from models.channel import Channel as ChannelRow
from models.clock import now
from models.contact_channel import ContactChannel as ContactChannelRow
from resolvers.batches import channels_by_id
from resolvers.channel_choice import ComposerChannelState, Offer, offers
from resolvers.composer import (
    ComposerRestriction,
    Reach,
    closing_time,
    is_open,
    known_to,
    restriction_of,
)
from resolvers.rights import Right
from resolvers.variables import Variable, called, variables_of_workspaces
from schema.context import Info
from schema.objects.channel import Channel, ContactChannel
from schema.relation import relation


@strawberry.type
class ComposerVariable:
    """A variable: written into a text, it is replaced when that is sent."""

    @strawberry.field
    def name(root: strawberry.Parent[Variable]) -> str:
        """How it is written, as in `$contact.name`."""
        return f"${root.key}"

    @strawberry.field
    def label(root: strawberry.Parent[Variable], info: Info) -> str:
        """What it is called, in the viewer's language; a custom field's name."""
        return called(root, info.context.language)

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, Variable)


@strawberry.type
class MessagingWindow:
    """For how long a contact can be written to on a channel after they wrote there."""

    is_open: bool
    """Whether it is open; always, where the channel has none."""
    closes_at: datetime | None
    """When it closes, or closed; null where the channel has none, or the contact has not written
    there."""


def _window(reach: Reach) -> MessagingWindow:
    given = (reach.capabilities, reach.last_incoming_at)
    return MessagingWindow(is_open=is_open(*given, now()), closes_at=closing_time(*given))


@strawberry.type
class ChannelCapabilities:
    """What a channel can do, and how much it takes."""

    reach: strawberry.Private[Reach]

    @strawberry.field
    def text_max_characters(self) -> int:
        """How long a text can be, with its variables filled in; a longer one is refused."""
        return self.reach.capabilities.text_max_characters

    @strawberry.field
    def can_reply_to(self) -> bool:
        """Whether a message can say which one it answers."""
        return self.reach.capabilities.has_reply_to

    @strawberry.field
    def has_typing(self) -> bool:
        """Whether the contact sees that somebody types."""
        return self.reach.capabilities.has_typing

    @strawberry.field
    def files_max(self) -> int:
        """How many files a message can have."""
        return self.reach.capabilities.files_max

    @strawberry.field
    def file_max_bytes(self) -> int | None:
        """How large a file can be; null: as large as any upload."""
        return self.reach.capabilities.file_max_bytes


@strawberry.type
class ComposerChannel:
    """A channel of the workspace, and whether the contact can be written to on it.

    Of several identities that a contact has on a channel, it is about the one they wrote from last:
    there `sendMessage` writes to them, unless it answers a message that passed by another one.
    """

    offer: strawberry.Private[Offer]
    composer: strawberry.Private["Composer"]

    @strawberry.field(graphql_type=Channel)
    def channel(self) -> ChannelRow:
        """The channel."""
        return self.offer.channel

    @strawberry.field(graphql_type=ContactChannel | None)
    def contact_channel(self) -> ContactChannelRow | None:
        """The contact's identity on it; null unless it is ACTIVE."""
        return self.offer.identity

    @strawberry.field
    def state(self, info: Info) -> ComposerChannelState:
        """Whether the contact can be written to there at all."""
        return self.offer.state_for(info.context.masking(self.composer.workspace_id))

    @strawberry.field
    def is_default(self, info: Info) -> bool:
        """Whether `sendMessage` uses it where no channel is given."""
        default = self.composer.reach_for(info)
        return default is not None and default.channel_id == self.offer.channel.id

    @strawberry.field
    def restriction(self, info: Info) -> ComposerRestriction | None:
        """What keeps the viewer from using `sendMessage` with it, the most pressing reason; null:
        nothing does."""
        masking = info.context.masking(self.composer.workspace_id)
        return self.composer.restriction_on(self.offer.reach_for(masking), info)

    @strawberry.field
    def window(self) -> MessagingWindow:
        """For how long the contact can be written to there."""
        return _window(self.offer.reach)

    @strawberry.field
    def capabilities(self) -> ChannelCapabilities:
        """What the channel can do."""
        return ChannelCapabilities(reach=self.offer.reach)


def _listed(composer: "Composer", found: Sequence[Offer] | None) -> list[ComposerChannel]:
    """Return the channels to choose from: not those that are disconnected and never were used."""
    default = composer.reach.channel_id if composer.reach is not None else None
    return [
        ComposerChannel(offer=offer, composer=composer)
        for offer in sorted(found or (), key=lambda offer: offer.channel.id != default)
        if offer.channel.is_connected or offer.identity is not None
    ]


@strawberry.type
class Composer:
    """Where the viewer writes to a contact, on the channel used last."""

    conversation_id: strawberry.Private[int]
    workspace_id: strawberry.Private[int]
    reach: strawberry.Private[Reach | None]
    is_blocked: strawberry.Private[bool]
    is_ai_handled: strawberry.Private[bool]

    @strawberry.field
    def restriction(self, info: Info) -> ComposerRestriction | None:
        """What keeps the viewer from using `sendMessage`, the most pressing reason; null: nothing
        does."""
        return self.found_for(info)

    @strawberry.field
    def can_take_over(self, info: Info) -> bool:
        """Whether `takeOverConversation` is what it takes for the viewer to write: an AI agent has
        the conversation, and no other restriction is more pressing."""
        allowed = info.context.may(self.workspace_id, Right.ASSIGN)
        return allowed and self.found_for(info) is ComposerRestriction.AI_HANDLING

    @relation(Channel | None, channels_by_id)
    def channel(self, info: Info) -> int | None:
        """The channel that `sendMessage` uses where none is given: the one used last; null if the
        contact cannot be reached on any."""
        reach = self.reach_for(info)
        return reach.channel_id if reach is not None else None

    @strawberry.field
    def window(self, info: Info) -> MessagingWindow | None:
        """For how long the contact can be written to on that channel."""
        reach = self.reach_for(info)
        return _window(reach) if reach is not None else None

    @strawberry.field
    def can_reply_to(self, info: Info) -> bool:
        """Whether a message on that channel can say which one it answers."""
        reach = self.reach_for(info)
        return reach is not None and reach.capabilities.has_reply_to

    @relation(list[ComposerChannel], offers, then=_listed)
    def channels(self) -> int:
        """The channels to choose from: the default one; those where messages have passed, the last
        first; those where one can write first; those where the contact has to."""
        return self.conversation_id

    @relation(list[ComposerVariable], variables_of_workspaces)
    def variables(self) -> int:
        """What can be written into a text to be replaced when it is sent; with `previewMessage` one
        sees by what."""
        return self.workspace_id

    def found_for(self, info: Info) -> ComposerRestriction | None:
        """Return what keeps the viewer from writing."""
        return self.restriction_on(self.reach_for(info), info)

    def reach_for(self, info: Info) -> Reach | None:
        """Return the default channel, as far as the viewer may know of it."""
        return known_to(self.reach, info.context.masking(self.workspace_id))

    def restriction_on(self, reach: Reach | None, info: Info) -> ComposerRestriction | None:
        """Return what keeps the viewer from writing on a channel."""
        return restriction_of(
            reach,
            is_blocked=self.is_blocked,
            is_ai_handled=self.is_ai_handled,
            is_member=info.context.is_member(self.workspace_id),
            at=now(),
        )
