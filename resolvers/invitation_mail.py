"""Invitations by mail: each is told to the address that it is bound to."""

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from connectors.mail import Mailer, MailFailed
from models.clock import now
from models.engine import sql
from models.invitation import Invitation
from models.refusal import sentence
from realtime.jobs import ClaimedJob, Retry
from resolvers.sentences import pick_language, say
from resolvers.tokens import INVITATION_PREFIX, hash_token, new_token
from settings import get_settings

SEND_INVITATION = "send_invitation"
RETRY_SECONDS = 24 * 3600
"""How long a mail server may be away: whoever invited has a token of their own to pass on."""
SUBJECT = sentence("Join {workspace}")
FROM_MEMBER = sentence("{name} invites you to {workspace}.")
FROM_PROGRAM = sentence("You are invited to {workspace}.")
LINK = sentence(
    "Accept the invitation by {date}, {time} ({zone}):\n\n{link}\n\n"
    "The link is good once. If you expected no invitation, you need do nothing."
)


async def send_invitation(mailer: Mailer, job: ClaimedJob) -> None:
    """Mail a token of its own for a pending invitation; one that was mailed before ends.

    No job and no row holds the token: should the mail not be taken, the next try makes another.
    """
    token, key = new_token(INVITATION_PREFIX), job.payload["invitation_id"]
    is_pending = await sql.affected(
        "UPDATE invitation SET mailed_token_hash = ? WHERE id = ?"
        " AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > ?",
        hash_token(token),
        key,
        now(),
    )
    if not is_pending:
        return
    query = Invitation.get(id=key)
    invitation = await query.select_related("workspace", "invited_by__user")
    inviter = invitation.invited_by.user.name if invitation.invited_by else None
    subject, text = mail(
        workspace=invitation.workspace.name,
        inviter=inviter,
        token=token,
        until=invitation.expires_at.astimezone(ZoneInfo(invitation.workspace.time_zone)),
        language=pick_language(invitation.workspace.language, ""),
    )
    try:
        await mailer.send(invitation.email, subject, text)
    except MailFailed as failed:
        raise Retry(f"mail: {failed}", for_seconds=RETRY_SECONDS) from None


def mail(
    *, workspace: str, inviter: str | None, token: str, until: datetime, language: str
) -> tuple[str, str]:
    """Return subject and text of an invitation; `until` is in the zone that it is told in."""
    # A name may have lines, which a subject must not, and which would look like the mail's own.
    names = {"name": _line(inviter or ""), "workspace": _line(workspace)}
    first = say(FROM_PROGRAM if inviter is None else FROM_MEMBER, language, names)
    # Behind the `#`, the token stays out of every server's log.
    link = f"{get_settings().public_url.rstrip('/')}/accept-invitation#token={token}"
    values = {
        "date": format_date(until, "long", locale=language),
        "time": format_time(until, "short", locale=language),
        "zone": str(until.tzinfo),
        "link": link,
    }
    return say(SUBJECT, language, names), f"{first} {say(LINK, language, values)}"


def _line(name: str) -> str:
    return " ".join(name.split())
