"""Connecting channels of mail."""

import strawberry

from models.channel import Channel as ChannelRow
from models.email_account import SmtpSecurity
from resolvers import email_channel as channels
from schema.context import Info, viewer_of
from schema.ids import decode_id
from schema.objects.channel import Channel
from schema.payload import Payload, mutation, result
from settings import get_settings


@strawberry.input
class ConnectEmailChannelInput:
    """A mailbox, and the server through which it sends."""

    workspace_id: strawberry.ID
    """The workspace."""
    name: str
    """1 to 100 characters."""
    address: str
    """The mailbox's own address: whom mail is from."""
    display_name: str = ""
    """What is shown before the address: at most 100 characters on one line."""
    smtp_host: str
    """The name of the server; one that is not on the public internet is only reached where the
    server's operator allows it."""
    smtp_port: int = 587
    """1 to 65535."""
    smtp_security: SmtpSecurity = SmtpSecurity.STARTTLS
    """How it is spoken to."""
    smtp_user: str | None = None
    """The name to log in there with; null: without."""
    smtp_password: str | None = None
    """The password to log in there with: never shown again."""
    signing_secret: str | None = None
    """With one, incoming mail must carry `X-Parley-Signature: t=<unix>,s=<HMAC-SHA256 of t.body>`
    besides its token."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class ConnectEmailChannelPayload(Payload):
    """What has to be known to hand incoming mail on."""

    channel: ChannelRow | None = result(Channel)
    """The connected channel."""
    token: str | None = None
    """The bearer token of incoming mail: shown only this once."""
    webhook_url: str | None = None
    """Where each mail is posted, as it came (`message/rfc822`)."""


@strawberry.type
class Mutation:
    """Connecting."""

    @mutation
    async def connect_email_channel(
        self, info: Info, input: ConnectEmailChannelInput
    ) -> ConnectEmailChannelPayload:
        """Connect a mailbox: mail goes out by SMTP and comes in by a webhook."""
        channel = await channels.connect_email_channel(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            name=input.name,
            mailbox=channels.Mailbox(
                address=input.address,
                display_name=input.display_name,
                smtp_host=input.smtp_host,
                smtp_port=input.smtp_port,
                smtp_security=input.smtp_security,
                smtp_user=input.smtp_user,
                smtp_password=input.smtp_password,
            ),
            signing_secret=input.signing_secret,
            idempotency_key=input.idempotency_key,
        )
        home = get_settings().public_url
        return ConnectEmailChannelPayload(
            channel=channel,
            token=channel.token,
            webhook_url=f"{home}/email/channel/webhook/?channelId={channel.handle}",
        )
