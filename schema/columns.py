"""Columns: what a field of a GraphQL type needs of its row, so that nothing else is read for it."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

import strawberry

from models.layout import Layout, Source
from schema.context import Info

GLOBAL_ID = "global_id"
NEEDS = "needs"
PATH = "path"
JOINED = "joined"
SOURCED = "sourced"
Rows = tuple[Source, str]
"""Where a field's rows are read from, and the GraphQL type that they are."""


def derived(*needs: str, kind: Any = None) -> Callable[[Callable[..., Any]], Any]:
    """Declare a field computed from the named columns of its row, and from nothing else of it."""

    def declare(resolve: Callable[..., Any]) -> Any:
        return strawberry.field(resolver=resolve, graphql_type=kind, metadata={NEEDS: needs})

    return declare


def attribute(path: str, description: str) -> Any:
    """Declare a field that is a column of its row, or of a row joined to it: `user.name`."""
    read = attrgetter(path)

    def resolve(root: Any) -> Any:
        return read(root)

    return strawberry.field(resolver=resolve, description=description, metadata={PATH: path})


def joined(kind: Any, rows: Mapping[str, str]) -> Callable[[Callable[..., Any]], Any]:
    """Declare a field that is a row joined to its own: GraphQL type -> the join's name."""

    def declare(resolve: Callable[..., Any]) -> Any:
        return strawberry.field(resolver=resolve, graphql_type=kind, metadata={JOINED: rows})

    return declare


def sourced(kind: Any, rows: Rows) -> Callable[[Callable[..., Any]], Any]:
    """Declare a field whose rows are read from a source by the layout in `layout_of(info)`."""

    def declare(resolve: Callable[..., Any]) -> Any:
        return strawberry.field(resolver=resolve, graphql_type=kind, metadata={SOURCED: rows})

    return declare


def layout_of(info: Info) -> Layout | None:
    """Return what to read of each row; None: all of it, as graphql-core does not look ahead."""
    return getattr(info, "layout", None)
