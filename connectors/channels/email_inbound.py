"""The email channel's way in: one raw mail (RFC 5322) becomes one item, however broken it is.

Mail that no person has sent, as it says itself (RFC 3834), is kept and becomes no message; what a
server reports about a mail of ours (RFC 3464) is its receipt.
"""

import email
import hashlib
from contextlib import suppress
from email.message import Message

from connectors.channels import (
    ContactProfile,
    ContentKind,
    EmailHeaders,
    InboundItem,
    InboundMessage,
    InboundReceipt,
    MessageContent,
    ReceiptStatus,
    Unparsed,
)
from connectors.channels.custom import (
    INBOUND_TEXT_MAX_CHARACTERS,
    MESSAGE_ID_MAX_CHARACTERS,
    PROFILE_MAX_CHARACTERS,
)
from connectors.channels.email_headers import (
    MAIL_POLICY,
    addresses_in,
    clean,
    date_of,
    header,
    ids_in,
    one_line,
    sender_of,
)
from connectors.channels.email_html import HTML_MAX_CHARACTERS, is_too_deep, sanitised, text_of
from connectors.channels.email_outbound import (
    ERROR_MAX_CHARACTERS,
    thread_after,
)
from connectors.channels.email_parts import MailFile, body_kind, children, files_of, leaves
from connectors.channels.lenient import words

SUBJECT_MAX_CHARACTERS = 998
RAW_MAX_CHARACTERS = 262_144
"""How much of a mail is kept for inspection."""

_AUTOMATIC_SENDERS = ("mailer-daemon@", "postmaster@")


def decode(body: bytes, own_address: str) -> tuple[InboundItem, list[MailFile]]:
    """Read a mail, and the files of one that is a message.

    What cannot be a mail, or is from no contact, is `Unparsed` with the reason.
    """
    digest = hashlib.sha256(body).hexdigest()
    raw = clean(body[:RAW_MAX_CHARACTERS].decode(errors="replace")).encode()
    try:
        mail: Message = email.message_from_bytes(body, policy=MAIL_POLICY)
        item = _item(mail, raw, digest, own_address)
        return item, files_of(mail) if isinstance(item, InboundMessage) else []
    except Exception as error:  # the library's parser of headers raises of all kinds
        reason = f"unreadable: {type(error).__name__}: {error}"
    return Unparsed(f"unparsed:{digest}", "", raw, reason[:ERROR_MAX_CHARACTERS]), []


def external_id_of(message_id: str) -> str:
    """Return a Message-ID as the id of a message: one that is too long is stood for by its hash."""
    if len(message_id) <= MESSAGE_ID_MAX_CHARACTERS:
        return message_id
    return f"sha256:{hashlib.sha256(message_id.encode()).hexdigest()}"


def _item(mail: Message, raw: bytes, digest: str, own_address: str) -> InboundItem:
    sender, name = sender_of(mail)
    report = _part_of(mail, "message/delivery-status")
    if report is not None:
        return _receipt(mail, report, raw, digest)
    reason = _why_no_message(mail, sender, own_address)
    if reason is not None:
        return Unparsed(f"unparsed:{digest}", sender or "", raw, reason)
    message_id = next(iter(ids_in(mail, "Message-ID")), None)
    external_id = external_id_of(message_id) if message_id else f"sha256:{digest}"
    text, html = _bodies(mail)
    headers = _headers(mail, sender or "", message_id, html)
    named = [headers.in_reply_to, *reversed(headers.thread_ids)]
    parent = next((external_id_of(found) for found in named if found), None)
    first, _, last = name.partition(" ")
    return InboundMessage(
        f"message:{external_id}",
        sender or "",
        raw,
        external_id,
        MessageContent(
            ContentKind.TEXT,
            text[:INBOUND_TEXT_MAX_CHARACTERS],
            len(text) > INBOUND_TEXT_MAX_CHARACTERS,
        ),
        date_of(mail),
        ContactProfile(
            first_name=words(first, PROFILE_MAX_CHARACTERS),
            last_name=words(last, PROFILE_MAX_CHARACTERS),
            email=sender,
        ),
        parent,
        headers,
    )


