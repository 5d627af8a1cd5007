"""Files of messages and comments: who may attach and see them, and what becomes of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from models.attachment import Attachment, AttachmentState
from models.contact import Contact
from models.engine import sql
from models.member import Visibility
from models.message import Message, MessageStatus
from realtime.attachment_events import AttachmentChanged
from realtime.events import MessageAdded
from resolvers.attachment import sign_for_vendor
from resolvers.contact_deletion import delete_contact
from resolvers.contact_merge import merge_contacts
from resolvers.message import retry_message
from schema.ids import decode_id, encode_id
from settings import get_settings
from tests.acting import conversation_id
from tests.serving import serving
from tests.uploading import announce, bring, file_doors, kept, path_of
from tests.vendor import vendor_server
from tests.world import Api, World, make_world, run_jobs, snapshot, webhook

FILES = "attachments { id fileName kind state refusal url contentType byteSize }"
SEND = f"""mutation ($input: SendMessageInput!) {{ sendMessage(input: $input) {{
  message {{ id kind text {FILES} }} userErrors {{ code message field }} }} }}"""
COMMENT = f"""mutation ($input: AddCommentInput!) {{ addComment(input: $input) {{
  comment {{ id text {FILES} }} userErrors {{ code message field }} }} }}"""
MESSAGE = f"query ($id: ID!) {{ message(id: $id) {{ kind text payload {FILES} }} }}"
TABLES = ("attachment", "message_attachment", "comment_attachment", "message", "comment", "event")
PDF = b"%PDF-1.7\n" + b"x" * 5000
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0" * 50


@pytest.fixture
async def door(api: Api, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Give the doors of files."""
    async with file_doors(tmp_path) as client:
        yield client


async def send(api: Api, who: Any, row: Any, *ids: str, **values: Any) -> Any:
    """Send files; return the payload."""
    given = {"conversationId": conversation_id(row), "attachmentIds": ids, **values}
    return (await api.ask(who, SEND, input=given))["sendMessage"]


async def comment(api: Api, who: Any, row: Any, *ids: str, **values: Any) -> Any:
    """Comment with files; return the payload."""
    given = {"conversationId": conversation_id(row), "attachmentIds": ids, **values}
    return (await api.ask(who, COMMENT, input=given))["addComment"]


def codes(payload: Any) -> list[tuple[str, list[str]]]:
    """Return code and field of each refusal."""
    return [(one["code"], one["field"]) for one in payload["userErrors"]]


async def texts(
    api: Api, world: World, door: httpx2.AsyncClient, who: Any, count: int
) -> list[str]:
    """Bring some small files; return their ids."""
    made = [
        await bring(api, world, door, who, f"{number}.txt", f"file {number}".encode())
        for number in range(count)
    ]
    return [one["id"] for one in made]


