"""Files within an operation: the GraphQL multipart request spec, with all its limits."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from models.attachment import Attachment, AttachmentState
from schema.context import ContextMaker
from schema.endpoint import GraphQLEndpoint
from schema.root import build_schema
from settings import get_settings
from tests.serving import serving
from tests.uploading import CREATE, file_doors, kept
from tests.world import Api, World

POSING = (
    ("a.png", b"<svg>", "TYPE_NOT_ACCEPTED"),
    ("a.exe", b"MZ", "TYPE_NOT_ACCEPTED"),
    ("a.txt", b"", "BLANK"),
)


@pytest.fixture
async def door(api: Api, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client of a server that has GraphQL alone."""
    endpoint = GraphQLEndpoint(build_schema(), authenticate=ContextMaker(api.hub))
    app = Starlette(routes=[Route("/graphql", endpoint)])
    async with (
        file_doors(tmp_path),
        serving(app, lifespan="off") as url,
        httpx2.AsyncClient(base_url=url, trust_env=False, timeout=60) as client,
    ):
        yield client


def operations(world: World, **values: Any) -> str:
    """Return the operation that brings a file."""
    given = {"workspaceId": world.id, "file": None, **values}
    return json.dumps({"query": CREATE, "variables": {"input": given}})


async def begin(door: httpx2.AsyncClient, who: str) -> bytes:
    """Begin a request that says it is huge; return the answer."""
    assert door.base_url.port is not None
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.base_url.port)
        kind = "content-type: multipart/form-data; boundary=x"
        head = f"POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: {who}\r\n{kind}\r\n"
        writer.write(f"{head}content-length: 999999999\r\n\r\n".encode())
        answer = await reader.readuntil(b"}}]}")
        writer.close()
    return answer


async def test_a_file_comes_with_its_operation(
    api: Api,
    world: World,
    door: httpx2.AsyncClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    headers = {"authorization": f"Bearer {world.owner.token}"}
    places = json.dumps({"0": ["variables.input.file"]})

    async def bring(
        name: str, data: bytes, said: str | None = None, where: str = places, **given: Any
    ) -> Any:
        fields = {"operations": operations(world, **given) if said is None else said, "map": where}
        files = {"0": (name, data)}
        return await door.post("/graphql", data=fields, files=files, headers=headers)

    data = b"hello " * 200_000  # more than a mebibyte: it waits on the disk
    made = (await bring("a.txt", data, idempotencyKey="k")).json()["data"]["createUpload"]
    assert made["userErrors"] == []
    assert (made["attachment"]["state"], made["attachment"]["byteSize"]) == ("READY", len(data))
    assert made["uploadUrl"] is None
    again = (await bring("a.txt", data, idempotencyKey="k")).json()["data"]["createUpload"]
    assert again["attachment"]["id"] == made["attachment"]["id"]
    assert len(kept(tmp_path)) == 1
    for name, content, code in POSING:
        refused = (await bring(name, content)).json()["data"]["createUpload"]
        assert [one["code"] for one in refused["userErrors"]] == [code]
    for where in ("no JSON", "[]", "{}", '{"0": ["variables.input.no.file"]}', '{"0": ["x"]}'):
        assert (await bring("a.txt", b"x", where=where)).status_code == 400
    assert (await bring("a.txt", b"x", said="[]")).status_code == 400
    monkeypatch.setattr(get_settings(), "file_max_bytes", 100)
    large = (await bring("a.txt", b"x" * 101)).json()["data"]["createUpload"]
    assert [one["code"] for one in large["userErrors"]] == ["TOO_LARGE"]
    assert b'"PAYLOAD_TOO_LARGE"' in await begin(door, headers["authorization"])
    headers["authorization"] = "Bearer nobody"
    assert (await bring("a.txt", b"x")).status_code == 401
    states = {row.state for row in await Attachment.all()}
    assert states == {AttachmentState.READY, AttachmentState.WAITING}


async def test_json_brings_no_file(api: Api, world: World) -> None:
    given = {"workspaceId": world.id, "file": "a.txt", "fileName": "a.txt"}
    refused = (await api.ask(world.owner, CREATE, input=given))["createUpload"]
    assert [(one["code"], one["field"]) for one in refused["userErrors"]] == [("INVALID", ["file"])]
