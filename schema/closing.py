"""Closing conversations."""

import strawberry

from models.records import ConversationRow
from resolvers import closing
from schema.context import Info, viewer_of
from schema.ids import decode_id
from schema.objects.conversation import Conversation
from schema.payload import Payload, mutation, result


@strawberry.input
class CloseConversationInput:
    """Which conversation to close."""

    conversation_id: strawberry.ID
    """The conversation."""
    expected_version: int | None = None
    """The version it must still have; omitted: any."""


@strawberry.type
class CloseConversationPayload(Payload):
    """The conversation as it is now."""

    conversation: ConversationRow | None = result(Conversation)
    """The closed conversation; after a conflict, as it is now."""


@strawberry.type
class Mutation:
    """Closing conversations."""

    @mutation
    async def close_conversation(
        self, info: Info, input: CloseConversationInput
    ) -> CloseConversationPayload:
        """Move a conversation to Closed and end its episode; a closed one stays as it is."""
        conversation = await closing.close_conversation(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            expected_version=input.expected_version,
        )
        return CloseConversationPayload(conversation=conversation)
