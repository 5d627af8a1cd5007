"""Mailboxes: connecting one, and what becomes of the mail that its server hands on."""

import email
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from connectors.channels.email_headers import HEADER_MAX_CHARACTERS, MAIL_POLICY
from connectors.channels.email_html import is_too_deep, sanitised, text_of
from connectors.channels.email_inbound import decode
from models.channel import Channel
from models.contact import Contact
from models.conversation import Conversation
from models.email_account import EmailAccount, SmtpSecurity
from models.inbound_event import InboundEvent
from models.member import Restriction
from models.message import Message, MessageStatus
from models.message_email import MessageEmail
from schema.ids import encode_id
from tests.acting import nothing_changes
from tests.mail import OWN, bring, connect_mail, raw, written
from tests.post import Post, smtp_server
from tests.test_email_message import shown
from tests.test_message import send as send_message
from tests.world import Api, World, run_jobs, snapshot
from web.webhooks import routes

CONNECT = """
mutation ($input: ConnectEmailChannelInput!) { connectEmailChannel(input: $input) {
  channel { kind name handle acceptsReplyTo } token webhookUrl userErrors { code field }
} }
"""
HOSTILE = """<html><head><title>T</title><style>p{background:url(https://t.test/1)}</style></head>
<body onload="a()"><p style="background:url(https://t.test/2)" onclick="a()">Hi <b>you</b></p>
<script>alert(1)</script><svg><script>a()</script></svg><img src="https://t.test/p.gif" alt="Logo">
<img src="cid:1"><a href="javascript:a()">one</a><a href=" java&#10;script:a()">two</a>
<a href="data:text/html,x">three</a><a href="https://ok.test/?a=1&b=2">four</a>
<iframe src="https://t.test"></iframe><object data="x"></object><form action="https://t.test">
<input name="a">five</form><link rel="stylesheet" href="https://t.test"><meta http-equiv="refresh">
<table background="https://t.test/3"><tr><td>six</td></tr></table><base href="https://t.test">
<!--[if mso]><p>seven</p><![endif]--><math><mi xlink:href="javascript:a()">x</mi></math></body>"""


async def connect(api: Api, who: Any, world: World, **given: Any) -> Any:
    """Connect a mailbox and return the payload."""
    values = {"name": "Mail", "address": "Shop@Shop.test", "smtpHost": "smtp.shop.test", **given}
    data = await api.ask(who, CONNECT, input={"workspaceId": world.id, **values})
    return data["connectEmailChannel"]


async def test_a_mailbox_is_connected_once(api: Api, world: World) -> None:
    given = {"smtpUser": "u", "smtpPassword": "p", "displayName": " Shop ", "idempotencyKey": "k"}
    payload = await connect(api, world.owner, world, **given)
    channel = await Channel.get()
    assert payload == {
        "channel": {
            "kind": "EMAIL",
            "name": "Mail",
            "handle": channel.handle,
            "acceptsReplyTo": True,
        },
        "token": channel.token,
        "webhookUrl": "http://127.0.0.1:8000/email/channel/webhook/?channelId=" + channel.handle,
        "userErrors": [],
    }
    row = await EmailAccount.get()
    assert (row.address, row.display_name, row.smtp_port) == ("shop@shop.test", "Shop", 587)
    assert (row.smtp_security, row.smtp_user) == (SmtpSecurity.STARTTLS, "u")
    assert await connect(api, world.owner, world, **given) == payload
    before = await snapshot("channel", "email_account")
    for code, field, more in (
        ("IDEMPOTENCY_KEY_REUSED", "idempotencyKey", {**given, "smtpPassword": "q"}),
        ("INVALID", "address", {"address": "Shop <a@b.c>"}),
        ("INVALID", "name", {"name": " "}),
        ("INVALID", "displayName", {"displayName": "a\nBcc: x"}),
        ("TOO_LONG", "displayName", {"displayName": "x" * 101}),
        ("INVALID", "smtpHost", {"smtpHost": "smtp://x"}),
        ("INVALID", "smtpPort", {"smtpPort": 0}),
        ("INVALID", "smtpUser", {"smtpUser": "a\r\nb"}),
        ("INVALID", "smtpSecurity", {"smtpSecurity": "NONE", "smtpPassword": "p"}),
    ):
        refused = await connect(api, world.owner, world, **more)
        assert refused["userErrors"] == [{"code": code, "field": [field]}], more
    agent = await world.add()
    refused = await connect(api, agent, world)
    assert [error["code"] for error in refused["userErrors"]] == ["FORBIDDEN"]
    assert await snapshot("channel", "email_account") == before


