"""Previews: what a text would say to a contact, before it is sent."""

from dataclasses import dataclass

from resolvers.access import get_conversation
from resolvers.variables import check_length, expand, read_values, unresolved
from resolvers.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Preview:
    """A text as it would be sent, as far as the viewer sees what is in it."""

    text: str
    unresolved: list[str]


async def preview_message(viewer: Viewer, conversation_id: int, *, text: str) -> Preview:
    """Return what `send_message` would make of a text: what is hidden from the viewer stays so."""
    conversation = await get_conversation(viewer, conversation_id)
    check_length(text)
    known = await read_values(text, conversation)
    values = known.values(viewer.memberships[conversation.workspace_id].masking)
    return Preview(expand(text, values), unresolved(text, values))