async def test_files_go_to_the_vendor_and_are_seen_by_who_sees_the_message(
    api: Api, world: World, door: httpx2.AsyncClient
) -> None:
    async with vendor_server() as vendor:
        await world.connect(vendor.url)
        message = await world.hear("Hello")
        ada = await world.add("Ada")
        pdf = await bring(api, world, door, ada, "a.pdf", PDF)
        text = await bring(api, world, door, ada, "b.txt", b"b")
        key = {"idempotencyKey": "k"}
        sent = await send(api, ada, message, text["id"], pdf["id"], text="Both", **key)
        assert sent["userErrors"] == []
        assert sent["message"]["kind"] == "ATTACHMENT"
        assert [one["fileName"] for one in sent["message"]["attachments"]] == ["b.txt", "a.pdf"]
        again = await send(api, ada, message, text["id"], pdf["id"], text="Both", **key)
        assert again["message"]["id"] == sent["message"]["id"]
        await run_jobs()
        said = vendor.received[0].body["message"]
    assert (said["type"], said["text"], len(said["attachments"])) == ("attachment", "Both", 2)
    assert said["attachment"] == {"type": "file", "url": said["attachments"][0]["url"]}
    assert said["attachments"][1]["fileName"] == "a.pdf"
    got = await door.get(path_of(said["attachments"][1]["url"]))
    assert (got.status_code, got.content) == (200, PDF)
    own = await world.add("Own", visibility=Visibility.OWN)
    for who, codes_seen in ((world.owner, 200), (await world.add(), 200)):
        seen = (await api.ask(who, MESSAGE, id=sent["message"]["id"]))["message"]
        url = path_of(seen["attachments"][1]["url"])
        assert (await door.get(url)).status_code == codes_seen
    await sql.affected("UPDATE member SET visibility = 'OWN' WHERE id = ?", ada.member.id)
    mine = path_of(sent["message"]["attachments"][1]["url"])
    assert (await door.get(mine)).status_code == 404
    hidden = await api.run(own, "query ($id: ID!) { node(id: $id) { id } }", id=pdf["id"])
    assert hidden["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_refusals_name_the_file_and_change_nothing(
    api: Api, world: World, door: httpx2.AsyncClient
) -> None:
    message = await world.hear("Hello")
    ada = await world.add("Ada")
    good, other = await texts(api, world, door, ada, 2)
    waiting = (await announce(api, world, ada, "w.txt", 5))["attachment"]["id"]
    theirs = (await texts(api, world, door, world.owner, 1))[0]
    elsewhere = await make_world("Elsewhere")
    foreign = (await announce(api, elsewhere, elsewhere.owner, "w.txt", 5))["attachment"]["id"]
    assert codes(await comment(api, ada, message, other)) == []
    before = await snapshot(*TABLES)
    missing = encode_id("Attachment", 999_999)
    for act in (send, comment):
        for ids, refusal in (
            ([good, waiting], ("WRONG_STATE", ["attachmentIds", "1"])),
            ([good, other], ("WRONG_STATE", ["attachmentIds", "1"])),
            ([theirs], ("NOT_FOUND", ["attachmentIds", "0"])),
            ([foreign], ("NOT_FOUND", ["attachmentIds", "0"])),
            ([good, missing], ("NOT_FOUND", ["attachmentIds", "1"])),
            ([good, "x"], ("NOT_FOUND", ["attachmentIds", "1"])),
            ([good, good], ("INVALID", ["attachmentIds", "1"])),
            ([good] * 51, ("INVALID", ["attachmentIds"])),
            ([], ("BLANK", ["text"])),
        ):
            assert codes(await act(api, ada, message, *ids)) == [refusal], ids
    assert await snapshot(*TABLES) == before
    many = await texts(api, world, door, ada, 50)
    fifty = await send(api, ada, message, *many)
    assert [one["id"] for one in fifty["message"]["attachments"]] == many
    both = await asyncio.gather(send(api, ada, message, good), comment(api, ada, message, good))
    assert sorted(codes(one) for one in both) == [[], [("WRONG_STATE", ["attachmentIds", "0"])]]


async def test_files_of_comments_are_nobodys_outside_and_go_with_them(
    api: Api, world: World, door: httpx2.AsyncClient, tmp_path: Path
) -> None:
    message = await world.hear("Hello")
    [key] = await texts(api, world, door, world.owner, 1)
    made = await comment(api, world.owner, message, key)
    assert (made["comment"]["text"], len(made["comment"]["attachments"])) == ("", 1)
    row = await Attachment.get()
    assert (await door.get(f"/files/{sign_for_vendor(message.channel_id, row)}")).status_code == 404
    deletion = """mutation ($input: DeleteCommentInput!) { deleteComment(input: $input) {
      comment { attachments { id } } userErrors { code } } }"""
    gone = await api.ask(world.owner, deletion, input={"commentId": made["comment"]["id"]})
    assert gone["deleteComment"]["comment"]["attachments"] == []
    assert (await Attachment.get()).state is AttachmentState.GONE
    await run_jobs()
    assert (kept(tmp_path), await Attachment.all().count()) == ([], 0)


