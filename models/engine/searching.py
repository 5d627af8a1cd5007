"""Searching on both databases: indexes that follow their tables, and statements with a deadline.

On SQLite each index is an FTS5 table named `<table>_index` whose rowids are the table's keys; on
PostgreSQL it is a GIN index, of the column `vector` where terms are looked for.
"""

from collections.abc import Sequence
from typing import Any

import asyncpg
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import OperationalError
from tortoise.transactions import in_transaction

from models.engine import sql
from models.engine.errors import TooSlowError

PENDING_KIB = 512
"""How much PostgreSQL lets wait outside an index: every search looks through all of that."""
NO_PARTS = "insufficient_privilege OR undefined_file OR feature_not_supported"


async def find_terms(client: BaseDBAsyncClient, table: str, key: str) -> None:
    """Index the terms, separated by spaces, in the column `terms` of a table.

    A term is whatever has no space, and on SQLite no ASCII but letters and digits, in it.
    """
    if client.capabilities.dialect != "postgres":
        await _follow(
            client, table, key, "terms", "tokenize = 'ascii', detail = none, columnsize = 0"
        )
        return
    await client.execute_query(
        f"ALTER TABLE {table} ADD COLUMN vector tsvector"
        " GENERATED ALWAYS AS (array_to_tsvector(string_to_array(terms, ' '))) STORED"
    )
    await client.execute_query(
        f"CREATE INDEX {table}_vector ON {table} USING gin (vector)"
        f" WITH (gin_pending_list_limit = {PENDING_KIB})"
    )
    await client.execute_query(f"ANALYZE {table}")


async def find_parts(client: BaseDBAsyncClient, table: str, column: str) -> None:
    """Index the parts of a text of at least three characters.

    A PostgreSQL server without `pg_trgm`, or who may not install it, goes without: it reads rows.
    """
    if client.capabilities.dialect != "postgres":
        await _follow(client, table, "id", column, "tokenize = 'trigram'")
        return
    await client.execute_query(
        "DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS pg_trgm;"
        f" CREATE INDEX {table}_{column}_parts ON {table} USING gin ({column} gin_trgm_ops)"
        f" WITH (gin_pending_list_limit = {PENDING_KIB});"
        f" EXCEPTION WHEN {NO_PARTS} THEN RAISE WARNING 'no pg_trgm: % is searched row by row',"
        f" '{table}'; END $$"
    )


async def _follow(
    client: BaseDBAsyncClient, table: str, key: str, column: str, options: str
) -> None:
    """Make an FTS5 index of a column, and triggers by which it follows its table."""
    index = f"{table}_index"
    await client.execute_query(
        f"CREATE VIRTUAL TABLE {index} USING fts5({column}, content = '{table}',"
        f" content_rowid = '{key}', columnsize = 0, {options})"
    )
    await client.execute_query(f"INSERT INTO {index} ({index}) VALUES ('rebuild')")
    into = f"INSERT INTO {index} (rowid, {column}) VALUES (NEW.{key}, NEW.{column});"
    out = (
        f"INSERT INTO {index} ({index}, rowid, {column})"
        f" VALUES ('delete', OLD.{key}, OLD.{column});"
    )
    changed = f"UPDATE OF {column} ON {table} WHEN OLD.{column} IS NOT NEW.{column}"
    for name, event, work in (
        ("insert", f"INSERT ON {table}", into),
        ("delete", f"DELETE ON {table}", out),
        ("update", changed, f"{out} {into}"),
    ):
        await client.execute_query(f"CREATE TRIGGER {index}_{name} AFTER {event} BEGIN {work} END")


async def records_within(seconds: float, query: str, *values: Any) -> Sequence[Any]:
    """Run a SELECT and return its rows; raise TooSlowError past a time.

    PostgreSQL plans it for its very values: how many rows these find decides on the way to them.
    It reads no table from its beginning: what it takes to be found soon may be at the end.
    """
    if sql.dialect() == "sqlite":
        found: Sequence[Any] = await sql.client().execute_within(seconds, query, list(values))
        return found
    async with in_transaction():
        await sql.records(
            "SELECT set_config('statement_timeout', ?, true),"
            " set_config('plan_cache_mode', 'force_custom_plan', true),"
            " set_config('enable_seqscan', 'off', true)",
            str(round(seconds * 1000)),
        )
        try:
            return await sql.records(query, *values)
        except OperationalError as error:
            if isinstance(error.args[0], asyncpg.QueryCanceledError):
                raise TooSlowError from error
            raise
