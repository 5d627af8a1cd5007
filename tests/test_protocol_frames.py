"""The wire, to the letter: each malformed frame, each refused handshake and its close code."""

import asyncio
from typing import Any

import pytest
import structlog
from websockets.exceptions import InvalidStatus

from schema.frames import cut_reason, frame_fault
from tests.toy import (
    DEADLINE,
    acknowledged,
    begin,
    closing,
    hear,
    say,
    subscribe,
    toy,
)

LONG = "é" * 300
GOOD = {"query": "{hello}"}


@pytest.mark.parametrize(
    "frame",
    [
        b"\x00\x01",
        b'{"type":"ping"}',
        "",
        "{",
        "NaN",
        "[" * 5000,
        '"\\ud800"',
        [1],
        7,
        "null",
        '"ping"',
        {},
        {"type": None},
        {"type": 7},
        {"type": ["ping"]},
        {"type": {"a": 1}},
        {"type": "start"},
        {"type": "connection_ack"},
        {"type": "next", "id": "1", "payload": {}},
        {"type": LONG},
        {"type": "ping", "payload": "x"},
        {"type": "ping", "payload": [1]},
        {"type": "pong", "payload": 7},
        {"type": "connection_init", "payload": "token"},
        {"type": "connection_init", "payload": []},
        {"type": "complete"},
        {"type": "complete", "id": 7},
        {"type": "complete", "id": {"a": 1}},
        {"type": "complete", "id": [1]},
        {"type": "subscribe"},
        {"type": "subscribe", "id": "1"},
        {"type": "subscribe", "payload": GOOD},
        {"type": "subscribe", "id": 1, "payload": GOOD},
        {"type": "subscribe", "id": {}, "payload": GOOD},
        {"type": "subscribe", "id": "", "payload": GOOD},
        {"type": "subscribe", "id": "x" * 256, "payload": GOOD},
        {"type": "subscribe", "id": "1", "payload": None},
        {"type": "subscribe", "id": "1", "payload": "{hello}"},
        {"type": "subscribe", "id": "1", "payload": [GOOD]},
        {"type": "subscribe", "id": "1", "payload": {}},
        {"type": "subscribe", "id": "1", "payload": {"query": None}},
        {"type": "subscribe", "id": "1", "payload": {"query": ["{hello}"]}},
        {"type": "subscribe", "id": "1", "payload": {**GOOD, "variables": "x"}},
        {"type": "subscribe", "id": "1", "payload": {**GOOD, "variables": [1]}},
        {"type": "subscribe", "id": "1", "payload": {**GOOD, "operationName": 7}},
        {"type": "subscribe", "id": "1", "payload": {**GOOD, "extensions": "x"}},
        {"type": "ping", "payload": {"filler": "x" * 20_000}},
        {"type": "ping", "payload": {"filler": "é" * 6_000}},
    ],
)
async def test_a_malformed_frame_closes_with_4400(frame: Any) -> None:
    async with toy(max_body_bytes=10_000) as server, server.connect() as socket:
        await acknowledged(socket)
        await subscribe(socket, "subscription{hang}", "running")
        assert (await hear(socket))["type"] == "next"
        with structlog.testing.capture_logs() as logs:
            await say(socket, frame)
            code, reason = await closing(socket)
        async with asyncio.timeout(DEADLINE):
            await server.world.cancelled.wait()
    assert code == 4400
    assert reason
    assert len(reason.encode()) <= 123
    assert logs == []


def test_a_close_reason_is_cut_at_a_character() -> None:
    assert cut_reason("é" * 100) == "é" * 61
    assert cut_reason("short") == "short"
    assert frame_fault({"type": "pong"}) is None


@pytest.mark.parametrize(
    ("token", "payload", "header", "closed"),
    [
        (None, {}, None, (4403, "Forbidden")),
        (None, None, None, (4403, "Forbidden")),
        ("bad", None, None, (4403, "Forbidden")),
        ("old", None, None, (4411, "TOKEN_EXPIRED")),
        (None, {"authorization": 7}, None, (4403, "Forbidden")),
        (None, {"authorization": "good"}, None, (4403, "Forbidden")),
        (None, {"authorization": "Bearer bad"}, "Bearer good", (4403, "Forbidden")),
        ("good", None, None, None),
        (None, {"Authorization": "bearer good"}, None, None),
        (None, {}, "Bearer good", None),
        (None, None, "Bearer good", None),
    ],
)
async def test_connection_init_is_acknowledged_for_a_good_token_only(
    token: str | None,
    payload: dict[str, Any] | None,
    header: str | None,
    closed: tuple[int, str] | None,
) -> None:
    if token:
        payload = {"authorization": f"Bearer {token}"}
    headers = {"authorization": header} if header else {}
    async with toy() as server, server.connect(additional_headers=headers) as socket:
        await say(socket, {"type": "connection_init", "payload": payload})
        if closed:
            assert await closing(socket) == closed
        else:
            assert await hear(socket) == {"type": "connection_ack"}


async def test_the_protocol_has_an_order() -> None:
    async with toy() as server:
        async with server.connect() as early:
            await subscribe(early, "{hello}")
            assert await closing(early) == (4401, "Unauthorized")
        async with server.connect() as twice:
            await acknowledged(twice)
            await begin(twice)
            assert await closing(twice) == (4429, "Too many initialisation requests")
        async with server.connect() as same:
            await acknowledged(same)
            await subscribe(same, "subscription{hang}", "x" * 200)
            await subscribe(same, "{hello}", "x" * 200)
            code, reason = await closing(same)
            assert (code, reason) == (4409, f"Subscriber for {'x' * 108}")


async def test_a_silent_client_is_closed_with_4408() -> None:
    async with toy(connection_init_timeout_seconds=0.1) as server, server.connect() as socket:
        assert await closing(socket) == (4408, "Connection initialisation timeout")


async def test_an_acknowledged_client_outlives_the_init_timeout() -> None:
    async with (
        toy(connection_init_timeout_seconds=0.1) as server,
        server.connect() as patient,
        server.connect() as silent,
    ):
        await acknowledged(patient)
        assert (await closing(silent))[0] == 4408
        await say(patient, {"type": "ping"})
        assert await hear(patient) == {"type": "pong"}


@pytest.mark.parametrize("protocols", [["graphql-ws"], ["soap"], None])
async def test_other_subprotocols_are_closed_with_4406(protocols: list[str] | None) -> None:
    async with toy() as server, server.connect(subprotocols=protocols) as socket:
        assert socket.subprotocol is None
        assert await closing(socket) == (4406, "Subprotocol not acceptable")


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"origin": "null"}, {"host": "evil.example"}]
)
async def test_a_page_or_host_from_elsewhere_gets_no_socket(headers: dict[str, str]) -> None:
    async with toy(allowed_hosts="127.0.0.1") as server:
        with pytest.raises(InvalidStatus) as refused:
            await server.connect(additional_headers=headers)
        assert refused.value.response.status_code == 403
    async with toy(allowed_hosts="inbox.example") as server:
        with pytest.raises(InvalidStatus) as refused:
            await server.connect()
        assert refused.value.response.status_code == 403
