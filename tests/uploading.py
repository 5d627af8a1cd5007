"""What tests need to bring files: their doors, small files of every kind, and the whole way."""

import io
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette

from connectors.storage import Storage
from resolvers.file_store import keep_files_in
from settings import Settings, get_settings
from tests.serving import serving
from tests.world import Api, World
from web.files import routes

ATTACHMENT = """
  id state refusal kind fileName contentType byteSize width height durationMs waveform url
  thumbnailUrl urlExpiresAt viewerCanDelete
"""
CREATE = f"""mutation ($input: CreateUploadInput!) {{ createUpload(input: $input) {{
  attachment {{ {ATTACHMENT} }} uploadUrl uploadUrlExpiresAt
  userErrors {{ code message field }} }} }}"""
NODE = f"query ($id: ID!) {{ node(id: $id) {{ ... on Attachment {{ {ATTACHMENT} }} }} }}"


def zipped(*names: str) -> bytes:
    """Return a zip archive with files of these names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    return buffer.getvalue()


def path_of(url: str) -> str:
    """Return the path of a link of ours."""
    assert url.startswith(get_settings().public_url)
    return url.removeprefix(get_settings().public_url)


def kept(folder: Path) -> list[str]:
    """Return the files in a folder, below it, too."""
    root = folder / "files"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@asynccontextmanager
async def file_doors(folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Give an HTTP client of a server that has only the doors of files, kept in a folder."""
    keep_files_in(Storage.from_settings(Settings(data_directory=folder)))
    try:
        async with (
            serving(Starlette(routes=routes()), lifespan="off") as url,
            httpx2.AsyncClient(base_url=url, trust_env=False, timeout=60) as client,
        ):
            yield client
    finally:
        keep_files_in(None)


async def announce(api: Api, world: World, who: Any, name: str, size: int, **values: Any) -> Any:
    """Announce a file; return the payload."""
    given = {"workspaceId": world.id, "fileName": name, "byteSize": size, **values}
    return (await api.ask(who, CREATE, input=given))["createUpload"]


async def put(door: httpx2.AsyncClient, path: str, body: Any) -> tuple[int, Mapping[str, Any]]:
    """Upload a file; return status and answer."""
    answer = await door.put(path, content=body)
    assert answer.headers["x-content-type-options"] == "nosniff"
    found: Mapping[str, Any] = answer.json()
    return answer.status_code, found


async def bring(
    api: Api,
    world: World,
    door: httpx2.AsyncClient,
    who: Any,
    name: str,
    data: bytes,
    **values: Any,
) -> Any:
    """Bring a file that must be taken; return it."""
    made = await announce(api, world, who, name, len(data), **values)
    assert made["userErrors"] == []
    status, answer = await put(door, path_of(made["uploadUrl"]), data)
    assert status == 201, answer
    return (await api.ask(who, NODE, id=made["attachment"]["id"]))["node"]
