"""Authentication: whom a bearer token stands for, with the rights of this moment."""

from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from models.clock import now
from models.engine import sql
from models.engine.errors import TransientDatabaseError
from models.member import Role, Visibility
from realtime.log import Head
from resolvers.masking import Masking
from resolvers.tokens import API_KEY_PREFIX, SESSION_PREFIX, hash_token
from resolvers.viewer import Membership, Viewer

USE_NOTED_EVERY = timedelta(hours=1)


class TokenProblem(Enum):
    """Why a token does not say who asks."""

    UNKNOWN = "UNAUTHENTICATED"
    EXPIRED = "TOKEN_EXPIRED"


_MEMBERSHIPS = (
    " m.id AS member_id, m.workspace_id, m.role, m.visibility, m.team_id, m.restrictions,"
    " '' AS scopes, c.seq, c.oldest_seq, c.epoch, w.masks_phones, w.masks_emails"
)


def _membership(row: Any) -> Membership:
    return Membership(
        workspace_id=row["workspace_id"],
        member_id=row["member_id"],
        role=Role(row["role"]),
        visibility=Visibility(row["visibility"]),
        team_id=row["team_id"],
        restrictions=row["restrictions"],
        head=Head(row["seq"], row["oldest_seq"], row["epoch"]),
        scopes=row["scopes"],
        switches=Masking(phones=bool(row["masks_phones"]), emails=bool(row["masks_emails"])),
    )


async def authenticate(token: str) -> Viewer | TokenProblem:
    """Return who a bearer token stands for, with their rights of this moment; one statement."""
    if token.startswith(SESSION_PREFIX):
        return await _viewer_of_session("s.token_hash = ?", hash_token(token))
    if token.startswith(API_KEY_PREFIX):
        return await _viewer_of_key("k.key_hash = ?", hash_token(token))
    return TokenProblem.UNKNOWN


async def reload_viewer(viewer: Viewer) -> Viewer | TokenProblem:
    """Return the viewer with the rights of this moment, or why they have none any more."""
    return await viewer_of_credential(viewer.credential)


async def viewer_of_credential(credential: str) -> Viewer | TokenProblem:
    """Return who has a session or an API key, such as `session:5`, as `reload_viewer` does."""
    kind, _, credential_id = credential.partition(":")
    if kind == "session":
        return await _viewer_of_session("s.id = ?", int(credential_id))
    return await _viewer_of_key("k.id = ?", int(credential_id))


async def _viewer_of_session(condition: str, value: int | str) -> Viewer | TokenProblem:
    rows = await sql.records(
        "SELECT s.id AS session_id, s.expires_at,"
        " COALESCE(s.last_used_at, s.created_at) AS used_at, u.id AS user_id, u.language,"
        + _MEMBERSHIPS
        + " FROM session s JOIN account u ON u.id = s.user_id"
        " LEFT JOIN member m ON m.user_id = u.id AND m.is_active = ?"
        " LEFT JOIN workspace w ON w.id = m.workspace_id"
        f" LEFT JOIN event_counter c ON c.workspace_id = m.workspace_id WHERE {condition}",
        True,
        value,
    )
    if not rows:
        return TokenProblem.UNKNOWN
    expires_at = sql.moment(rows[0]["expires_at"])
    moment = now()
    if expires_at <= moment:
        return TokenProblem.EXPIRED
    if moment - sql.moment(rows[0]["used_at"]) > USE_NOTED_EVERY:
        await _note_use(rows[0]["session_id"], moment)
    return Viewer(
        credential=f"session:{rows[0]['session_id']}",
        user_id=rows[0]["user_id"],
        memberships={
            row["workspace_id"]: _membership(row) for row in rows if row["member_id"] is not None
        },
        language=rows[0]["language"],
        expires_at=expires_at,
    )


async def viewer_of_key(key_id: int) -> Viewer | None:
    """Return the program of an API key with its rights of this moment; None without a good one."""
    found = await _viewer_of_key("k.id = ?", key_id)
    return found if isinstance(found, Viewer) else None


async def _note_use(session_id: int, moment: datetime) -> None:
    """Write that a session is in use: seldom, and never in the way of who uses it."""
    with suppress(TransientDatabaseError):
        await sql.affected("UPDATE session SET last_used_at = ? WHERE id = ?", moment, session_id)


async def _viewer_of_key(condition: str, value: int | str) -> Viewer | TokenProblem:
    rows = await sql.records(
        "SELECT k.id AS key_id, k.workspace_id, k.role, 'ALL' AS visibility,"
        " NULL AS member_id, NULL AS team_id, '' AS restrictions, k.scopes,"
        " c.seq, c.oldest_seq, c.epoch, w.masks_phones, w.masks_emails"
        " FROM api_key k JOIN event_counter c ON c.workspace_id = k.workspace_id"
        " JOIN workspace w ON w.id = k.workspace_id"
        f" WHERE {condition} AND k.revoked_at IS NULL",
        value,
    )
    if not rows:
        return TokenProblem.UNKNOWN
    return Viewer(
        credential=f"api_key:{rows[0]['key_id']}",
        user_id=None,
        memberships={rows[0]["workspace_id"]: _membership(rows[0])},
        language=None,
        expires_at=None,
    )
