"""Hostile uploads: too large, too slow, posing, broken off, too many; nothing is left of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from models.attachment import Attachment, AttachmentState
from models.engine import sql
from resolvers.file_erasure import collect_loose_files
from settings import get_settings
from tests.uploading import announce, bring, file_doors, kept, path_of, put, zipped
from tests.waiting import until
from tests.world import Api, World, run_jobs

LIMIT = 20 * 1024 * 1024
CHUNK = 64 * 1024


@pytest.fixture
async def door(api: Api, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Give the doors of files."""
    async with file_doors(tmp_path) as client:
        yield client


async def flood(size: int, head: bytes = b"") -> AsyncIterator[bytes]:
    """Yield a text of some size in pieces."""
    yield head
    left = size - len(head)
    while left > 0:
        yield b"x" * min(CHUNK, left)
        left -= CHUNK


async def begin(door: httpx2.AsyncClient, path: str, length: int, said: str = "") -> bytes:
    """Begin an upload of some length and say no more; return the answer."""
    assert door.base_url.port is not None
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.base_url.port)
        head = f"PUT {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{said}"
        writer.write(head.encode())
        answer = await reader.readuntil(b"}}")
        writer.close()
    return answer


async def test_the_limit_is_20_mib_to_the_byte(
    api: Api, world: World, door: httpx2.AsyncClient, tmp_path: Path
) -> None:
    over = await announce(api, world, world.owner, "a.txt", LIMIT + 1)
    assert [one["code"] for one in over["userErrors"]] == ["TOO_LARGE"]
    assert (await announce(api, world, world.owner, "a.txt", 0))["userErrors"][0]["code"] == "BLANK"
    made = await announce(api, world, world.owner, "a.txt", LIMIT)
    path = path_of(made["uploadUrl"])
    for body, status, code in (
        (b"x" * 10, 422, "INVALID"),
        (flood(LIMIT + 1), 413, "TOO_LARGE"),
        (flood(LIMIT - 1), 422, "INVALID"),
    ):
        answer = await put(door, path, body)
        assert (answer[0], answer[1]["error"]["code"]) == (status, code)
        assert kept(tmp_path) == []
    assert b'"TOO_LARGE"' in await begin(door, path, LIMIT + 1)
    assert (await put(door, path, flood(LIMIT)))[0] == 201
    row = await Attachment.get()
    assert (row.state, row.byte_size) == (AttachmentState.READY, LIMIT)
    assert kept(tmp_path) == [row.storage_key]


async def test_what_poses_as_something_else(
    api: Api, world: World, door: httpx2.AsyncClient, tmp_path: Path
) -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    gif = b"GIF89a" + b"\1\0" * 4000
    documents = zipped("[Content_Types].xml", "word/document.xml")
    for name, data in (
        ("a.png", svg),
        ("a.jpg", b"<!doctype html><script>alert(1)</script>"),
        ("a.gif", gif + zipped("Evil.class")),
        ("a.xlsx", documents),
        ("a.docx", b"PK\3\4" + b"\0" * 100),
    ):
        made = await announce(api, world, world.owner, name, len(data))
        status, answer = await put(door, path_of(made["uploadUrl"]), data)
        assert (status, answer["error"]["code"]) == (415, "TYPE_NOT_ACCEPTED"), name
    assert kept(tmp_path) == []
    assert {row.state for row in await Attachment.all()} == {AttachmentState.WAITING}
    assert (await bring(api, world, door, world.owner, "a.docx", documents))["state"] == "READY"


async def test_a_slow_sender_and_one_who_goes(
    api: Api,
    world: World,
    door: httpx2.AsyncClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(get_settings(), "upload_idle_seconds", 0.2)
    made = await announce(api, world, world.owner, "a.txt", 10)
    path = path_of(made["uploadUrl"])
    said = await begin(door, path, 10, "x")
    assert said.startswith(b"HTTP/1.1 408")
    assert b'"TOO_SLOW"' in said
    assert kept(tmp_path) == []
    monkeypatch.setattr(get_settings(), "upload_idle_seconds", 15.0)

    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError, match="gone"):
        await door.put(path, content=broken(), headers={"content-length": "10"})
    assert (await put(door, path, b"x" * 10))[0] == 201
    assert len(kept(tmp_path)) == 1


async def test_of_two_uploads_the_last_begun_counts(
    api: Api, world: World, door: httpx2.AsyncClient, tmp_path: Path
) -> None:
    made = await announce(api, world, world.owner, "a.txt", 4)
    path = path_of(made["uploadUrl"])
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def first() -> AsyncIterator[bytes]:
        yield b"ol"
        begun.set()
        await go_on.wait()
        yield b"d!"

    early = asyncio.create_task(door.put(path, content=first(), headers={"content-length": "4"}))
    await begun.wait()
    await until(Attachment.filter(attempt=1).exists)
    assert (await put(door, path, b"new!"))[0] == 201
    go_on.set()
    assert (await early).status_code == 409
    row = await Attachment.get()
    assert (row.attempt, kept(tmp_path)) == (2, [row.storage_key])
    assert (tmp_path / "files" / str(row.storage_key)).read_bytes() == b"new!"


async def test_the_quota_of_a_workspace_and_what_it_gets_back(
    api: Api, world: World, door: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "file_quota_bytes", 100)
    await bring(api, world, door, world.owner, "a.txt", b"x" * 60)
    both = await asyncio.gather(*(announce(api, world, world.owner, "a.txt", 40) for _ in range(2)))
    codes = [[error["code"] for error in one["userErrors"]] for one in both]
    assert sorted(codes) == [[], ["QUOTA_EXCEEDED"]]
    await sql.affected("UPDATE attachment SET loose_since = '2020-01-01 00:00:00+00:00'")
    monkeypatch.setattr(get_settings(), "upload_seconds", 0.0)
    await collect_loose_files()
    assert {row.state for row in await Attachment.all()} == {AttachmentState.GONE}
    await run_jobs()
    assert await Attachment.all().count() == 0
    assert (await announce(api, world, world.owner, "a.txt", 100))["userErrors"] == []
