"""What migrations need on both databases and the migration writer cannot express."""

from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.migrations import operations as ops


class Redescribe(ops.AlterField):
    """An enum has got another value: the column stays, and SQLite need not remake the table."""

    async def database_forward(self, *_: Any, **__: Any) -> None:
        """Leave the database alone: to remake a table would lose the checks added to it."""


async def add_check(client: BaseDBAsyncClient, table: str, name: str, condition: str) -> None:
    """Have every row of a table meet a condition, in which `{row}` stands before each column.

    SQLite cannot add a check to a table that exists: triggers stand in for it there.
    """
    if client.capabilities.dialect == "postgres":
        check = condition.format(row="")
        await client.execute_query(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check})")
        return
    check = condition.format(row="NEW.")
    for moment in ("INSERT", "UPDATE"):
        await client.execute_query(
            f"CREATE TRIGGER {name}_{moment.lower()} BEFORE {moment} ON {table} WHEN NOT ({check})"
            f" BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: {name}'); END"
        )


async def keep_whole(client: BaseDBAsyncClient, table: str, days: int) -> None:
    """Have the database refuse to change rows of a table, and to delete those of the last days."""
    if client.capabilities.dialect == "postgres":
        await client.execute_query(
            f"CREATE FUNCTION {table}_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF TG_OP = 'DELETE' THEN"
            f" IF OLD.created_at < clock_timestamp() - interval '{days} days' THEN RETURN OLD;"
            " END IF; END IF;"
            f" RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'restrict_violation';"
            " END $$"
        )
        for moment in ("UPDATE OR DELETE", "TRUNCATE"):
            each = "STATEMENT" if moment == "TRUNCATE" else "ROW"
            await client.execute_query(
                f"CREATE TRIGGER {table}_is_whole_{each.lower()} BEFORE {moment} ON {table}"
                f" FOR EACH {each} EXECUTE FUNCTION {table}_is_whole()"
            )
        return
    edge = f"strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now', '-{days} days')"
    for moment, when in (("UPDATE", ""), ("DELETE", f" WHEN OLD.created_at >= {edge}")):
        await client.execute_query(
            f"CREATE TRIGGER {table}_is_whole_{moment.lower()} BEFORE {moment} ON {table}{when}"
            f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
