"""Connecting channels."""

import strawberry

from models.channel import Channel as ChannelRow
from resolvers import channel as channels
from schema.context import Info, viewer_of
from schema.ids import decode_id
from schema.objects.channel import Channel
from schema.payload import Payload, mutation, result
from settings import get_settings


@strawberry.input
class ConnectChannelInput:
    """A custom channel: an integrator's own server."""

    workspace_id: strawberry.ID
    """The workspace."""
    name: str
    """1 to 100 characters."""
    base_url: str
    """Where the integrator takes messages: we `POST {baseUrl}/message`."""
    signing_secret: str | None = None
    """With one, webhooks must carry `X-Parley-Signature: t=<unix>,s=<HMAC-SHA256 of t.body>`."""
    accepts_idempotency_key: bool = False
    """True where the integrator drops a repeated `Idempotency-Key`: only then is an attempt
    whose outcome is unknown repeated automatically."""
    accepts_reply_to: bool = False
    """True where the integrator takes `replyTo: {mId}` in a message: which one it answers."""
    messaging_window_hours: int | None = None
    """1 to 8,760: for how long a contact can be written to after they wrote there, and not before;
    omitted: always."""
    files_per_call: int | None = None
    """How many files the integrator takes in one call, 1 to 50; null: all of a message. More go in
    several calls, each with its own delivery."""
    accepts_captions: bool = True
    """False where the integrator takes no text with files: it goes in a call of its own."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class ConnectChannelPayload(Payload):
    """What the integrator has to know."""

    channel: ChannelRow | None = result(Channel)
    """The connected channel; its `handle` is the `channelId` of both directions."""
    token: str | None = None
    """The bearer token of both directions: shown only this once."""
    webhook_url: str | None = None
    """Where the integrator posts what contacts write."""


@strawberry.type
class Mutation:
    """Connecting."""

    @mutation
    async def connect_channel(
        self, info: Info, input: ConnectChannelInput
    ) -> ConnectChannelPayload:
        """Connect a custom channel."""
        channel = await channels.connect_channel(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            name=input.name,
            base_url=input.base_url,
            signing_secret=input.signing_secret,
            accepts_idempotency_key=input.accepts_idempotency_key,
            accepts_reply_to=input.accepts_reply_to,
            messaging_window_hours=input.messaging_window_hours,
            files_per_call=input.files_per_call,
            accepts_captions=input.accepts_captions,
            idempotency_key=input.idempotency_key,
        )
        return ConnectChannelPayload(
            channel=channel,
            token=channel.token,
            webhook_url=f"{get_settings().public_url}/custom/channel/webhook/",
        )
