"""Headers of mail from strangers: read as far as they can be, each bounded.

The library's own reader of a header (`policy.default`) raises of all kinds and takes its time, so
it gets one header after another, cut, and what it cannot read is read more simply.
"""

import email.policy
import email.utils
import re
from contextlib import suppress
from datetime import UTC, datetime
from email.message import Message
from email.policy import Compat32
from typing import Any

from connectors.channels.email_outbound import is_message_id, is_sendable

HEADER_MAX_CHARACTERS = 8192
"""Of a longer header only the beginning is read."""
RECIPIENTS_MAX = 100
_ANY_ID = re.compile(r"<[^<>\s]+>")
_UNKNOWN_LETTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def clean(text: str) -> str:
    """Return a text in which no letter is one that a database or JSON cannot keep."""
    return _UNKNOWN_LETTERS.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


class MailPolicy(Compat32):
    """How mails are read: leniently, and with headers about contents no longer than they may be.

    The library's parser of their parameters takes the square of their length.
    """

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Return a header's name and value."""
        name, value = super().header_source_parse(sourcelines)
        is_long = name.lower().startswith("content-")
        return name, value[:HEADER_MAX_CHARACTERS] if is_long else value


MAIL_POLICY = MailPolicy()


def one_line(text: str) -> str:
    """Return a text on one line."""
    return " ".join(clean(text).split())


def raw_header(mail: Message, name: str) -> str:
    """Return a header as it stands, bounded; bytes beyond ASCII are read as UTF-8 if they are."""
    for key, value in mail.raw_items():
        if key.lower() == name.lower():
            octets = str(value)[:HEADER_MAX_CHARACTERS].encode("utf-8", "surrogateescape")
            with suppress(UnicodeDecodeError):
                return octets.decode()
            return octets.decode("latin-1")
    return ""


def _parsed(mail: Message, name: str) -> Any:
    """Return a header as the library reads it; None where there is none, or it cannot."""
    raw = " ".join(raw_header(mail, name).split())
    with suppress(Exception):
        return email.policy.default.header_factory(name, raw) if raw else None
    return None


def header(mail: Message, name: str) -> str:
    """Return a header as people read it; empty where there is none."""
    found = _parsed(mail, name)
    return clean(str(found) if found is not None else raw_header(mail, name))


def mailboxes(mail: Message, name: str) -> list[tuple[str, str]]:
    """Return the addresses in a header, and what they are called."""
    found = _parsed(mail, name)
    boxes = [(box.addr_spec, box.display_name or "") for box in getattr(found, "addresses", ())]
    if not any(is_sendable(address) for address, _ in boxes):
        boxes = []
        with suppress(Exception):  # both of the library's readers meet headers that they cannot
            given = email.utils.getaddresses([raw_header(mail, name)])
            boxes = [(address, shown) for shown, address in given]
    clean = ((address.strip().lower(), one_line(shown)) for address, shown in boxes)
    return [(address, shown) for address, shown in clean if is_sendable(address)][:RECIPIENTS_MAX]


def addresses_in(mail: Message, name: str) -> tuple[str, ...]:
    """Return the addresses in a header, each once."""
    return tuple(dict.fromkeys(address for address, _ in mailboxes(mail, name)))


def sender_of(mail: Message) -> tuple[str | None, str]:
    """Return who a mail says that it is from, and what they are called."""
    return next(iter(mailboxes(mail, "From")), (None, ""))


def ids_in(mail: Message, name: str) -> list[str]:
    """Return the Message-IDs in a header, in their order."""
    return [found for found in _ANY_ID.findall(raw_header(mail, name)) if is_message_id(found)]


def date_of(mail: Message) -> datetime | None:
    """Return when a mail says that it was sent."""
    with suppress(TypeError, ValueError, OverflowError):
        at = email.utils.parsedate_to_datetime(raw_header(mail, "Date"))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return None
