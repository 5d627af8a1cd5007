"""The parts of a mail: which are its text, and which are files that came along."""

import email.policy
import mimetypes
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message

from connectors.channels.email_headers import one_line, raw_header

PARTS_MAX = 200
NAME_MAX_CHARACTERS = 1000
"""Of a longer name only the beginning is read."""
_BODIES = ("text/plain", "text/html")
_OTHER_BODIES = ("text/x-amp-html", "text/watch-html", "text/enriched")
"""What says once more what the text says, for some programs."""


@dataclass(frozen=True, slots=True)
class MailFile:
    """A file that came with a mail; the name is as the sender has it, decoded."""

    name: str
    content: bytes | None
    """None where nobody can read it."""


def children(part: Message) -> list[Message]:
    """Return the parts right below a part."""
    inside = part.get_payload()
    return [child for child in inside if isinstance(child, Message)] if part.is_multipart() else []


def leaves(mail: Message) -> Iterator[Message]:
    """Yield the parts of a mail in their order, not those of mails inside it; a bounded number."""
    waiting = [mail]
    for _ in range(PARTS_MAX):
        if not waiting:
            return
        part = waiting.pop()
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            waiting += reversed(children(part))
        else:
            yield part


def body_kind(part: Message) -> str | None:
    """Return as what a part is the text of its mail; None for one that is a file."""
    if part.get_content_disposition() == "attachment" or _name_of(part):
        return None
    if part.get_content_maintype() == "multipart":  # one without parts: text, then
        return "text/plain"
    kind = part.get_content_type()
    return kind if kind in (*_BODIES, *_OTHER_BODIES) else None


def files_of(mail: Message) -> list[MailFile]:
    """Return the files that came with a mail, in their order, also what its HTML shows."""
    return [
        MailFile(_name_of(part) or _name_by_kind(part), _content_of(part))
        for part in leaves(mail)
        if body_kind(part) is None
    ]


def _name_of(part: Message) -> str:
    """Return the name of a part (RFC 2231, or RFC 2047 in quotes, as many programs write it)."""
    brief = Message()  # each of its headers bounded, and text
    for header in ("Content-Disposition", "Content-Type"):
        brief[header] = raw_header(part, header)
    name = ""
    with suppress(Exception):  # the library's parser of parameters raises of all kinds
        name = " ".join(brief.get_filename("").split())[:NAME_MAX_CHARACTERS]
        if "=?" in name:
            name = str(email.policy.default.header_factory("Subject", name))
    return one_line(name)


def _name_by_kind(part: Message) -> str:
    return f"file{mimetypes.guess_extension(part.get_content_type()) or ''}"


def _content_of(part: Message) -> bytes | None:
    with suppress(Exception):  # what cannot be decoded, and mails in it that cannot be written
        if part.is_multipart():
            return b"\r\n".join(child.as_bytes() for child in children(part))
        content = part.get_payload(decode=True)
        return content if isinstance(content, bytes) else None
    return None
