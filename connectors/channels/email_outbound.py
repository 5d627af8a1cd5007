"""The email channel's way out: composing a mail, and handing it to an SMTP server.

Nothing that anybody has typed can become a header of its own: line breaks are refused where a mail
is composed, whatever was checked before.
"""

import asyncio
import email.policy
import re
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from functools import cache

import aiosmtplib
import httpcore2

from connectors.channels import (
    AddressKind,
    Capabilities,
    FailedForGood,
    ReceiptStatus,
    RetryLater,
    SendOutcome,
    Sent,
    Unknown,
)
from connectors.channels.lenient import words
from connectors.http import (
    CONNECT_TIMEOUT_SECONDS,
    MAX_ADDRESSES_TRIED,
    GuardedBackend,
    GuardedClient,
    RequestRefused,
)

CAPABILITIES = Capabilities(
    text_max_characters=7000,
    has_typing=False,
    has_reply_to=True,
    receipts=frozenset({ReceiptStatus.DELIVERED, ReceiptStatus.FAILED}),
    files_max=50,
    file_max_bytes=15 * 1024 * 1024,
    begins_by=AddressKind.EMAIL,
    has_subject=True,
)
COMMAND_TIMEOUT_SECONDS = 20.0
SESSION_TIMEOUT_SECONDS = 90.0
ERROR_MAX_CHARACTERS = 500
ADDRESS_MAX_CHARACTERS = 254
MESSAGE_ID_MAX_CHARACTERS = 998
THREAD_MAX_IDS = 40
"""The most Message-IDs that a mail names as its thread: the first one, and the last ones."""

_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,996}>")
_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.?|[0-9A-Fa-f:.]+")
_TOKEN = re.compile(r"[A-Za-z0-9.+-]{1,60}")
_POLICY = email.policy.SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class SmtpAccount:
    """Through which server to send; `security` is TLS, STARTTLS or NONE."""

    host: str
    port: int
    security: str
    user: str | None
    password: str | None

    def __repr__(self) -> str:
        return f"SmtpAccount(host={self.host!r}, port={self.port!r})"


@dataclass(frozen=True, slots=True)
class LetterFile:
    """A file of a mail."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to be sent; it is the same at every attempt."""

    sender: str
    sender_name: str
    recipients: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    """Who gets it without standing in it."""
    subject: str
    text: str
    header_id: str
    in_reply_to: str | None
    thread_ids: tuple[str, ...]
    at: datetime
    files: tuple[LetterFile, ...] = ()


def is_sendable(address: str) -> bool:
    """Tell whether a text is a bare address that every mail server can take."""
    return len(address) <= ADDRESS_MAX_CHARACTERS and bool(_ADDRESS.fullmatch(address))


def is_message_id(text: str) -> bool:
    """Tell whether a text is a Message-ID, in its angle brackets, that can be named again."""
    return bool(_MESSAGE_ID.fullmatch(text))


def is_host(text: str) -> bool:
    """Tell whether a text can be the name or the address of a server."""
    return 1 <= len(text) <= 253 and bool(_HOST.fullmatch(text))


def thread_after(thread_ids: Sequence[str], header_id: str | None) -> tuple[str, ...]:
    """Return the References of an answer (RFC 5322, 3.6.4): those of its parent and the parent."""
    ids = [*thread_ids, *([header_id] if header_id else [])]
    ids = list(dict.fromkeys(filter(is_message_id, ids)))
    return tuple(ids if len(ids) <= THREAD_MAX_IDS else [ids[0], *ids[1 - THREAD_MAX_IDS :]])


def compose(letter: Letter) -> bytes:
    """Return a mail as it is sent; raise ValueError where a part of it cannot stand in one."""
    message = EmailMessage(_POLICY)
    message["From"] = _mailbox(letter.sender, letter.sender_name)
    message["To"] = [_mailbox(address) for address in letter.recipients]
    if letter.cc:
        message["Cc"] = [_mailbox(address) for address in letter.cc]
    if not letter.subject.isprintable():
        raise ValueError("a subject is one line")
    message["Subject"] = letter.subject
    message["Date"] = letter.at
    message.set_content(letter.text)
    for file in letter.files:
        kind, _, subtype = file.content_type.partition(";")[0].strip().partition("/")
        if not (_TOKEN.fullmatch(kind) and _TOKEN.fullmatch(subtype)) or kind == "multipart":
            kind, subtype = "application", "octet-stream"
        message.add_attachment(
            file.content, maintype=kind, subtype=subtype, filename=file.name or "file"
        )
    return _ids(letter) + message.as_bytes()


