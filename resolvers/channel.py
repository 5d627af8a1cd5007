"""Channels: connecting them, and taking in what they send, once."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

import msgspec
from tortoise.exceptions import IntegrityError

from connectors.channels import (
    InboundEcho,
    InboundItem,
    InboundMessage,
    InboundReceipt,
    MalformedWebhook,
    Unparsed,
    custom,
)
from models.channel import Channel, ChannelKind
from models.clock import now
from models.engine import sql
from models.inbound_event import InboundEvent
from models.refusal import Code, Refused
from realtime.jobs import ClaimedJob, Retry
from realtime.transaction import transaction
from resolvers.access import get_channel
from resolvers.idempotency import claim_key
from resolvers.inbound import MessageUnknown, receive
from resolvers.rights import Right
from resolvers.viewer import Viewer, require

PROCESS_INBOUND = "process_inbound"
NAME_LENGTH = 100
WINDOW_HOURS = 8760
DEDUPE_KEY_LENGTH = 128
EARLY_STATUS_SECONDS = 24 * 3600.0
"""How long a status is kept whose message is not known yet (guarantee G5)."""

ITEM_KINDS: dict[str, type[InboundItem]] = {
    kind.__name__: kind for kind in (InboundMessage, InboundEcho, InboundReceipt, Unparsed)
}


class WebhookRefused(Exception):  # noqa: N818 - the answer that the vendor gets
    """The webhook does not come from the holder of a channel's secrets."""


async def connect_channel(
    viewer: Viewer,
    workspace_id: int,
    *,
    name: str,
    base_url: str,
    signing_secret: str | None = None,
    accepts_idempotency_key: bool = False,
    accepts_reply_to: bool = False,
    messaging_window_hours: int | None = None,
    files_per_call: int | None = None,
    accepts_captions: bool = True,
    idempotency_key: str | None = None,
) -> Channel:
    """Connect a custom channel; its handle and token are what the integrator configures."""
    require(viewer, workspace_id, Right.MANAGE_CHANNELS)
    name, base_url = check_name(name), _check_address(base_url)
    values: list[object] = [name, base_url, signing_secret, accepts_idempotency_key]
    values += _options(accepts_reply_to, messaging_window_hours, files_per_call, accepts_captions)
    async with transaction():
        claim = await claim_key(viewer, workspace_id, "connectChannel", idempotency_key, values)
        if claim.first_result is not None:
            return await get_channel(viewer, claim.first_result)
        channel = await Channel.create(
            workspace_id=workspace_id,
            kind=ChannelKind.CUSTOM,
            name=name,
            handle=f"ch_{secrets.token_hex(8)}",
            base_url=base_url,
            token=f"pc_{secrets.token_urlsafe(32)}",
            signing_secret=signing_secret or None,
            accepts_idempotency_key=accepts_idempotency_key,
            accepts_reply_to=accepts_reply_to,
            messaging_window_hours=messaging_window_hours,
            files_per_call=files_per_call,
            accepts_captions=accepts_captions,
            created_at=now(),
        )
        await claim.remember(channel.id)
    return channel


def check_window(hours: int | None) -> None:
    """Refuse a messaging window that has no hour, or more than a year of them."""
    if hours is not None and not 1 <= hours <= WINDOW_HOURS:
        raise Refused(
            Code.INVALID,
            "A messaging window has 1 to {limit} hours.",
            field=("messagingWindowHours",),
            limit=WINDOW_HOURS,
        )


def check_name(name: str) -> str:
    """Return a channel's name, trimmed; refuse one that is blank or too long."""
    name = name.strip()
    if not 1 <= len(name) <= NAME_LENGTH:
        raise Refused(
            Code.INVALID,
            "A name has 1 to {limit} characters.",
            field=("name",),
            limit=NAME_LENGTH,
        )
    return name


def _check_address(base_url: str) -> str:
    if not base_url.startswith(("http://", "https://")) or len(base_url) > 2000:
        raise Refused(Code.INVALID, "This is no web address.", field=("baseUrl",))
    return base_url


