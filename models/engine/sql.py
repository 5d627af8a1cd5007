"""Raw SQL on both databases: `?` placeholders, rows as dictionaries, and the database's clock."""

import json
import re
import sqlite3
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, cast

import asyncpg
from tortoise.context import require_context

from models.engine.counting import StatementCounter, count_statements

__all__ = [
    "DRIVER_ROWS",
    "Statement",
    "StatementCounter",
    "affected",
    "among",
    "client",
    "count_statements",
    "database_now",
    "dialect",
    "group",
    "marks",
    "moment",
    "records",
    "rows",
    "together",
]

Statement = tuple[str, Sequence[Any]]
"""A statement with `?` placeholders, and their values."""
DRIVER_ROWS = (asyncpg.Record, sqlite3.Row)
"""The classes of the rows that `records` returns."""

# What may hold a question mark that is no placeholder, and then the placeholder itself.
_TOKENS = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | (\$\w*\$).*?\1 | (\?)""",
    re.VERBOSE | re.DOTALL,
)
# The form in which SQLite keeps moments; its clock counts milliseconds and cuts the rest off, so
# that a comparison with it is never early.
_SQLITE_FORM = "%Y-%m-%d %H:%M:%f000+00:00"


def client() -> Any:
    """Return the open transaction's client, or else the pool's."""
    connections = require_context().connections
    return connections.get(next(iter(connections.db_config)))


def dialect() -> Literal["sqlite", "postgres"]:
    """Return which database is connected."""
    [connection] = require_context().connections.db_config.values()
    return "sqlite" if connection["engine"] == "models.engine.sqlite" else "postgres"


@lru_cache(maxsize=2048)
def numbered(query: str) -> str:
    """Return a query with PostgreSQL's numbered placeholders in place of `?`."""
    count = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        if match.group(2) is None:
            return match.group(0)
        count += 1
        return f"${count}"

    return _TOKENS.sub(replace, query)


def _prepared(query: str) -> tuple[Any, str]:
    own = client()
    return own, query if own.capabilities.dialect == "sqlite" else numbered(query)


async def rows(query: str, *values: Any) -> list[dict[str, Any]]:
    """Run a SELECT or a statement with RETURNING and return its rows.

    On SQLite moments come back as text and booleans as 0 or 1: decode with `moment` and `bool`.
    """
    own, sql = _prepared(query)
    found: list[dict[str, Any]] = await own.execute_query_dict(sql, list(values))
    return found


async def records(query: str, *values: Any) -> Sequence[Any]:
    """Run a SELECT and return its rows as the driver gives them: values by place, or by name."""
    own, sql = _prepared(query)
    return cast(Sequence[Any], await own.fetch(sql, values))


async def affected(query: str, *values: Any) -> int:
    """Run an INSERT, UPDATE or DELETE and return how many rows it changed."""
    own, sql = _prepared(query)
    count: int = await own.execute_affected(sql, list(values))
    return count


async def together(
    statements: Sequence[Statement], *, within: Any = None, commit: bool = False
) -> Sequence[Any]:
    """Run writing statements in one round trip and return the rows of the last one's RETURNING.

    In a transaction, they must not write a row twice: PostgreSQL runs them as one statement, in
    which each sees what was there before; the last one may name what those before it return, as
    the relations `step0`, `step1` and so on. With `commit`, SQLite ends the transaction with them.
    `within` is the transaction's client, where it is at hand.
    """
    own = within or client()
    if own.capabilities.dialect == "sqlite":
        return cast(Sequence[Any], await own.execute_together(statements, commit=commit))
    *steps, last = statements
    named = ", ".join([f"step{number} AS ({query})" for number, (query, _) in enumerate(steps)])
    query = f"WITH {named} {last[0]}" if steps else last[0]
    values = [value for _, values in statements for value in values]
    return cast(Sequence[Any], await own.fetch(numbered(query), values))


def marks(values: Collection[Any]) -> str:
    """Return as many placeholders as there are values, for `IN (…)`; of none, `NULL`."""
    return ", ".join("?" * len(values)) or "NULL"


def among(column: str, kind: Literal["bigint", "text"] = "bigint") -> str:
    """Return the SQL of `column` being one of a `group` of values: one placeholder for all."""
    if dialect() == "sqlite":
        return f"{column} IN (SELECT value FROM json_each(?))"
    return f"{column} = ANY(cast(? as {kind}[]))"


def group(values: Collection[int] | Collection[str]) -> Any:
    """Return integers or texts as the one value that `among` takes."""
    return json.dumps(list(values)) if dialect() == "sqlite" else list(values)


def moment(value: str | datetime) -> datetime:
    """Decode a moment of a raw row of either database, aware and in UTC."""
    parsed = datetime.fromisoformat(value) if isinstance(value, str) else value
    if parsed.tzinfo is None:
        raise ValueError(f"A stored moment has no zone: {value}")
    return parsed.astimezone(UTC)


def database_now(plus_seconds: float = 0) -> str:
    """Return the SQL of the database's clock, to be compared with stored moments."""
    shift = f"{plus_seconds:+.3f} seconds"
    if dialect() == "sqlite":
        return f"strftime('{_SQLITE_FORM}', 'now', '{shift}')"
    if plus_seconds == 0:
        return "clock_timestamp()"
    return f"(clock_timestamp() + interval '{shift}')"
