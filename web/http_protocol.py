"""Uvicorn's HTTP protocol, whose answers leave whole: it writes their head and body apart."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from web.turns import TURN

GATHERED_BYTES = 64 * 1024
"""How much is kept back at most: who writes more in a turn must learn that a client is slow."""


class Gathering:
    """A transport that writes once for each turn of the loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.transport = transport
        self.loop = loop
        self.waiting: list[bytes] = []
        self.waiting_bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    def write(self, data: bytes) -> None:
        """Write with all else of this turn."""
        if not self.waiting:
            TURN.add(self, self.loop)
        self.waiting.append(data)
        self.waiting_bytes += len(data)
        if self.waiting_bytes >= GATHERED_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what has come together, if anybody can still read it."""
        waiting, self.waiting, self.waiting_bytes = self.waiting, [], 0
        if waiting and not self.transport.is_closing():
            self.transport.write(b"".join(waiting))

    def close(self) -> None:
        """Close behind what has come together."""
        self.flush()
        self.transport.close()


class HttpProtocol(HttpToolsProtocol):
    """One connection: HTTP/1.1, until it becomes a WebSocket."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        super().connection_made(cast(asyncio.Transport, Gathering(transport, self.loop)))

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection on as it is: a WebSocket gathers its frames itself."""
        self.transport = cast(Gathering, self.transport).transport
        super().handle_websocket_upgrade()
