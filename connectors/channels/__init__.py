"""One adapter per channel vendor, behind a small protocol: what came in, what goes out, and how.

An adapter is a module (`custom.py`, later one per vendor) that satisfies `ChannelAdapter`. The
types here are plain values that know no tables: a resolver turns them into rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from connectors.http import GuardedClient


class ContentKind(StrEnum):
    """What a message consists of, as far as we can show it."""

    TEXT = "TEXT"
    ATTACHMENT = "ATTACHMENT"
    UNSUPPORTED = "UNSUPPORTED"
    CUSTOM_PAYLOAD = "CUSTOM_PAYLOAD"


class ReceiptStatus(StrEnum):
    """What a vendor reports about a message that we sent."""

    SENT = "SENT"
    DELIVERED = "DELIVERED"
    READ = "READ"
    FAILED = "FAILED"


class AddressKind(StrEnum):
    """By what a contact is known on a channel before they have written there."""

    PHONE = "PHONE"
    EMAIL = "EMAIL"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can do; None for a limit that does not exist."""

    text_max_characters: int
    has_typing: bool
    has_reply_to: bool
    receipts: frozenset[ReceiptStatus]
    window_seconds: int | None = None
    """How long a contact can be written to after they wrote."""
    files_max: int = 0
    """How many files one message takes."""
    file_max_bytes: int | None = None
    begins_by: AddressKind | None = None
    """What it takes to write to a contact first; None: they have to write first."""
    has_subject: bool = False
    """Whether a message has a subject, copies and a thread of its own, as mail does."""
    files_per_call: int | None = None
    """How many files one call takes; None: all of a message."""
    captions: bool = True
    """Whether a call takes a text with files."""


@dataclass(frozen=True, slots=True)
class ContactProfile:
    """What a vendor says about a contact; None for what it does not say. None of it is verified."""

    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    email: str | None = None
    language: str | None = None
    country_code: str | None = None
    picture_url: str | None = None


@dataclass(frozen=True, slots=True)
class MessageContent:
    """The body of a message; unless the kind is TEXT, `text` is a caption, a fallback or empty."""

    kind: ContentKind
    text: str = ""
    is_truncated: bool = False
    attachment_url: str | None = None
    attachment_type: str | None = None


@dataclass(frozen=True, slots=True)
class EmailHeaders:
    """What a mail from a contact has besides its text; addresses are bare and in lower case."""

    subject: str
    sender: str
    recipients: tuple[str, ...]
    cc: tuple[str, ...]
    header_id: str | None
    """The Message-ID; None if it has none."""
    in_reply_to: str | None
    thread_ids: tuple[str, ...]
    """The References: the Message-IDs of the thread before it, the first one first."""
    html: str | None
    """Sanitised; None if it has none, or more than is kept."""
    file_ids: tuple[int, ...] = ()
    """The files that came along, as they are kept."""


@dataclass(frozen=True, slots=True)
class _Item:
    dedupe_key: str
    """The same for every repeat of the same fact on the same channel."""
    external_contact_id: str
    """Empty only in an `Unparsed` item."""
    raw: bytes
    """The item's own JSON, valid UTF-8, for inspection."""


@dataclass(frozen=True, slots=True)
class InboundMessage(_Item):
    """A message that a contact sent; `occurred_at`, the vendor's time, is never used for order."""

    external_id: str
    content: MessageContent
    occurred_at: datetime | None
    contact: ContactProfile
    reply_to_external_id: str | None = None
    """The vendor's id of the message that it answers."""
    email: EmailHeaders | None = None
    """Set where it is a mail."""


@dataclass(frozen=True, slots=True)
class InboundEcho(_Item):
    """A message that the business sent from the vendor's own app (or that we sent, coming back)."""

    external_id: str
    content: MessageContent
    occurred_at: datetime | None
    contact: ContactProfile
    reply_to_external_id: str | None = None
    """The vendor's id of the message that it answers."""


@dataclass(frozen=True, slots=True)
class InboundReceipt(_Item):
    """A status of a message that we sent; it may be late, repeated or ahead of its message."""

    external_id: str
    status: ReceiptStatus
    error_text: str
    occurred_at: datetime | None


@dataclass(frozen=True, slots=True)
class Unparsed(_Item):
    """An item that we could not read, kept for inspection, never dropped."""

    reason: str


InboundItem = InboundMessage | InboundEcho | InboundReceipt | Unparsed


class MalformedWebhook(Exception):  # noqa: N818 - a fact, as in models.refusal.Refused
    """A webhook's body is not what this channel sends at all."""


@dataclass(frozen=True, slots=True)
class ChannelAddress:
    """Where and as whom to send."""

    base_url: str
    token: str
    channel_id: str
    accepts_idempotency_key: bool = False
    """The integrator promises one effect per `Idempotency-Key`: unknown outcomes may be retried."""

    def __repr__(self) -> str:
        return f"ChannelAddress(channel_id={self.channel_id!r})"


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A file of a message, to be fetched by the vendor; `kind` is image, audio, video or file."""

    url: str
    kind: str
    file_name: str
    content_type: str
    byte_size: int


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message to one contact; `idempotency_id` is the same at every attempt to send it."""

    external_contact_id: str
    idempotency_id: str
    text: str
    kind: ContentKind = ContentKind.TEXT
    reply_to_external_id: str | None = None
    """The vendor's id of the message that it answers, for channels that have reply-to."""
    files: Sequence[OutgoingFile] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """The vendor took it and gave it an id."""

    external_id: str


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Certainly not taken; trying again cannot duplicate it. None: as soon as your backoff says."""

    reason: str
    after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class FailedForGood:
    """Certainly not taken, and it will not be: `code` is ours and stable, `text` is for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have been taken. Repeat it only where the channel accepts an idempotency key."""

    reason: str


SendOutcome = Sent | RetryLater | FailedForGood | Unknown


class ChannelAdapter(Protocol):
    """What every channel's module offers."""

    CAPABILITIES: Capabilities

    def verify(
        self, body: bytes, headers: Mapping[str, str], *, token: str, hmac_secret: str | None
    ) -> bool:
        """Tell whether a webhook comes from the holder of the channel's secrets."""

    def decode(self, body: bytes) -> list[InboundItem]:
        """Read a webhook into items, one for each event in it; raises only `MalformedWebhook`."""

    async def send(
        self, client: GuardedClient, channel: ChannelAddress, message: OutgoingMessage
    ) -> SendOutcome:
        """Try once to send a message and say what is known about the outcome; never raises."""
