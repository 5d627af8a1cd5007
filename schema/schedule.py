"""Scheduling messages."""

from datetime import datetime

import strawberry

from models.scheduled_message import ScheduledMessage as ScheduledMessageRow
from resolvers import schedule as schedules
from resolvers.channel_target import Way
from schema.context import Info, viewer_of
from schema.ids import decode_id, decode_optional_id, keys
from schema.message import EmailInput, envelope_of
from schema.objects.scheduled_message import ScheduledMessage
from schema.payload import Payload, mutation, result


@strawberry.input
class ScheduleMessageInput:
    """What to write to whom, and when."""

    conversation_id: strawberry.ID
    """The conversation."""
    text: str = ""
    """1 to 7,000 characters, also with its variables filled in: now, and when it is sent. With
    files, it may be omitted."""
    send_at: datetime
    """At least 10 seconds and at most 366 days ahead."""
    attachment_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    """At most 50 files, as `sendMessage` takes them. They are held for it until it is sent; if it
    is not, they belong to nothing again."""
    channel_id: strawberry.ID | None = None
    """The channel to send it on; omitted: the one that is used last by then."""
    reply_to_message_id: strawberry.ID | None = None
    """A message on that channel that it answers, and for which `canReplyTo`."""
    email: EmailInput | None = None
    """On a channel of mail only; without a subject it goes on with the thread of the newest mail by
    then."""
    cancel_on_reply: bool = False
    """Whether to cancel it when the contact writes before."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class ScheduleMessagePayload(Payload):
    """The scheduled message."""

    scheduled_message: ScheduledMessageRow | None = result(ScheduledMessage)
    """The scheduled message."""


@strawberry.input
class CancelScheduledMessageInput:
    """What not to send."""

    scheduled_message_id: strawberry.ID
    """A message that waits, or is cancelled already."""


@strawberry.type
class CancelScheduledMessagePayload(Payload):
    """The cancelled message."""

    scheduled_message: ScheduledMessageRow | None = result(ScheduledMessage)
    """The scheduled message, CANCELLED."""


@strawberry.type
class Mutation:
    """Scheduling and cancelling."""

    @mutation
    async def schedule_message(
        self, info: Info, input: ScheduleMessageInput
    ) -> ScheduleMessagePayload:
        """Have a message sent at a moment, by the viewer and with the rights they have then; at
        most 100 wait in a conversation. What `sendMessage` would refuse now is refused, and what it
        refuses then becomes FAILED. Blocking the contact cancels all."""
        plan = schedules.Plan(
            input.text,
            input.send_at,
            Way(
                decode_optional_id(input.channel_id, "Channel", "channelId"),
                decode_optional_id(input.reply_to_message_id, "Message", "replyToMessageId"),
            ),
            input.cancel_on_reply,
            tuple(keys(input.attachment_ids, "Attachment")),
            envelope_of(input.email),
        )
        key = decode_id(input.conversation_id, "Conversation", "conversationId")
        row = await schedules.schedule_message(
            viewer_of(info), key, plan, idempotency_key=input.idempotency_key
        )
        return ScheduleMessagePayload(scheduled_message=row)

    @mutation
    async def cancel_scheduled_message(
        self, info: Info, input: CancelScheduledMessageInput
    ) -> CancelScheduledMessagePayload:
        """Cancel a message that waits, whoever has scheduled it; a cancelled one stays so, and
        what was sent or failed is refused."""
        row = await schedules.cancel_scheduled_message(
            viewer_of(info),
            decode_id(input.scheduled_message_id, "ScheduledMessage", "scheduledMessageId"),
        )
        return CancelScheduledMessagePayload(scheduled_message=row)
