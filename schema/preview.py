"""Previews: what a text would say to a contact, before it is sent."""

from typing import Annotated

import strawberry

from resolvers import preview as previews
from schema.context import Info, viewer_of
from schema.ids import decode_id


@strawberry.type
class MessagePreview:
    """What `sendMessage` would make of a text at the moment."""

    text: str
    """The text with its variables filled in; where the viewer does not see a phone number or an
    email address, what is shown in its place. The contact gets the real one."""
    unresolved_variables: list[str]
    """The variables without a value, each once: they would be sent as they stand."""


@strawberry.type
class Query:
    """Looking before sending."""

    @strawberry.field
    async def preview_message(
        self,
        info: Info,
        conversation_id: strawberry.ID,
        text: Annotated[str, strawberry.argument(description="What is to be sent.")],
    ) -> MessagePreview:
        """What a text of at most 7,000 characters would say to the contact."""
        found = await previews.preview_message(
            viewer_of(info),
            decode_id(conversation_id, "Conversation", "conversationId"),
            text=text,
        )
        return MessagePreview(text=found.text, unresolved_variables=found.unresolved)