async def test_retries_and_merges_keep_files_and_erasure_takes_them(
    api: Api, world: World, door: httpx2.AsyncClient, tmp_path: Path
) -> None:
    message = await world.hear("Hello")
    first, second = await texts(api, world, door, world.owner, 2)
    sent = await send(api, world.owner, message, first, text="x")
    assert codes(await comment(api, world.owner, message, second)) == []
    key = decode_id(sent["message"]["id"], "Message")
    await Message.filter(id=key).update(status=MessageStatus.FAILED)
    again = await retry_message(await world.owner.viewer(), key)
    seen = (await api.ask(world.owner, MESSAGE, id=encode_id("Message", again.id)))["message"]
    assert (seen["kind"], [one["id"] for one in seen["attachments"]]) == ("ATTACHMENT", [first])
    other = await world.contact("Karla")
    viewer = await world.owner.viewer()
    await merge_contacts(viewer, other.id, message.conversation.contact_id)
    seen = (await api.ask(world.owner, MESSAGE, id=sent["message"]["id"]))["message"]
    assert (await door.get(path_of(seen["attachments"][0]["url"]))).status_code == 200
    assert await Contact.filter(id=other.id).exists()
    await delete_contact(await world.owner.viewer(), other.id)
    assert (await door.get(path_of(seen["attachments"][0]["url"]))).status_code == 404
    await run_jobs()
    assert (kept(tmp_path), await Attachment.all().count()) == ([], 0)
    assert (await sql.rows("SELECT byte_count FROM file_usage"))[0]["byte_count"] == 0


async def give(request: Request) -> Response:
    """Answer as a vendor who has some files and not others."""
    what = request.path_params["what"]
    sizes = {"ü.webp": 100, "large": 1001, "empty": 0}
    if what not in sizes:
        return Response(status_code=int(what))
    return Response(b"RIFF\0\0\0\0WEBPVP8 "[: sizes[what]] + b"x" * max(sizes[what] - 16, 0))


def with_file(what: str, url: str) -> dict[str, Any]:
    """Return the event of a message with a file."""
    said = {"text": "Look" if what == "404" else "", "attachment": {"type": "image", "url": url}}
    return {"type": "message", "mId": what, "message": {"type": "attachment", **said}}


async def test_what_comes_in_is_copied_or_says_why_not(
    api: Api, world: World, door: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "incoming_file_max_bytes", 1000)

    channel = await world.connect()
    async with serving(Starlette(routes=[Route("/{what}", give)]), lifespan="off") as url:
        for what in ("ü.webp", "large", "empty", "404", "302"):
            await webhook(channel, "carla", with_file(what, f"{url}/{what}"))
        await run_jobs()
    found = {}
    for row in await Message.all().order_by("id"):
        seen = (await api.ask(world.owner, MESSAGE, id=encode_id("Message", row.id)))["message"]
        assert (seen["kind"], seen["payload"]) == ("ATTACHMENT", None)
        [file] = seen["attachments"]
        found[row.external_id] = (seen["text"], file["state"], file["refusal"])
        if file["state"] == "READY":
            assert (file["fileName"], file["contentType"], file["byteSize"]) == (
                "ü.webp",
                "image/webp",
                100,
            )
            assert (await door.get(path_of(file["url"]))).content[:4] == b"RIFF"
    assert found == {
        "ü.webp": ("", "READY", None),
        "large": ("", "REFUSED", "TOO_LARGE"),
        "empty": ("", "REFUSED", "BLANK"),
        "404": ("Look", "REFUSED", "HTTP_404"),
        "302": ("", "REFUSED", "HTTP_302"),
    }
    facts = await world.facts()
    assert sum(isinstance(fact, AttachmentChanged) for fact in facts) == 6
    assert sum(isinstance(fact, MessageAdded) for fact in facts) == 5
