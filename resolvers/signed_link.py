"""Signed links: what a URL is good for, for whom and until when, and nobody can write one."""

import hmac
from dataclasses import dataclass
from enum import Enum

from models.clock import now
from resolvers.viewer import number_in


class Purpose(Enum):
    """What a link is good for."""

    UPLOAD = "u"
    REPORT = "r"
    FILE = "f"
    ATTACH = "a"
    """Bringing the file of an attachment."""
    ATTACHMENT = "d"
    """Getting it."""
    PREVIEW = "p"
    """Getting its thumbnail."""
    VENDOR = "v"
    """Getting it as the channel that brings it to the contact."""


@dataclass(frozen=True, slots=True)
class Link:
    """A signed link: what it is good for, for whom, and until when."""

    purpose: Purpose
    row_id: int
    actor: str
    """Such as `member:5`, `api_key:7`, or `session:8:5`: that of account 5."""
    expires: int
    """In seconds since 1970."""

    @property
    def credential(self) -> str:
        """Return the session or the key that it ends with, as a viewer names it."""
        return ":".join(self.actor.split(":")[:2])

    @property
    def holder(self) -> str:
        """Return who has it, also once their session is gone: such as `user:5`."""
        kind, *keys = self.actor.split(":")
        return f"user:{keys[-1]}" if kind == "session" else self.actor

    def signature(self, secret: str) -> str:
        """Return what nobody can write without the row's secret."""
        said = f"{self.purpose.value}.{self.row_id}.{self.actor}.{self.expires}"
        return hmac.new(secret.encode(), said.encode(), "sha256").hexdigest()

    def token(self, secret: str) -> str:
        """Return the link as a part of a URL; the inverse of `read_link`."""
        whose = self.actor.replace(":", "-")
        said = f"{self.purpose.value}.{self.row_id}.{whose}.{self.expires}"
        return f"{said}.{self.signature(secret)}"

    def is_good(self, signature: str, secret: str) -> bool:
        """Tell whether a signature is ours, and the link's time has not come."""
        is_ours = hmac.compare_digest(self.signature(secret).encode(), signature.encode())
        return is_ours and self.expires > now().timestamp()


def read_link(token: str, *purposes: Purpose) -> tuple[Link, str] | None:
    """Return what a token says for one of these purposes, to be proved by its signature."""
    parts = token.split(".")
    known = {purpose.value: purpose for purpose in purposes}
    if len(parts) != 5 or parts[0] not in known:
        return None
    row_id, expires = number_in(parts[1]), number_in(parts[3])
    if row_id is None or expires is None:
        return None
    return Link(known[parts[0]], row_id, parts[2].replace("-", ":"), expires), parts[4]
