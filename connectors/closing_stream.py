"""A connection that leaves nothing open where its handshake is cancelled."""

import ssl

import httpcore2


class ClosingStream(httpcore2.AsyncNetworkStream):
    """Closes itself when TLS is cancelled half-way, which httpcore2 2.16's own stream does not."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """Read from the stream itself."""
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Write to the stream itself."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the stream itself."""
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> object:
        """Ask the stream itself."""
        return self._stream.get_extra_info(info)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore2
    ) -> httpcore2.AsyncNetworkStream:
        """Shake hands, or leave nothing open."""
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._stream.aclose()
            raise
