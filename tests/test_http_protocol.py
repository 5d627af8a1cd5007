"""Answers over HTTP leave whole, and those that are streams leave part by part."""

import asyncio
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from web.http_protocol import GATHERED_BYTES, Gathering, HttpProtocol

REQUEST = b"GET / HTTP/1.1\r\nhost: parley\r\n\r\n"


class Wire:
    """A transport that remembers what was written, and whether it was closed then."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading

    def get_extra_info(self, _name: str) -> None:
        return None


def connected(app: Any) -> tuple[HttpProtocol, Wire]:
    config = uvicorn.Config(app, lifespan="off", log_config=None, server_header=False)
    config.load()
    protocol = HttpProtocol(config=config, server_state=ServerState(), app_state={})
    wire = Wire()
    protocol.connection_made(wire)  # type: ignore[arg-type]  # as much as is needed of one
    return protocol, wire


async def turns(count: int = 8) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def answering(_scope: Scope, _receive: Receive, send: Send) -> None:
    headers = [(b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


async def test_head_and_body_are_one_write() -> None:
    protocol, wire = connected(answering)
    protocol.data_received(REQUEST)
    await turns()
    assert wire.written == [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"]
    protocol.data_received(REQUEST + REQUEST)
    await turns(16)
    assert b"".join(wire.written) == 3 * wire.written[0]
    assert not wire.closed


async def test_a_connection_is_closed_behind_its_last_answer() -> None:
    protocol, wire = connected(answering)
    protocol.data_received(REQUEST.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
    await turns()
    [written] = wire.written
    assert written.endswith(b"\r\nconnection: close\r\n\r\nhello")
    assert wire.closed


async def test_a_stream_leaves_part_by_part() -> None:
    goes_on = asyncio.Event()

    async def stream(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await goes_on.wait()
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await turns()
        await send({"type": "http.response.body", "body": b"two"})

    protocol, wire = connected(stream)
    protocol.data_received(REQUEST)
    await turns()
    assert wire.written == [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"]
    goes_on.set()
    await turns(24)
    assert wire.written[1:] == [b"3\r\none\r\n", b"3\r\ntwo\r\n0\r\n\r\n"]


async def test_much_is_written_at_once() -> None:
    wire = Wire()
    gathering = Gathering(wire, asyncio.get_running_loop())  # type: ignore[arg-type]  # as above
    half = bytes(GATHERED_BYTES // 2)
    gathering.write(half)
    assert wire.written == []
    gathering.write(half)
    assert wire.written == [half + half]
    gathering.write(b"more")
    await turns(1)
    assert wire.written[1:] == [b"more"]


async def test_nothing_is_written_to_who_has_gone() -> None:
    wire = Wire()
    gathering = Gathering(wire, asyncio.get_running_loop())  # type: ignore[arg-type]  # as above
    gathering.write(b"one")
    gathering.write(b"two")
    assert wire.written == []
    await turns(1)
    assert wire.written == [b"onetwo"]
    gathering.write(b"three")
    wire.closed = True
    await turns(1)
    assert wire.written == [b"onetwo"]
