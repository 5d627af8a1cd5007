"""Opaque ids: what a client keeps instead of a table's key."""

from collections.abc import Iterable
from functools import cache
from typing import Any

import strawberry

from models.opaque import unopaque
from resolvers.names import global_id
from resolvers.viewer import hidden, number_in

MAX_IDS = 50_000
"""How many ids of one type are kept at once."""


class Ids(dict[int | str, Any]):
    """The global ids of one GraphQL type by key, each encoded once while it is kept."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    def __missing__(self, key: int | str) -> Any:
        if len(self) >= MAX_IDS:
            self.clear()
        made = self[key] = global_id(self._kind, key)
        return made


@cache
def ids_of(kind: str) -> Ids:
    """Return the ids of a GraphQL type."""
    return Ids(kind)


def encode_id(kind: str, key: int | str) -> strawberry.ID:
    """Return the global id of the object `key` of a GraphQL type."""
    return strawberry.ID(global_id(kind, key))


def split_id(value: str) -> tuple[str, str]:
    """Return the type and the key of a global id; two empty texts for what is none of ours."""
    try:
        kind, _, key = unopaque(value).decode().partition(":")
    except ValueError:
        return "", ""
    return kind, key


def decode_text_id(value: str, kind: str, *field: str) -> str:
    """Return the key of an id of the given type; refuse any other as never existing.

    `field` is the path of the argument.
    """
    found, key = split_id(value)
    if found != kind or not key:
        raise hidden(field or ("id",))
    return key


def decode_id(value: str, kind: str, *field: str) -> int:
    """Return the numeric key of an id of the given type; refuse any other as never existing."""
    key = number_in(decode_text_id(value, kind, *field))
    if key is None:
        raise hidden(field or ("id",))
    return key


def key_in(value: str, kind: str) -> int:
    """Return the key of an id of the given type; 0, which no row has, for any other."""
    found, key = split_id(value)
    return (number_in(key) if found == kind else None) or 0


def optional_key_in(value: str | None, kind: str) -> int | None:
    """Return the key of an id, or None where none was given; 0 for what is none of the type."""
    return None if value is None else key_in(value, kind)


def keys(ids: Iterable[str], kind: str = "Conversation") -> list[int]:
    """Return the keys of a list of ids; 0, which no row has, for each of another type."""
    return [key_in(id, kind) for id in ids]


def decode_optional_id(value: str | None, kind: str, field: str) -> int | None:
    """Return the key of an id, or None where none was given."""
    return None if value is None else decode_id(value, kind, field)
