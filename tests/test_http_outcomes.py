"""The guarded client against servers that fail: was nothing sent, or is the outcome unknown?"""

import asyncio
import socket
import struct

import pytest

from connectors.http import MAX_RESPONSE_BYTES, GuardedClient, NotSent, OutcomeUnknown
from tests.test_http_client import OK, answering, client_for, read_request, serving


async def never() -> None:
    await asyncio.get_running_loop().create_future()


async def test_a_name_that_does_not_exist_was_not_sent() -> None:
    client = GuardedClient(timeout_seconds=10)
    with pytest.raises(NotSent):
        await client.post_json("http://no-such-name.invalid/", b"{}")
    await client.aclose()


async def test_a_refused_connection_was_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: nobody answers here
        async with client_for() as client:
            with pytest.raises(NotSent):
                await client.post_json(f"http://inbox.test:{taken.getsockname()[1]}/", b"{}")


async def test_a_time_out_before_the_request_was_not_sent() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await never()  # never says a word of TLS

    async with serving(silent) as port, client_for(timeout_seconds=0.2) as client:
        with pytest.raises(NotSent):
            await client.post_json(f"https://inbox.test:{port}/", b"{}")


async def test_no_answer_in_time_is_unknown() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await never()

    async with serving(silent) as port, client_for(timeout_seconds=0.2) as client:
        with pytest.raises(OutcomeUnknown):
            await client.post_json(f"http://inbox.test:{port}/", b"{}")


async def test_a_body_that_trickles_for_ever_is_unknown_in_time() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        forever = asyncio.get_running_loop().create_future()
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.wait([forever], timeout=0.01)  # the slowness under test

    async with serving(trickle) as port, client_for(timeout_seconds=0.3) as client:
        started = asyncio.get_running_loop().time()
        with pytest.raises(OutcomeUnknown):
            await client.post_json(f"http://inbox.test:{port}/", b"{}")
        assert asyncio.get_running_loop().time() - started < 2


@pytest.mark.parametrize("framing", ["Content-Length: 99999999", "Transfer-Encoding: chunked"])
async def test_a_huge_body_is_cut_off_and_unknown(framing: str) -> None:
    written = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await read_request(reader)
        writer.write(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode())
        block = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        while written < 90_000_000:
            writer.write(block)
            await writer.drain()
            written += len(block)

    async with serving(pour) as port, client_for() as client:
        with pytest.raises(OutcomeUnknown, match="too large"):
            await client.post_json(f"http://inbox.test:{port}/", b"{}")
    assert written < 50 * MAX_RESPONSE_BYTES


async def test_a_body_of_exactly_the_limit_is_an_answer() -> None:
    body = b"x" * MAX_RESPONSE_BYTES
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    async with serving(answering(answer)) as port, client_for() as client:
        response = await client.post_json(f"http://inbox.test:{port}/", b"{}")
    assert response.body == body


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
async def test_a_reset_after_the_request_is_unknown(said: bytes) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(said)
        await writer.drain()
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with serving(reset) as port, client_for() as client:
        with pytest.raises(OutcomeUnknown):
            await client.post_json(f"http://inbox.test:{port}/", b"{}")


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", b"hello\r\n\r\n"]
)
async def test_a_close_or_nonsense_after_the_request_is_unknown(said: bytes) -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(said)
        await writer.drain()

    async with serving(close) as port, client_for() as client:
        with pytest.raises(OutcomeUnknown):
            await client.post_json(f"http://inbox.test:{port}/", b"{}")


async def test_connections_are_reused_and_survive_a_failure_of_another() -> None:
    connections = 0
    answer = answering(OK)

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if connections == 1:
            await read_request(reader)
            return
        await answer(reader, writer)

    async with serving(count) as port, client_for() as client:
        with pytest.raises(OutcomeUnknown):
            await client.post_json(f"http://inbox.test:{port}/", b"{}")
        for _ in range(5):
            assert (await client.post_json(f"http://inbox.test:{port}/", b"{}")).status == 200
    assert connections == 2


async def test_a_cancelled_request_is_cancelled_and_leaves_the_client_usable() -> None:
    arrived = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        arrived.set()
        await never()

    async with serving(silent) as slow, serving(answering(OK)) as port, client_for() as client:
        task = asyncio.create_task(client.post_json(f"http://inbox.test:{slow}/", b"{}"))
        async with asyncio.timeout(5):
            await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await client.post_json(f"http://inbox.test:{port}/", b"{}")).status == 200
