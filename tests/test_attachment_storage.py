"""The storage of files: the same in a folder and in a bucket of an S3-compatible server."""

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from connectors.storage import FileMissing, Storage
from resolvers.attachment import delete_attachment
from resolvers.file_store import keep_files_in
from schema.ids import decode_id
from settings import Settings
from tests.uploading import bring, file_doors, path_of
from tests.world import Api, World, run_jobs


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Give the address of an S3-compatible server with a bucket."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}".replace("0.0.0.0", "127.0.0.1")
    httpx2.put(f"{url}/files", trust_env=False).raise_for_status()
    yield url
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """Give a storage of each kind."""
    if request.param == "folder":
        return Storage.from_settings(Settings(data_directory=tmp_path))
    return in_bucket(request.getfixturevalue("s3"))


def in_bucket(url: str) -> Storage:
    """Return a storage under a prefix of its own."""
    return Storage.from_settings(
        Settings(
            file_url=f"s3://files/{secrets.token_hex(4)}",
            file_s3_endpoint=url,
            file_s3_access_key="key",
            file_s3_secret_key=SecretStr("secret"),
        )
    )


async def pieces(size: int, *, breaks: bool = False) -> AsyncIterator[bytes]:
    """Yield so many bytes; perhaps break in the end."""
    for place in range(0, size, 65_536):
        yield bytes([place // 65_536 % 251]) * min(65_536, size - place)
    if breaks:
        raise RuntimeError("broken off")


async def test_files_are_whole_or_not_there(storage: Storage) -> None:
    size = 12 * 1024 * 1024 + 5
    await storage.write("1/2/1/file", pieces(size))
    await storage.put("1/2/1/thumbnail", b"small")
    assert (await storage.size_of("1/2/1/file"), await storage.size_of("1/2/1/thumbnail")) == (
        size,
        5,
    )
    whole = b"".join([piece async for piece in pieces(size)])
    read = [piece async for piece in storage.stream("1/2/1/file", 100, size)]
    assert b"".join(read) == whole[100:]
    assert await storage.read("1/2/1/file", 65_530, 65_540) == whole[65_530:65_540]
    with pytest.raises(RuntimeError, match="broken off"):
        await storage.write("1/3/1/file", pieces(size, breaks=True))
    for missing in ("1/3/1/file", "1/2/2/file"):
        with pytest.raises(FileMissing):
            await storage.size_of(missing)
        with pytest.raises(FileMissing):
            await storage.read(missing, 0, 1)
    await storage.erase("1/9")
    await storage.erase("1/2")
    with pytest.raises(FileMissing):
        await storage.size_of("1/2/1/file")


async def test_a_file_goes_through_a_bucket(
    api: Api, world: World, s3: str, tmp_path: Path
) -> None:
    async with file_doors(tmp_path) as door:
        storage = in_bucket(s3)
        keep_files_in(storage)
        found = await bring(api, world, door, world.owner, "a.txt", b"hello")
        assert (await door.get(path_of(found["url"]))).content == b"hello"
        await delete_attachment(await world.owner.viewer(), decode_id(found["id"], "Attachment"))
        await run_jobs()
        assert (await door.get(path_of(found["url"]))).status_code == 404


def test_another_address_is_refused() -> None:
    with pytest.raises(ValueError, match="PARLEY_FILE_URL"):
        Storage.from_settings(Settings(file_url="ftp://files"))
