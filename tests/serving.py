"""A real uvicorn inside a test, set up as in production, on a free port."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

from web.http_protocol import HttpProtocol
from web.websocket_protocol import WebSocketProtocol

STARTUP_SECONDS = 10.0


class TestServer(uvicorn.Server):
    """A server that leaves the signals alone and stops as soon as it is told to."""

    __test__ = False

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self.stopping = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening and say so."""
        await super().startup(sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        """Serve until told to stop."""
        await self.on_tick(0)
        await self.stopping.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the test runner."""
        yield


@asynccontextmanager
async def serving(asgi_app: Any, **uvicorn_options: Any) -> AsyncIterator[str]:
    """Serve an application for the time of the block and yield `http://127.0.0.1:port`."""
    options: dict[str, Any] = {
        "http": HttpProtocol,
        "ws": WebSocketProtocol,
        "ws_per_message_deflate": False,
        "log_config": None,
        "timeout_graceful_shutdown": 5,
        **uvicorn_options,
    }
    listener = socket.create_server(("127.0.0.1", 0))
    server = TestServer(uvicorn.Config(asgi_app, **options))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    ready = asyncio.create_task(server.listening.wait())
    try:
        async with asyncio.timeout(STARTUP_SECONDS):
            await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
            raise RuntimeError("the application did not start")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ready.cancel()
        server.stopping.set()
        await task
        listener.close()