def _options(
    accepts_reply_to: bool,
    window_hours: int | None,
    files_per_call: int | None,
    accepts_captions: bool,
) -> list[object]:
    """Refuse limits that no channel has; return what is not as without options.

    So the idempotency keys of before stay good.
    """
    check_window(window_hours)
    limit = custom.CAPABILITIES.files_max
    if files_per_call is not None and not 1 <= files_per_call <= limit:
        raise Refused(
            Code.INVALID, "A call takes 1 to {limit} files.", field=("filesPerCall",), limit=limit
        )
    is_divided = files_per_call is not None or not accepts_captions
    return [
        *([accepts_reply_to] if accepts_reply_to else []),
        *([f"{window_hours} hours"] if window_hours is not None else []),
        *([files_per_call, accepts_captions] if is_divided else []),
    ]


async def accept_webhook(body: bytes, headers: dict[str, str]) -> int:
    """Keep every item of a webhook and enqueue its processing; return how many were new.

    When it returns, the items are committed. Raises MalformedWebhook or WebhookRefused.
    """
    handle = custom.channel_of(body)
    channel = await Channel.filter(handle=handle, kind=ChannelKind.CUSTOM).first()
    if channel is None or not custom.verify(
        body, headers, token=channel.token, hmac_secret=channel.signing_secret
    ):
        raise WebhookRefused
    return await keep_items(channel, custom.decode(body))


async def keep_items(channel: Channel, items: Sequence[InboundItem]) -> int:
    """Keep what a channel has brought and enqueue its processing; return how many were new."""
    async with transaction() as announce:
        fresh = 0
        for item in items:
            event_id = await _keep(channel, item)
            if event_id is not None:
                fresh += 1
                ordered = not isinstance(item, InboundReceipt)
                announce.job(
                    PROCESS_INBOUND,
                    {"inbound_event_id": event_id},
                    ordering_key=f"inbound:{channel.id}:{item.external_contact_id}"
                    if ordered
                    else None,
                )
    return fresh


async def is_kept(channel: Channel, item: InboundItem) -> bool:
    """Tell whether a channel has brought an item before."""
    key = _bounded(item.dedupe_key)
    return await InboundEvent.filter(channel_id=channel.id, dedupe_key=key).exists()


async def _keep(channel: Channel, item: InboundItem) -> int | None:
    """Store an item raw; None if the vendor has sent it before."""
    values = asdict(item)
    raw: bytes = values.pop("raw")
    inserted = await sql.rows(
        "INSERT INTO inbound_event (channel_id, dedupe_key, kind, item, payload, received_at,"
        " problem) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (channel_id, dedupe_key) DO NOTHING"
        " RETURNING id",
        channel.id,
        _bounded(item.dedupe_key),
        type(item).__name__,
        msgspec.json.encode(values).decode(),
        raw.decode(),
        now(),
        item.reason[:500] if isinstance(item, Unparsed) else None,
    )
    return inserted[0]["id"] if inserted else None


def _bounded(key: str) -> str:
    """Return a key that fits its column, and is still another one for another item."""
    return key if len(key) <= DEDUPE_KEY_LENGTH else hashlib.sha256(key.encode()).hexdigest()


def _restore(event: InboundEvent) -> InboundItem:
    values = msgspec.json.decode(event.item) | {"raw": event.payload.encode()}
    return msgspec.convert(values, ITEM_KINDS[event.kind], strict=False, builtin_types=(bytes,))


async def process_inbound(job: ClaimedJob) -> None:
    """Turn one kept item into rows; with the end of the job, in one transaction."""
    async with transaction() as announce:
        event = (
            await InboundEvent.filter(id=job.payload["inbound_event_id"])
            .select_related("channel")
            .first()
        )
        if event is not None and event.handled_at is None:
            try:
                await receive(event.channel, _restore(event), announce)
            except MessageUnknown as error:
                if now() - event.received_at < timedelta(seconds=EARLY_STATUS_SECONDS):
                    raise Retry(str(error), for_seconds=2 * EARLY_STATUS_SECONDS) from error
                event.problem = str(error)[:500]
            except (IntegrityError, Refused) as error:
                raise Retry("Something was written at the same time.", after_seconds=0) from error
            event.handled_at = now()
            await event.save(update_fields=["handled_at", "problem"])
        await job.complete()


__all__ = [
    "MalformedWebhook",
    "WebhookRefused",
    "accept_webhook",
    "connect_channel",
    "process_inbound",
]
