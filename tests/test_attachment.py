"""Files: announced, brought piece by piece, seen by who may, and gone when nobody needs them."""

from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import patch

import httpx2
import pytest

from models.attachment import Attachment
from models.clock import now
from models.engine import sql
from tests.uploading import NODE, announce, bring, file_doors, kept, path_of, put
from tests.world import Api, World, run_jobs

PDF = b"%PDF-1.7\n" + b"x" * 5000 + b"\n%%EOF\n"
MISSING = {"code": "NOT_FOUND", "message": "Nothing was found under this id.", "field": ["id"]}
DELETE = """mutation ($input: DeleteAttachmentInput!) { deleteAttachment(input: $input) {
  deletedAttachmentId userErrors { code message field } } }"""


@pytest.fixture
async def door(api: Api, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Give the doors of files."""
    async with file_doors(tmp_path) as client:
        yield client


async def pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    """Yield a file in pieces."""
    for place in range(0, len(data), size):
        yield data[place : place + size]


async def used(world: World) -> int:
    """Return how many bytes are counted for the workspace."""
    rows = await sql.rows("SELECT byte_count FROM file_usage")
    return int(rows[0]["byte_count"]) if rows else 0


async def test_a_file_from_its_announcement_to_its_end(
    api: Api, world: World, door: httpx2.AsyncClient, tmp_path: Path
) -> None:
    made = await announce(api, world, world.owner, "C:\\x\\Größe.PDF", len(PDF), idempotencyKey="k")
    again = await announce(
        api, world, world.owner, "C:\\x\\Größe.PDF", len(PDF), idempotencyKey="k"
    )
    assert made["attachment"]["id"] == again["attachment"]["id"]
    file = made["attachment"]
    assert (file["state"], file["url"], file["viewerCanDelete"]) == ("WAITING", None, True)
    assert (file["fileName"], file["contentType"]) == ("Größe.PDF", "application/pdf")
    assert await used(world) == len(PDF)
    path = path_of(made["uploadUrl"])
    status, answer = await put(door, path, pieces(PDF, 999))
    assert (status, answer["state"]) == (201, "READY")
    assert (await put(door, path, PDF))[0] == 409
    found = (await api.ask(world.owner, NODE, id=file["id"]))["node"]
    got = await door.get(path_of(found["url"]))
    assert (got.status_code, got.content) == (200, PDF)
    assert got.headers["content-type"] == "application/pdf"
    assert got.headers["content-disposition"] == (
        "attachment; filename=\"Gr__e.PDF\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.PDF"
    )
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]
    other = await world.add("Ada")
    assert (await api.run(other, NODE, id=file["id"]))["errors"][0]["extensions"][
        "code"
    ] == "NOT_FOUND"
    refused = await api.ask(other, DELETE, input={"attachmentId": file["id"]})
    assert refused["deleteAttachment"]["userErrors"] == [MISSING | {"field": ["attachmentId"]}]
    gone = await api.ask(world.owner, DELETE, input={"attachmentId": file["id"]})
    assert gone["deleteAttachment"] == {"deletedAttachmentId": file["id"], "userErrors": []}
    assert (await door.get(path_of(found["url"]))).status_code == 404
    assert len(kept(tmp_path)) == 1
    await run_jobs()
    assert (kept(tmp_path), await Attachment.all().count(), await used(world)) == ([], 0, 0)


async def test_ranges(api: Api, world: World, door: httpx2.AsyncClient) -> None:
    data = bytes(range(256)) * 2000
    body = PDF + data
    path = path_of((await bring(api, world, door, world.owner, "a.pdf", body))["url"])
    size = len(body)
    whole = await door.get(path)
    tag = whole.headers["etag"]
    for asked, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=5-", 5, size),
        ("bytes=-7", size - 7, size),
        (f"bytes=300000-{size * 2}", 300000, size),
    ):
        part = await door.get(path, headers={"range": asked, "if-range": tag})
        assert (part.status_code, part.content) == (206, body[start:end])
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
    for asked in (f"bytes={size}-", "bytes=-0"):
        none = await door.get(path, headers={"range": asked})
        assert (none.status_code, none.headers["content-range"]) == (416, f"bytes */{size}")
    for headers in (
        {"range": "bytes=0-1,3-4"},
        {"range": "bytes=5-1"},
        {"range": "lines=1-2"},
        {"range": "bytes=0-1", "if-range": '"other"'},
    ):
        assert (await door.get(path, headers=headers)).content == body
    same = await door.get(path, headers={"if-none-match": tag})
    assert (same.status_code, same.content) == (304, b"")
    head = await door.head(path)
    assert (head.headers["content-length"], head.content) == (str(size), b"")


async def test_links_are_of_one_session_and_cannot_be_written(
    api: Api, world: World, door: httpx2.AsyncClient
) -> None:
    made = await announce(api, world, world.owner, "a.pdf", len(PDF))
    up = path_of(made["uploadUrl"])
    _, _, token = up.rpartition("/")
    kind, key, actor, expires, signature = token.split(".")
    for forged in (
        f"d.{key}.{actor}.{expires}.{signature}",
        f"{kind}.{int(key) + 1}.{actor}.{expires}.{signature}",
        f"{kind}.{key}.session-999.{expires}.{signature}",
        f"{kind}.{key}.{actor}.{int(expires) + 1}.{signature}",
        f"{kind}.{key}.{actor}.{expires}.{'0' * 64}",
        f"{kind}.{key}.{actor}.{expires}.é",
        "nothing",
    ):
        status, answer = await put(door, f"/uploads/{forged}", PDF)
        assert (status, answer["error"]) == (404, MISSING)
    assert (await put(door, up, PDF))[0] == 201
    file = (await api.ask(world.owner, NODE, id=made["attachment"]["id"]))["node"]
    down = path_of(file["url"])
    assert (await door.get(down)).status_code == 200
    late = now().timestamp() + 4501
    with patch("resolvers.signed_link.now") as turned:
        turned.return_value.timestamp.return_value = late
        assert (await door.get(down)).status_code == 404
    await sql.affected("DELETE FROM session")
    assert (await door.get(down)).status_code == 404


@pytest.mark.parametrize("name", ["a.svg", "a.html", "a.exe", "a", ".png", "a.webp", "a.png.js"])
async def test_what_is_not_on_the_list_is_not_announced(api: Api, world: World, name: str) -> None:
    payload = await announce(api, world, world.owner, name, 5)
    assert payload["attachment"] is None
    assert payload["userErrors"][0]["code"] == "TYPE_NOT_ACCEPTED"
    assert await Attachment.all().count() == 0
