"""Mail: one plain-text message at a time through the operator's SMTP server."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import SplitResult, unquote, urlsplit

import structlog

from settings import Settings

TIMEOUT_SECONDS = 15.0
PORTS = {"smtp": 25, "smtps": 465}
LOCAL = ("127.0.0.1", "::1", "localhost")

log = structlog.get_logger()


class MailFailed(Exception):  # noqa: N818 - a fact, as in connectors.http
    """The server did not take a mail; the message says why, and never what stood in it."""


class Mailer:
    """Sends mail; without a server, a machine that only serves itself logs it instead."""

    def __init__(self, settings: Settings) -> None:
        self._server = urlsplit(settings.smtp_url.get_secret_value())
        self._sender = settings.mail_from
        self._is_local = urlsplit(settings.public_url).hostname in LOCAL

    async def send(self, recipient: str, subject: str, text: str) -> None:
        """Send a mail; raise MailFailed unless the server has taken it."""
        if not self._server.scheme:
            if not self._is_local:
                raise MailFailed("PARLEY_SMTP_URL is not set")
            log.info("mail_logged_for_want_of_a_server", recipient=recipient, text=text)
            return
        message = EmailMessage()
        message["From"], message["To"] = self._sender, recipient
        message["Subject"], message["Date"] = subject, formatdate()
        message["Message-ID"] = make_msgid(domain="parley.invalid")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        try:
            await asyncio.to_thread(_deliver, self._server, message)
        except smtplib.SMTPResponseException as error:
            raise MailFailed(f"the server answered {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise MailFailed(type(error).__name__) from None  # its text may repeat the mail


def _deliver(server: SplitResult, message: EmailMessage) -> None:
    host, port = server.hostname or "localhost", server.port or PORTS[server.scheme]
    context = ssl.create_default_context()
    client: smtplib.SMTP
    if server.scheme == "smtps":
        client = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
    else:
        client = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
    with client:
        client.ehlo()
        is_private = server.scheme == "smtps"
        if not is_private and client.has_extn("starttls"):
            client.starttls(context=context)
            client.ehlo()
            is_private = True
        if server.username:
            if not is_private and host not in LOCAL:
                raise smtplib.SMTPNotSupportedError("no password without TLS")
            client.login(unquote(server.username), unquote(server.password or ""))
        client.send_message(message)
