"""The custom channel: respond.io's protocol for an integrator's own server, in both directions.

In: `POST /custom/channel/webhook/` with `Authorization: Bearer <channel token>` and
`{channelId, contactId, events: [{type, mId, timestamp, message | status}], contact}`, or a JSON
array of such objects, all for one channel. Out: `POST {base URL}/message` with the same token.

respond.io names the events `message`, `message_echo` and `message_status`, and the statuses; the
inside of a status event is not in the part of its page that we could read. We accept
`status: {value, message}`, as in its message objects, and `status: "delivered"`. In both directions
a message may have `replyTo: {mId}`, which one it answers: that is ours.
"""

import email.utils
import hashlib
import hmac
import re
import time
from collections.abc import Iterator, Mapping

import msgspec

from connectors.channels import (
    AddressKind,
    Capabilities,
    ChannelAddress,
    ContactProfile,
    ContentKind,
    FailedForGood,
    InboundEcho,
    InboundItem,
    InboundMessage,
    InboundReceipt,
    MalformedWebhook,
    MessageContent,
    OutgoingMessage,
    ReceiptStatus,
    RetryLater,
    SendOutcome,
    Sent,
    Unknown,
    Unparsed,
)
from connectors.channels.lenient import (
    UNREADABLE,
    identifier,
    loosely,
    mended,
    moment,
    web_address,
    words,
)
from connectors.channels.wording import worded
from connectors.http import GuardedClient, NotSent, OutcomeUnknown, RequestRefused, Response

CAPABILITIES = Capabilities(
    text_max_characters=7000,
    has_typing=False,
    has_reply_to=False,
    receipts=frozenset(ReceiptStatus),
    files_max=50,
    begins_by=AddressKind.PHONE,
)
INBOUND_TEXT_MAX_CHARACTERS = 65_536
"""Longer texts are cut and marked: what a contact wrote is never refused for its length."""
MESSAGE_ID_MAX_CHARACTERS = 255
"""respond.io says 50; a longer one is kept rather than lost."""
PROFILE_MAX_CHARACTERS = 255
URL_MAX_CHARACTERS = 2048
ERROR_MAX_CHARACTERS = 500
RETRY_AFTER_MAX_SECONDS = 3600.0
SIGNATURE_HEADER = "x-parley-signature"
SIGNATURE_TOLERANCE_SECONDS = 300

_CONTACT_ID = re.compile(r"[A-Za-z0-9_=+/@.:-]{1,50}")
# respond.io allows A-Z a-z 0-9 _ = + / @; dots, colons and dashes let UUIDs and addresses in.
_SIGNATURE = re.compile(r"t=([0-9]{1,12}),\s*s=([0-9a-f]{64})")
_RETRYABLE = frozenset({408, 425, 429, 500, 503})
_NULL = msgspec.Raw(b"null")


class _Envelope(msgspec.Struct, rename="camel"):
    events: list[msgspec.Raw]
    channel_id: msgspec.Raw = _NULL
    contact_id: msgspec.Raw = _NULL
    contact: msgspec.Raw = _NULL


class _Event(msgspec.Struct, rename="camel"):
    type: str
    m_id: str | int
    timestamp: msgspec.Raw = _NULL
    message: msgspec.Raw = _NULL
    status: msgspec.Raw = _NULL


