"""The one guarded HTTP client: public addresses only, and failures that say whether anything left.

Names are resolved once per connection and the checked address itself is dialled, so a name that
changes its mind (DNS rebinding) changes nothing; certificate, SNI and `Host` still use the name. No
redirects, no proxies or credentials from the environment, no cookies, no decompression.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache

import httpcore2
import httpx2
import msgspec

from connectors.addresses import is_public, parse_private_hosts
from connectors.closing_stream import ClosingStream
from settings import Settings

MAX_RESPONSE_BYTES = 1024 * 1024
CONNECT_TIMEOUT_SECONDS = 5.0
"""For one address; the whole request has its own, larger limit."""
MAX_ADDRESSES_TRIED = 4
DOWNLOAD_SECONDS = 300.0
MAX_CONNECTIONS = 100
KEEPALIVE_SECONDS = 2.0
"""Shorter than the usual 5 s of Node and uvicorn: a connection that the server closes just as we
write to it would make an outcome unknown that nobody needed to doubt."""

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


class RequestFailed(Exception):  # noqa: N818 - a fact, as in models.refusal.Refused
    """A request brought no answer; the subclass says what that means."""


class RequestRefused(RequestFailed):
    """We may not send this: the URL or its address is not allowed. Permanent; nothing was sent."""


class NotSent(RequestFailed):
    """The server was not reached (name, connection or TLS). Certainly no effect; try later."""


class OutcomeUnknown(RequestFailed):
    """It broke off after the request began to be written: the server may have acted on it."""


class UnexpectedStatus(RequestFailed):
    """A download was answered, but not with the file."""

    def __init__(self, host: str, status: int) -> None:
        super().__init__(f"{host}: HTTP {status}")
        self.status = status

    @property
    def is_passing(self) -> bool:
        """Tell whether it may be otherwise later."""
        return self.status in (408, 425, 429) or self.status >= 500


@dataclass(frozen=True, slots=True)
class Response:
    """An answer in full; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system for the addresses of a name, in its order of preference."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections for the pool: resolves, checks, and dials what was checked."""

    def __init__(
        self,
        private_hosts: frozenset[tuple[str, int | None]],
        resolver: Resolver = resolve,
        dialer: httpcore2.AsyncNetworkBackend | None = None,
    ) -> None:
        self._private_hosts = private_hosts
        self._resolver = resolver
        self._dialer = dialer or httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore2
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first permitted address of the host that answers."""
        failure: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in (await self.permitted(host, port))[:MAX_ADDRESSES_TRIED]:
            try:
                stream = await self._dialer.connect_tcp(
                    address,
                    port,
                    timeout=timeout,
                    local_address=local_address,
                    socket_options=socket_options,
                )
                return ClosingStream(stream)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def permitted(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host that may be dialled; raise where all are forbidden."""
        try:
            addresses = await self._resolver(host, port)
        except socket.gaierror as error:
            raise httpcore2.ConnectError(f"{host} does not resolve") from error
        except UnicodeError as error:
            raise RequestRefused(f"{host} is not a host name") from error
        if not {(host.lower(), port), (host.lower(), None)}.isdisjoint(self._private_hosts):
            return addresses
        public = [address for address in addresses if is_public(address)]
        if addresses and not public:
            raise RequestRefused(f"{host} is not a public address")
        return public


@cache
def public_ssl_context() -> ssl.SSLContext:
    """Return what tells which servers are who they say: reading all authorities takes a while."""
    return httpx2.create_ssl_context(trust_env=False)


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """One connection pool over the guarded backend; may be the transport of an httpx2 client."""

    def __init__(self, backend: GuardedBackend, ssl_context: ssl.SSLContext | None = None) -> None:
        # Without super().__init__(), which makes a pool that resolves for itself: should the
        # attribute ever be renamed, requests fail instead of going out unguarded.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl_context or public_ssl_context(),
            max_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=backend,
        )


