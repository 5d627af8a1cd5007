"""Sessions: renewing and ending them."""

import strawberry

from resolvers import session
from schema.context import Info, viewer_of
from schema.ids import decode_id, encode_id
from schema.objects.session import SessionTokens, session_tokens
from schema.payload import Payload, mutation


@strawberry.input
class RefreshSessionInput:
    """Which session goes on."""

    refresh_token: str
    """The newest refresh token of the session."""


@strawberry.type
class RefreshSessionPayload(Payload):
    """The renewed session."""

    tokens: SessionTokens | None = None
    """The new tokens; the old ones have ended."""


@strawberry.input
class LogOutInput:
    """Ending the session that asks."""

    client_mutation_id: str | None = None
    """Any text of the client's; it has no effect."""


@strawberry.type
class LogOutPayload(Payload):
    """The end of the session."""

    is_logged_out: bool | None = None
    """True: the token no longer opens anything."""


@strawberry.input
class RevokeSessionInput:
    """Which session ends."""

    session_id: strawberry.ID
    """One of the viewer's own sessions."""


@strawberry.type
class RevokeSessionPayload(Payload):
    """The end of a session."""

    revoked_session_id: strawberry.ID | None = None
    """The session that has ended."""


@strawberry.input
class LogOutEverywhereInput:
    """Ending the viewer's sessions on all devices."""

    except_current: bool = False
    """Whether the session that asks goes on."""


@strawberry.type
class LogOutEverywherePayload(Payload):
    """The end of sessions."""

    ended_count: int | None = None
    """How many sessions have ended."""


@strawberry.type
class Mutation:
    """Sessions."""

    @mutation
    async def refresh_session(
        self, info: Info, input: RefreshSessionInput
    ) -> RefreshSessionPayload:
        """Renew a session's tokens, also after the access token has expired."""
        tokens = await session.refresh_session(input.refresh_token)
        return RefreshSessionPayload(tokens=session_tokens(tokens))

    @mutation
    async def log_out(self, info: Info, input: LogOutInput) -> LogOutPayload:
        """End the session that asks; its streams close."""
        await session.log_out(viewer_of(info))
        return LogOutPayload(is_logged_out=True)

    @mutation
    async def revoke_session(self, info: Info, input: RevokeSessionInput) -> RevokeSessionPayload:
        """End a session on whatever device; its streams close."""
        session_id = decode_id(input.session_id, "Session", "sessionId")
        ended = await session.revoke_session(viewer_of(info), session_id)
        return RevokeSessionPayload(revoked_session_id=encode_id("Session", ended))

    @mutation
    async def log_out_everywhere(
        self, info: Info, input: LogOutEverywhereInput
    ) -> LogOutEverywherePayload:
        """End the viewer's sessions on all devices; their streams close."""
        count = await session.log_out_everywhere(
            viewer_of(info), except_current=input.except_current
        )
        return LogOutEverywherePayload(ended_count=count)