def verify(body: bytes, headers: Mapping[str, str], *, token: str, hmac_secret: str | None) -> bool:
    """Tell whether a webhook comes from the holder of the channel's token, and secret if set.

    The signature is ours: `X-Parley-Signature: t=<unix seconds>,s=<hex HMAC-SHA256 of "t.body">`.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    scheme, _, given = lowered.get("authorization", "").partition(" ")
    if not token or scheme.lower() != "bearer":
        return False
    if not hmac.compare_digest(given.strip().encode(), token.encode()):
        return False
    if hmac_secret is None:
        return True
    signature = _SIGNATURE.fullmatch(lowered.get(SIGNATURE_HEADER, "").strip())
    if signature is None or not hmac_secret:
        return False
    at, digest = signature.groups()
    expected = hmac.new(hmac_secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    is_fresh = abs(time.time() - int(at)) <= SIGNATURE_TOLERANCE_SECONDS
    return hmac.compare_digest(digest, expected.hexdigest()) and is_fresh


def channel_of(body: bytes) -> str:
    """Return the one `channelId` that a webhook names, before anything in it is believed."""
    named = {
        identifier(loosely(envelope.channel_id), MESSAGE_ID_MAX_CHARACTERS)
        if isinstance(envelope, _Envelope)
        else None
        for envelope in _envelopes(body)
    } - {None}
    if len(named) != 1:
        raise MalformedWebhook("a webhook names exactly one channelId")
    return str(named.pop())


def decode(body: bytes) -> list[InboundItem]:
    """Read a webhook into items, one for each event in it; raises only `MalformedWebhook`."""
    items: list[InboundItem] = []
    for envelope in _envelopes(body):
        if isinstance(envelope, Unparsed):
            items.append(envelope)
            continue
        contact_id = loosely(envelope.contact_id)
        contact_id = str(contact_id) if type(contact_id) is int else contact_id
        profile = _profile(loosely(envelope.contact))
        items += [_item(bytes(event), contact_id, profile) for event in envelope.events]
    return items


async def send(
    client: GuardedClient, channel: ChannelAddress, message: OutgoingMessage
) -> SendOutcome:
    """Try once to send a message and say what is known about the outcome; never raises."""
    if message.kind is not ContentKind.TEXT and not message.files:
        return FailedForGood("UNSUPPORTED_KIND", f"This channel cannot send {message.kind}.")
    body = {
        "channelId": channel.channel_id,
        "contactId": message.external_contact_id,
        "message": worded(message),
    }
    headers = {
        "Authorization": f"Bearer {channel.token}",
        "Idempotency-Key": message.idempotency_id,
    }
    try:
        url = channel.base_url.rstrip("/") + "/message"
        response = await client.post_json(url, body, headers)
    except RequestRefused as error:
        return FailedForGood("ADDRESS_REFUSED", str(error))
    except NotSent as error:
        return RetryLater(str(error))
    except OutcomeUnknown as error:
        return Unknown(str(error))
    return _outcome(response)


def _envelopes(body: bytes) -> Iterator[_Envelope | Unparsed]:
    try:
        body = mended(body)
        if not body.lstrip().startswith(b"["):
            yield msgspec.json.decode(body, type=_Envelope)
            return
        parts = msgspec.json.decode(body, type=list[msgspec.Raw])
    except UNREADABLE as error:
        raise MalformedWebhook(str(error)[:ERROR_MAX_CHARACTERS]) from error
    for part in parts:
        try:
            yield msgspec.json.decode(part, type=_Envelope)
        except UNREADABLE as error:
            yield _unparsed(bytes(part), "", str(error))


def _item(raw: bytes, contact_id: object, profile: ContactProfile) -> InboundItem:
    if not isinstance(contact_id, str) or not _CONTACT_ID.fullmatch(contact_id):
        return _unparsed(raw, "", "contactId is not 1 to 50 of A-Z a-z 0-9 _ = + / @ . : -")
    try:
        event = msgspec.json.decode(raw, type=_Event)
        external_id = identifier(event.m_id, MESSAGE_ID_MAX_CHARACTERS)
        if external_id is None:
            raise ValueError(f"mId is not 1 to {MESSAGE_ID_MAX_CHARACTERS} characters")
        occurred_at = moment(loosely(event.timestamp))
        if event.type == "message_status":
            status, error = _status(loosely(event.status))
            key = f"status:{external_id}:{status.lower()}"
            return InboundReceipt(key, contact_id, raw, external_id, status, error, occurred_at)
        if event.type not in ("message", "message_echo"):
            raise ValueError("unknown event type")
        said = loosely(event.message)
        content, parent_id = _content(said), _reply_to(said)
    except UNREADABLE as error:
        return _unparsed(raw, contact_id, str(error))
    if event.type == "message":
        key = f"message:{external_id}"
        return InboundMessage(
            key, contact_id, raw, external_id, content, occurred_at, profile, parent_id
        )
    key = f"echo:{external_id}"
    return InboundEcho(key, contact_id, raw, external_id, content, occurred_at, profile, parent_id)


def _unparsed(raw: bytes, contact_id: str, reason: str) -> Unparsed:
    digest = hashlib.sha256(f"{contact_id}\n".encode() + raw).hexdigest()
    return Unparsed(f"unparsed:{digest}", contact_id, raw, reason[:ERROR_MAX_CHARACTERS])


def _status(value: object) -> tuple[ReceiptStatus, str]:
    name, error_text = (value, None)
    if isinstance(value, dict):
        name, error_text = (value.get("value"), value.get("message"))
    if not isinstance(name, str) or name.upper() not in ReceiptStatus.__members__:
        raise ValueError("status is not one of sent, delivered, read, failed")
    return ReceiptStatus(name.upper()), words(error_text, ERROR_MAX_CHARACTERS) or ""


def _content(value: object) -> MessageContent:
    if not isinstance(value, dict):
        raise ValueError("message is not an object")
    whole = value.get("text")
    text = words(whole, INBOUND_TEXT_MAX_CHARACTERS) or ""
    is_truncated = isinstance(whole, str) and len(whole) > INBOUND_TEXT_MAX_CHARACTERS
    if value.get("type") == "text" and text:
        return MessageContent(ContentKind.TEXT, text, is_truncated)
    attachment = value.get("attachment")
    if value.get("type") == "attachment" and isinstance(attachment, dict):
        kind = words(attachment.get("type"), PROFILE_MAX_CHARACTERS)
        if url := web_address(attachment.get("url"), URL_MAX_CHARACTERS):
            return MessageContent(ContentKind.ATTACHMENT, text, is_truncated, url, kind)
    if value.get("type") == "custom_payload":
        return MessageContent(ContentKind.CUSTOM_PAYLOAD, text, is_truncated)
    return MessageContent(ContentKind.UNSUPPORTED, text, is_truncated)


def _reply_to(value: object) -> str | None:
    """Return the vendor's id of the message that a message answers, if it says one."""
    parent = value.get("replyTo") if isinstance(value, dict) else None
    named = parent.get("mId") if isinstance(parent, dict) else None
    return identifier(named, MESSAGE_ID_MAX_CHARACTERS)


