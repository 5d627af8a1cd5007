"""Marking conversations as read or unread."""

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


@strawberry.input
class MarkConversationUnreadInput:
    """Which conversation is to be unread again, and from where on."""

    conversation_id: strawberry.ID
    """The conversation."""
    from_message_id: strawberry.ID | None = None
    """The first message of the contact that is to be unread; omitted: their newest."""


@strawberry.type
class MarkConversationUnreadPayload(Payload):
    """The conversation as it is now."""

    conversation: ConversationRow | None = result(Conversation)
    """The conversation with its unread count."""


@strawberry.type
class Mutation:
    """Reading, and taking it back."""

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

    @mutation
    async def mark_conversation_unread(
        self, info: Info, input: MarkConversationUnreadInput
    ) -> MarkConversationUnreadPayload:
        """Mark a message of the contact and all their later ones as unread by the viewer; what was
        unread before stays so."""
        conversation = await read_mark.mark_conversation_unread(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            from_message_id=decode_optional_id(input.from_message_id, "Message", "fromMessageId"),
        )
        return MarkConversationUnreadPayload(conversation=conversation)
