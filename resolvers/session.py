"""Sessions: tokens of people that rotate, and how they end."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.clock import now
from models.engine import sql
from models.refusal import Code, Refused
from models.session import Session
from realtime.events import CredentialRevoked
from realtime.transaction import Announce, transaction
from resolvers.client import UNKNOWN_CLIENT, USER_AGENT_LENGTH, Client
from resolvers.deed import done_by
from resolvers.tokens import REFRESH_PREFIX, SESSION_PREFIX, hash_token, new_token
from resolvers.viewer import Viewer, hidden
from settings import get_settings

MAX_LISTED = 100


@dataclass(frozen=True, slots=True)
class Tokens:
    """The fresh tokens of a session: shown once, kept as hashes."""

    session: Session
    access_token: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class OwnSession:
    """A session as its owner sees it."""

    id: int
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    """When it can be renewed no more."""
    user_agent: str
    is_current: bool


async def open_session(user_id: int, client: Client = UNKNOWN_CLIENT) -> Tokens:
    """Open a session for a user whose identity has been proved."""
    done_by(user_id)
    access, refresh = new_token(SESSION_PREFIX), new_token(REFRESH_PREFIX)
    settings = get_settings()
    moment = now()
    session = await Session.create(
        user_id=user_id,
        token_hash=hash_token(access),
        refresh_hash=hash_token(refresh),
        family_hash=hash_token(refresh),
        expires_at=moment + timedelta(seconds=settings.access_token_seconds),
        refresh_expires_at=moment + timedelta(seconds=settings.refresh_token_seconds),
        created_at=moment,
        user_agent=client.user_agent[:USER_AGENT_LENGTH],
    )
    return Tokens(session, access, refresh)


async def refresh_session(refresh_token: str) -> Tokens:
    """Renew a session's tokens; the old ones end. A renewal token used twice ends the session.

    All renewal tokens of a session begin with its first one: none needs to be kept to be known
    again.
    """
    family, digest = refresh_token.partition(".")[0], hash_token(refresh_token)
    access, refresh = new_token(SESSION_PREFIX), new_token(f"{family}.")
    settings = get_settings()
    moment = now()
    async with transaction() as announce:
        renewed = await sql.rows(
            "UPDATE session SET token_hash = ?, refresh_hash = ?, family_hash = ?,"
            " expires_at = ?, refresh_expires_at = ?, last_used_at = ?"
            " WHERE refresh_hash = ? AND refresh_expires_at > ? RETURNING id",
            hash_token(access),
            hash_token(refresh),
            hash_token(family),
            moment + timedelta(seconds=settings.access_token_seconds),
            moment + timedelta(seconds=settings.refresh_token_seconds),
            moment,
            digest,
            moment,
        )
        if renewed:
            return Tokens(await Session.get(id=renewed[0]["id"]), access, refresh)
        relatives = Session.filter(family_hash=hash_token(family))
        stolen = await relatives.exclude(refresh_hash=digest).first()
        if stolen is not None:
            await end_sessions(stolen.user_id, announce, session_id=stolen.id)
    raise Refused(
        Code.INVALID_CREDENTIALS, "This session has ended. Log in again.", field=("refreshToken",)
    )


async def end_sessions(
    user_id: int,
    announce: Announce,
    *,
    session_id: int | None = None,
    except_id: int | None = None,
) -> int:
    """End a user's session, or all, or all but one; streams opened with them close.

    Returns how many there were.
    """
    condition, values = "user_id = ?", [user_id]
    if session_id is not None:
        condition, values = f"{condition} AND id = ?", [*values, session_id]
    if except_id is not None:
        condition, values = f"{condition} AND id <> ?", [*values, except_id]
    ended = await sql.rows(f"DELETE FROM session WHERE {condition} RETURNING id", *values)
    workspaces = await sql.rows("SELECT workspace_id FROM member WHERE user_id = ?", user_id)
    for row in workspaces:
        for session in ended:
            announce(CredentialRevoked(row["workspace_id"], f"session:{session['id']}"))
    return len(ended)


async def sessions_by_viewer(viewers: Collection[Viewer]) -> dict[Viewer, list[OwnSession]]:
    """Return the sessions of viewers that can still be used or renewed, the newest first."""
    return {viewer: await _own_sessions(viewer) for viewer in viewers}


async def _own_sessions(viewer: Viewer) -> list[OwnSession]:
    living = Session.filter(user_id=viewer.user_id, refresh_expires_at__gt=now())
    return [
        OwnSession(
            id=row.id,
            created_at=row.created_at,
            last_used_at=row.last_used_at or row.created_at,
            expires_at=row.refresh_expires_at,
            user_agent=row.user_agent,
            is_current=row.id == session_id_of(viewer),
        )
        for row in await living.order_by("-id").limit(MAX_LISTED)
    ]


def session_id_of(viewer: Viewer) -> int | None:
    """Return the session with which a viewer asks; None for a program."""
    kind, _, session_id = viewer.credential.partition(":")
    return int(session_id) if kind == "session" else None


def person_of(viewer: Viewer) -> int:
    """Return the user who asks; refuse programs."""
    if viewer.user_id is None:
        raise Refused(Code.FORBIDDEN, "A program has no account.")
    return viewer.user_id


async def log_out(viewer: Viewer) -> None:
    """End the session that asks; streams opened with it close."""
    session_id = session_id_of(viewer)
    if session_id is None or viewer.user_id is None:
        raise Refused(Code.FORBIDDEN, "An API key is revoked, not logged out.")
    async with transaction() as announce:
        await end_sessions(viewer.user_id, announce, session_id=session_id)


async def revoke_session(viewer: Viewer, session_id: int) -> int:
    """End a session of the viewer's, on whatever device; return its id."""
    user_id = person_of(viewer)
    async with transaction() as announce:
        if not await end_sessions(user_id, announce, session_id=session_id):
            raise hidden(("sessionId",))
    return session_id


async def log_out_everywhere(viewer: Viewer, *, except_current: bool) -> int:
    """End all sessions of the viewer, or all others; return how many there were."""
    user_id = person_of(viewer)
    kept = session_id_of(viewer) if except_current else None
    async with transaction() as announce:
        return await end_sessions(user_id, announce, except_id=kept)
