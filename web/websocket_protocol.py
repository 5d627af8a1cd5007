"""Uvicorn's WebSocket protocol, with a way to write ready frames straight to the transport."""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from web.turns import TURN

FRAMES = "parley.frames"
"""Our extension of ASGI, as `schema/frames.py` asks for it."""
TEXT = 0x81
SHORT, MEDIUM = 126, 1 << 16


def text_frame(payload: bytes) -> bytes:
    """Return a server's whole text frame (RFC 6455, 5.2): not masked, not compressed."""
    size = len(payload)
    if size < SHORT:
        return bytes((TEXT, size)) + payload
    if size < MEDIUM:
        return bytes((TEXT, 126)) + size.to_bytes(2, "big") + payload
    return bytes((TEXT, 127)) + size.to_bytes(8, "big") + payload


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection; its application may write frames without waiting for its turn."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ready: list[bytes] = []
        self.ready_bytes = 0

    def handle_connect(self, event: Any) -> None:
        """Offer the extension with the scope, before the application runs."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[FRAMES] = self.write_text

    def write_text(self, payload: bytes) -> int:
        """Have one text frame written; return how many bytes wait for the client, 0 for none."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return 0
        if not self.ready:
            TURN.add(self, self.loop)
        frame = text_frame(payload)
        self.ready.append(frame)
        self.ready_bytes += len(frame)
        return self.ready_bytes + self.transport.get_write_buffer_size()

    def flush(self) -> None:
        """Write the frames that are ready, before anything else is written."""
        frames, self.ready, self.ready_bytes = self.ready, [], 0
        if frames and not (self.close_sent or self.disconnected or self.transport.is_closing()):
            self.transport.write(frames[0] if len(frames) == 1 else b"".join(frames))

    async def send(self, message: Any) -> None:
        """Send a message of the application behind the frames that are ready."""
        self.flush()
        await super().send(message)
        if message["type"] == "websocket.accept":  # all that they were for is in the scope
            del self.request, self.response

    def shutdown(self) -> None:
        """Close behind the frames that are ready."""
        self.flush()
        super().shutdown()
