"""An invitation has a second token, which only its mail holds."""

from typing import Any

from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor

UNIQUE = (
    "CREATE UNIQUE INDEX mailed_tokens ON invitation (mailed_token_hash)"
    " WHERE mailed_token_hash IS NOT NULL"
)


async def add_index(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Add it by hand: SQLite adds no unique column to a table that exists."""
    await editor.client.execute_query(UNIQUE)


class Migration(migrations.Migration):
    dependencies = [("models", "0014_exports")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Invitation",
            name="mailed_token_hash",
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.RunPython(add_index, ops.RunPython.noop),
    ]
