"""The wire, to the letter: operations over sockets, their contexts and last words."""

import asyncio
from datetime import timedelta

import orjson
import pytest
import structlog

from models.clock import now
from models.engine.errors import TransientDatabaseError
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
    assert len(server.world.contexts) == 3


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