class GuardedClient:
    """Posts JSON to servers that other people named; one per process, closed with `aclose`."""

    def __init__(
        self,
        *,
        timeout_seconds: float,
        private_hosts: str = "",
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        backend: GuardedBackend | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._max_response_bytes = max_response_bytes
        self.backend = backend or GuardedBackend(parse_private_hosts(private_hosts))
        self.ssl_context = ssl_context
        self.transport = GuardedTransport(self.backend, ssl_context)

    @classmethod
    def from_settings(cls, settings: Settings) -> "GuardedClient":
        """Make the client that an operator's settings describe."""
        return cls(
            timeout_seconds=settings.outbound_timeout_seconds,
            private_hosts=settings.outbound_private_hosts,
        )

    async def aclose(self) -> None:
        """Close the pool and its connections."""
        await self.transport.aclose()

    async def post_json(
        self,
        url: str,
        body: bytes | Mapping[str, object],
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Post a JSON body and return the answer, whatever its status; redirects are answers too.

        Raises `RequestRefused`, `NotSent` or `OutcomeUnknown`. All of it, the name's resolution and
        the answer's body included, takes at most `timeout_seconds`.
        """
        request = _post_request(url, body, headers or {})
        began = False

        async def watch(event: str, _info: Mapping[str, object]) -> None:
            nonlocal began
            began = began or event == "http11.send_request_headers.started"

        request.extensions |= {"trace": watch, "timeout": {"connect": CONNECT_TIMEOUT_SECONDS}}
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._exchange(request)
        except httpx2.LocalProtocolError as error:
            raise RequestRefused("not a valid HTTP request") from error
        except (httpx2.HTTPError, OSError) as error:
            kind = OutcomeUnknown if began else NotSent
            raise kind(f"{request.url.host}: {type(error).__name__}") from error

    @asynccontextmanager
    async def download(self, url: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Get a file, piece by piece, in at most DOWNLOAD_SECONDS; redirects are not followed.

        Raises `RequestRefused`, `OutcomeUnknown` or `UnexpectedStatus`; the caller bounds its size.
        """
        request = _request("GET", url, b"", {"Accept": "*/*"})
        quiet = {"connect": CONNECT_TIMEOUT_SECONDS, "read": self._timeout_seconds}
        request.extensions |= {"timeout": quiet}
        host = request.url.host
        try:
            async with asyncio.timeout(DOWNLOAD_SECONDS):
                response = await self.transport.handle_async_request(request)
                try:
                    if response.status_code != 200:
                        raise UnexpectedStatus(host, response.status_code)
                    yield response.aiter_raw()
                finally:
                    await response.aclose()
        except httpx2.LocalProtocolError as error:
            raise RequestRefused("not a valid HTTP request") from error
        except (httpx2.HTTPError, OSError) as error:
            raise OutcomeUnknown(f"{host}: {type(error).__name__}") from error

    async def _exchange(self, request: httpx2.Request) -> Response:
        response = await self.transport.handle_async_request(request)
        received = bytearray()
        try:
            async for chunk in response.aiter_raw():
                received += chunk
                if len(received) > self._max_response_bytes:
                    raise OutcomeUnknown(f"{request.url.host}: the answer is too large")
        finally:
            await response.aclose()
        return Response(response.status_code, dict(response.headers), bytes(received))


def _post_request(
    url: str, body: bytes | Mapping[str, object], headers: Mapping[str, str]
) -> httpx2.Request:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    standing = {"Content-Type": "application/json", "Accept": "application/json"}
    return _request("POST", url, content, {**standing, **headers})


def _request(method: str, url: str, content: bytes, headers: Mapping[str, str]) -> httpx2.Request:
    standing = {
        "Accept-Encoding": "identity",
        "User-Agent": "Parley",
    }
    try:
        target = httpx2.URL(url)
        request = httpx2.Request(method, target, headers={**standing, **headers}, content=content)
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise RequestRefused("not a valid URL or header") from error
    if target.scheme not in ("http", "https") or not target.host:
        raise RequestRefused("not an http or https URL")
    if target.port is not None and not 0 < target.port < 65536:
        raise RequestRefused("not a port")
    if target.userinfo:
        raise RequestRefused("a URL with a user name or password in it")
    return request
