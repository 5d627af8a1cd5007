"""Lists of contacts by name for who is not to see phones or emails."""

from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.indexes import Index


async def order_by_characters(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Order names by their characters, also on PostgreSQL."""
    if editor.client.capabilities.dialect == "postgres":
        await editor.client.execute_query(
            'ALTER TABLE contact ALTER COLUMN name_text TYPE text COLLATE "C"'
        )


class Migration(migrations.Migration):
    dependencies = [("models", "0022_files")]

    initial = False

    operations = [
        ops.RunPython(order_by_characters, ops.RunPython.noop),
        ops.AddIndex(
            model_name="Contact",
            index=Index(fields=["workspace_id", "name_text", "id"]),
        ),
    ]