async def test_the_door_takes_what_the_token_proves(world: World) -> None:
    channel = await connect_mail(world)
    transport = httpx2.ASGITransport(app=Starlette(routes=routes()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        for handle, token, body, status in (
            (channel.handle, "wrong", raw(), 401),
            ("ch_none", channel.token, raw(), 401),
            ("", channel.token, raw(), 401),
            (channel.handle, channel.token, b"x" * (10 * 1024 * 1024 + 1), 413),
            (channel.handle, channel.token, raw(), 200),
            (channel.handle, channel.token, b"\xff\x00\xfe", 200),
        ):
            answer = await client.post(
                f"/email/channel/webhook/?channelId={handle}",
                content=body,
                headers={"Authorization": f"Bearer {token}"},
            )
            assert answer.status_code == status, (handle, token, body[:20])
    await run_jobs()
    assert await Message.all().count() == 1
    assert await InboundEvent.filter(kind="Unparsed").count() == 1


async def test_mail_becomes_messages_of_its_sender(api: Api, world: World) -> None:
    known = await world.contact("Dora", email="dora@x.test")
    channel = await connect_mail(world)
    first = await written(channel, raw("On Monday carla@home.test wrote:\n> Hi 12345678"))
    assert (first.kind.value, first.external_id) == ("EMAIL", "<1@home.test>")
    contact = await Contact.get(conversation=first.conversation_id)
    assert (contact.first_name, contact.last_name) == ("Carla", "Diaz")
    assert contact.email == "carla@home.test"
    conversation = await Conversation.get(id=first.conversation_id)
    assert (conversation.status.value, conversation.incoming_count) == ("OPEN", 1)
    mail = raw("Me", sender="dora@x.test", message_id="<2@x.test>", Auto_Submitted="no")
    second = await written(channel, mail)
    dora = await Conversation.get(contact_id=known.id)
    assert second.conversation_id == dora.id
    agent = await world.add(restrictions=[Restriction.EMAIL_ADDRESSES])
    found = await shown(api, agent, first)
    assert "home.test" not in str(found) and "12345678" in found["text"]
    assert found["email"]["from"] == {"display": "••••••"}
    assert "carla@home.test" in (await shown(api, world.owner, first))["text"]


async def test_what_nobody_wrote_opens_nothing(world: World) -> None:
    channel = await connect_mail(world)
    async with nothing_changes():
        for mail in (
            raw(Auto_Submitted="auto-replied"),
            raw(Auto_Submitted="auto-generated; x=y"),
            raw(Return_Path="<>", message_id="<a@b>"),
            raw(sender="MAILER-DAEMON@home.test"),
            raw(Precedence="auto_reply"),
            raw(sender=OWN),
            raw(sender="nobody"),
            raw().replace(b"From: ", b"X-From: "),
        ):
            assert await bring(channel, mail) == 1, mail
    reasons = [row.problem for row in await InboundEvent.all().order_by("id")]
    assert reasons[0] == "automatic: auto-replied" and all(reasons)


def report(original: str, action: str, *, headers_only: bool = False) -> bytes:
    """Return what a server reports about a mail."""
    kind = "text/rfc822-headers" if headers_only else "message/rfc822"
    return f"""From: MAILER-DAEMON@mx.test
To: {OWN}
Subject: Undelivered
Message-ID: <report-{action}-{headers_only}@mx.test>
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.test

Final-Recipient: rfc822; carla@home.test
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 No such user

--b
Content-Type: {kind}

From: {OWN}
Message-ID: {original}
Subject: Red shoes

--b--
""".replace("\n", "\r\n").encode()


async def test_a_report_marks_the_mail_that_it_is_about(api: Api, world: World) -> None:
    post = Post()
    async with smtp_server(post) as port:
        channel = await connect_mail(world, port)
        heard = await written(channel, raw())
        for text in ("One", "Two"):
            await send_message(api, world.owner, heard.conversation_id, text)
        await run_jobs()
    one, two = await Message.filter(direction="OUTGOING").order_by("id")
    await bring(channel, report(str(one.external_id), "delayed"))
    await bring(channel, report("<unknown@shop.test>", "failed"))
    assert (await Message.get(id=one.id)).status is MessageStatus.SENT
    await bring(channel, report(str(one.external_id), "failed"))
    await bring(channel, report(str(two.external_id), "delivered", headers_only=True))
    one, two = await Message.filter(direction="OUTGOING").order_by("id")
    assert (one.status, two.status) == (MessageStatus.FAILED, MessageStatus.DELIVERED)
    assert one.failure_text == "carla@home.test: 550 5.1.1 No such user"
    assert await Message.all().count() == 3


def test_hostile_html_shows_its_words_and_nothing_else() -> None:
    html = sanitised(HOSTILE)
    for evil in (
        *("script", "alert", "onclick", "onload", "style", "t.test", "cid:", "data:", "iframe"),
        *("object", "<form", "<input", "link", "meta", "<base", "seven", "<math", "background"),
    ):
        assert evil not in html.lower(), (evil, html)
    assert '<img alt="Logo">' in html and 'href="https://ok.test/?a=1&amp;b=2"' in html
    assert 'rel="noopener noreferrer nofollow"' in html and html.count("href=") == 1
    assert "".join(text_of(html).split()) == "HiyouLogoonetwothreefourfivesix"
    assert "alert" not in text_of(HOSTILE)
    assert is_too_deep("<div>" * 1001) and is_too_deep("<b></i>" * 1001)
    assert not is_too_deep("<p>x</p><br>" * 5000)


ODD = {
    "unknown charset": (
        b"Content-Type: text/plain; charset=no-such\r\n\r\ncaf\xc3\xa9",
        "café",
    ),
    "wrong charset": (b"Content-Type: text/plain; charset=utf-8\r\n\r\ncaf\xe9", "caf\ufffd"),
    "a codec that is none": (b"Content-Type: text/plain; charset=zlib\r\n\r\nx", "x"),
    "half a letter": (
        b"Content-Type: text/plain; charset=unicode_escape\r\n\r\na\\ud800b",
        "a\ufffdb",
    ),
    "broken base64": (
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8",
        "hello",
    ),
    "no text": (b"Content-Type: image/png\r\n\r\nx", ""),
    "html alone": (
        b"Content-Type: text/html\r\n\r\n<p>Hi<script>x</script></p><p>you</p>",
        "Hi\n\nyou",
    ),
    "nested": (
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
        b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b\r\n"
        b"Content-Type: text/html\r\n\r\n<b>rich</b>\r\n--b--\r\n--a\r\nContent-Type: text/plain;"
        b' name="a.txt"\r\nContent-Disposition: attachment\r\n\r\nfile\r\n--a--\r\n',
        "plain",
    ),
    "no end": (
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nopen",
        "open",
    ),
    "no boundary": (b"Content-Type: multipart/mixed\r\n\r\nodd", "odd"),
    "a long header": (b"X-Long: " + b"a" * 500_000 + b"\r\n\r\nlong", "long"),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_mail_is_read_as_far_as_it_can_be(name: str) -> None:
    rest, text = ODD[name]
    head = b"From: =?utf-8?q?Zo=C3=AB?= <zoe@x.test>\r\nSubject: =?iso-8859-1?q?caf=E9?=\r\n"
    item: Any = decode(head + rest, OWN)[0]
    assert type(item).__name__ == "InboundMessage", item
    assert (item.content.text, item.email.subject) == (text, "café")
    assert (item.external_contact_id, item.contact.first_name) == ("zoe@x.test", "Zoë")
    assert item.external_id.startswith("sha256:")


def test_no_header_makes_the_reader_fail() -> None:
    for name in ("From", "To", "Cc", "Subject", "Message-ID", "References", "Date", "Content-Type"):
        for value in ("", "<", "@", '"', "=?", "<@", "a@b, <", "\udcff", "(" * 500, "x" * 20_000):
            mail = raw().decode().replace(f"{name}: ", f"X-{name}: ")
            body = f"{name}: {value}\r\n{mail}".encode("utf-8", "surrogateescape")
            item, _ = decode(body, OWN)
            assert type(item).__name__ in ("InboundMessage", "Unparsed")
            assert "unreadable" not in getattr(item, "reason", ""), (name, value)
    long = email.message_from_bytes(b"Content-Type: a" + b";a" * 200_000, policy=MAIL_POLICY)
    assert len(long["Content-Type"]) == HEADER_MAX_CHARACTERS
    part = b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n'
    deep = b"".join(part % (n, n) for n in range(3000))
    assert decode(b"From: a@b.test\r\n" + deep, OWN)


async def test_the_list_of_mails_costs_one_statement_more(api: Api, world: World) -> None:
    channel = await connect_mail(world)
    for n in range(3):
        heard = await written(channel, raw(message_id=f"<{n}@x>"))
    assert await MessageEmail.all().count() == 3
    data = await api.ask(
        world.owner,
        "query ($id: ID!) { conversation(id: $id) { messages(last: 9) { nodes {"
        " email { subject html } } } } }",
        id=encode_id("Conversation", heard.conversation_id),
    )
    assert [node["email"]["subject"] for node in data["conversation"]["messages"]["nodes"]] == [
        "Red shoes"
    ] * 3
