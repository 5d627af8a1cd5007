"""A post office of our own: an SMTP server that tests have mail sent to, and read it from."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from settings import get_settings


class Post:
    """A real SMTP server on this machine, and the mails that it took."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.recipients: list[list[str]] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Take a mail, or answer what the test wants."""
        if self.answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.recipients.append(list(envelope.rcpt_tos))
            self.mails.append(message_from_bytes(content, policy=policy.default))
        if self.answer == "hang up" and server.transport is not None:
            server.transport.close()
        return self.answer

    def token(self) -> str:
        """Return the token of the newest mail."""
        found = re.search(r"#token=(\S+)", self.mails[-1].get_content())
        assert found
        return found[1]


@asynccontextmanager
async def smtp_server(
    post: Post, tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[int]:
    """Serve SMTP on a free port, which is given; with `tls` it is spoken from the first byte on."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(post, loop=loop, **options), "127.0.0.1", 0, ssl=tls
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
async def post(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Post]:
    """Give a server that the settings name."""
    post = Post()
    async with smtp_server(post) as port:
        monkeypatch.setattr(get_settings(), "smtp_url", SecretStr(f"smtp://127.0.0.1:{port}"))
        monkeypatch.setattr(get_settings(), "password_resets_per_account", 5)
        yield post
