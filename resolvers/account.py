"""Accounts: logging in and out, the tokens of people, and the keys of programs."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from pwdlib import PasswordHash

from models.api_key import ApiKey
from models.clock import now
from models.engine import sql
from models.member import Role, Visibility
from models.refusal import Code, Refused
from models.session import Session
from models.user import User
from realtime.events import CredentialRevoked
from realtime.log import Head
from realtime.transaction import Announce, transaction
from resolvers.idempotency import claim_key
from resolvers.viewer import Membership, Right, Viewer, hidden, require
from settings import get_settings

SESSION_PREFIX = "ps_"
REFRESH_PREFIX = "pr_"
API_KEY_PREFIX = "pk_"
NAME_LENGTH = 100

_passwords = PasswordHash.recommended()
_NOBODY = _passwords.hash("a password that nobody has")


class TokenProblem(Enum):
    """Why a token does not say who asks."""

    UNKNOWN = "UNAUTHENTICATED"
    EXPIRED = "TOKEN_EXPIRED"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The fresh tokens of a session: shown once, kept as hashes."""

    session: Session
    access_token: str
    refresh_token: str


def hash_token(token: str) -> str:
    """Return the hash under which a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def _new_token(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(32)


async def hash_password(password: str) -> str:
    """Return the argon2 hash of a password, computed in a thread."""
    return await asyncio.to_thread(_passwords.hash, password)


_MEMBERSHIPS = (
    " m.id AS member_id, m.workspace_id, m.role, m.visibility, m.team_id, m.restrictions,"
    " c.seq, c.oldest_seq, c.epoch"
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
    kind, _, credential_id = viewer.credential.partition(":")
    if kind == "session":
        return await _viewer_of_session("s.id = ?", int(credential_id))
    return await _viewer_of_key("k.id = ?", int(credential_id))


async def _viewer_of_session(condition: str, value: int | str) -> Viewer | TokenProblem:
    rows = await sql.records(
        "SELECT s.id AS session_id, s.expires_at, u.id AS user_id, u.language,"
        + _MEMBERSHIPS
        + " FROM session s JOIN account u ON u.id = s.user_id"
        " LEFT JOIN member m ON m.user_id = u.id AND m.is_active = ?"
        f" LEFT JOIN event_counter c ON c.workspace_id = m.workspace_id WHERE {condition}",
        True,
        value,
    )
    if not rows:
        return TokenProblem.UNKNOWN
    expires_at = sql.moment(rows[0]["expires_at"])
    if expires_at <= now():
        return TokenProblem.EXPIRED
    return Viewer(
        credential=f"session:{rows[0]['session_id']}",
        user_id=rows[0]["user_id"],
        memberships={
            row["workspace_id"]: _membership(row) for row in rows if row["member_id"] is not None
        },
        language=rows[0]["language"],
        expires_at=expires_at,
    )


async def _viewer_of_key(condition: str, value: int | str) -> Viewer | TokenProblem:
    rows = await sql.records(
        "SELECT k.id AS key_id, k.workspace_id, k.role, 'ALL' AS visibility,"
        " NULL AS member_id, NULL AS team_id, '' AS restrictions, c.seq, c.oldest_seq, c.epoch"
        " FROM api_key k JOIN event_counter c ON c.workspace_id = k.workspace_id"
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


async def log_in(email: str, password: str) -> Tokens:
    """Open a session; refuse with the same words and work whether the account exists or not."""
    user = await User.filter(email=email.strip().lower()).first()
    known = user.password_hash if user is not None else _NOBODY
    matches = await asyncio.to_thread(_passwords.verify, password, known)
    if user is None or not matches:
        raise Refused(
            Code.INVALID_CREDENTIALS, "Email and password do not match.", field=("password",)
        )
    return await open_session(user.id)


async def open_session(user_id: int) -> Tokens:
    """Open a session for a user whose identity has been proved."""
    access, refresh = _new_token(SESSION_PREFIX), _new_token(REFRESH_PREFIX)
    settings = get_settings()
    moment = now()
    session = await Session.create(
        user_id=user_id,
        token_hash=hash_token(access),
        refresh_hash=hash_token(refresh),
        expires_at=moment + timedelta(seconds=settings.access_token_seconds),
        refresh_expires_at=moment + timedelta(seconds=settings.refresh_token_seconds),
        created_at=moment,
    )
    return Tokens(session, access, refresh)


async def refresh_session(refresh_token: str) -> Tokens:
    """Renew a session's tokens; the old ones end. A renewal token used twice ends the session."""
    digest = hash_token(refresh_token)
    async with transaction() as announce:
        stolen = await Session.filter(previous_refresh_hash=digest).first()
        if stolen is not None:
            await _end_session(stolen.id, stolen.user_id, announce)
    refused = Refused(
        Code.INVALID_CREDENTIALS, "This session has ended. Log in again.", field=("refreshToken",)
    )
    if stolen is not None:
        raise refused
    access, refresh = _new_token(SESSION_PREFIX), _new_token(REFRESH_PREFIX)
    settings = get_settings()
    moment = now()
    renewed = await sql.rows(
        "UPDATE session SET token_hash = ?, refresh_hash = ?, previous_refresh_hash = ?,"
        " expires_at = ?, refresh_expires_at = ?"
        " WHERE refresh_hash = ? AND refresh_expires_at > ? RETURNING id",
        hash_token(access),
        hash_token(refresh),
        digest,
        moment + timedelta(seconds=settings.access_token_seconds),
        moment + timedelta(seconds=settings.refresh_token_seconds),
        digest,
        moment,
    )
    if not renewed:
        raise refused
    return Tokens(await Session.get(id=renewed[0]["id"]), access, refresh)


