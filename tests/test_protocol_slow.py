"""A body that does not arrive is not waited for without end, and one that comes late is read."""

import asyncio

import pytest

from schema import negotiation
from schema.deadlines import Deadlines
from tests.toy import DEADLINE, toy

HEAD = (
    b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n"
    b"content-type: application/json\r\ncontent-length: 19\r\n\r\n"
)
BODY = b'{"query":"{hello}"}'


async def answered(url: str, *parts: bytes) -> bytes:
    """Send the parts of a request one after another; return all that comes back."""
    host, port = url.removeprefix("http://").partition("/")[0].split(":")
    async with asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection(host, int(port))
        for part in parts:
            writer.write(part)
            await writer.drain()
        try:
            return await reader.read()
        finally:
            writer.close()


async def test_a_body_that_hangs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(negotiation, "BODIES", Deadlines(0.05))
    async with toy() as server:
        said = await answered(server.url, HEAD + BODY[:5])
        assert said.startswith(b"HTTP/1.1 408 ")
        assert b'"TRY_AGAIN"' in said
        assert (await answered(server.url, HEAD + BODY)).endswith(b'{"data":{"hello":"hello you"}}')
    assert negotiation.BODIES.running == {}


async def test_a_body_in_parts_is_read_whole() -> None:
    async with toy() as server:
        said = await answered(server.url, HEAD, *(bytes([one]) for one in BODY))
        assert said.startswith(b"HTTP/1.1 200 ")
        assert said.endswith(b'{"data":{"hello":"hello you"}}')
