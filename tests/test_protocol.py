"""The wire, to the letter: GraphQL over HTTP, and errors as clients see them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import orjson
import pytest
import structlog

from models.engine.errors import TransientDatabaseError
from schema.errors import SENTENCES, ErrorCode
from tests.toy import DEADLINE, JSON_TYPE, Toy, ask, code, toy

LEGACY = "application/json"
MODERN = "application/graphql-response+json"


@pytest.fixture
async def server() -> AsyncIterator[Toy]:
    async with toy(operation_timeout_seconds=0.2, max_body_bytes=10_000) as running:
        yield running


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("*/*", LEGACY),
        ("", LEGACY),
        ("application/*;q=0.5", LEGACY),
        (LEGACY, LEGACY),
        (MODERN, MODERN),
        (f"{MODERN}; charset=utf-8, {LEGACY}; charset=utf-8", MODERN),
        (f"{LEGACY}, {MODERN}", LEGACY),
        (f"{LEGACY};q=0.4, {MODERN};q=0.9", MODERN),
        (LEGACY.upper(), LEGACY),
        (f"{LEGACY};q=0, */*", MODERN),
    ],
)
async def test_the_answer_has_the_type_that_was_asked_for(
    server: Toy, accept: str, answered: str
) -> None:
    response = await ask(server, {"query": "{hello}"}, accept=accept)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{answered}; charset=utf-8"
    assert response.json() == {"data": {"hello": "hello you"}}


@pytest.mark.parametrize(
    ("query", "variables", "status", "error"),
    [
        ("{", None, 400, "BAD_USER_INPUT"),
        ("{hello", None, 400, "BAD_USER_INPUT"),
        ("{hallo}", None, 400, "BAD_USER_INPUT"),
        ("{__typename @unknown}", None, 400, "BAD_USER_INPUT"),
        ("query($n:Int!){items(first:$n){name}}", {"n": "x"}, 400, "BAD_USER_INPUT"),
        ("query($n:Int!){items(first:$n){name}}", {}, 400, "BAD_USER_INPUT"),
        ("{item{" + "next{" * 10 + "name" + "}" * 12, None, 400, "QUERY_TOO_COMPLEX"),
        ("query A{hello} query B{who}", None, 400, "BAD_USER_INPUT"),
        ("fragment F on Query{hello}", None, 400, "BAD_USER_INPUT"),
        ("{slow}", None, 503, "TRY_AGAIN"),
    ],
)
async def test_a_request_error_has_no_data(
    server: Toy, query: str, variables: dict[str, Any] | None, status: int, error: str
) -> None:
    body = {"query": query, "variables": variables, "operationName": None}
    if query.startswith("query A"):
        body["operationName"] = "C"
    modern = await ask(server, body, accept=MODERN)
    assert (modern.status_code, code(modern)) == (status, error)
    assert modern.headers["content-type"] == f"{MODERN}; charset=utf-8"
    legacy = await ask(server, body, accept=LEGACY)
    assert (legacy.status_code, code(legacy)) == (200, error)


@pytest.mark.parametrize("accept", [LEGACY, MODERN])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"query": NaN}',
        b"[" * 2000,
        [],
        [{"query": "{hello}"}],
        "{hello}",
        7,
        None,
        {},
        {"qeury": "{hello}"},
        {"query": None},
        {"query": 7},
        {"query": ""},
        {"query": " "},
        {"query": "{hello}", "variables": []},
        {"query": "{hello}", "variables": "x"},
        {"query": "{hello}", "operationName": 7},
        {"query": "{hello}", "extensions": "x"},
    ],
)
async def test_a_malformed_request_is_refused(server: Toy, body: Any, accept: str) -> None:
    content = orjson.dumps(body) if body is None else body
    response = await ask(server, content, accept=accept)
    assert (response.status_code, code(response)) == (400, "BAD_USER_INPUT")
    assert response.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_only_post_executes(server: Toy, method: str) -> None:
    response = await ask(server, {"query": "{hello}"}, method, accept=LEGACY)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert method == "HEAD" or code(response) == "BAD_USER_INPUT"


async def test_get_executes_nothing_and_shows_the_page_to_browsers(server: Toy) -> None:
    async with httpx2.AsyncClient() as client:
        url = f"{server.url}?query=mutation{{rename(name:%22x%22)}}"
        refused = await client.get(url, headers={"accept": LEGACY})
        shown = await client.get(url, headers={"accept": "text/html,*/*;q=0.8"})
    assert refused.status_code == 405
    assert (shown.status_code, shown.text) == (200, "<!doctype html><title>GraphiQL</title>")
    assert server.world.contexts == []


@pytest.mark.parametrize(
    ("headers", "status", "error"),
    [
        ({"content_type": "application/x-www-form-urlencoded"}, 415, "BAD_USER_INPUT"),
        ({"content_type": "multipart/form-data; boundary=x"}, 401, "UNAUTHENTICATED"),
        ({"content_type": "text/plain"}, 415, "BAD_USER_INPUT"),
        ({"content_type": "text/plain; application/json"}, 415, "BAD_USER_INPUT"),
        ({"content_type": "application/graphql"}, 415, "BAD_USER_INPUT"),
        ({"content_type": ""}, 415, "BAD_USER_INPUT"),
        ({"content_type": "application/json; charset=latin-1"}, 415, "BAD_USER_INPUT"),
        ({"content_encoding": "gzip"}, 415, "BAD_USER_INPUT"),
        ({"accept": "text/html"}, 406, "BAD_USER_INPUT"),
        ({"accept": "application/xml, text/*"}, 406, "BAD_USER_INPUT"),
        ({"accept": f"{LEGACY};q=0"}, 406, "BAD_USER_INPUT"),
        ({"origin": "https://evil.example"}, 403, "FORBIDDEN"),
        ({"origin": "null"}, 403, "FORBIDDEN"),
    ],
)
async def test_a_request_from_elsewhere_is_refused_unread(
    server: Toy, headers: dict[str, str], status: int, error: str
) -> None:
    response = await ask(server, {"query": "{hello}"}, **headers)
    assert (response.status_code, code(response)) == (status, error)
    assert server.world.contexts == []


async def test_our_own_and_allowed_origins_may_ask() -> None:
    changes = {"allowed_origins": "https://app.example", "public_url": "https://inbox.example/x"}
    async with toy(**changes) as server:
        own = server.url.removesuffix("/graphql")
        statuses = [
            (await ask(server, {"query": "{hello}"}, origin=origin)).status_code
            for origin in (
                own,
                "https://app.example",
                "https://inbox.example",
                "http://app.example",
            )
        ]
    assert statuses == [200, 200, 200, 403]


async def test_only_the_hosts_of_the_settings_are_answered() -> None:
    async with toy(allowed_hosts="inbox.example, *.parley.example") as server:
        statuses = {
            host: (await ask(server, {"query": "{hello}"}, host=host)).status_code
            for host in ("inbox.example", "INBOX.example:8000", "a.parley.example", "evil.example")
        }
    assert statuses == {
        "inbox.example": 200,
        "INBOX.example:8000": 200,
        "a.parley.example": 200,
        "evil.example": 400,
    }


async def test_a_body_is_measured_as_it_arrives(server: Toy) -> None:
    exact = orjson.dumps({"query": "{hello}", "variables": {"x": ""}})
    filled = exact.replace(b'"x":""', b'"x":"' + b"y" * (10_000 - len(exact)) + b'"')
    assert (await ask(server, filled)).status_code == 200
    declared = await ask(server, filled + b" ")

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 1000

    async with httpx2.AsyncClient() as client:
        streamed = await client.post(server.url, content=chunks(), headers=JSON_TYPE)
    for response in (declared, streamed):
        assert (response.status_code, code(response)) == (413, "PAYLOAD_TOO_LARGE")


async def test_a_stale_token_is_told_to_the_context_and_the_operation_runs(server: Toy) -> None:
    told = {}
    for header in ("Bearer good", "bearer  good", "Bearer old", "Bearer bad", "Basic x", ""):
        response = await ask(server, {"query": "{who}"}, authorization=header, accept_language="nl")
        told[header] = response.json()["data"]["who"]
    assert told == {
        "Bearer good": "user:5",
        "bearer  good": "user:5",
        "Bearer old": "TOKEN_EXPIRED",
        "Bearer bad": "UNAUTHENTICATED",
        "Basic x": "None",
        "": "None",
    }
    assert server.world.languages == ["nl"] * 6
    assert len(server.world.contexts) == 6


async def test_a_mutation_and_a_named_operation_run(server: Toy) -> None:
    text = 'mutation A{rename(name:"x")} query B($n:String!){hello(name:$n)}'
    body = {"query": text, "operationName": "B", "variables": {"n": "é\u2028"}}
    assert (await ask(server, body)).json() == {"data": {"hello": "hello é\u2028"}}
    body["operationName"] = "A"
    assert (await ask(server, {**body, "variables": None})).json() == {"data": {"rename": "x"}}


async def test_a_subscription_by_plain_post_is_refused_with_advice(server: Toy) -> None:
    response = await ask(server, {"query": "subscription{count}"})
    assert (response.status_code, code(response)) == (406, "BAD_USER_INPUT")
    assert "text/event-stream" in response.json()["errors"][0]["message"]


async def test_an_operation_past_its_time_is_cancelled(server: Toy) -> None:
    response = await ask(server, {"query": "{hello slow}"})
    message = SENTENCES[ErrorCode.TRY_AGAIN]
    wanted = {"errors": [{"message": message, "extensions": {"code": "TRY_AGAIN"}}]}
    assert response.json() == wanted
    async with asyncio.timeout(DEADLINE):
        await server.world.cancelled.wait()


@pytest.mark.parametrize(
    ("query", "message", "error"),
    [
        ("{missing}", "Nothing there.", "NOT_FOUND"),
        ("{refused(hidden:true)}", "The name is taken.", "NOT_FOUND"),
        ("{refused(hidden:false)}", "The name is taken.", "BAD_USER_INPUT"),
        ("{busy}", SENTENCES[ErrorCode.TRY_AGAIN], "TRY_AGAIN"),
    ],
)
async def test_an_expected_failure_is_told_with_its_code(
    server: Toy, query: str, message: str, error: str
) -> None:
    with structlog.testing.capture_logs() as logs:
        response = await ask(server, {"query": query}, accept=MODERN)
    field = query.strip("{}").partition("(")[0]
    assert response.status_code == 200
    assert response.json() == {
        "data": {field: None},
        "errors": [
            {
                "message": message,
                "locations": [{"line": 1, "column": 2}],
                "path": [field],
                "extensions": {"code": error},
            }
        ],
    }
    assert logs == []


async def test_a_bug_is_masked_and_logged_once_without_what_the_client_sent(server: Toy) -> None:
    text = 'query($p:String!){a:broken(password:$p) b:broken(password:"literal-secret")}'
    body = {"query": text, "variables": {"p": "variable-secret"}}
    with structlog.testing.capture_logs() as logs:
        response = await ask(server, body, authorization="Bearer token-secret")
    errors = response.json()["errors"]
    assert [error["message"] for error in errors] == ["Internal error"] * 2
    assert [error["extensions"]["code"] for error in errors] == ["INTERNAL"] * 2
    ids = [error["extensions"]["errorId"] for error in errors]
    assert [(entry["path"], entry["error_id"]) for entry in logs] == [("a", ids[0]), ("b", ids[1])]
    assert all("ValueError: bug with [hidden]" in entry["traceback"] for entry in logs)
    assert "secret" not in repr(logs)


async def test_a_null_that_may_not_be_is_our_bug_and_data_is_null(server: Toy) -> None:
    with structlog.testing.capture_logs() as logs:
        response = await ask(server, {"query": "{void}"}, accept=MODERN)
    answer = response.json()
    assert (response.status_code, answer["data"], len(logs)) == (200, None, 1)
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"


async def test_a_failure_before_the_operation_is_typed_too(server: Toy) -> None:
    server.world.failure = TransientDatabaseError("connection lost")
    busy = await ask(server, {"query": "{hello}"})
    server.world.failure = RuntimeError("bug with password")
    with structlog.testing.capture_logs() as logs:
        bug = await ask(server, {"query": "{hello}"})
    assert (busy.status_code, code(busy)) == (503, "TRY_AGAIN")
    assert (bug.status_code, code(bug), len(logs)) == (500, "INTERNAL", 1)
    assert "password" not in bug.text