def _profile(value: object) -> ContactProfile:
    if not isinstance(value, dict):
        return ContactProfile()
    return ContactProfile(
        first_name=words(value.get("firstName"), PROFILE_MAX_CHARACTERS),
        last_name=words(value.get("lastName"), PROFILE_MAX_CHARACTERS),
        phone=words(value.get("phone"), PROFILE_MAX_CHARACTERS),
        email=words(value.get("email"), PROFILE_MAX_CHARACTERS),
        language=words(value.get("language"), PROFILE_MAX_CHARACTERS),
        country_code=words(value.get("countryCode"), PROFILE_MAX_CHARACTERS),
        picture_url=web_address(value.get("profilePic"), URL_MAX_CHARACTERS),
    )


def _outcome(response: Response) -> SendOutcome:
    try:
        answer = msgspec.json.decode(response.body)
    except UNREADABLE:
        answer = None
    fields = answer if isinstance(answer, dict) else {}
    error = fields.get("error")
    said = words(error.get("message"), ERROR_MAX_CHARACTERS) if isinstance(error, dict) else None
    text = said or f"HTTP {response.status}"
    if 200 <= response.status < 300:
        external_id = identifier(fields.get("mId"), MESSAGE_ID_MAX_CHARACTERS)
        return Sent(external_id) if external_id else Unknown("no mId in the answer")
    if response.status in _RETRYABLE:
        return RetryLater(text, _retry_after(response.headers.get("retry-after", "")))
    if response.status in (401, 403):
        return FailedForGood("UNAUTHORIZED", text)
    if 400 <= response.status < 500:
        return FailedForGood("REJECTED", text)
    if 300 <= response.status < 400:
        return FailedForGood("REDIRECTED", text)
    return Unknown(text)


def _retry_after(value: str) -> float | None:
    if re.fullmatch(r"[0-9]{1,9}", value):
        seconds = float(value)
    else:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    return min(max(seconds, 0.0), RETRY_AFTER_MAX_SECONDS)
