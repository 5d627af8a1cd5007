"""OpenID log-in: leaving for the provider, coming back, and the account that is meant."""

import secrets
from datetime import timedelta
from enum import Enum

import structlog

from connectors.openid import OpenIdFailed, OpenIdProvider, Proved
from models.clock import now
from models.engine import sql
from models.identity import Identity
from models.log_in_code import LogInCode
from models.openid_attempt import OpenidAttempt
from models.user import User
from realtime.transaction import transaction
from resolvers.client import Client
from resolvers.password import hash_password
from resolvers.rate_limit import Limit, begin_attempt, end_attempt
from resolvers.tokens import CODE_PREFIX, hash_token, new_token
from settings import get_settings

ATTEMPT_SECONDS = 600
CODE_SECONDS = 60
MOST_SUBJECT = 255

log = structlog.get_logger()


class Problem(Enum):
    """Why a log-in by the provider came to nothing."""

    DENIED = "DENIED"
    """The provider, or the person there, said no."""
    EXPIRED = "EXPIRED"
    """It was not begun in this browser, took too long, or was finished already."""
    PROVIDER_FAILED = "PROVIDER_FAILED"
    """The provider did not answer, or proved nothing."""
    EMAIL_NOT_VERIFIED = "EMAIL_NOT_VERIFIED"
    """The provider has no verified address of this person."""
    NO_ACCOUNT = "NO_ACCOUNT"
    """Nobody has an account with this address."""


class LogInFailed(Exception):  # noqa: N818 - as models.refusal.Refused
    """A log-in by the provider came to nothing."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


async def start_log_in(provider: OpenIdProvider, client: Client) -> tuple[str, str]:
    """Return where to send the browser, and the state that it keeps until it comes back.

    Raises RateLimited past the limit of the client's address.
    """
    settings = get_settings()
    if client.network is not None:
        most = settings.log_in_attempts_per_address
        limits = {f"openid from {client.network}": Limit(ATTEMPT_SECONDS, most, most)}
        await begin_attempt(limits)
        await end_attempt(limits)
    try:
        departure = await provider.depart()
    except OpenIdFailed as failed:
        log.warning("openid_failed", reason=str(failed))
        raise LogInFailed(Problem.PROVIDER_FAILED) from failed
    await OpenidAttempt.create(
        state_hash=hash_token(departure.state),
        nonce=departure.nonce,
        code_verifier=departure.code_verifier,
        expires_at=now() + timedelta(seconds=ATTEMPT_SECONDS),
    )
    return departure.url, departure.state


async def finish_log_in(provider: OpenIdProvider, *, state: str, code: str) -> str:
    """Return a code for `logInWithCode`, for who comes back with the state, once."""
    attempts = await sql.rows(
        "DELETE FROM openid_attempt WHERE state_hash = ? AND expires_at > ?"
        " RETURNING nonce, code_verifier",
        hash_token(state),
        now(),
    )
    if not attempts:
        raise LogInFailed(Problem.EXPIRED)
    try:
        proved = await provider.identify(code, **attempts[0])
    except OpenIdFailed as failed:
        log.warning("openid_failed", reason=str(failed))
        raise LogInFailed(Problem.PROVIDER_FAILED) from failed
    made = new_token(CODE_PREFIX)
    await LogInCode.create(
        user_id=await _user_of(proved),
        code_hash=hash_token(made),
        expires_at=now() + timedelta(seconds=CODE_SECONDS),
    )
    return made


async def _user_of(proved: Proved) -> int:
    """Return the user that a provider knows, or has now proved to be one of ours."""
    known = await Identity.filter(issuer=proved.issuer, subject=proved.subject).first()
    if known is not None:
        return known.user_id
    if proved.email is None or len(proved.subject) > MOST_SUBJECT:
        raise LogInFailed(Problem.EMAIL_NOT_VERIFIED)
    user = await User.filter(email=proved.email).first()
    if user is None and not get_settings().oidc_creates_accounts:
        raise LogInFailed(Problem.NO_ACCOUNT)
    nobody_knows = await hash_password(secrets.token_urlsafe(32)) if user is None else ""
    async with transaction():
        if user is None:
            name = proved.name.strip()[:100] or proved.email.partition("@")[0]
            await sql.affected(
                "INSERT INTO account (email, name, password_hash, created_at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (email) DO NOTHING",
                proved.email,
                name,
                nobody_knows,
                now(),
            )
            user = await User.get(email=proved.email)
        await sql.affected(
            "INSERT INTO identity (user_id, issuer, subject, created_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (issuer, subject) DO NOTHING",
            user.id,
            proved.issuer,
            proved.subject,
            now(),
        )
    user_id: int = user.id
    return user_id
