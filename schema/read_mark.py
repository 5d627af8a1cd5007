"""Marking conversations as read."""

import strawberry

from models.records import ConversationRow
from resolvers import read_mark
from schema.context import Info, viewer_of
from schema.ids import decode_id, decode_optional_id
from schema.objects.conversation import Conversation
from schema.payload import Payload, mutation, result


@strawberry.input
class MarkConversationReadInput:
    """Which conversation was read, and how far."""

    conversation_id: strawberry.ID
    """The conversation."""
    up_to_message_id: strawberry.ID | None = None
    """The last message that was read; omitted: all of them."""


@strawberry.type
class MarkConversationReadPayload(Payload):
    """The conversation as it is now."""

    conversation: ConversationRow | None = result(Conversation)
    """The conversation with its unread count."""


@strawberry.type
class Mutation:
    """Reading."""

    @mutation
    async def mark_conversation_read(
        self, info: Info, input: MarkConversationReadInput
    ) -> MarkConversationReadPayload:
        """Mark a conversation as read by the viewer; what was read never becomes unread by it."""
        conversation = await read_mark.mark_conversation_read(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            up_to_message_id=decode_optional_id(input.up_to_message_id, "Message", "upToMessageId"),
        )
        return MarkConversationReadPayload(conversation=conversation)
