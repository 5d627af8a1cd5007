"""Opaque texts: what ids and cursors are sent as, so that nobody relies on what is inside."""

from binascii import a2b_base64, b2a_base64

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


def opaque(content: bytes) -> str:
    """Return content as base64 for URLs, without padding (RFC 4648, section 5)."""
    return b2a_base64(content).translate(_TO_URL, b"=\n").decode()


def unopaque(text: str) -> bytes:
    """Return the content of such a text; raise ValueError for what is none."""
    padded = text.encode("ascii").translate(_FROM_URL) + b"=" * (-len(text) % 4)
    return a2b_base64(padded, strict_mode=True)
