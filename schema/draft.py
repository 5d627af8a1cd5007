"""Keeping what is being written."""

import strawberry

from models.draft import Draft as DraftRow
from models.draft import DraftSurface
from models.records import ConversationRow
from resolvers import draft as drafts
from schema.context import Info, viewer_of
from schema.ids import decode_id, decode_optional_id
from schema.objects.conversation import Conversation
from schema.objects.draft import Draft
from schema.payload import Payload, mutation, result


@strawberry.input
class SaveDraftInput:
    """What the viewer has begun to write, whole: it takes the place of what they had before."""

    conversation_id: strawberry.ID
    """The conversation."""
    text: str
    """At most 7,000 characters; it may be empty."""
    surface: DraftSurface = DraftSurface.MESSAGE
    """What it is to become."""
    reply_to_message_id: strawberry.ID | None = None
    """The message of the conversation that it is to answer."""
    channel_id: strawberry.ID | None = None
    """The channel that is chosen; omitted: none in particular."""
    expected_version: int | None = None
    """The version that the draft must still have, 0 if there was none; omitted: any. What is saved
    already is not refused."""


@strawberry.type
class SaveDraftPayload(Payload):
    """The draft as it is now."""

    draft: DraftRow | None = result(Draft)
    """The draft; after a conflict, as it is now, or null if it was discarded."""


@strawberry.input
class DiscardDraftInput:
    """Whose draft is to go: the viewer's own in a conversation."""

    conversation_id: strawberry.ID
    """The conversation."""
    expected_version: int | None = None
    """The version that the draft must still have; omitted: any."""


@strawberry.type
class DiscardDraftPayload(Payload):
    """The conversation, without a draft of the viewer."""

    draft: DraftRow | None = result(Draft)
    """Null; after a conflict, the draft as it is now."""
    conversation: ConversationRow | None = result(Conversation)
    """The conversation."""


@strawberry.type
class Mutation:
    """Keeping and discarding drafts."""

    @mutation
    async def save_draft(self, info: Info, input: SaveDraftInput) -> SaveDraftPayload:
        """Keep what the viewer has begun to write, in any state of the conversation. Only their
        own devices are told of it (`DRAFT`); what others do, and what is sent, leaves it alone."""
        draft = await drafts.save_draft(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            drafts.Written(
                input.text,
                input.surface,
                decode_optional_id(input.reply_to_message_id, "Message", "replyToMessageId"),
                decode_optional_id(input.channel_id, "Channel", "channelId"),
            ),
            expected_version=input.expected_version,
        )
        return SaveDraftPayload(draft=draft)

    @mutation
    async def discard_draft(self, info: Info, input: DiscardDraftInput) -> DiscardDraftPayload:
        """Discard the viewer's draft, as after it was sent; where there is none, all stays."""
        conversation = await drafts.discard_draft(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            expected_version=input.expected_version,
        )
        return DiscardDraftPayload(conversation=conversation)
