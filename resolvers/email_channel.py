"""Channels of mail: connecting a mailbox, and taking in the raw mail that its server hands on."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from connectors.channels import InboundMessage, custom
from connectors.channels.email_inbound import decode
from connectors.channels.email_outbound import is_host, is_sendable
from connectors.channels.email_parts import MailFile
from models.channel import Channel, ChannelKind
from models.clock import now
from models.email_account import EmailAccount, SmtpSecurity
from models.refusal import Code, Refused
from realtime.transaction import transaction
from resolvers.access import get_channel
from resolvers.channel import WebhookRefused, check_name, is_kept, keep_items
from resolvers.email_file import drop_files, expect_files, settle_files, store_files
from resolvers.file_erasure import bury_files
from resolvers.idempotency import claim_key
from resolvers.rights import Right
from resolvers.viewer import Viewer, require

DISPLAY_NAME_LENGTH = 100
CREDENTIAL_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Mailbox:
    """As whom a channel of mail sends, and through which server."""

    address: str
    display_name: str
    smtp_host: str
    smtp_port: int
    smtp_security: SmtpSecurity
    smtp_user: str | None = None
    smtp_password: str | None = None

    def __repr__(self) -> str:
        return f"Mailbox(address={self.address!r})"

    def columns(self) -> dict[str, Any]:
        """Return what is written."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def clean_mailbox(given: Mailbox) -> Mailbox:
    """Return a mailbox, cleaned; refuse what no mail can be sent with."""
    address, name = given.address.strip().lower(), given.display_name.strip()
    host = given.smtp_host.strip().lower()
    if not is_sendable(address):
        raise Refused(Code.INVALID, "This is no email address.", field=("address",))
    if len(name) > DISPLAY_NAME_LENGTH:
        raise Refused(
            Code.TOO_LONG,
            "At most {limit} characters.",
            field=("displayName",),
            limit=DISPLAY_NAME_LENGTH,
        )
    if not name.isprintable():
        raise Refused(Code.INVALID, "A name is one line.", field=("displayName",))
    if not is_host(host):
        raise Refused(Code.INVALID, "This is no name of a server.", field=("smtpHost",))
    if not 1 <= given.smtp_port <= 65535:
        raise Refused(Code.INVALID, "A port is 1 to 65535.", field=("smtpPort",))
    user, password = given.smtp_user or None, given.smtp_password or None
    for field, value in (("smtpUser", user), ("smtpPassword", password)):
        if value is not None and (len(value) > CREDENTIAL_LENGTH or not value.isprintable()):
            raise Refused(Code.INVALID, "This cannot be sent to a mail server.", field=(field,))
    if given.smtp_security is SmtpSecurity.NONE and (user or password):
        raise Refused(Code.INVALID, "A password is only sent by TLS.", field=("smtpSecurity",))
    return Mailbox(address, name, host, given.smtp_port, given.smtp_security, user, password)


async def connect_email_channel(
    viewer: Viewer,
    workspace_id: int,
    *,
    name: str,
    mailbox: Mailbox,
    signing_secret: str | None = None,
    idempotency_key: str | None = None,
) -> Channel:
    """Connect a mailbox; its handle and token are what hands its incoming mail on."""
    require(viewer, workspace_id, Right.MANAGE_CHANNELS)
    name, mailbox = check_name(name), clean_mailbox(mailbox)
    columns = mailbox.columns()
    security = mailbox.smtp_security.value
    values = [name, *{**columns, "smtp_security": security}.values(), signing_secret]
    async with transaction():
        claim = await claim_key(
            viewer, workspace_id, "connectEmailChannel", idempotency_key, values
        )
        if claim.first_result is not None:
            return await get_channel(viewer, claim.first_result)
        channel = await Channel.create(
            workspace_id=workspace_id,
            kind=ChannelKind.EMAIL,
            name=name,
            handle=f"ch_{secrets.token_hex(8)}",
            base_url="",
            token=f"pc_{secrets.token_urlsafe(32)}",
            signing_secret=signing_secret or None,
            accepts_reply_to=True,
            created_at=now(),
        )
        await EmailAccount.create(channel_id=channel.id, **columns)
        await claim.remember(channel.id)
    return channel


async def accept_mail(handle: str, body: bytes, headers: dict[str, str]) -> int:
    """Keep a mail of a channel and enqueue its processing; return whether it was new, as 1.

    When it returns, it is committed. Raises WebhookRefused.
    """
    account = (
        await EmailAccount.filter(channel__handle=handle, channel__kind=ChannelKind.EMAIL)
        .select_related("channel")
        .first()
    )
    if account is None or not custom.verify(
        body, headers, token=account.channel.token, hmac_secret=account.channel.signing_secret
    ):
        raise WebhookRefused
    item, files = await asyncio.to_thread(decode, body, account.address)
    if isinstance(item, InboundMessage) and files:
        return await _keep_with_files(account.channel, item, files)
    return await keep_items(account.channel, [item])


async def _keep_with_files(
    channel: Channel, item: InboundMessage, files: Sequence[MailFile]
) -> int:
    """Keep a mail and its files: rows first, then contents, then both belong together at once.

    Files of a mail that is not kept are let go of; whoever is killed here leaves loose ones.
    """
    if item.email is None or await is_kept(channel, item):
        return 0
    rows = await expect_files(channel.workspace_id, files)
    ids = tuple(row.id for row in rows)
    whole = replace(item, email=replace(item.email, file_ids=ids))
    try:
        known = await store_files(rows, files)
        async with transaction() as announce:
            fresh = await keep_items(channel, [whole])
            if fresh:
                await settle_files(rows, known, announce)
            else:
                await bury_files(ids, announce)
    except BaseException:
        await asyncio.shield(drop_files(ids))
        raise
    return fresh
