"""A vendor's own HTTP server for tests: answers as told, and remembers what it was sent."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.test_http_client import read_request
from tests.test_http_client import serving as serving_raw

SILENCE = b""
"""As an answer: take the request and never answer it."""
HANG_UP = b"-"
"""As an answer: take the request and close the connection."""


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """Return the text of the message in it."""
        text: str = self.body["message"]["text"]
        return text


@dataclass(slots=True)
class Vendor:
    """What the server was sent, and what it will answer: `v1`, `v2` … unless told otherwise."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: deque[bytes] = field(default_factory=deque)
    turns: asyncio.Semaphore | None = None
    """Each answer waits for one of these, if there are any."""

    @property
    def texts(self) -> list[str]:
        """Return the texts of all messages that arrived, in their order."""
        return [request.text for request in self.received]

    def will(self, status: int, body: str = "", *headers: str, times: int = 1) -> None:
        """Answer the next requests with this."""
        self.answers.extend([answer(status, body, *headers)] * times)

    def be_silent(self) -> None:
        """Take the next request and never answer it."""
        self.answers.append(SILENCE)

    def hang_up(self) -> None:
        """Take the next request and close the connection: nobody knows what became of it."""
        self.answers.append(HANG_UP)


def answer(status: int, body: str = "", *headers: str) -> bytes:
    """Return an HTTP answer as bytes."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body.encode())}", *headers]
    return ("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n" + body).encode()


@asynccontextmanager
async def vendor_server() -> AsyncIterator[Vendor]:
    """Serve a vendor on a free local port."""
    vendor = Vendor()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _, body = (await read_request(reader)).partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
        vendor.received.append(Received(first.split()[1], headers, json.loads(body)))
        said = f'{{"mId":"v{len(vendor.received)}"}}'
        reply = vendor.answers.popleft() if vendor.answers else answer(200, said)
        if vendor.turns is not None:
            await vendor.turns.acquire()
        if reply == SILENCE:
            await asyncio.get_running_loop().create_future()
        if reply != HANG_UP:
            writer.write(reply)
            await writer.drain()

    async with serving_raw(handle) as port:
        vendor.url = f"http://127.0.0.1:{port}"
        yield vendor
