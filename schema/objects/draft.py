"""A draft: what the viewer has begun to write."""

from datetime import datetime

import strawberry

from models.draft import Draft as DraftRow
from models.draft import DraftSurface
from resolvers.batches import channels_by_id
from resolvers.reply_to import ParentKey, replies_of_messages
from schema.objects.channel import Channel
from schema.objects.reply_preview import ReplyPreview
from schema.relation import relation


@strawberry.type
class Draft:
    """What the viewer has begun to write in a conversation; nobody else sees it."""

    text: str
    """The text; perhaps empty."""
    surface: DraftSurface
    """What it is to become."""
    version: int
    """Counts its changes; give it as `expectedVersion`."""
    updated_at: datetime
    """When it was last changed."""

    @relation(Channel | None, channels_by_id)
    def channel(root: strawberry.Parent[DraftRow]) -> int | None:
        """The channel that is chosen; null for none in particular."""
        return root.channel_id

    @relation(
        ReplyPreview | None,
        replies_of_messages,
        then=lambda _, found: ReplyPreview(found=found) if found else None,
    )
    def reply_to(root: strawberry.Parent[DraftRow]) -> ParentKey | None:
        """The message that it is to answer; null for none."""
        if root.reply_to_id is None:
            return None
        return (root.conversation_id, root.reply_to_id, root.channel_id or 0, None)
