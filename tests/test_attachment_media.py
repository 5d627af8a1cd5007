"""Pictures, sound and videos: what is found out about them, safely, and without holding others."""

import asyncio
import gc
import io
import os
import struct
import time
import wave
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import httpx2
import pytest
from PIL import Image

from models.attachment import Attachment, AttachmentState
from tests.uploading import NODE, announce, bring, file_doors, kept, path_of, put
from tests.world import Api, World, run_jobs

GPS = 0x8825
BLOCKED_SECONDS = 0.05
FLAT_BYTES = 40 * 1024 * 1024


@pytest.fixture
async def door(api: Api, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Give the doors of files."""
    async with file_doors(tmp_path) as client:
        yield client


def jpeg(width: int, height: int) -> bytes:
    """Return a picture taken with the camera turned, which says where."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[2] = (48.0, 51.0, 29.0)
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def bomb(side: int) -> bytes:
    """Return a PNG that says that it has side × side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IEND", b"")


def sound(seconds: int) -> bytes:
    """Return a WAV file: silence, then noise."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        half = 8000 * seconds // 2
        file.writeframes(
            b"\0\0" * half + struct.pack("<20h", *[20_000] * 10, *[-20_000] * 10) * (half // 20)
        )
    return buffer.getvalue()


def video() -> bytes:
    """Return a second of video."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(10):
            red = Image.new("RGB", (64, 48), "red")
            frame = av.VideoFrame.from_image(red)  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


async def test_a_picture_gets_its_size_and_a_thumbnail_that_says_nothing(
    api: Api, world: World, door: httpx2.AsyncClient, tmp_path: Path
) -> None:
    data = jpeg(1600, 1200)
    assert b"Exif" in data
    found = await bring(api, world, door, world.owner, "a.jpg", data)
    assert (found["state"], found["width"], found["height"]) == ("READY", 1200, 1600)
    small = await door.get(path_of(found["thumbnailUrl"]))
    assert (small.status_code, small.headers["content-type"]) == (200, "image/webp")
    assert "a.webp" in small.headers["content-disposition"]
    with Image.open(io.BytesIO(small.content)) as picture:
        assert (picture.size, dict(picture.getexif())) == ((360, 480), {})
    assert b"Exif" not in small.content
    assert len(kept(tmp_path)) == 2


async def test_pictures_that_cannot_be_shown_are_refused(
    api: Api, world: World, door: httpx2.AsyncClient, tmp_path: Path
) -> None:
    for data, status, code in (
        (bomb(50_000), 413, "TOO_LARGE"),
        (bomb(1000), 415, "TYPE_NOT_ACCEPTED"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 90, 415, "TYPE_NOT_ACCEPTED"),
    ):
        made = await announce(api, world, world.owner, "a.png", len(data))
        answer = await put(door, path_of(made["uploadUrl"]), data)
        assert (answer[0], answer[1]["error"]["code"]) == (status, code)
    assert kept(tmp_path) == []
    assert {row.state for row in await Attachment.all()} == {AttachmentState.WAITING}


async def test_sound_and_video_are_looked_at_by_a_job(
    api: Api, world: World, door: httpx2.AsyncClient
) -> None:
    ids: dict[str, Any] = {}
    for name, data, kind in (
        ("a.wav", sound(2), None),
        ("v.wav", sound(2), "VOICE"),
        ("a.mp4", video(), None),
        ("broken.mp3", b"ID3\4" + b"\0" * 60, None),
    ):
        found = await bring(api, world, door, world.owner, name, data, kind=kind)
        assert found["state"] == "STORED"
        ids[name] = found["id"]
    await run_jobs()
    rows = {name: (await api.ask(world.owner, NODE, id=key))["node"] for name, key in ids.items()}
    assert {row["state"] for row in rows.values()} == {"READY"}
    for name, kind in (("a.wav", "AUDIO"), ("v.wav", "VOICE")):
        assert (rows[name]["kind"], rows[name]["durationMs"]) == (kind, 2000)
        heard = rows[name]["waveform"]
        middle = len(heard) // 2
        assert heard[: middle - 1] == [0] * (middle - 1)
        assert min(heard[middle + 1 :]) > 50
    shown = rows["a.mp4"]
    assert (shown["durationMs"], shown["width"], shown["height"]) == (1000, 64, 48)
    assert (await door.get(path_of(shown["thumbnailUrl"]))).content[:4] == b"RIFF"
    assert (rows["broken.mp3"]["durationMs"], rows["broken.mp3"]["waveform"]) == (None, [])


class Pulse:
    """Beats while the event loop lives; notes how long it computed between two beats."""

    def __init__(self) -> None:
        gc.collect()
        gc.freeze()  # as a server does when it starts: what other tests have left is not its work
        self._loop = asyncio.get_running_loop()
        self._last = time.thread_time()
        self.longest = 0.0
        self.most_bytes = 0
        self._handle = self._loop.call_later(0.002, self._beat)

    def _beat(self) -> None:
        moment = time.thread_time()
        self.longest = max(self.longest, moment - self._last)
        self.most_bytes = max(self.most_bytes, resident_bytes())
        self._last = time.thread_time()
        self._handle = self._loop.call_later(0.002, self._beat)

    def stop(self) -> None:
        """Beat no more."""
        self._handle.cancel()


def resident_bytes() -> int:
    """Return how much memory this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def test_large_files_hold_nobody_and_take_no_memory(
    api: Api, world: World, door: httpx2.AsyncClient
) -> None:
    size = 20 * 1024 * 1024
    head = b"\xff\xd8\xff\xe0\0\x10JFIF"

    async def flood(first: bytes) -> AsyncIterator[bytes]:
        yield first
        for place in range(len(first), size, 65_536):
            yield b"x" * min(65_536, size - place)

    names = ("a.txt", "b.txt", "a.jpg", "b.txt")
    paths = [
        path_of((await announce(api, world, world.owner, name, size))["uploadUrl"])
        for name in names
    ]
    before, pulse = resident_bytes(), Pulse()
    answers = await asyncio.gather(
        *(
            put(door, path, flood(head if name == "a.jpg" else b"x"))
            for name, path in zip(names, paths, strict=True)
        )
    )
    pulse.stop()
    assert [status for status, _ in answers] == [201, 201, 415, 201]
    assert pulse.longest < BLOCKED_SECONDS
    assert pulse.most_bytes - before < FLAT_BYTES
