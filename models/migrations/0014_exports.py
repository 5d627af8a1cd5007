"""Agents of before do not export data unless it is allowed them anew, as those who come."""

from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor

AFTER = {
    "": "DATA_EXPORT",
    "BLOCKED_CONTACTS": "BLOCKED_CONTACTS,DATA_EXPORT",
    "SHORTCUTS": "DATA_EXPORT,SHORTCUTS",
    "BLOCKED_CONTACTS,SHORTCUTS": "BLOCKED_CONTACTS,DATA_EXPORT,SHORTCUTS",
}
"""The restrictions that an agent can have had, and has from now on."""


async def restrict(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Add the restriction to agents, also to those who are still to join."""
    for table in ("member", "invitation"):
        for before, after in AFTER.items():
            await editor.client.execute_query(
                f"UPDATE {table} SET restrictions = '{after}'"
                f" WHERE role = 'AGENT' AND restrictions = '{before}'"
            )


class Migration(migrations.Migration):
    dependencies = [("models", "0013_merging")]

    initial = False

    operations = [ops.RunPython(restrict, ops.RunPython.noop)]
