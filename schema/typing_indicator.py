"""Typing indicators: saying that one types, and seeing who else does."""

from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum

import strawberry

from models.records import ConversationRecord, ConversationRow
from resolvers import typing_indicator
from resolvers.batches import members_by_id
from schema.context import Info, viewer_of
from schema.hub import TypingTold
from schema.ids import decode_id, decode_optional_id
from schema.objects.ai_agent import Assignee
from schema.objects.conversation import Conversation
from schema.payload import Payload, mutation, result
from schema.relation import relation
from schema.signals import follow_typing


@strawberry.enum
class TypingSurface(Enum):
    """What somebody is typing."""

    MESSAGE = "MESSAGE"
    """A message to the contact."""
    COMMENT = "COMMENT"
    """A comment for teammates."""


@strawberry.type
class TypingChanged:
    """Somebody has begun to type, still types, or has stopped; never the viewer themself."""

    told: strawberry.Private[TypingTold]

    @strawberry.field(graphql_type=Conversation)
    def conversation(self) -> ConversationRecord:
        """Where."""
        return self.told.conversation

    @relation(Assignee | None, members_by_id)
    def actor(self) -> int | None:
        """Who; null if they are gone."""
        kind, _, key = self.told.typing.actor.partition(":")
        return int(key) if kind == "member" else None

    @strawberry.field
    def surface(self) -> TypingSurface:
        """What they type."""
        return TypingSurface(self.told.typing.surface)

    @strawberry.field
    def is_typing(self) -> bool:
        """Whether they type; false once they stopped, sent, or fell silent."""
        return self.told.typing.is_typing

    @strawberry.field
    def expires_at(self) -> datetime:
        """When this ceases to be true unless it is told again."""
        return self.told.typing.expires_at


@strawberry.input
class StartTypingInput:
    """Where the viewer types."""

    conversation_id: strawberry.ID
    """The conversation."""
    surface: TypingSurface = TypingSurface.MESSAGE
    """What they type."""


@strawberry.type
class StartTypingPayload(Payload):
    """Until when it holds."""

    expires_at: datetime | None = None
    """When it expires: repeat `startTyping` before, about every three seconds."""
    conversation: ConversationRow | None = result(Conversation)
    """The conversation."""


@strawberry.input
class StopTypingInput:
    """Where the viewer has stopped typing."""

    conversation_id: strawberry.ID
    """The conversation."""
    surface: TypingSurface = TypingSurface.MESSAGE
    """What they typed."""


@strawberry.type
class StopTypingPayload(Payload):
    """The conversation."""

    conversation: ConversationRow | None = result(Conversation)
    """The conversation."""


@strawberry.type
class Mutation:
    """Saying that one types."""

    @mutation
    async def start_typing(self, info: Info, input: StartTypingInput) -> StartTypingPayload:
        """Tell teammates that the viewer types; it expires by itself and is never stored."""
        conversation, expires_at = await typing_indicator.start_typing(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            surface=input.surface.value,
        )
        return StartTypingPayload(expires_at=expires_at, conversation=conversation)

    @mutation
    async def stop_typing(self, info: Info, input: StopTypingInput) -> StopTypingPayload:
        """Tell teammates that the viewer has stopped typing."""
        conversation, _ = await typing_indicator.stop_typing(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            surface=input.surface.value,
        )
        return StopTypingPayload(conversation=conversation)


@strawberry.type
class Subscription:
    """Seeing who types."""

    @strawberry.subscription
    async def typing_changed(
        self,
        info: Info,
        workspace_id: strawberry.ID,
        conversation_id: strawberry.ID | None = None,
    ) -> AsyncIterator[TypingChanged]:
        """Who types in one conversation, or in all that the viewer may see; at most once, and
        never replayed."""
        workspace = decode_id(workspace_id, "Workspace", "workspaceId")
        only = decode_optional_id(conversation_id, "Conversation", "conversationId")
        async for told in follow_typing(info, workspace, only):
            yield TypingChanged(told=told)
