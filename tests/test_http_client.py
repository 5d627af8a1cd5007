"""The guarded client: what it reaches, what it refuses, and what it knows when a request fails."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import httpcore2
import pytest

from connectors.addresses import is_public, parse_private_hosts
from connectors.http import (
    GuardedBackend,
    GuardedClient,
    NotSent,
    RequestRefused,
    Response,
)
from settings import Settings

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

PUBLIC = ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"]
PUBLIC += ["2002:101:101::1", "2a00:1450:4001:831::200e"]
NOT_PUBLIC = ["0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254"]
NOT_PUBLIC += ["169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.192"]
NOT_PUBLIC += ["192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1"]
NOT_PUBLIC += ["203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"]
NOT_PUBLIC += ["168.63.129.16", "100.100.100.200", "::", "::1", "::7f00:1", "::ffff:127.0.0.1"]
NOT_PUBLIC += ["::ffff:10.0.0.1", "::ffff:0:7f00:1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"]
NOT_PUBLIC += ["64:ff9b:1::1", "64:ff9b:1::808:808", "100::1", "2001::1"]
NOT_PUBLIC += ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "2002:7f00:1::"]
NOT_PUBLIC += ["2002:a00:1::1", "2002:a9fe:a9fe::1", "3fff::1", "5f00::1", "fc00::1"]
NOT_PUBLIC += ["fd00:ec2::254", "fe80::1", "fe80::1%1", "fec0::1", "ff02::1", "ff0e::1"]

REFUSED_URLS = ["ftp://inbox.test/", "gopher://inbox.test/", "file:///etc/passwd", "http://", ""]
REFUSED_URLS += ["inbox.test/x", "http://[::1", "http://inbox.test:0/", "http://inbox.test:99999/"]
REFUSED_URLS += ["http://me:secret@inbox.test/", "http://me@inbox.test/"]

# A certificate for inbox.test that signed itself, with its key: they guard nothing but these tests.
CERTIFICATE = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgLv1eW+tLAGKu2mSI
zTYCMzxrFD6c424b0PykPOIuagihRANCAAQy4RZgYxqq04Ztdx+gf1xIs0eMRVQ/
PIupGvDYFEXBW2W901p29aTpiUelABsej0mBB3lSHMr2HAveL6xX9W5D
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBmTCCAT6gAwIBAgIUFpTiUjKiXxzI+cFZnfig8mMLBYMwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKaW5ib3gudGVzdDAgFw0yNjExMjIyMDI3MzBaGA8yMTI2MTAy
OTIwMjczMFowFTETMBEGA1UEAwwKaW5ib3gudGVzdDBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABDLhFmBjGqrThm13H6B/XEizR4xFVD88i6ka8NgURcFbZb3TWnb1
pOmJR6UAGx6PSYEHeVIcyvYcC94vrFf1bkOjajBoMB0GA1UdDgQWBBR/qjqvTQYN
Ua8YHxAvWXwJqhfpADAfBgNVHSMEGDAWgBR/qjqvTQYNUa8YHxAvWXwJqhfpADAP
BgNVHRMBAf8EBTADAQH/MBUGA1UdEQQOMAyCCmluYm94LnRlc3QwCgYIKoZIzj0E
AwIDSQAwRgIhAJJtb02xnARTa3CPZKao8WRP8JoS7t0rKCYwDP4RNr2KAiEA7xqA
tqZGCsHtxV2O8x5TPVExcaoTSRaJbr3VGpJBEbA=
-----END CERTIFICATE-----
"""


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve raw TCP on a free local port and yield the port; connections end with the server."""
    running: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError), closing(writer):
            await handler(reader, writer)

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.create_task(handle(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@asynccontextmanager
async def client_for(
    names: Iterable[str] = ("inbox.test", "127.0.0.1"),
    *,
    addresses: Iterable[str] = ("127.0.0.1",),
    timeout_seconds: float = 5.0,
    trusting: str | None = None,
) -> AsyncIterator[GuardedClient]:
    """Make a client that may reach the names although they are private, at the given addresses."""

    async def resolver(host: str, port: int) -> list[str]:
        return list(addresses)

    client = GuardedClient(
        timeout_seconds=timeout_seconds,
        backend=GuardedBackend(parse_private_hosts(",".join(names)), resolver),
        ssl_context=ssl.create_default_context(cadata=trusting),
    )
    try:
        yield client
    finally:
        await client.aclose()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Read one request's head and its body by Content-Length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head + await reader.readexactly(length)


def answering(answer: bytes, seen: list[bytes] | None = None) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:  # until the client hangs up
            request = await read_request(reader)
            if seen is not None:
                seen.append(request)
            writer.write(answer)
            await writer.drain()

    return handler


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


def test_private_hosts_are_read_with_and_without_ports() -> None:
    text = " crm.local ,Demo:8080,[::1]:9000,[fd00::1],fd00::2, "
    expected = {("crm.local", None), ("demo", 8080), ("::1", 9000), ("fd00::1", None)}
    assert parse_private_hosts(text) == expected | {("fd00::2", None)}
    with pytest.raises(ValueError, match="http"):
        parse_private_hosts("crm:http")


async def test_an_answer_is_returned_in_full_and_nothing_of_ours_is_added() -> None:
    seen: list[bytes] = []
    answer = b"HTTP/1.1 404 Not Found\r\nSet-Cookie: a=b\r\nContent-Length: 4\r\n\r\ngone"
    async with serving(answering(answer, seen)) as port, client_for() as client:
        url = f"http://inbox.test:{port}/a?b=c"
        responses = [await client.post_json(url, {"n": 1}, {"X-Id": "7"}) for _ in range(2)]
    headers = {"set-cookie": "a=b", "content-length": "4"}
    assert responses == [Response(404, headers, b"gone")] * 2
    assert seen[0] == seen[1]  # the cookie did not come back
    head, body = seen[0].split(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "post /a?b=c http/1.1"
    assert sorted(lines[1:]) == [
        "accept-encoding: identity",
        "accept: application/json",
        "content-length: 7",
        "content-type: application/json",
        f"host: inbox.test:{port}",
        "user-agent: parley",
        "x-id: 7",
    ]
    assert body == b'{"n":1}'


@pytest.mark.parametrize("url", REFUSED_URLS)
async def test_urls_that_are_refused(url: str) -> None:
    async with client_for() as client:
        with pytest.raises(RequestRefused):
            await client.post_json(url, b"{}")


@pytest.mark.parametrize("value", ["a\r\nHost: evil", "schlüssel✓"])
async def test_a_header_that_http_cannot_carry_is_refused(value: str) -> None:
    seen: list[bytes] = []
    async with serving(answering(OK, seen)) as port, client_for() as client:
        with pytest.raises(RequestRefused):
            await client.post_json(f"http://inbox.test:{port}/", b"{}", {"Authorization": value})
    assert seen == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1"])
async def test_a_local_server_is_not_reached_unless_it_is_listed(host: str) -> None:
    seen: list[bytes] = []
    async with serving(answering(OK, seen)) as port:
        guarded = GuardedClient.from_settings(Settings(outbound_private_hosts=f"other:{port}"))
        with pytest.raises(RequestRefused):
            await guarded.post_json(f"http://{host}:{port}/", b"{}")
        await guarded.aclose()
        assert seen == []
        listed = GuardedClient.from_settings(Settings(outbound_private_hosts=f"{host}:{port}"))
        assert (await listed.post_json(f"http://{host}:{port}/", b"{}")).status == 200
        await listed.aclose()


class Dialer(httpcore2.AsyncNetworkBackend):
    """Notes where it was sent, and gets nowhere."""

    def __init__(self) -> None:
        self.dialled: list[str] = []

    async def connect_tcp(
        self, host: str, *_arguments: object, **_options: object
    ) -> httpcore2.AsyncNetworkStream:
        self.dialled.append(host)
        raise httpcore2.ConnectError("refused")


async def test_the_checked_address_is_dialled_whatever_the_name_says_next() -> None:
    answers = iter([["1.1.1.1", "127.0.0.1", "2606:4700::1111"], ["127.0.0.1"]])

    async def rebinding(host: str, port: int) -> list[str]:
        return next(answers)

    dialer = Dialer()
    backend = GuardedBackend(frozenset(), rebinding, dialer)
    client = GuardedClient(timeout_seconds=5, backend=backend)
    with pytest.raises(NotSent):
        await client.post_json("http://rebind.test/", b"{}")
    with pytest.raises(RequestRefused):
        await client.post_json("http://rebind.test/", b"{}")
    assert dialer.dialled == ["1.1.1.1", "2606:4700::1111"]
    await client.aclose()


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    addresses = ["::1", "127.0.0.1"]
    async with serving(answering(OK)) as port, client_for(addresses=addresses) as client:
        assert (await client.post_json(f"http://inbox.test:{port}/", b"{}")).status == 200


async def test_a_redirect_is_an_answer() -> None:
    seen: list[bytes] = []
    async with serving(answering(OK, seen)) as target:
        answer = (
            f"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:{target}/\r\nContent-Length: 0\r\n\r\n"
        )
        async with serving(answering(answer.encode())) as port, client_for() as client:
            response = await client.post_json(f"http://inbox.test:{port}/", b"{}")
    assert (response.status, seen) == (307, [])


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    proxied: list[bytes] = []
    async with serving(answering(OK, proxied)) as proxy, serving(answering(OK)) as port:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        async with client_for() as client:
            assert (await client.post_json(f"http://inbox.test:{port}/", b"{}")).status == 200
    assert proxied == []


async def test_tls_is_checked_against_the_name_not_the_address(tmp_path: Path) -> None:
    file = tmp_path / "server.pem"
    file.write_text(CERTIFICATE)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    trusted = CERTIFICATE.split("-----END PRIVATE KEY-----\n")[1]
    asked: list[str | None] = []
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    seen: list[bytes] = []
    async with serving(answering(OK, seen), tls) as port:
        async with client_for(["inbox.test", "other.test"], trusting=trusted) as client:
            response = await client.post_json(f"https://inbox.test:{port}/", b"{}")
            assert (response.status, asked) == (200, ["inbox.test"])
            with pytest.raises(NotSent):
                await client.post_json(f"https://other.test:{port}/", b"{}")
        async with client_for(["inbox.test"]) as stranger:
            with pytest.raises(NotSent):
                await stranger.post_json(f"https://inbox.test:{port}/", b"{}")
    assert len(seen) == 1
