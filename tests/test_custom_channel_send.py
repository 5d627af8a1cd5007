"""Sending through the custom channel, to a real HTTP server: what each answer means."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from connectors.channels import (
    ChannelAddress,
    ContentKind,
    FailedForGood,
    OutgoingMessage,
    RetryLater,
    SendOutcome,
    Sent,
    Unknown,
    custom,
)
from connectors.http import GuardedClient
from tests.test_http_client import Handler, answering, client_for, read_request, serving

MESSAGE = OutgoingMessage("+60177872890", "8b1f", 'Selamat pagi ☀ "quoted"\n')


def answer(status: int, body: str = "", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body.encode())}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


async def sent_to(handler: Handler, timeout_seconds: float = 5.0) -> SendOutcome:
    async with serving(handler) as port, client_for(timeout_seconds=timeout_seconds) as client:
        address = ChannelAddress(f"http://inbox.test:{port}/api/", "t0k", "gfd8")
        return await custom.send(client, address, MESSAGE)


async def test_a_message_is_posted_as_respond_io_posts_it() -> None:
    seen: list[bytes] = []
    assert await sent_to(answering(answer(200, '{"mId":"x1"}'), seen)) == Sent("x1")
    head, body = seen[0].split(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /api/message HTTP/1.1"
    assert {"Authorization: Bearer t0k", "Idempotency-Key: 8b1f"} < set(lines)
    message = {"type": "text", "text": MESSAGE.text}
    expected = {"channelId": "gfd8", "contactId": "+60177872890", "message": message}
    assert (len(seen), json.loads(body)) == (1, expected)


LONG = "é" * 501
ANSWERS = [
    (answer(201, '{"mId":7}'), Sent("7")),
    (answer(200, "{}"), Unknown("no mId in the answer")),
    (answer(200, '{"mId":""}'), Unknown("no mId in the answer")),
    (answer(200, '{"mId":null}'), Unknown("no mId in the answer")),
    (answer(200, "[]"), Unknown("no mId in the answer")),
    (answer(200, "OK"), Unknown("no mId in the answer")),
    (answer(204), Unknown("no mId in the answer")),
    (
        answer(400, '{"error":{"message":"no such number"}}'),
        FailedForGood("REJECTED", "no such number"),
    ),
    (answer(422, f'{{"error":{{"message":"{LONG}"}}}}'), FailedForGood("REJECTED", "é" * 500)),
    (answer(404, "<html>"), FailedForGood("REJECTED", "HTTP 404")),
    (answer(400, '{"error":"no"}'), FailedForGood("REJECTED", "HTTP 400")),
    (answer(401, '{"error":{"message":"who?"}}'), FailedForGood("UNAUTHORIZED", "who?")),
    (answer(403), FailedForGood("UNAUTHORIZED", "HTTP 403")),
    (answer(302, "", "Location: http://10.0.0.1/"), FailedForGood("REDIRECTED", "HTTP 302")),
    (answer(408), RetryLater("HTTP 408")),
    (answer(425), RetryLater("HTTP 425")),
    (answer(429, "", "Retry-After: 17"), RetryLater("HTTP 429", 17)),
    (answer(429, "", "Retry-After: 86400"), RetryLater("HTTP 429", 3600)),
    (answer(429, "", "Retry-After: -5"), RetryLater("HTTP 429")),
    (answer(429, "", "Retry-After: soon"), RetryLater("HTTP 429")),
    (answer(429, "", "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT"), RetryLater("HTTP 429", 0)),
    (answer(500, '{"error":{"message":"down"}}'), RetryLater("down")),
    (answer(503, "", "Retry-After: 0"), RetryLater("HTTP 503", 0)),
    (answer(502), Unknown("HTTP 502")),
    (answer(504), Unknown("HTTP 504")),
    (answer(520), Unknown("HTTP 520")),
]


@pytest.mark.parametrize(("said", "outcome"), ANSWERS)
async def test_what_an_answer_means(said: bytes, outcome: SendOutcome) -> None:
    assert await sent_to(answering(said)) == outcome


async def test_retry_after_may_be_a_date() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    outcome = await sent_to(answering(answer(503, "", f"Retry-After: {at}")))
    assert isinstance(outcome, RetryLater)
    assert outcome.after_seconds is not None
    assert 80 < outcome.after_seconds <= 90


async def test_a_server_that_takes_the_request_and_falls_silent_leaves_it_unknown() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await asyncio.get_running_loop().create_future()

    outcome = await sent_to(silent, timeout_seconds=0.2)
    assert outcome == Unknown("inbox.test: TimeoutError")


async def test_a_server_that_hangs_up_leaves_it_unknown() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)

    assert await sent_to(hang_up) == Unknown("inbox.test: RemoteProtocolError")


async def test_what_was_not_sent_is_tried_later_and_what_is_refused_never() -> None:
    async with client_for() as client:
        outcome = await custom.send(
            client, ChannelAddress("http://inbox.test:1", "t", "c"), MESSAGE
        )
    assert outcome == RetryLater("inbox.test: ConnectError")
    client = GuardedClient(timeout_seconds=5)
    outcome = await custom.send(client, ChannelAddress("http://127.0.0.1:1", "t", "c"), MESSAGE)
    await client.aclose()
    assert outcome == FailedForGood("ADDRESS_REFUSED", "127.0.0.1 is not a public address")


async def test_a_kind_that_the_channel_cannot_send_is_not_tried() -> None:
    picture = OutgoingMessage("c", "k", "", ContentKind.ATTACHMENT)
    async with client_for() as client:
        outcome = await custom.send(
            client, ChannelAddress("http://inbox.test:1", "t", "c"), picture
        )
    assert outcome == FailedForGood("UNSUPPORTED_KIND", "This channel cannot send ATTACHMENT.")


def test_a_token_is_not_in_the_representation_of_an_address() -> None:
    assert "t0k" not in repr(ChannelAddress("https://t0k.test/t0k", "t0k", "gfd8"))
