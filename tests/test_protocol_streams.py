"""The wire, to the letter: operations as Server-Sent Events, and how such a stream ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import orjson
import pytest

from tests.toy import DEADLINE, JSON_TYPE, Toy, ask, code, toy


@pytest.fixture
async def server() -> AsyncIterator[Toy]:
    async with toy(operation_timeout_seconds=0.2, max_body_bytes=10_000) as running:
        yield running


async def events(server: Toy, query: str, **headers: str) -> list[tuple[str, Any]]:
    """Read a whole event stream; comments are left out."""
    response = await ask(server, {"query": query}, accept="text/event-stream", **headers)
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["cache-control"] == "no-cache, no-transform"
    found = []
    for block in response.text.split("\r\n\r\n"):
        if block.startswith("event: "):
            name, _, data = block.removeprefix("event: ").partition("\r\ndata: ")
            found.append((name, orjson.loads(data) if data else None))
    return found


@pytest.mark.parametrize(
    ("query", "results"),
    [
        ("subscription{count(to:2)}", [{"data": {"count": 0}}, {"data": {"count": 1}}]),
        ("{hello}", [{"data": {"hello": "hello you"}}]),
        ('mutation{rename(name:"x")}', [{"data": {"rename": "x"}}]),
    ],
)
async def test_any_operation_runs_as_an_event_stream(
    server: Toy, query: str, results: list[Any]
) -> None:
    wanted = [("next", result) for result in results]
    assert await events(server, query) == [*wanted, ("complete", None)]
    assert server.endpoint.running_operations == 0


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("{hallo}", "BAD_USER_INPUT"),
        ("{", "BAD_USER_INPUT"),
        ("subscription{cursor}", "CURSOR_EXPIRED"),
        ("{slow}", "TRY_AGAIN"),
    ],
)
async def test_an_event_stream_tells_a_request_error_and_completes(
    server: Toy, query: str, error: str
) -> None:
    (name, answer), last = await events(server, query)
    assert (name, last) == ("next", ("complete", None))
    assert [e["extensions"]["code"] for e in answer["errors"]] == [error]
    assert "data" not in answer


async def test_an_event_stream_closed_by_its_operation_says_why(server: Toy) -> None:
    found = await events(server, 'subscription{close(code:4413,reason:"SLOW_CONSUMER")}')
    assert [name for name, _ in found] == ["next", "next", "complete"]
    assert found[1][1]["errors"][0]["extensions"] == {"code": "SLOW_CONSUMER"}


async def test_an_event_stream_ends_with_its_reader_its_token_or_the_server(server: Toy) -> None:
    body = orjson.dumps({"query": "subscription{hang}"})
    headers = {**JSON_TYPE, "accept": "text/event-stream", "authorization": "Bearer good"}
    async with httpx2.AsyncClient(timeout=DEADLINE) as client:
        async with client.stream("POST", server.url, content=body, headers=headers) as response:
            lines = response.aiter_lines()
            async for line in lines:
                if line.startswith("data: "):
                    break
            assert server.endpoint.running_operations == 1
        async with asyncio.timeout(DEADLINE):
            await server.world.cancelled.wait()
        for end in ("TOKEN_EXPIRED", "ACCESS_REVOKED", "TRY_AGAIN"):
            told = ""
            async with client.stream("POST", server.url, content=body, headers=headers) as response:
                async for line in response.aiter_lines():
                    if line == 'data: {"data":{"hang":0}}':
                        await end_streams(server, end)
                    told += line
            assert f'"code":"{end}"' in told
            assert told.endswith("event: completedata: ")
    assert server.endpoint.running_operations == 0


async def end_streams(server: Toy, reason: str) -> None:
    """End the open streams in one of the ways that a server has."""
    if reason == "TRY_AGAIN":
        await server.endpoint.close_all()
    else:
        await server.endpoint.close_subject("user:5", 4412, reason)


async def test_a_user_may_open_so_many_streams_and_no_more() -> None:
    async with toy(max_subscriptions_per_socket=1) as server, httpx2.AsyncClient() as client:
        body = orjson.dumps({"query": "subscription{hang}"})
        headers = {**JSON_TYPE, "accept": "text/event-stream", "authorization": "Bearer good"}
        async with client.stream("POST", server.url, content=body, headers=headers) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    break
            second = await client.post(server.url, content=body, headers=headers)
    assert (second.status_code, code(second)) == (429, "RATE_LIMITED")
