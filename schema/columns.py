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
BESIDE = "beside"
FILLED = "filled"
PLAIN = "plain"
JOINED = "joined"
SOURCED = "sourced"
Rows = Mapping[str, Source]
"""The GraphQL types of a field's rows, and where those are read from."""


def derived(
    *needs: str, kind: Any = None, plain: Callable[..., str] | None = None
) -> Callable[[Callable[..., Any]], Any]:
    """Declare a field computed from the named columns of its row, and from nothing else of it.

    `plain` says what it is for who sees all details, from the columns that its parameters name;
    an empty text leaves it to the resolver. It only saves time.
    """
    metadata: dict[Any, Any] = {NEEDS: needs} | ({PLAIN: plain} if plain else {})

    def declare(resolve: Callable[..., Any]) -> Any:
        return strawberry.field(resolver=resolve, graphql_type=kind, metadata=metadata)

    return declare


def filled(column: str, *needs: str, unless: str) -> Callable[[Callable[..., Any]], Any]:
    """Declare a field that is a column of its row; where that is null, or another one is not, what
    the function says."""

    def declare(resolve: Callable[..., Any]) -> Any:
        return strawberry.field(
            resolver=resolve,
            metadata={FILLED: (column, unless), NEEDS: (column, unless, *needs)},
        )

    return declare


def attribute(path: str, description: str, *, beside: str | None = None) -> Any:
    """Declare a field that is a column of its row, or of a row joined to it: `user.name`.

    Where the column `beside` it is null, it is null, too.
    """
    read = attrgetter(path)
    check = attrgetter(beside) if beside else None

    def resolve(root: Any) -> Any:
        return None if check is not None and check(root) is None else read(root)

    metadata = {PATH: path, BESIDE: beside}
    return strawberry.field(resolver=resolve, description=description, metadata=metadata)


def joined(kind: Any, rows: Mapping[str, str]) -> Callable[[Callable[..., Any]], Any]:
    """Declare a field that is a row joined to its own: GraphQL type -> the join's name."""

    def declare(resolve: Callable[..., Any]) -> Any:
        return strawberry.field(resolver=resolve, graphql_type=kind, metadata={JOINED: rows})

    return declare


def sourced(kind: Any, rows: Rows) -> Callable[[Callable[..., Any]], Any]:
    """Declare a field whose rows are read from a source by the layouts of `info`."""

    def declare(resolve: Callable[..., Any]) -> Any:
        return strawberry.field(resolver=resolve, graphql_type=kind, metadata={SOURCED: rows})

    return declare


def layouts_of(info: Info) -> tuple[Layout, ...] | None:
    """Return what to read of the rows of each type, in the order in which they are declared.

    None: all of it, as graphql-core does not look ahead.
    """
    return getattr(info, "layouts", None)


def layout_of(info: Info) -> Layout | None:
    """Return what to read of each row of a field with one type of them; None: all of it."""
    layouts = layouts_of(info)
    return layouts[0] if layouts else None
