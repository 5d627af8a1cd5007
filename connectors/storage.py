"""Where files are kept: a folder of this machine, or a bucket of an S3-compatible server."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import NotFoundError
from obstore.store import LocalStore, S3Store

from settings import Settings

LOCAL_CHUNK_BYTES = 256 * 1024
S3_CHUNK_BYTES = 5 * 1024 * 1024
"""The least that S3 takes as a part."""
READ_CHUNK_BYTES = 256 * 1024
MAX_ERASED_AT_ONCE = 100


class FileMissing(Exception):  # noqa: N818 - a fact, as in models.refusal.Refused
    """There is no file under this key."""


class Storage:
    """Files by keys such as `5/17/1`. One is there whole or not at all, and is never changed."""

    def __init__(self, store: LocalStore | S3Store, root: Path | None) -> None:
        self._store = store
        self._root = root
        """The folder, where it is one."""
        self._chunk_bytes = S3_CHUNK_BYTES if root is None else LOCAL_CHUNK_BYTES

    @classmethod
    def from_settings(cls, settings: Settings) -> "Storage":
        """Open the storage that an operator's settings describe."""
        if not settings.file_url:
            root = (settings.data_directory / "files").absolute()
            root.mkdir(parents=True, exist_ok=True, mode=0o700)
            return cls(LocalStore(prefix=root, mkdir=True), root)
        target = urlsplit(settings.file_url)
        if target.scheme != "s3" or not target.netloc:
            raise ValueError("PARLEY_FILE_URL is s3://bucket/prefix, or empty")
        return cls(_s3(target.netloc, target.path.strip("/"), settings), None)

    async def write(self, key: str, data: AsyncIterator[bytes]) -> None:
        """Keep what comes, piece by piece; what `data` raises is raised here, and nothing kept."""
        async with obstore.open_writer_async(
            self._store, key, buffer_size=self._chunk_bytes, max_concurrency=1
        ) as file:
            async for piece in data:
                await file.write(piece)

    async def put(self, key: str, data: bytes) -> None:
        """Keep a small file."""
        await obstore.put_async(self._store, key, data)

    async def size_of(self, key: str) -> int:
        """Return how many bytes a file has; raise FileMissing."""
        try:
            return int((await obstore.head_async(self._store, key))["size"])
        except (NotFoundError, FileNotFoundError) as error:
            raise FileMissing(key) from error

    async def read(self, key: str, start: int, end: int) -> bytes:
        """Return the bytes from `start` up to `end`; raise FileMissing."""
        try:
            found = await obstore.get_range_async(self._store, key, start=start, end=end)
        except (NotFoundError, FileNotFoundError) as error:
            raise FileMissing(key) from error
        return bytes(found)

    async def stream(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` up to `end`, piece by piece; raise FileMissing."""
        for place in range(start, end, READ_CHUNK_BYTES):
            yield await self.read(key, place, min(place + READ_CHUNK_BYTES, end))

    async def erase(self, folder: str) -> None:
        """Erase all files whose keys begin with a folder such as `5/17`, also half-written ones."""
        if self._root is not None:
            path = self._root / folder
            await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
            return
        async for found in obstore.list(self._store, folder, chunk_size=MAX_ERASED_AT_ONCE):
            await obstore.delete_async(self._store, [one["path"] for one in found])


def _s3(bucket: str, prefix: str, settings: Settings) -> S3Store:
    options: dict[str, str] = {"region": settings.file_s3_region}
    if settings.file_s3_endpoint:
        options["endpoint"] = settings.file_s3_endpoint
    if settings.file_s3_access_key:
        options["access_key_id"] = settings.file_s3_access_key
        options["secret_access_key"] = settings.file_s3_secret_key.get_secret_value()
    is_plain = settings.file_s3_endpoint.startswith("http://")
    return S3Store(
        bucket,
        prefix=prefix or None,
        config=options,  # type: ignore[arg-type]  # its keys are those of S3Config
        client_options={"allow_http": is_plain},
    )
