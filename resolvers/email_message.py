"""Mail: subject, thread and copies of what is sent as one, and what is shown of it."""

import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace

from connectors.channels import Capabilities, EmailHeaders
from connectors.channels.email_outbound import Letter, SmtpAccount, is_sendable, thread_after
from models.email_account import EmailAccount
from models.engine import sql
from models.message import Message
from models.message_email import MessageEmail
from models.records import ConversationRecord, MessageRow
from models.refusal import Code, Refused
from realtime.transaction import Announce
from resolvers.masking import without_addresses
from resolvers.outgoing_files import parts_of
from resolvers.thread import Target

SUBJECT_LENGTH = 255
COPIES_MAX = 50
"""How many addresses may stand in cc and bcc together."""

_PREFIX = re.compile(
    r"\s*(?:re|aw|sv|antw|r|rif|odp|vs|fwd?|wg|tr)\s*(?:\[\d{1,4}\])?\s*:\s*", re.I
)
"""What mail programs of many languages put before the subject of an answer, or of what they pass
on: `Re`, German `AW` and `WG`, Swedish `SV`, Dutch `Antw`, Italian `R`, Polish `Odp`, French `TR`.
"""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is said with a mail: the subject (None: that of the thread), and who gets copies."""

    subject: str | None = None
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mail:
    """A row of `message_email`, but for its message."""

    subject: str
    sender: str
    recipients: str
    cc: str = ""
    bcc: str = ""
    header_id: str | None = None
    in_reply_to: str | None = None
    thread_ids: str = ""
    html: str | None = None


def base_of(subject: str) -> str:
    """Return a subject without what answers have put before it."""
    while found := _PREFIX.match(subject):
        if not subject[found.end() :].strip():
            break
        subject = subject[found.end() :]
    return subject.strip()


def answer_to(subject: str) -> str:
    """Return the subject of an answer: `Re: ` once."""
    base = base_of(subject)
    return f"Re: {base}"[:SUBJECT_LENGTH] if base else ""


def same_thread(first: str, second: str) -> bool:
    """Tell whether two subjects are those of one thread."""
    return base_of(first).casefold() == base_of(second).casefold()


def clean_envelope(envelope: Envelope) -> Envelope:
    """Return what is said with a mail, cleaned; refuse what cannot stand in one.

    A line break in a header would begin another header: there is none in any of it.
    """
    subject = (envelope.subject or "").strip()
    if len(subject) > SUBJECT_LENGTH:
        raise Refused(
            Code.TOO_LONG,
            "At most {limit} characters.",
            field=("email", "subject"),
            limit=SUBJECT_LENGTH,
        )
    if not subject.isprintable():
        raise Refused(Code.INVALID, "A subject is one line.", field=("email", "subject"))
    if len(envelope.cc) + len(envelope.bcc) > COPIES_MAX:
        raise Refused(
            Code.INVALID, "At most {limit} copies.", field=("email", "cc"), limit=COPIES_MAX
        )
    cc, bcc = _addresses(envelope.cc, "cc"), _addresses(envelope.bcc, "bcc")
    return Envelope(subject or None, cc, tuple(one for one in bcc if one not in cc))


def _addresses(given: Sequence[str], name: str) -> tuple[str, ...]:
    clean = [address.strip().lower() for address in given]
    for place, address in enumerate(clean):
        if not is_sendable(address):
            raise Refused(
                Code.INVALID, "This is no email address.", field=("email", name, str(place))
            )
    return tuple(dict.fromkeys(clean))


def said_of(envelope: Envelope | None) -> list[object]:
    """Return what was said with a mail, for its key; nothing for other messages."""
    return [] if envelope is None else [envelope.subject, [*envelope.cc], [*envelope.bcc]]


async def address_mail(
    conversation: ConversationRecord,
    target: Target,
    capabilities: Capabilities,
    envelope: Envelope | None,
    parent: MessageRow | None,
) -> Mail | None:
    """Return what a message is sent with as a mail; None on a channel that is none of mail, and
    where who gets it has no identity there yet, at a trial.

    An answer is in the thread of what it answers. Else a subject that is that of the newest mail,
    or none, goes on with its thread; another one begins a thread.
    """
    if not capabilities.has_subject:
        if envelope is not None:
            raise Refused(Code.INVALID, "Only a mail has a subject and copies.", field=("email",))
        return None
    said = envelope or Envelope()
    before = await _before(conversation.id, target.channel_id, parent)
    if said.subject is None and before is None:
        raise Refused(Code.BLANK, "A mail needs a subject.", field=("email", "subject"))
    if not target.contact_channel_id:
        return None
    [[address, recipient]] = await sql.records(
        "SELECT a.address, cc.external_id FROM contact_channel cc"
        " JOIN email_account a ON a.channel_id = cc.channel_id WHERE cc.id = ?",
        target.contact_channel_id,
    )
    mail = Mail(said.subject or "", address, recipient, "\n".join(said.cc), "\n".join(said.bcc))
    mail = replace(mail, header_id=new_id(address, target.next_message_id))
    goes_on = said.subject is None or (before and same_thread(said.subject, before.subject))
    if before is None or not (goes_on or parent is not None):
        return mail
    subject = answer_to(before.subject) if goes_on else mail.subject
    return replace(
        mail,
        subject=subject or mail.subject,
        in_reply_to=before.header_id,
        thread_ids="\n".join(thread_after(before.thread_ids.split(), before.header_id)),
    )


def new_id(address: str, message_id: int) -> str:
    """Return a Message-ID that nobody guesses: who knows it could report its mail as failed."""
    return f"<{message_id}.{secrets.token_hex(12)}@{address.rpartition('@')[2]}>"


async def _before(
    conversation_id: int, channel_id: int, parent: MessageRow | None
) -> MessageEmail | None:
    """Return the mail that is answered, else the newest one; what failed only if there is none."""
    if parent is not None:
        return await MessageEmail.filter(message_id=parent.id).first()
    found = await sql.records(
        "SELECT m.id FROM message m JOIN message_email e ON e.message_id = m.id"
        " WHERE m.conversation_id = ? AND m.channel_id = ? AND NOT m.is_quarantined"
        " ORDER BY CASE WHEN m.status = 'FAILED' THEN 1 ELSE 0 END, m.seq DESC LIMIT 1",
        conversation_id,
        channel_id,
    )
    return await MessageEmail.get(message_id=found[0][0]) if found else None


def mail_of(headers: EmailHeaders) -> Mail:
    """Return what a mail that came in is kept with."""
    return Mail(
        subject=headers.subject,
        sender=headers.sender,
        recipients="\n".join(headers.recipients),
        cc="\n".join(headers.cc),
        header_id=headers.header_id,
        in_reply_to=headers.in_reply_to,
        thread_ids="\n".join(headers.thread_ids),
        html=headers.html,
    )


def keep_mail(message_id: int, mail: Mail | None, announce: Announce) -> None:
    """Have written what a message has as a mail, if it is one, after the message."""
    if mail is not None:
        columns = {field.name: getattr(mail, field.name) for field in fields(mail)}
        announce.insert("message_email", message_id=message_id, **columns)


def texts_of(text: str, *, is_mail: bool) -> tuple[str, str | None]:
    """Return the text of what came in, and all of it where that is more than everybody sees.

    What mail programs quote names who wrote it by their address.
    """
    shown = without_addresses(text) if is_mail else text
    return shown, text if shown != text else None


async def mail_again(failed: MessageRow, message_id: int) -> Mail | None:
    """Return what a message that failed was sent with, under a new Message-ID; None: no mail."""
    row = await MessageEmail.filter(message_id=failed.id).first()
    if row is None:
        return None
    again = Mail(**{field.name: getattr(row, field.name) for field in fields(Mail)})
    return replace(again, header_id=new_id(row.sender, message_id))


async def letter_of(message: Message) -> tuple[SmtpAccount, Letter]:
    """Return a pending mail as it is to be sent, and through which server."""
    row = await MessageEmail.get(message_id=message.id)
    account = await EmailAccount.get(channel_id=message.channel_id)
    letter = Letter(
        sender=account.address,
        sender_name=account.display_name,
        recipients=tuple(row.recipients.split()),
        cc=tuple(row.cc.split()),
        bcc=tuple(row.bcc.split()),
        subject=row.subject,
        text=message.full_text or message.text or "",
        header_id=row.header_id or "",
        in_reply_to=row.in_reply_to,
        thread_ids=tuple(row.thread_ids.split()),
        at=message.created_at,
        files=await parts_of(message),
    )
    server = SmtpAccount(
        account.smtp_host,
        account.smtp_port,
        account.smtp_security.value,
        account.smtp_user,
        account.smtp_password,
    )
    return server, letter


async def emails_of_messages(ids: Collection[int]) -> dict[int, MessageEmail]:
    """Return what messages have besides their text as mails."""
    return {row.message_id: row for row in await MessageEmail.filter(message_id__in=set(ids))}
