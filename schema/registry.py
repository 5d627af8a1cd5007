"""Registered documents: what a client's build step has left here, by the ids that it sends."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson
from graphql import GraphQLSchema, GraphQLSyntaxError, OperationDefinitionNode, parse

from schema.limits import check_limits
from schema.rules import errors_of
from settings import Settings

HASH = "sha256:"


class ManifestProblem(Exception):  # noqa: N818 - what is wrong with what we were given
    """A manifest or a document cannot be used; the message says which, and why."""


def hash_of(text: str) -> str:
    """Return the SHA-256 of a document as hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(path: Path) -> dict[str, str]:
    """Return the documents of a manifest by id: ours, Relay's or Apollo's.

    Raises ManifestProblem if it is none.
    """
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise ManifestProblem(f"{path}: {error}") from error
    found = content.get("documents", content) if isinstance(content, dict) else None
    if isinstance(found, dict) and content.get("format") == "apollo-persisted-query-manifest":
        operations = found.get("operations")
        if isinstance(operations, list) and all(isinstance(one, dict) for one in operations):
            found = {one.get("id"): one.get("body") for one in operations}
    if not isinstance(found, dict) or not all(
        isinstance(part, str) and part for pair in found.items() for part in pair
    ):
        raise ManifestProblem(f"{path}: this is no manifest of documents by id.")
    return found


def collect(paths: Iterable[Path]) -> dict[str, str]:
    """Return the documents of files and folders by id: `.graphql` files by their hash."""
    documents: dict[str, str] = {}
    for path in _files(paths):
        if path.suffix == ".json":
            documents |= read_manifest(path)
        else:
            text = path.read_text()
            documents[HASH + hash_of(text)] = text
    return documents


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.rglob("*.graphql"))
        elif path.exists():
            yield path
        else:
            raise ManifestProblem(f"{path}: there is no such file.")


def problems_of(
    documents: dict[str, str], schema: GraphQLSchema, settings: Settings
) -> Iterator[str]:
    """Yield what keeps documents from being executed: syntax, validation, limits."""
    for name, text in documents.items():
        try:
            document = parse(text, max_tokens=settings.max_tokens)
        except GraphQLSyntaxError as syntax:
            yield f"{name}: {syntax.message}"
            continue
        for error in errors_of(schema, document, settings):
            yield f"{name}: {error.message}"
        for operation in document.definitions:
            if isinstance(operation, OperationDefinitionNode):
                limit = check_limits(schema, document, operation, {}, settings)
                if limit is not None:
                    yield f"{name}: {limit.message}"
