"""Direct execution: past the library for what is known, and back to it for all that goes wrong."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from models.message import Message
from schema.compiled.leaves import GiveUp
from schema.compiled.run import Run
from schema.execution import BoundedSchema
from schema.ids import encode_id
from tests import streaming
from tests.streaming import Server
from tests.toy import Toy, ask, toy
from tests.world import World

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

SEND = """mutation ($input: SendMessageInput!) {
  sendMessage(input: $input) { message { text status } userErrors { code } }
}"""


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Give the list of the documents that the library has executed."""
    execute = BoundedSchema.execute
    asked: list[str] = []

    async def noted(self: BoundedSchema, query: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(query)
        return await execute(self, query, *args, **kwargs)

    monkeypatch.setattr(BoundedSchema, "execute", noted)
    yield asked


async def answers(server: Toy, times: int, **body: Any) -> list[Any]:
    return [orjson.loads((await ask(server, body)).content) for _ in range(times)]


async def test_the_library_sees_a_document_once(library: list[str]) -> None:
    document = "query ($n: String!) { hello(name: $n) }"
    async with toy() as server:
        found = await answers(server, 3, query=document, variables={"n": "Ann"})
        assert found == [{"data": {"hello": "hello Ann"}}] * 3
        assert library == [document]


@pytest.mark.parametrize(
    "body",
    [
        {"query": "query ($n: String!) { hello(name: $n) }", "variables": {"n": 5}},
        {"query": "query ($n: String!) { hello(name: $n) }"},
        {"query": "query A { who } query B { hello }"},
        {"query": "query A { who } query B { hello }", "operationName": "C"},
        {"query": "{ items(first: 100) { items(first: 100) { __typename } } }"},
        {"query": "{ refused(hidden: true) }"},
        {"query": "{ busy }"},
        {"query": "{ __schema { queryType { name } } }"},
        {"query": "{ nothing }"},
    ],
)
async def test_what_is_wrong_is_told_alike_each_time(body: Any, library: list[str]) -> None:
    async with toy() as server:
        found = await answers(server, 3, **body)
    assert found == [found[0]] * 3
    assert library == [body["query"]] * 3


async def test_a_bug_is_masked_each_time_with_an_id_of_its_own(library: list[str]) -> None:
    async with toy() as server:
        found = await answers(server, 3, query='{ broken(password: "secret-word") }')
    ids = {answer["errors"][0]["extensions"]["errorId"] for answer in found}
    assert len(ids) == 3
    assert b"secret-word" not in orjson.dumps(found)


async def test_time_is_bounded_each_time(library: list[str]) -> None:
    async with toy(operation_timeout_seconds=0.05) as server:
        found = await answers(server, 3, query="{ slow }")
    assert [answer["errors"][0]["extensions"] for answer in found] == [{"code": "TRY_AGAIN"}] * 3
    assert ["data" in answer for answer in found] == [False] * 3
    assert library == ["{ slow }"]


async def test_a_deed_is_done_once_also_where_its_answer_fails(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch, library: list[str]
) -> None:
    message = await world.hear()
    conversation_id = encode_id("Conversation", message.conversation_id)

    async def send(text: str) -> Any:
        given = {"conversationId": conversation_id, "text": text}
        return (await server.ask(world.owner, SEND, input=given))["sendMessage"]

    done = [await send("one"), await send("two")]
    library.clear()
    complete, failures = Run._complete, [GiveUp()]

    async def complete_later(self: Run, shape: Any, values: Any) -> Any:
        if failures:
            raise failures.pop()
        return await complete(self, shape, values)

    monkeypatch.setattr(Run, "_complete", complete_later)
    done.append(await send("three"))
    assert library == [SEND]
    assert [one["message"]["text"] for one in done] == ["one", "two", "three"]
    assert await Message.filter(direction="OUTGOING").count() == 3
