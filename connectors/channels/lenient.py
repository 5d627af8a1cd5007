"""Reading vendors' JSON so that a bad field does not cost its item, nor a bad item its batch."""

import re
from datetime import UTC, datetime

import msgspec

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""What decoding foreign JSON can raise."""

# The first two alternatives step over an escaped backslash and a whole pair.
_SURROGATE = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def mended(body: bytes) -> bytes:
    """Replace half surrogate pairs by U+FFFD: JavaScript writes them when it cuts an emoji in two.

    Raises UnicodeDecodeError, a ValueError, where the body is not UTF-8.
    """
    body.decode()
    return _SURROGATE.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)


def loosely(raw: msgspec.Raw) -> object:
    """Read any JSON; None for what cannot be read."""
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        return None


def identifier(value: object, limit: int) -> str | None:
    """Read an id, 1 to `limit` characters; numbers count, for many integrators' ids are numbers."""
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or "\0" in text:
        return None
    return text if 1 <= len(text) <= limit else None


def words(value: object, limit: int) -> str | None:
    """Cut a text to its limit; None if blank. PostgreSQL stores no NUL: that one becomes U+FFFD."""
    if not isinstance(value, str) or not value.strip():
        return None
    return value[:limit].replace("\0", "\ufffd")


def web_address(value: object, limit: int) -> str | None:
    """Read an http or https URL; None for anything else. Nothing says that it is safe to fetch."""
    url = identifier(value, limit)
    return url if url and url.startswith(("http://", "https://")) else None


def moment(milliseconds: object) -> datetime | None:
    """Read a Unix time in milliseconds, a number or its digits; None where it is not one."""
    if isinstance(milliseconds, str) and re.fullmatch(r"[0-9]{1,15}", milliseconds):
        milliseconds = int(milliseconds)
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
