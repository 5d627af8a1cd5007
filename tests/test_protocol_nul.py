"""NUL, which no database keeps, is refused wherever it stands and however it is escaped."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.toy import Toy, ask, code, toy


@pytest.fixture
async def server() -> AsyncIterator[Toy]:
    async with toy() as running:
        yield running


@pytest.mark.parametrize(
    "body",
    [
        {"query": '{hello(name:"a\\u0000b")}'},
        {"query": '{hello(name:"a\\u{0}b")}'},
        {"query": "{hello\0}"},
        {"query": "{hello}", "variables": {"a": ["b\0"]}},
        {"query": "{hello}", "variables": {"a\0": "b"}},
    ],
)
async def test_it_is_refused(server: Toy, body: Any) -> None:
    response = await ask(server, body, accept="application/graphql-response+json")
    assert (response.status_code, code(response)) == (400, "BAD_USER_INPUT")
    assert "data" not in response.json()


async def test_a_text_that_only_speaks_of_it_is_none(server: Toy) -> None:
    response = await ask(server, {"query": '{hello(name:"a\\\\u0000b")}'})
    assert response.json() == {"data": {"hello": "hello a\\u0000b"}}
