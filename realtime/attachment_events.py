"""What can be announced of files, besides the messages and comments that they come with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AttachmentChanged:
    """A file of a message came, will not come, or more is known of it."""

    workspace_id: int
    conversation_id: int
    message_id: int
