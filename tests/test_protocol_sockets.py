"""The wire, to the letter: graphql-transport-ws, its close codes, and a context per operation."""

import asyncio
from datetime import timedelta
from typing import Any

import orjson
import pytest
import structlog
from websockets.exceptions import InvalidStatus

from models.clock import now
from models.engine.errors import TransientDatabaseError
from schema.frames import cut_reason, frame_fault
from tests.toy import (
    DEADLINE,
    Caller,
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


async def test_ping_is_answered_with_its_payload_also_before_init() -> None:
    async with toy() as server, server.connect() as socket:
        for payload in ({}, {"payload": None}, {"payload": {"n": [1, "é"]}}):
            await say(socket, {"type": "ping", **payload})
            assert await hear(socket) == {"type": "pong", **payload}
        await say(socket, {"type": "pong"})
        await say(socket, {"type": "complete", "id": "never started"})
        await acknowledged(socket)


async def test_operations_run_and_complete_and_ids_are_free_again() -> None:
    async with toy() as server, server.connect() as socket:
        await acknowledged(socket)
        await subscribe(socket, "subscription{count(to:2)}")
        heard = [await hear(socket) for _ in range(3)]
        assert heard == [
            {"type": "next", "id": "1", "payload": {"data": {"count": 0}}},
            {"type": "next", "id": "1", "payload": {"data": {"count": 1}}},
            {"type": "complete", "id": "1"},
        ]
        await subscribe(socket, "query($n:String!){hello(name:$n)}", variables={"n": "é"})
        assert await hear(socket) == {
            "type": "next",
            "id": "1",
            "payload": {"data": {"hello": "hello é"}},
        }
        assert await hear(socket) == {"type": "complete", "id": "1"}


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("{", "BAD_USER_INPUT"),
        ("{hallo}", "BAD_USER_INPUT"),
        ("fragment F on Query{hello}", "BAD_USER_INPUT"),
        ("query($n:Int!){items(first:$n){name}}", "BAD_USER_INPUT"),
        ("subscription($n:Int!){count(to:$n)}", "BAD_USER_INPUT"),
        ("{item{" + "next{" * 10 + "name" + "}" * 12, "QUERY_TOO_COMPLEX"),
        ("subscription{cursor}", "CURSOR_EXPIRED"),
        ("{slow}", "TRY_AGAIN"),
    ],
)
async def test_a_request_error_is_answered_and_the_socket_stays(query: str, error: str) -> None:
    async with toy(operation_timeout_seconds=0.2) as server, server.connect() as socket:
        await acknowledged(socket)
        await subscribe(socket, query)
        told = await hear(socket)
        assert (told["type"], told["id"]) == ("error", "1")
        assert [e["extensions"]["code"] for e in told["payload"]] == [error]
        await subscribe(socket, "{hello}")
        assert (await hear(socket))["payload"] == {"data": {"hello": "hello you"}}


async def test_a_bug_in_a_stream_is_masked_and_ends_that_operation_only() -> None:
    async with toy() as server, server.connect() as socket:
        await acknowledged(socket)
        with structlog.testing.capture_logs() as logs:
            await subscribe(socket, "subscription{fail}")
            told = await hear(socket)
        assert (told["type"], told["payload"][0]["message"]) == ("error", "Internal error")
        error_id = told["payload"][0]["extensions"]["errorId"]
        assert [entry["error_id"] for entry in logs] == [error_id]
        await say(socket, {"type": "ping"})
        assert await hear(socket) == {"type": "pong"}


async def test_complete_and_disconnect_cancel_what_runs() -> None:
    async with toy() as server:
        async with server.connect() as socket:
            await acknowledged(socket)
            for _ in range(2):
                await subscribe(socket, "subscription{hang}")
                assert (await hear(socket))["type"] == "next"
                assert (server.endpoint.open_sockets, server.endpoint.running_operations) == (1, 1)
                await say(socket, {"type": "complete", "id": "1"})
                async with asyncio.timeout(DEADLINE):
                    await server.world.cancelled.wait()
                server.world.cancelled.clear()
            await subscribe(socket, "subscription{hang}")
            assert (await hear(socket))["type"] == "next"
        async with asyncio.timeout(DEADLINE):
            await server.world.cancelled.wait()
        async with server.connect() as other:
            await acknowledged(other)
            assert (server.endpoint.open_sockets, server.endpoint.running_operations) == (1, 0)


async def test_every_operation_has_a_context_of_its_own() -> None:
    async with toy() as server:
        headers = {"accept-language": "nl"}
        async with server.connect(additional_headers=headers) as socket:
            await acknowledged(socket)
            await subscribe(socket, "subscription{count(to:3)}", "a")
            await subscribe(socket, "{hello}", "b")
            heard = [await hear(socket) for _ in range(6)]
    assert {message["type"] for message in heard} == {"next", "complete"}
    assert server.world.languages == ["nl"] * 3
    assert sorted(context.executions for context in server.world.contexts) == [0, 1, 3]


