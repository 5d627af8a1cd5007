"""Documents by id and by hash: over HTTP, as events and over WebSockets; registered or learnt."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from cli import cli
from schema.documents import CACHED_DOCUMENTS, Documents
from schema.errors import ApiError
from schema.execution import BoundedSchema
from schema.registry import HASH, ManifestProblem, hash_of, read_manifest
from settings import Settings
from tests.toy import Query, Subscription, Toy, acknowledged, ask, hear, say, toy

HELLO = "query Hello($name: String!) { hello(name: $name) }"
COUNT = "subscription { count }"
NOT_FOUND = {
    "message": "PersistedQueryNotFound",
    "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
}
ONLY = {
    "message": "Only registered documents are executed here.",
    "extensions": {"code": "PERSISTED_QUERY_ONLY"},
}


def manifest(path: Path, **documents: str) -> Path:
    """Write a manifest of documents by id."""
    file = path / "documents.json"
    file.write_bytes(orjson.dumps({"version": 1, "documents": documents}))
    return file


def schema_with(**settings: Any) -> BoundedSchema:
    return BoundedSchema(Query, subscription=Subscription, settings=Settings(**settings))


@pytest.fixture
def registered(tmp_path: Path) -> Path:
    return manifest(tmp_path, hello=HELLO, count=COUNT)


async def answer_of(
    server: Toy, body: dict[str, Any], accept: str = "application/json"
) -> tuple[int, Any]:
    answer = await ask(server, body, accept=accept)
    return answer.status_code, answer.json()


def apq(text: str, **changes: Any) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)} | changes}


async def test_a_registered_document_is_executed_by_its_id(registered: Path) -> None:
    async with toy(persisted_documents=registered) as server:
        for document_id in ("hello", HASH + hash_of(HELLO)):
            body = {"documentId": document_id, "variables": {"name": "Ann"}}
            assert await answer_of(server, body) == (200, {"data": {"hello": "hello Ann"}})
        assert await answer_of(server, {"query": "{ who }"}) == (200, {"data": {"who": "None"}})


async def test_an_unknown_id_or_hash_is_a_typed_error() -> None:
    async with toy() as server:
        for named in ({"documentId": "x"}, {"extensions": apq(HELLO)}):
            assert await answer_of(server, named) == (200, {"errors": [NOT_FOUND]})
            told = await answer_of(server, named, "application/graphql-response+json")
            assert told == (400, {"errors": [NOT_FOUND]})


@pytest.mark.parametrize(
    "named",
    [
        {"documentId": ""},
        {"documentId": 5},
        {"documentId": "x" * 256},
        {"documentId": "x", "query": HELLO},
        {"documentId": "x", "extensions": apq(HELLO)},
        {"extensions": {"persistedQuery": "x"}},
        {"extensions": apq(HELLO, version=2)},
        {"extensions": apq(HELLO, sha256Hash=None)},
        {"query": " ", "extensions": apq(HELLO)},
        {},
    ],
)
async def test_a_document_that_is_not_named_well_is_malformed(named: dict[str, Any]) -> None:
    async with toy() as server:
        status, body = await answer_of(server, named)
    assert (status, body["errors"][0]["extensions"]) == (400, {"code": "BAD_USER_INPUT"})


async def test_a_hash_is_learnt_with_its_text_and_known_from_then_on() -> None:
    async with toy() as server:
        hashed = {"extensions": apq(HELLO), "variables": {"name": "Bea"}}
        upper = {**hashed, "extensions": apq(HELLO, sha256Hash=hash_of(HELLO).upper())}
        answers = [
            await answer_of(server, body)
            for body in (hashed, {**hashed, "query": HELLO}, hashed, upper)
        ]
        done = (200, {"data": {"hello": "hello Bea"}})
        assert answers == [(200, {"errors": [NOT_FOUND]}), done, done, done]
        _, wrong = await answer_of(server, {"query": "{ who }", "extensions": apq(HELLO)})
        assert wrong["errors"][0]["message"] == "provided sha does not match query"


def test_what_cannot_be_executed_is_not_learnt() -> None:
    documents = schema_with().documents
    for text in ("{", "{ nothing }", "{ who }" + " " * 20_000):
        assert documents.text_of(text, None, hash_of(text)) == text
        with pytest.raises(ApiError, match="PersistedQueryNotFound"):
            documents.text_of(None, None, hash_of(text))
    assert documents.by_hash == {}


def test_learnt_hashes_go_with_their_texts_and_registered_ones_stay(registered: Path) -> None:
    documents: Documents = schema_with(persisted_documents=registered).documents
    texts = [f"query Q{number} {{ who }}" for number in range(CACHED_DOCUMENTS + 10)]
    for text in texts:
        assert documents.text_of(text, None, hash_of(text)) == text
    assert len(documents.known) == len(documents.by_hash) == CACHED_DOCUMENTS
    assert set(documents.by_hash.values()) == set(texts[10:])
    assert documents.text_of(None, "hello", None) == HELLO
    assert documents.get(HELLO) is documents.registered[HELLO]


async def test_where_only_registered_ones_count_others_are_refused(registered: Path) -> None:
    async with toy(persisted_documents=registered, persisted_only=True) as server:
        given = {"variables": {"name": "Cleo"}}
        done = (200, {"data": {"hello": "hello Cleo"}})
        for named in ({"documentId": "hello"}, {"query": HELLO}, {"extensions": apq(HELLO)}):
            assert await answer_of(server, {**named, **given}) == done
        for text in ("{ who }", "{ __schema { types { name } } }"):
            for body, error in (
                ({"query": text}, ONLY),
                ({"query": text, "extensions": apq(text)}, ONLY),
                ({"extensions": apq(text)}, NOT_FOUND),
            ):
                assert await answer_of(server, body) == (200, {"errors": [error]})


async def test_events_and_sockets_take_ids_too(registered: Path) -> None:
    async with toy(persisted_documents=registered, persisted_only=True) as server:
        unknown = await ask(server, {"documentId": "none"}, accept="text/event-stream")
        assert (unknown.status_code, unknown.json()) == (400, {"errors": [NOT_FOUND]})
        assert unknown.headers["content-type"] == "application/json; charset=utf-8"
        events = await ask(server, {"documentId": "count"}, accept="text/event-stream")
        assert events.text.count("event: next") == 3
        heard = []
        async with server.connect() as socket:
            await acknowledged(socket)
            for name, payload in (
                ("a", {"documentId": "hello", "variables": {"name": "Dan"}}),
                ("b", {"documentId": "none"}),
                ("c", {"query": "{ who }"}),
            ):
                await say(socket, {"id": name, "type": "subscribe", "payload": payload})
                heard += [await hear(socket) for _ in range(2 if name == "a" else 1)]
        assert heard == [
            {"id": "a", "type": "next", "payload": {"data": {"hello": "hello Dan"}}},
            {"id": "a", "type": "complete"},
            {"id": "b", "type": "error", "payload": [NOT_FOUND]},
            {"id": "c", "type": "error", "payload": [ONLY]},
        ]


def test_manifests_of_others_are_read(tmp_path: Path) -> None:
    file = tmp_path / "m.json"
    apollo = {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [{"id": "1", "name": "Hello", "type": "query", "body": HELLO}],
    }
    for content in (apollo, {"1": HELLO}, {"version": 1, "documents": {"1": HELLO}}):
        file.write_bytes(orjson.dumps(content))
        assert read_manifest(file) == {"1": HELLO}
    wrong: object
    for wrong in ([], {"1": 5}, {"": HELLO}, {"1": ""}, apollo | {"operations": [{}]}, "x"):
        file.write_bytes(orjson.dumps(wrong))
        with pytest.raises(ManifestProblem, match=r"m\.json"):
            read_manifest(file)
    with pytest.raises(ManifestProblem, match="none"):
        read_manifest(tmp_path / "none.json")


def test_a_server_does_not_start_with_documents_that_are_wrong(tmp_path: Path) -> None:
    wrong = manifest(tmp_path, hello=HELLO, old="{ gone }", broken="{", deep="{ who " * 3)
    with pytest.raises(ManifestProblem) as problem:
        schema_with(persisted_documents=wrong)
    assert "hello" not in str(problem.value)
    for name in ("old: Cannot query field 'gone'", "broken: Syntax Error", "deep: Syntax Error"):
        assert name in str(problem.value)


@pytest.fixture
def runner() -> Iterator[CliRunner]:
    yield CliRunner()


def test_a_build_step_registers_a_folder(tmp_path: Path, runner: CliRunner) -> None:
    (tmp_path / "client").mkdir()
    text = "query Me { viewer { id name } }"
    (tmp_path / "client" / "me.graphql").write_text(text)
    output = tmp_path / "out.json"
    done = runner.invoke(
        cli, ["schema", "persist", str(tmp_path / "client"), "--output", str(output)]
    )
    assert done.exit_code == 0, done.output
    assert read_manifest(output) == {HASH + hash_of(text): text}


def test_a_build_step_refuses_what_the_server_would(tmp_path: Path, runner: CliRunner) -> None:
    deep = (
        "query Deep { viewer "
        + "{ workspaces { viewerMember { user " * 4
        + "{ id }"
        + "}}}" * 4
        + "}"
    )
    for name, text in (("wrong", "{ nobody }"), ("deep", deep)):
        (tmp_path / f"{name}.graphql").write_text(text)
    output = tmp_path / "out.json"
    done = runner.invoke(cli, ["schema", "persist", str(tmp_path), "--output", str(output)])
    assert done.exit_code != 0
    assert not output.exists()
    said = str(done.exception)
    assert "Cannot query field 'nobody'" in said
    assert hash_of(deep) in said
    missing = runner.invoke(cli, ["schema", "persist", str(tmp_path / "none")])
    assert "there is no such file" in str(missing.exception)
