"""Snoozing conversations, and hearing when they come back."""

from collections.abc import AsyncIterator
from datetime import datetime

import strawberry

from models.records import ConversationRow
from realtime.events import SnoozeExpired as SnoozeExpiredFact
from resolvers import snooze
from resolvers.snooze import SnoozePreset
from schema.context import Info, viewer_of
from schema.ids import decode_id
from schema.objects.conversation import Conversation
from schema.objects.event import SnoozeExpired
from schema.payload import Payload, proving, result
from schema.streams import follow


@strawberry.input
class SnoozeConversationInput:
    """Which conversation to snooze, and until when."""

    conversation_id: strawberry.ID
    """The conversation."""
    until: datetime | None = None
    """When it comes back by itself: in the future, at most 366 days ahead."""
    preset: SnoozePreset | None = None
    """In place of `until`: one of the workspace's `snoozePresets`; their moment is found anew."""
    wake_on_reply: bool | None = None
    """Whether a message of the contact ends the snooze; omitted: as the workspace has it."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class SnoozeConversationPayload(Payload):
    """The conversation as it is now."""

    conversation: ConversationRow | None = result(Conversation)
    """The snoozed conversation; after a conflict, as it is now."""


@strawberry.input
class UnsnoozeConversationInput:
    """Which conversation to bring back."""

    conversation_id: strawberry.ID
    """The conversation."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class UnsnoozeConversationPayload(Payload):
    """The conversation as it is now."""

    conversation: ConversationRow | None = result(Conversation)
    """The conversation, back where it was; after a conflict, as it is now."""


@strawberry.type
class Mutation:
    """Snoozing and bringing back."""

    @proving
    async def snooze_conversation(
        self, info: Info, input: SnoozeConversationInput
    ) -> SnoozeConversationPayload:
        """Put a conversation into Snoozed until a moment; snoozing again moves the moment.

        It returns by itself to where it was, Open or Closed. With `wakeOnReply` a message of the
        contact opens it before; without, the message arrives while it stays snoozed, and the
        conversation comes back to Open.
        """
        conversation = await snooze.snooze_conversation(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            until=input.until,
            preset=input.preset,
            wake_on_reply=input.wake_on_reply,
            expected_version=input.expected_version,
        )
        return SnoozeConversationPayload(conversation=conversation)

    @proving
    async def unsnooze_conversation(
        self, info: Info, input: UnsnoozeConversationInput
    ) -> UnsnoozeConversationPayload:
        """Bring a snoozed conversation back to where it was; another one stays as it is."""
        conversation = await snooze.unsnooze_conversation(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            expected_version=input.expected_version,
        )
        return UnsnoozeConversationPayload(conversation=conversation)


@strawberry.type
class Subscription:
    """Hearing when snoozed conversations come back."""

    @strawberry.subscription
    async def snooze_expired(
        self, info: Info, workspace_id: strawberry.ID, after: str | None = None
    ) -> AsyncIterator[SnoozeExpired]:
        """Each snooze that comes to its end by itself: once, at or after its moment."""
        workspace = decode_id(workspace_id, "Workspace", "workspaceId")
        async for event in follow(
            info,
            workspace,
            after,
            lambda fact: isinstance(fact, SnoozeExpiredFact),
            lambda seen: SnoozeExpired(seen=seen),
        ):
            yield event
