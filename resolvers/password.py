"""Passwords: how they are kept and proved, changed, and chosen anew by mail."""

import asyncio
from datetime import timedelta

from pwdlib import PasswordHash

from connectors.mail import Mailer, MailFailed
from models.clock import now
from models.engine import sql
from models.log_in_code import LogInCode
from models.password_reset import PasswordReset
from models.refusal import Code, Refused, sentence
from models.user import User
from realtime.jobs import ClaimedJob, Retry
from realtime.transaction import Announce, transaction
from resolvers.client import UNKNOWN_CLIENT, Client
from resolvers.deed import done_by
from resolvers.rate_limit import begin_attempt, end_attempt, log_in_limits, reset_limits
from resolvers.sentences import pick_language, say
from resolvers.session import end_sessions, person_of, session_id_of
from resolvers.tokens import RESET_PREFIX, hash_token, new_token
from resolvers.viewer import Viewer
from settings import get_settings

SEND_PASSWORD_RESET = "send_password_reset"  # noqa: S105 - a kind of job
LEAST_LENGTH, MOST_LENGTH = 10, 200
EMAIL_LENGTH = 254
RESET_SECONDS = 3600
SUBJECT = sentence("Choose another password")
TEXT = sentence(
    "Hello {name},\n\nsomebody, probably you, wants another password for your account.\n"
    "Choose it within an hour:\n\n{link}\n\n"
    "If it was not you, nothing has changed: you need do nothing."
)

_passwords = PasswordHash.recommended()
_NOBODY = _passwords.hash("a password that nobody has")


def check_new_password(password: str, email: str, field: str = "newPassword") -> None:
    """Refuse a password that is too short, too long, or the account's address."""
    if not LEAST_LENGTH <= len(password) <= MOST_LENGTH:
        raise Refused(
            Code.INVALID,
            "A password has {least} to {most} characters.",
            field=(field,),
            least=LEAST_LENGTH,
            most=MOST_LENGTH,
        )
    if password.strip().lower() == email:
        raise Refused(Code.INVALID, "A password is not the email address.", field=(field,))


async def hash_password(password: str) -> str:
    """Return the argon2 hash of a password, computed in a thread."""
    return await asyncio.to_thread(_passwords.hash, password)


async def matches(password: str, known: str | None) -> bool:
    """Tell whether a password is that of a hash; as much work where there is none."""
    is_right = await asyncio.to_thread(_passwords.verify, password, known or _NOBODY)
    return is_right and known is not None


async def still_has(user_id: int, password_hash: str) -> bool:
    """Tell whether a user's password is the one just proved; it stays so in this transaction."""
    lock = " FOR SHARE" if sql.dialect() == "postgres" else ""
    query = f"SELECT 1 FROM account WHERE id = ? AND password_hash = ?{lock}"
    return bool(await sql.rows(query, user_id, password_hash))


async def change_password(
    viewer: Viewer, *, current_password: str, new_password: str, client: Client = UNKNOWN_CLIENT
) -> int:
    """Change the viewer's password; return how many other sessions ended with it."""
    user = await User.get(id=person_of(viewer))
    check_new_password(new_password, user.email)
    limits = log_in_limits(user.email, client, get_settings())
    await begin_attempt(limits)
    wrong = Refused(
        Code.INVALID_CREDENTIALS,
        "The current password is not right.",
        field=("currentPassword",),
    )
    if not await matches(current_password, user.password_hash):
        raise wrong
    hashed = await hash_password(new_password)
    async with transaction() as announce:
        changed = await sql.affected(
            "UPDATE account SET password_hash = ? WHERE id = ? AND password_hash = ?",
            hashed,
            user.id,
            user.password_hash,
        )
        if not changed:
            raise wrong
        ended = await _end_ways_in(user.id, announce, except_id=session_id_of(viewer))
    await end_attempt(limits)
    return ended


async def _end_ways_in(user_id: int, announce: Announce, *, except_id: int | None = None) -> int:
    """End what an older password has opened: sessions, resets and codes."""
    done_by(user_id)
    await PasswordReset.filter(user_id=user_id).delete()
    await LogInCode.filter(user_id=user_id).delete()
    return await end_sessions(user_id, announce, except_id=except_id)


async def request_password_reset(
    email: str, *, language: str = "", client: Client = UNKNOWN_CLIENT
) -> None:
    """Have a mail sent to an account; whether it exists, only the job looks.

    Raises RateLimited past the limits of the account's name or of the client's address.
    """
    name = email.strip().lower()
    await begin_attempt(reset_limits(name, client, get_settings()))
    if len(name) > EMAIL_LENGTH:
        return
    async with transaction() as announce:
        announce.job(
            SEND_PASSWORD_RESET,
            {"email": name, "language": language},
            dedupe_key=hash_token(f"password reset of {name}"),
        )


async def send_password_reset(mailer: Mailer, job: ClaimedJob) -> None:
    """Mail a new token to the account, if there is one; the tokens before it end."""
    user = await User.filter(email=job.payload["email"]).first()
    if user is None:
        return
    token = new_token(RESET_PREFIX)
    await sql.affected(
        "INSERT INTO password_reset (user_id, token_hash, expires_at) VALUES (?, ?, ?)"
        " ON CONFLICT (user_id) DO UPDATE SET token_hash = excluded.token_hash,"
        " expires_at = excluded.expires_at",
        user.id,
        hash_token(token),
        now() + timedelta(seconds=RESET_SECONDS),
    )
    language = pick_language(user.language, job.payload["language"])
    # Behind the `#`, the token stays out of every server's log.
    link = f"{get_settings().public_url.rstrip('/')}/reset-password#token={token}"
    text = say(TEXT, language, {"name": user.name, "link": link})
    try:
        await mailer.send(user.email, say(SUBJECT, language), text)
    except MailFailed as failed:
        raise Retry(f"mail: {failed}", for_seconds=RESET_SECONDS) from None


async def reset_password(token: str, new_password: str) -> int:
    """Choose another password by a token from the mail, once; return how many sessions ended."""
    ended = Refused(
        Code.INVALID_CREDENTIALS, "This link is no longer good. Ask for another.", field=("token",)
    )
    digest = hash_token(token)
    reset = await PasswordReset.filter(token_hash=digest, expires_at__gt=now()).first()
    if reset is None:
        raise ended
    user = await User.get(id=reset.user_id)
    check_new_password(new_password, user.email)
    hashed = await hash_password(new_password)
    async with transaction() as announce:
        if not await PasswordReset.filter(token_hash=digest, expires_at__gt=now()).delete():
            raise ended
        await User.filter(id=user.id).update(password_hash=hashed)
        return await _end_ways_in(user.id, announce)
