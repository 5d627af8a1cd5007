"""Sessions of people, as they see them, and the tokens of one."""

from datetime import datetime
from typing import Any

import strawberry

from resolvers.session import OwnSession, Tokens
from schema.objects.node import global_id


@strawberry.type
class SessionTokens:
    """The tokens of a session: shown only this once."""

    access_token: str
    """The bearer token of requests and of `connection_init`."""
    expires_at: datetime
    """When the access token ends."""
    refresh_token: str
    """What `refreshSession` takes, once."""
    refresh_expires_at: datetime
    """When the refresh token ends."""


@strawberry.type
class Session:
    """One log-in of the viewer on one device."""

    id: strawberry.ID = global_id("Session")
    created_at: datetime
    """When it was opened."""
    last_used_at: datetime
    """When it was last used, to the hour; what is only read is not always noticed."""
    expires_at: datetime
    """When it ends unless it is renewed before."""
    user_agent: str
    """As the device named itself at log-in; empty if it did not."""
    is_current: bool
    """Whether it is the one that asks."""

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, OwnSession)


def session_tokens(tokens: Tokens) -> SessionTokens:
    """Return fresh tokens as they are shown, once."""
    return SessionTokens(
        access_token=tokens.access_token,
        expires_at=tokens.session.expires_at,
        refresh_token=tokens.refresh_token,
        refresh_expires_at=tokens.session.refresh_expires_at,
    )