async def test_a_token_that_stopped_being_good_fails_the_next_operation() -> None:
    async with toy() as server, server.connect() as socket:
        await acknowledged(socket)
        for change, code in (("old", "TOKEN_EXPIRED"), ("gone", "UNAUTHENTICATED")):
            server.world.expired = {"good"} if change == "old" else set()
            if change == "gone":
                del server.world.callers["good"]
            await subscribe(socket, "{hello}")
            told = await hear(socket)
            assert (told["type"], told["payload"][0]["extensions"]) == ("error", {"code": code})


async def test_a_token_that_expires_closes_with_4411_after_a_last_message() -> None:
    async with toy() as server, server.connect() as socket:
        server.world.callers["short"] = Caller("user:6", now() + timedelta(seconds=0.3))
        await acknowledged(socket, "short")
        await subscribe(socket, "subscription{hang}")
        assert (await hear(socket))["type"] == "next"
        told = await hear(socket)
        assert (told["type"], told["payload"][0]["extensions"]["code"]) == (
            "error",
            "TOKEN_EXPIRED",
        )
        assert await closing(socket) == (4411, "TOKEN_EXPIRED")
        async with asyncio.timeout(DEADLINE):
            await server.world.cancelled.wait()


@pytest.mark.parametrize(
    ("code", "reason"), [(4413, "SLOW_CONSUMER"), (4412, "ACCESS_REVOKED"), (1012, "restart")]
)
async def test_a_stream_can_close_its_socket_and_says_why_first(code: int, reason: str) -> None:
    async with toy() as server, server.connect() as socket:
        await acknowledged(socket)
        await subscribe(socket, f'subscription{{close(code:{code},reason:"{reason}")}}')
        assert (await hear(socket))["type"] == "next"
        told = await hear(socket)
        assert (told["type"], told["payload"][0]["extensions"]) == ("error", {"code": reason})
        assert await closing(socket) == (code, reason)


async def test_one_subject_or_all_sockets_can_be_closed() -> None:
    async with toy() as server:
        server.world.callers["other"] = Caller("user:6")
        async with server.connect() as mine, server.connect() as others:
            await acknowledged(mine)
            await acknowledged(others, "other")
            await subscribe(mine, "subscription{hang}")
            assert (await hear(mine))["type"] == "next"
            assert await server.endpoint.close_subject("user:5", 4412, "ACCESS_REVOKED") == 1
            told = await hear(mine)
            assert told["payload"][0]["extensions"] == {"code": "ACCESS_REVOKED"}
            assert await closing(mine) == (4412, "ACCESS_REVOKED")
            await server.endpoint.close_all()
            assert await closing(others) == (1012, "restart")


async def test_a_socket_runs_so_many_operations_and_no_more() -> None:
    async with toy(max_subscriptions_per_socket=2) as server, server.connect() as socket:
        await acknowledged(socket)
        for name in ("a", "b"):
            await subscribe(socket, "subscription{hang}", name)
            assert (await hear(socket))["type"] == "next"
        await subscribe(socket, "{hello}", "c")
        told = await hear(socket)
        assert (told["type"], told["id"]) == ("error", "c")
        assert told["payload"][0]["extensions"] == {"code": "RATE_LIMITED"}
        await say(socket, {"type": "complete", "id": "a"})
        await subscribe(socket, "{hello}", "c")
        assert (await hear(socket))["payload"] == {"data": {"hello": "hello you"}}


async def test_a_user_opens_so_many_sockets_and_no_more() -> None:
    async with toy(max_sockets_per_user=1) as server:
        server.world.callers["other"] = Caller("user:6")
        async with server.connect() as first, server.connect() as second, server.connect() as third:
            await acknowledged(first)
            await begin(second)
            assert await closing(second) == (4429, "Too many sockets")
            await acknowledged(third, "other")


async def test_a_failure_while_authenticating_closes_with_1013_or_1011() -> None:
    async with toy() as server:
        for failure, code in ((TransientDatabaseError("lost"), 1013), (KeyError("token"), 1011)):
            server.world.failure = failure
            async with server.connect() as socket:
                with structlog.testing.capture_logs() as logs:
                    await begin(socket)
                    closed = await closing(socket)
            assert closed[0] == code
            assert len(logs) == (code == 1011)
            assert "token" not in (closed[1] or "")


async def test_a_client_that_does_not_read_is_closed_and_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("schema.frames.SEND_SECONDS", 0.2)
    monkeypatch.setattr("schema.frames.CLOSE_SECONDS", 0.1)
    async with toy() as server, server.connect(max_queue=1, compression=None) as stalled:
        await acknowledged(stalled)
        await subscribe(stalled, "subscription{flood(size:1000000)}")
        async with server.connect() as lively:
            await acknowledged(lively)
            async with asyncio.timeout(DEADLINE):
                while server.endpoint.open_sockets > 1:
                    await say(lively, {"type": "ping"})
                    assert await hear(lively) == {"type": "pong"}
        assert server.endpoint.running_operations == 0
        stalled.transport.abort()


async def test_messages_are_text_frames_of_compact_json() -> None:
    async with toy() as server, server.connect() as socket:
        await begin(socket)
        frame = await socket.recv()
        assert isinstance(frame, str)
        assert frame == orjson.dumps({"type": "connection_ack"}).decode()
