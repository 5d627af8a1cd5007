"""One WebSocket as frames: text in and out, each checked, sent in bounded time, closed once."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any, cast

import orjson
from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected

from schema.negotiation import operation_fault

if TYPE_CHECKING:
    from schema.endpoint import GraphQLEndpoint

FRAMES = "parley.frames"
"""Our extension of ASGI: (payload of a text frame) -> how many bytes wait to be sent."""
CLOSE_REASON_BYTES = 123
SEND_SECONDS = 30.0
CLOSE_SECONDS = 1.0
OPERATION_ID_CHARACTERS = 255
MESSAGE_TYPES = ("connection_init", "ping", "pong", "subscribe", "complete")


class Malformed(str):
    """Stands for a frame that is no JSON text; it says what is wrong."""

    __slots__ = ()


def cut_reason(reason: str) -> str:
    """Cut a close reason at a character so that it fits into the frame."""
    return reason.encode()[:CLOSE_REASON_BYTES].decode(errors="ignore")


def frame_fault(message: object) -> str | None:
    """Say what is wrong with a decoded frame, by the protocol's own shapes."""
    if isinstance(message, Malformed):
        return message
    if not isinstance(message, dict):
        return "A message must be a JSON object."
    kind, payload = message.get("type"), message.get("payload")
    if not isinstance(kind, str) or kind not in MESSAGE_TYPES:
        return f"Unknown message type: {kind}" if isinstance(kind, str) else "`type` is missing."
    if kind in ("subscribe", "complete"):
        name = message.get("id")
        if not isinstance(name, str) or not 0 < len(name) <= OPERATION_ID_CHARACTERS:
            return f"`id` must be a text of 1 to {OPERATION_ID_CHARACTERS} characters."
    if kind == "subscribe":
        return operation_fault(payload)
    if not isinstance(payload, dict | None):
        return "`payload` must be an object or null."
    return None


class SocketAdapter(ASGIWebSocketAdapter):
    """One WebSocket: text frames in and out, each sent in bounded time, closed at most once."""

    reader: asyncio.Task[Any] | None = None
    given_up = False

    async def iter_json(
        self,
        *,
        ignore_parsing_errors: bool = False,
    ) -> AsyncGenerator[object, None]:
        """Yield each frame decoded, or as `Malformed`, until the socket closes."""
        self.reader = asyncio.current_task()
        while self.ws.application_state == WebSocketState.CONNECTED:
            try:
                message = await self.ws.receive()
            except asyncio.CancelledError:
                if not self.given_up or self.reader is None:
                    raise
                self.reader.uncancel()
                return
            if message["type"] == "websocket.disconnect":
                return
            yield self.decoded(message.get("text"))

    def decoded(self, text: str | None) -> object:
        """Decode one frame."""
        maximum = cast("GraphQLEndpoint", self.view).settings.max_body_bytes
        if text is None:
            return Malformed("A message must be a text frame.")
        if len(text) > maximum or (not text.isascii() and len(text.encode()) > maximum):
            return Malformed(f"A message may have at most {maximum} bytes.")
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return Malformed("A message must be JSON.")

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send one message; a client that does not take it in time is closed as too slow."""
        text = orjson.dumps(message).decode()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self.ws.send_text(text)
        except TimeoutError as error:
            await self.close(4413, "SLOW_CONSUMER")
            raise WebSocketDisconnected from error
        except (WebSocketDisconnect, RuntimeError) as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        """Close the socket if it is open; a client that takes not even that is abandoned."""
        if self.ws.application_state != WebSocketState.CONNECTED:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.ws.close(code, cut_reason(reason))
        except TimeoutError:
            self.given_up = True
            if self.reader and self.reader is not asyncio.current_task():
                self.reader.cancel()
        except (WebSocketDisconnect, RuntimeError):
            return
