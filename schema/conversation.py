"""Conversations: one by its id, opening it, and following its changes."""

from collections.abc import AsyncIterator

import strawberry

from models.layout import CONVERSATION
from models.records import ConversationRow
from resolvers import conversation as conversations
from resolvers.access import get_conversation
from schema.columns import layout_of, sourced
from schema.context import Info, viewer_of
from schema.ids import decode_id, decode_optional_id
from schema.objects.conversation import Conversation
from schema.objects.event import ConversationChanged, changes_conversation
from schema.payload import Payload, proving, result
from schema.streams import follow


@strawberry.input
class OpenConversationInput:
    """Which conversation to open."""

    conversation_id: strawberry.ID
    """The conversation."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class OpenConversationPayload(Payload):
    """The conversation as it is now."""

    conversation: ConversationRow | None = result(Conversation)
    """The opened conversation; after a conflict, as it is now."""


@strawberry.type
class Query:
    """Reading conversations."""

    @sourced(Conversation | None, {"Conversation": CONVERSATION})
    async def conversation(self, info: Info, id: strawberry.ID) -> ConversationRow:
        """One conversation; NOT_FOUND where the viewer sees none under this id."""
        return await get_conversation(
            viewer_of(info), decode_id(id, "Conversation"), layout=layout_of(info)
        )


@strawberry.type
class Mutation:
    """Changing conversations."""

    @proving
    async def open_conversation(
        self, info: Info, input: OpenConversationInput
    ) -> OpenConversationPayload:
        """Move a conversation to Open; an open one stays as it is, and a snooze ends."""
        conversation = await conversations.open_conversation(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            expected_version=input.expected_version,
        )
        return OpenConversationPayload(conversation=conversation)


@strawberry.type
class Subscription:
    """Following conversations."""

    @strawberry.subscription
    async def conversation_changed(
        self,
        info: Info,
        workspace_id: strawberry.ID,
        conversation_id: strawberry.ID | None = None,
        after: str | None = None,
    ) -> AsyncIterator[ConversationChanged]:
        """Every change of one conversation, or of all that the viewer may see: messages,
        status, assignee, snooze, block, read marks."""
        workspace = decode_id(workspace_id, "Workspace", "workspaceId")
        only = decode_optional_id(conversation_id, "Conversation", "conversationId")
        async for event in follow(
            info,
            workspace,
            after,
            lambda fact: changes_conversation(fact, only),
            lambda seen: ConversationChanged(seen=seen),
        ):
            yield event
