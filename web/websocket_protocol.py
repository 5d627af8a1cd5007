"""Uvicorn's WebSocket protocol, with a way to write ready frames straight to the transport."""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

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

    def handle_connect(self, event: Any) -> None:
        """Offer the extension with the scope, before the application runs."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[FRAMES] = self.write_text

    def write_text(self, payload: bytes) -> int:
        """Write one text frame; return how many bytes wait for the client, 0 once it is gone."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return 0
        self.transport.write(text_frame(payload))
        return self.transport.get_write_buffer_size()
