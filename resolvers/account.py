"""Accounts: proving who one is, with as many tries as the limits allow."""

from models.audit_entry import ADDRESS_LENGTH, AuditOutcome
from models.clock import now
from models.engine import sql
from models.refusal import Code, Refused
from models.user import User
from realtime.jobs import ClaimedJob
from realtime.transaction import transaction
from resolvers.client import UNKNOWN_CLIENT, Client
from resolvers.password import EMAIL_LENGTH, matches, still_has
from resolvers.rate_limit import begin_attempt, end_attempt, log_in_limits
from resolvers.session import Tokens, open_session
from resolvers.tokens import hash_token
from settings import get_settings

KEEP_FAILED_LOG_IN = "keep_failed_log_in"


async def log_in(email: str, password: str, client: Client = UNKNOWN_CLIENT) -> Tokens:
    """Open a session; refuse with the same words and work whether the account exists or not.

    Raises RateLimited past the limits of the account's name or of the client's address.
    """
    name = email.strip().lower()
    limits = log_in_limits(name, client, get_settings())
    await begin_attempt(limits)
    user = await User.filter(email=name).first()
    refused = Refused(
        Code.INVALID_CREDENTIALS, "Email and password do not match.", field=("password",)
    )
    if not await matches(password, user.password_hash if user else None) or user is None:
        await _note_failure(name, client)
        raise refused
    async with transaction():
        # Whoever changes the password meanwhile ends all sessions: this must be one of them.
        if not await still_has(user.id, user.password_hash):
            raise refused
        tokens = await open_session(user.id, client)
    await end_attempt(limits)
    return tokens


async def _note_failure(name: str, client: Client) -> None:
    """Have a failed log-in kept; whether the account exists, only the job looks."""
    async with transaction() as announce:
        payload = {
            "email": name[:EMAIL_LENGTH],
            "address": client.address or "",
            "request_id": client.request_id or "",
        }
        announce.job(KEEP_FAILED_LOG_IN, payload)


async def keep_failed_log_in(job: ClaimedJob) -> None:
    """Keep a failed log-in in the audit logs of the account's workspaces, if there is one."""
    email, address, request_id = (job.payload[key] for key in ("email", "address", "request_id"))
    async with transaction():
        await job.complete()
        await sql.affected(
            "INSERT INTO audit_entry (workspace_id, action, target_type, target_id, outcome, code,"
            " address, request_id, created_at)"
            " SELECT w.workspace_id, 'logIn', 'Member', w.id, ?, ?, ?, ?, ?"
            " FROM member w JOIN account a ON a.id = w.user_id"
            " WHERE a.email = ? AND w.is_active = ?",
            AuditOutcome.DENIED.value,
            Code.INVALID_CREDENTIALS.value,
            str(address)[:ADDRESS_LENGTH] or None,
            request_id or None,
            now(),
            email,
            True,
        )


async def log_in_with_code(code: str, client: Client = UNKNOWN_CLIENT) -> Tokens:
    """Open a session for who was just proved elsewhere and brought a code home; once."""
    async with transaction():
        found = await sql.rows(
            "DELETE FROM log_in_code WHERE code_hash = ? AND expires_at > ? RETURNING user_id",
            hash_token(code),
            now(),
        )
        if not found:
            raise Refused(
                Code.INVALID_CREDENTIALS,
                "This code is no longer good. Log in again.",
                field=("code",),
            )
        return await open_session(found[0]["user_id"], client)
