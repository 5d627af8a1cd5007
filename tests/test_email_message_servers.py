"""Mail and SMTP servers: how they answer, how they are spoken to, and what they are given."""

import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from connectors.channels import FailedForGood, RetryLater, Sent
from connectors.channels.email_outbound import Letter, SmtpAccount, send
from connectors.http import GuardedClient
from models.clock import now
from models.message import Message, MessageStatus
from resolvers.email_message import Envelope, clean_envelope
from resolvers.message import retry_message
from tests.mail import OWN, connect_mail, raw, written
from tests.post import Post, smtp_server
from tests.test_http_client import CERTIFICATE, client_for
from tests.test_message import send as send_message
from tests.uploading import bring as upload
from tests.uploading import file_doors
from tests.world import Api, World, let_time_pass, run_jobs


async def test_how_a_server_answers_is_what_becomes_of_a_mail(api: Api, world: World) -> None:
    post = Post()
    async with smtp_server(post) as port:
        channel = await connect_mail(world, port)
        heard = await written(channel, raw())
        for answer, status, failure in (
            ("451 later", MessageStatus.PENDING, None),
            ("552 too large", MessageStatus.FAILED, ("REJECTED", "552 too large")),
            ("hang up", MessageStatus.UNCERTAIN, None),
        ):
            post.answer = answer
            await send_message(api, world.owner, heard.conversation_id, answer)
            await run_jobs()
            message = await Message.get(text=answer)
            assert message.status is status
            if failure:
                assert (message.failure_code, message.failure_text) == failure
            if status is MessageStatus.PENDING:
                post.answer = "250 OK"
                await let_time_pass(3600)
                await run_jobs()
                assert post.mails[-1]["Message-ID"] == message.external_id
        post.answer = "250 OK"
        failed = await Message.get(text="552 too large")
        again = await retry_message(await world.owner.viewer(), failed.id)
        await run_jobs()
        assert post.mails[-1]["Message-ID"] == again.external_id != failed.external_id
        assert post.mails[-1]["Subject"] == "Re: Red shoes"
    await send_message(api, world.owner, heard.conversation_id, "Nobody there")
    await run_jobs()
    assert (await Message.get(text="Nobody there")).status is MessageStatus.PENDING


def letter(**odd: Any) -> Letter:
    """Return a mail, with parts that are odd."""
    plain = Letter(
        sender=OWN,
        sender_name="Shop",
        recipients=("carla@home.test",),
        cc=(),
        bcc=(),
        subject="Hello",
        text="Hi",
        header_id="<1@shop.test>",
        in_reply_to=None,
        thread_ids=(),
        at=now(),
    )
    return replace(plain, **odd)


async def test_no_private_server_is_reached_and_no_header_added() -> None:
    client = GuardedClient(timeout_seconds=5)
    try:
        account = SmtpAccount("127.0.0.1", 25, "NONE", None, None)
        outcome = await send(client, account, letter())
        assert getattr(outcome, "code", None) == "ADDRESS_REFUSED"
        for evil in (
            {"subject": "a\r\nBcc: e@x.test"},
            {"sender_name": "a\nb"},
            {"recipients": ("a@b.c\r\nBcc: e@x.test",)},
            {"header_id": "<a@b>\r\nX: y"},
            {"thread_ids": ("<a@b>\r\nX: y",)},
        ):
            outcome = await send(client, account, letter(**evil))
            assert getattr(outcome, "code", None) == "REJECTED", evil
    finally:
        await client.aclose()
    with pytest.raises(Exception, match="one line"):
        clean_envelope(Envelope("a\nb"))


@pytest.mark.parametrize("security", ["TLS", "STARTTLS"])
async def test_a_password_goes_by_tls_to_who_proves_the_name(tmp_path: Path, security: str) -> None:
    file = tmp_path / "server.pem"
    file.write_text(CERTIFICATE)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    trusted = CERTIFICATE.split("-----END PRIVATE KEY-----\n")[1]
    given: list[Any] = []

    def check(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> AuthResult:
        given.append((data.login, data.password))
        return AuthResult(success=data.password == b"secret", handled=False)

    if security == "TLS":
        server = smtp_server(Post(), tls, authenticator=check, auth_require_tls=False)
    else:
        options: dict[str, Any] = {"authenticator": check, "auth_required": True}
        server = smtp_server(Post(), tls_context=tls, require_starttls=True, **options)
    async with server as port:
        known = SmtpAccount("inbox.test", port, security, "shop", "secret")
        async with client_for(["inbox.test", "other.test"], trusting=trusted) as client:
            assert isinstance(await send(client, known, letter()), Sent)
            wrong = await send(client, replace(known, password="no"), letter())
            assert isinstance(wrong, FailedForGood) and wrong.code == "UNAUTHORIZED"
            other = await send(client, replace(known, host="other.test"), letter())
            assert isinstance(other, RetryLater)
        async with client_for(["inbox.test"]) as stranger:
            assert isinstance(await send(stranger, known, letter()), RetryLater)
    assert {*given} == {(b"shop", b"secret"), (b"shop", b"no")}
    assert "secret" not in repr(known)


async def test_files_go_along(api: Api, world: World, tmp_path: Path) -> None:
    post = Post()
    async with smtp_server(post) as port, file_doors(tmp_path) as door:
        channel = await connect_mail(world, port)
        heard = await written(channel, raw())
        data = b"%PDF-1.7\n" + bytes(range(256)) * 20
        file = await upload(api, world, door, world.owner, "prix à voir.pdf", data)
        more = {"attachmentIds": [file["id"]]}
        payload = await send_message(api, world.owner, heard.conversation_id, "Prices", **more)
        assert payload["userErrors"] == []
        await run_jobs()
    [mail] = post.mails
    [part] = mail.iter_attachments()
    assert (part.get_filename(), part.get_content_type()) == ("prix à voir.pdf", "application/pdf")
    assert part.get_content() == data and mail.get_body().get_content().strip() == "Prices"
    assert (await Message.get(text="Prices")).kind.value == "EMAIL"
