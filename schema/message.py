"""Sending messages, and hearing of new ones."""

from collections.abc import AsyncIterator

import strawberry

from models.records import MessageRow
from realtime.events import MessageAdded as MessageAddedFact
from realtime.events import MessageQuarantined
from resolvers import message as messages
from resolvers.access import get_message
from resolvers.email_message import Envelope
from schema.context import Info, viewer_of
from schema.ids import decode_id, decode_optional_id, keys
from schema.objects.event import MessageAdded
from schema.objects.message import Message
from schema.payload import Payload, mutation, proving, result
from schema.streams import follow


@strawberry.input
class EmailInput:
    """What is said with a mail besides its text."""

    subject: str | None = None
    """At most 255 characters on one line. Omitted, or as that of the newest mail but for `Re:`: the
    mail goes on with its thread; another one begins a thread."""
    cc: list[str] = strawberry.field(default_factory=list)
    """The addresses of who gets a copy, as everybody sees who gets the mail; at most 50 together
    with `bcc`."""
    bcc: list[str] = strawberry.field(default_factory=list)
    """The addresses of who gets a copy without anybody seeing it."""


@strawberry.input
class SendMessageInput:
    """What to write to whom."""

    conversation_id: strawberry.ID
    """The conversation."""
    text: str = ""
    """1 to 7,000 characters, also with its variables filled in; `previewMessage` shows how. With
    files, it may be omitted."""
    attachment_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    """At most 50 files, in their order: the viewer's own that belong to nothing, and those of
    snippets, which stay there."""
    channel_id: strawberry.ID | None = None
    """The channel to send it on; omitted: the one used last."""
    reply_to_message_id: strawberry.ID | None = None
    """A message on that channel that it answers, and for which `canReplyTo`."""
    email: EmailInput | None = None
    """On a channel of mail only; omitted there: the subject of the newest mail, and no copies."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class SendMessagePayload(Payload):
    """The accepted message."""

    message: MessageRow | None = result(Message)
    """The message, PENDING until the vendor has taken it."""


@strawberry.input
class RetryMessageInput:
    """Which message to send again."""

    message_id: strawberry.ID
    """A message that is FAILED or UNCERTAIN."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class RetryMessagePayload(Payload):
    """The new message."""

    message: MessageRow | None = result(Message)
    """The message that sends the old one's text again."""


def envelope_of(given: EmailInput | None) -> Envelope | None:
    """Return what is said with a mail, as resolvers take it."""
    return Envelope(given.subject, tuple(given.cc), tuple(given.bcc)) if given else None


@strawberry.type
class Query:
    """Reading messages."""

    @strawberry.field(graphql_type=Message | None)
    async def message(self, info: Info, id: strawberry.ID) -> MessageRow:
        """One message; NOT_FOUND where the viewer sees none under this id."""
        return await get_message(viewer_of(info), decode_id(id, "Message"))


@strawberry.type
class Mutation:
    """Sending."""

    @proving
    async def send_message(self, info: Info, input: SendMessageInput) -> SendMessagePayload:
        """Accept a message for delivery; a closed conversation opens."""
        message = await messages.send_message(
            viewer_of(info),
            decode_id(input.conversation_id, "Conversation", "conversationId"),
            text=input.text,
            attachment_ids=keys(input.attachment_ids, "Attachment"),
            channel_id=decode_optional_id(input.channel_id, "Channel", "channelId"),
            reply_to_id=decode_optional_id(
                input.reply_to_message_id, "Message", "replyToMessageId"
            ),
            email=envelope_of(input.email),
            idempotency_key=input.idempotency_key,
        )
        return SendMessagePayload(message=message)

    @mutation
    async def retry_message(self, info: Info, input: RetryMessageInput) -> RetryMessagePayload:
        """Send a message that failed, or whose outcome nobody knows, again as a new one."""
        message = await messages.retry_message(
            viewer_of(info),
            decode_id(input.message_id, "Message", "messageId"),
            idempotency_key=input.idempotency_key,
        )
        return RetryMessagePayload(message=message)


@strawberry.type
class Subscription:
    """Hearing of messages."""

    @strawberry.subscription
    async def message_added(
        self,
        info: Info,
        workspace_id: strawberry.ID,
        conversation_id: strawberry.ID | None = None,
        after: str | None = None,
    ) -> AsyncIterator[MessageAdded]:
        """Each message that comes in or is accepted for sending; those of blocked contacts are
        `isQuarantined`."""
        workspace = decode_id(workspace_id, "Workspace", "workspaceId")
        only = decode_optional_id(conversation_id, "Conversation", "conversationId")
        async for event in follow(
            info,
            workspace,
            after,
            lambda fact: (
                isinstance(fact, MessageAddedFact | MessageQuarantined)
                and only in (None, fact.conversation_id)
            ),
            lambda seen: MessageAdded(seen=seen),
        ):
            yield event