def _headers(mail: Message, sender: str, message_id: str | None, html: str | None) -> EmailHeaders:
    return EmailHeaders(
        subject=one_line(header(mail, "Subject"))[:SUBJECT_MAX_CHARACTERS],
        sender=sender,
        recipients=addresses_in(mail, "To"),
        cc=addresses_in(mail, "Cc"),
        header_id=message_id,
        in_reply_to=next(iter(ids_in(mail, "In-Reply-To")), None),
        thread_ids=thread_after(ids_in(mail, "References"), None),
        html=html,
    )


def _why_no_message(mail: Message, sender: str | None, own_address: str) -> str | None:
    """Return why a mail is no message of a contact; None: it is one."""
    if sender is None:
        return "no sender"
    if sender == own_address:
        return "sent by this channel's own address"
    automatic = header(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    if automatic not in ("", "no"):
        return f"automatic: {automatic}"[:ERROR_MAX_CHARACTERS]
    if mail.get_content_type() == "multipart/report":
        return "automatic: a report"
    if header(mail, "Return-Path").strip() == "<>" or sender.startswith(_AUTOMATIC_SENDERS):
        return "automatic: not to be answered"
    if header(mail, "Precedence").strip().lower() in ("auto_reply", "auto-reply"):
        return "automatic: an answer"
    return None


def _receipt(mail: Message, report: Message, raw: bytes, digest: str) -> InboundItem:
    """Read what a server reports about a mail of ours: delivered, or failed for good."""
    blocks = [block for block in children(report) if block.get("Action") is not None]
    actions = {header(block, "Action").strip().lower(): block for block in reversed(blocks)}
    found = {"failed": ReceiptStatus.FAILED, "delivered": ReceiptStatus.DELIVERED}
    action = next((name for name in found if name in actions), None)
    original = _original_id(mail)
    if action is None or original is None:
        reason = "automatic: a report of nothing that is known"
        return Unparsed(f"unparsed:{digest}", "", raw, reason)
    block = actions[action]
    recipient = header(block, "Final-Recipient").partition(";")[2].strip().lower()
    said = header(block, "Diagnostic-Code").partition(";")[2] or header(block, "Status")
    error_text = one_line(f"{recipient}: {said}")[:ERROR_MAX_CHARACTERS]
    return InboundReceipt(
        f"report:{digest}",
        recipient[:PROFILE_MAX_CHARACTERS],
        raw,
        external_id_of(original),
        found[action],
        error_text if action == "failed" else "",
        date_of(mail),
    )


def _original_id(mail: Message) -> str | None:
    """Return the Message-ID of the mail that a report is about."""
    whole = _part_of(mail, "message/rfc822")
    for original in children(whole) if whole is not None else ():
        return next(iter(ids_in(original, "Message-ID")), None)
    part = _part_of(mail, "text/rfc822-headers")
    if part is not None:
        headers = email.message_from_string(_text(part), policy=MAIL_POLICY)
        return next(iter(ids_in(headers, "Message-ID")), None)
    return next(iter((*ids_in(mail, "In-Reply-To"), *reversed(ids_in(mail, "References")))), None)


def _part_of(mail: Message, kind: str) -> Message | None:
    if mail.get_content_type() != "multipart/report":
        return None
    return next((part for part in leaves(mail) if part.get_content_type() == kind), None)


def _bodies(mail: Message) -> tuple[str, str | None]:
    """Return the text of a mail, or that of its HTML, and its HTML sanitised."""
    plain, rich = "", ""
    for part in leaves(mail):
        kind = body_kind(part)
        if kind == "text/plain" and len(plain) <= INBOUND_TEXT_MAX_CHARACTERS:
            plain += ("\n\n" if plain else "") + _text(part).strip()
        elif kind == "text/html" and len(rich) <= HTML_MAX_CHARACTERS:
            rich += _text(part)
    if not rich.strip():
        return plain, None
    if len(rich) > HTML_MAX_CHARACTERS or is_too_deep(rich):
        return plain or text_of(rich[:HTML_MAX_CHARACTERS]), None
    html = clean(sanitised(rich))
    return plain or text_of(html), html


def _text(part: Message) -> str:
    """Return the text of a part; where its charset is unknown or wrong, as far as it can be."""
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    content = content[: 4 * HTML_MAX_CHARACTERS]
    charset = "utf-8"
    with suppress(Exception):
        charset = part.get_content_charset() or "utf-8"
    for name, errors in ((charset, "strict"), ("utf-8", "strict"), (charset, "replace")):
        with suppress(LookupError, ValueError):
            return clean(content.decode(name, errors))
    return clean(content.decode("latin-1"))
