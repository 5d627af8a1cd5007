"""Files of incoming mail: each part becomes a file of the message, once, or says why it did not."""

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image
from starlette.applications import Starlette

from connectors.channels.email_inbound import decode
from models.attachment import Attachment
from models.channel import Channel
from models.clock import now
from models.contact import Contact
from models.engine import sql
from models.inbound_event import InboundEvent
from models.message import Message
from resolvers import email_channel
from resolvers.contact_deletion import delete_contact
from resolvers.file_erasure import collect_loose_files
from schema.ids import encode_id
from settings import get_settings
from tests.mail import OWN, connect_mail, raw
from tests.uploading import file_doors, kept, path_of
from tests.world import Api, World, let_time_pass, run_jobs
from web.webhooks import routes

PDF = b"%PDF-1.7\n" + b"x" * 400_000
MESSAGE = """query ($id: ID!) { message(id: $id) { kind text email { html } attachments {
  fileName kind state refusal contentType byteSize width height url thumbnailUrl } } }"""


@pytest.fixture
async def door(api: Api, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Give the doors of files."""
    async with file_doors(tmp_path) as client:
        yield client


def png() -> bytes:
    """Return a picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def mail_with(*files: tuple[str, bytes], message_id: str = "<f@home.test>") -> bytes:
    """Return a mail whose HTML shows a picture that came along, with more files."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Carla <carla@home.test>", OWN, "Files"
    mail["Message-ID"] = message_id
    mail.set_content("See below")
    mail.add_alternative('<p>See <img src="cid:logo@x" alt="Logo"></p>', subtype="html")
    html: Any = mail.get_payload(1)
    html.add_related(png(), "image", "png", cid="<logo@x>")
    for name, content in files:
        mail.add_attachment(content, "application", "x-said", filename=name)
    return mail.as_bytes()


async def deliver(channel: Channel, body: bytes) -> tuple[int, Any]:
    """Bring a mail to the real door; return status and answer."""
    transport = httpx2.ASGITransport(app=Starlette(routes=routes()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post(
            f"/email/channel/webhook/?channelId={channel.handle}",
            content=body,
            headers={"Authorization": f"Bearer {channel.token}"},
        )
    return answer.status_code, answer.json()


async def room() -> int:
    """Return how many bytes the files have together."""
    return sum([row["byte_count"] for row in await sql.rows("SELECT byte_count FROM file_usage")])


async def test_a_mail_brings_its_files_once_and_they_go_with_the_contact(
    api: Api, world: World, door: httpx2.AsyncClient, tmp_path: Path
) -> None:
    channel = await connect_mail(world)
    page = b"<!doctype html><script>alert(1)</script>"
    body = mail_with(("Größe 日本.pdf", PDF), ("../../evil.html", page))
    first, second = await asyncio.gather(deliver(channel, body), deliver(channel, body))
    assert sorted([first[1]["accepted"], second[1]["accepted"]]) == [0, 1]
    await Attachment.filter(loose_since=None).update(created_at=now() - timedelta(days=9))
    await collect_loose_files()  # accepted and not processed: the files are the mail's
    await run_jobs()
    message = await Message.get()
    assert await deliver(channel, body) == (200, {"accepted": 0})
    await InboundEvent.all().delete()  # as after its time
    assert await deliver(channel, body) == (200, {"accepted": 1})
    await run_jobs()
    await let_time_pass(get_settings().upload_seconds + 1)
    await run_jobs()
    assert await Attachment.all().count() == 3
    given = {"id": encode_id("Message", message.id)}
    seen = (await api.ask(world.owner, MESSAGE, **given))["message"]
    assert (seen["kind"], seen["text"]) == ("EMAIL", "See below")
    assert "cid:" not in seen["email"]["html"]
    picture, pdf, html = seen["attachments"]
    assert (picture["fileName"], picture["kind"]) == ("file.png", "IMAGE")
    assert (picture["state"], picture["width"], picture["height"]) == ("READY", 64, 48)
    assert (await door.get(path_of(picture["thumbnailUrl"]))).status_code == 200
    assert (pdf["fileName"], pdf["contentType"]) == ("Größe 日本.pdf", "application/pdf")
    assert (await door.get(path_of(pdf["url"]))).content == PDF
    assert (html["fileName"], html["state"]) == ("evil.html", "READY")
    got = await door.get(path_of(html["url"]))
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-disposition"].startswith("attachment")
    assert len(kept(tmp_path)) == 4 and await room() == len(PDF) + len(png()) + len(page)
    contact = await Contact.get()
    await delete_contact(await world.owner.viewer(), contact.id)
    await run_jobs()
    assert (kept(tmp_path), await Attachment.all().count(), await room()) == ([], 0, 0)


async def test_what_is_not_taken_says_why_and_the_message_is_there(
    api: Api, world: World, door: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "incoming_file_max_bytes", 1000)
    monkeypatch.setattr(get_settings(), "file_quota_bytes", len(png()) + 1000 + 47)
    channel = await connect_mail(world)
    files = [("large", b"x" * 1001), ("full", b"x" * 1000), ("empty", b""), ("none", b"x" * 1000)]
    many = [(f"{number}", b"x") for number in range(48)]
    assert (await deliver(channel, mail_with(*files, *many)))[0] == 200
    await run_jobs()
    message = await Message.get()
    given = {"id": encode_id("Message", message.id)}
    seen = (await api.ask(world.owner, MESSAGE, **given))["message"]
    found = [(one["fileName"], one["refusal"]) for one in seen["attachments"]]
    assert (len(found), seen["text"]) == (53, "See below")
    assert found[:6] == [
        ("file.png", None),
        ("large", "TOO_LARGE"),
        ("full", None),
        ("empty", "BLANK"),
        ("none", "QUOTA_EXCEEDED"),
        ("0", None),
    ]
    assert found[49:] == [("44", None), *[(str(one), "TOO_MANY") for one in (45, 46, 47)]]
    states = {one["state"] for one in seen["attachments"] if one["refusal"]}
    assert (states, await room()) == ({"REFUSED"}, len(png()) + 1000 + 45)


@pytest.mark.parametrize("is_killed", [True, False])
async def test_a_mail_that_is_not_kept_leaves_no_files(
    world: World,
    door: httpx2.AsyncClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_killed: bool,
) -> None:
    async def fail(*_: Any) -> None:
        raise OSError("The database is gone.")

    channel = await connect_mail(world)
    with monkeypatch.context() as broken:
        broken.setattr(email_channel, "keep_items", fail)
        if is_killed:
            broken.setattr(email_channel, "drop_files", fail)
        assert (await deliver(channel, mail_with(("a.pdf", PDF))))[0] == 503
    assert len(kept(tmp_path)) == 2
    assert await Attachment.filter(state="GONE").count() == (0 if is_killed else 2)
    await Attachment.filter(loose_since__not_isnull=True).update(
        loose_since=now() - timedelta(hours=25)
    )
    await collect_loose_files()
    await let_time_pass(get_settings().upload_seconds + 1)
    await run_jobs()
    assert (kept(tmp_path), await Attachment.all().count(), await room()) == ([], 0, 0)
    assert (await deliver(channel, mail_with(("a.pdf", PDF))))[1] == {"accepted": 1}
    await run_jobs()
    assert len(kept(tmp_path)) == 3


async def test_files_of_mail_that_nothing_was_made_of_go_when_its_contact_goes(
    world: World, door: httpx2.AsyncClient, tmp_path: Path
) -> None:
    channel = await connect_mail(world)
    await deliver(channel, raw())
    await run_jobs()
    await deliver(channel, mail_with(("a.pdf", PDF), ("b.pdf", b"")))
    await sql.affected("UPDATE job SET state = 'DEAD' WHERE kind = 'process_inbound'")
    await run_jobs()
    assert len(kept(tmp_path)) == 3
    contact = await Contact.get()
    await delete_contact(await world.owner.viewer(), contact.id)
    await run_jobs()
    await let_time_pass(get_settings().upload_seconds + 1)
    await run_jobs()
    assert (kept(tmp_path), await Attachment.all().count(), await room()) == ([], 0, 0)


NAMES = {
    b'attachment; filename="=?utf-8?Q?R=C3=A9?=\r\n =?utf-8?Q?sum=C3=A9.pdf?="': "Résumé.pdf",
    "attachment; filename=résumé.pdf".encode(): "résumé.pdf",
    b"attachment; filename*0*=UTF-8''r%C3%A9; filename*1*=sum.pdf": "résum.pdf",
    b"attachment; filename==?utf-8?B?w6kucGRm?=": "é.pdf",
    b"attachment; filename=a b.pdf": "a b.pdf",
    b"attachment; filename*=no-such''%ff.pdf": "ÿ.pdf",
    b'attachment; filename="' + b"x" * 9000: '"' + "x" * 999,
    b'attachment; filename="a\0b\x1b.pdf"': "a\ufffdb\ufffd.pdf",
    b"attachment": "file.eml",
    b"inline": "file.eml",
}


@pytest.mark.parametrize("header", NAMES)
def test_names_are_read_as_programs_write_them(header: bytes) -> None:
    inner = b"From: x@y.test\r\nSubject: Inside\r\n\r\nHello inside"
    body = (
        b"From: a@b.test\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\n--z\r\n\r\nText\r\n"
        b"--z\r\nContent-Type: message/rfc822\r\nContent-Disposition: " + header + b"\r\n\r\n"
        b"%b\r\n--z\r\nContent-Type: text/x-amp-html\r\n\r\n<b>\r\n--z--\r\n" % inner
    )
    item, [file] = decode(body, OWN)
    assert getattr(item, "content").text == "Text"  # noqa: B009
    assert file.name == NAMES[header]
    assert b"Hello inside" in (file.content or b"")