async def log_out(viewer: Viewer) -> None:
    """End the session that asks; streams opened with it close."""
    kind, _, session_id = viewer.credential.partition(":")
    if kind != "session" or viewer.user_id is None:
        raise Refused(Code.FORBIDDEN, "An API key is revoked, not logged out.")
    async with transaction() as announce:
        await _end_session(int(session_id), viewer.user_id, announce)


async def _end_session(session_id: int, user_id: int, announce: Announce) -> None:
    await Session.filter(id=session_id).delete()
    workspaces = await sql.rows("SELECT workspace_id FROM member WHERE user_id = ?", user_id)
    for row in workspaces:
        announce(CredentialRevoked(row["workspace_id"], f"session:{session_id}"))


async def create_api_key(
    viewer: Viewer, workspace_id: int, *, name: str, role: Role, idempotency_key: str | None = None
) -> tuple[ApiKey, str | None]:
    """Create a key for a program; return it with its secret, which is shown only this once."""
    membership = require(viewer, workspace_id, Right.MANAGE_API_KEYS)
    if role is Role.OWNER and membership.role is not Role.OWNER:
        raise Refused(Code.FORBIDDEN, "Your role does not allow this.", field=("role",))
    name = name.strip()
    if not 1 <= len(name) <= NAME_LENGTH:
        raise Refused(
            Code.INVALID,
            "A name has 1 to {limit} characters.",
            field=("name",),
            limit=NAME_LENGTH,
        )
    secret = _new_token(API_KEY_PREFIX)
    values = [name, role.value]
    async with transaction():
        claim = await claim_key(viewer, workspace_id, "createApiKey", idempotency_key, values)
        if claim.first_result is not None:
            return await ApiKey.get(id=claim.first_result), None
        key = await ApiKey.create(
            workspace_id=workspace_id,
            name=name,
            key_hash=hash_token(secret),
            role=role,
            created_by_id=membership.member_id,
            created_at=now(),
        )
        await claim.remember(key.id)
    return key, secret


async def revoke_api_key(viewer: Viewer, api_key_id: int) -> ApiKey:
    """End a key at once; streams opened with it close. Revoking it again changes nothing."""
    async with transaction() as announce:
        key = await ApiKey.filter(id=api_key_id).first()
        if key is None or key.workspace_id not in viewer.memberships:
            raise hidden(("apiKeyId",))
        require(viewer, key.workspace_id, Right.MANAGE_API_KEYS)
        if key.revoked_at is None:
            key.revoked_at = now()
            await key.save(update_fields=["revoked_at"])
            announce(CredentialRevoked(key.workspace_id, f"api_key:{key.id}"))
    return key