def _mailbox(address: str, name: str = "") -> Address:
    if not is_sendable(address):
        raise ValueError("no address that can be sent to")
    return Address(display_name=name, addr_spec=address)


def _ids(letter: Letter) -> bytes:
    """Return the headers of Message-IDs: `email` would encode those that are longer than a line."""
    named = {
        "Message-ID": (letter.header_id,),
        "In-Reply-To": (letter.in_reply_to,) if letter.in_reply_to else (),
        "References": letter.thread_ids,
    }
    lines = []
    for name, ids in named.items():
        if not all(map(is_message_id, ids)):
            raise ValueError("no Message-ID")
        if ids:
            lines.append(f"{name}: " + "\r\n ".join(ids) + "\r\n")
    return "".join(lines).encode()


async def send(client: GuardedClient, account: SmtpAccount, letter: Letter) -> SendOutcome:
    """Try once to send a mail and say what is known about the outcome; never raises."""
    try:
        data = compose(letter)
    except ValueError as error:
        return FailedForGood("REJECTED", str(error))
    session = _Session()
    try:
        async with asyncio.timeout(SESSION_TIMEOUT_SECONDS):
            return await session.hand_over(client, account, letter, data)
    except RequestRefused as error:
        return FailedForGood("ADDRESS_REFUSED", str(error))
    except aiosmtplib.SMTPAuthenticationError as error:
        return _refused(error.code, error.message, "UNAUTHORIZED")
    except aiosmtplib.SMTPResponseException as error:
        return _refused(error.code, error.message, "REJECTED")
    except aiosmtplib.SMTPNotSupported as error:
        return FailedForGood("REJECTED", _said(error))
    except (aiosmtplib.SMTPException, httpcore2.ConnectError, OSError, ValueError) as error:
        reason = f"{account.host}: {type(error).__name__}"
        return Unknown(reason) if session.data_began else RetryLater(reason)


class _Session:
    """One connection to a server: until DATA it has certainly taken nothing."""

    def __init__(self) -> None:
        self.data_began = False

    async def hand_over(
        self, client: GuardedClient, account: SmtpAccount, letter: Letter, data: bytes
    ) -> SendOutcome:
        """Have the server take the mail for all who are to get it, or for nobody."""
        smtp = aiosmtplib.SMTP(
            hostname=account.host,
            sock=await _dial(client.backend, account.host, account.port),
            use_tls=account.security == "TLS",
            start_tls=False,
            timeout=COMMAND_TIMEOUT_SECONDS,
            tls_context=client.ssl_context or _ssl_context(),
            local_hostname=letter.sender.rpartition("@")[2],
        )
        try:
            await smtp.connect()
            if account.security == "STARTTLS":
                await smtp.starttls()
            if account.user:
                await smtp.login(account.user, account.password or "")
            await smtp.mail(letter.sender)
            for recipient in dict.fromkeys((*letter.recipients, *letter.cc, *letter.bcc)):
                await smtp.rcpt(recipient)
            self.data_began = True
            await smtp.data(data)
        finally:
            smtp.close()
        return Sent(letter.header_id)


async def _dial(backend: GuardedBackend, host: str, port: int) -> socket.socket:
    """Connect to the first permitted address of a host that answers: a checked one, by number."""
    loop, failure = asyncio.get_running_loop(), OSError(f"{host} has no address")
    for address in (await backend.permitted(host, port))[:MAX_ADDRESSES_TRIED]:
        dialled = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        dialled.setblocking(False)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                await loop.sock_connect(dialled, (address, port))
        except OSError as error:
            dialled.close()
            failure = error
        except BaseException:
            dialled.close()
            raise
        else:
            return dialled
    raise failure


@cache
def _ssl_context() -> ssl.SSLContext:
    return ssl.create_default_context()


def _refused(code: int, text: str, name: str) -> SendOutcome:
    """Read a server's answer (RFC 5321, 4.2.1): with 4 it begins where it may take it later."""
    said = words(f"{code} {text}", ERROR_MAX_CHARACTERS) or str(code)
    return FailedForGood(name, said) if 500 <= code < 600 else RetryLater(said)


def _said(error: Exception) -> str:
    return words(str(error), ERROR_MAX_CHARACTERS) or type(error).__name__
