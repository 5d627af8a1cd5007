"""A scheduled message: what is to be sent, and what has become of it."""

from datetime import datetime
from typing import Any

import strawberry

from models.refusal import Code
from models.scheduled_message import CancelReason, ScheduleState
from models.scheduled_message import ScheduledMessage as ScheduledMessageRow
from resolvers import batches
from resolvers.attached import attachments_of_scheduled_messages
from resolvers.reply_to import ParentKey, replies_of_messages
from schema.objects.attachment import Attachment
from schema.objects.channel import Channel
from schema.objects.email_details import ScheduledEmail
from schema.objects.member import Member
from schema.objects.message import Message
from schema.objects.node import Node, global_id
from schema.objects.reply_preview import ReplyPreview
from schema.relation import relation


@strawberry.type
class ScheduledMessage(Node):
    """What is to be sent to a contact at a moment, unless something comes first."""

    id: strawberry.ID = global_id("ScheduledMessage")
    text: str
    """The text, with variables as they were written: they are filled in when it is sent."""
    send_at: datetime
    """Its moment: it is sent then, or as soon after it as the server can."""
    cancel_on_reply: bool
    """Whether it is cancelled when the contact writes before."""
    state: ScheduleState
    """What has become of it."""
    cancel_reason: CancelReason | None
    """Why it will not be sent; null unless CANCELLED."""
    version: int
    """Counts its changes."""
    created_at: datetime
    """When it was scheduled."""
    updated_at: datetime
    """When its state last changed."""

    @strawberry.field
    def failure_code(root: strawberry.Parent[ScheduledMessageRow]) -> Code | None:
        """With what `sendMessage` would have refused it; null unless FAILED. FORBIDDEN: its author
        may no longer write there."""
        return Code(root.failure_code) if root.failure_code is not None else None

    @strawberry.field(graphql_type=ScheduledEmail | None)
    def email(root: strawberry.Parent[ScheduledMessageRow]) -> ScheduledEmail | None:
        """What was said with it as a mail; null where nothing was."""
        return ScheduledEmail(row=root) if root.cc is not None else None

    @relation(list[Attachment], attachments_of_scheduled_messages)
    def attachments(root: strawberry.Parent[ScheduledMessageRow]) -> int:
        """The files that are held for it, in their order. None once it waits no more: they are
        those of the message that it became, or belong to nothing again."""
        return root.id

    @relation(Member | None, batches.members_by_id)
    def author(root: strawberry.Parent[ScheduledMessageRow]) -> int | None:
        """Who wrote it, and will be the message's author; null for a program."""
        return root.author_id

    @relation(Channel | None, batches.channels_by_id)
    def channel(root: strawberry.Parent[ScheduledMessageRow]) -> int | None:
        """The channel to send it on; null for the one that is used last by then."""
        return root.channel_id

    @relation(
        ReplyPreview | None,
        replies_of_messages,
        then=lambda _, found: ReplyPreview(found=found) if found else None,
    )
    def reply_to(root: strawberry.Parent[ScheduledMessageRow]) -> ParentKey | None:
        """The message that it answers; null for none."""
        if root.reply_to_id is None:
            return None
        return (root.conversation_id, root.reply_to_id, root.channel_id or 0, None)

    @relation(Message | None, batches.messages_by_id)
    def message(root: strawberry.Parent[ScheduledMessageRow]) -> int | None:
        """The message that it became; null unless SENT."""
        return root.message_id

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, ScheduledMessageRow)
