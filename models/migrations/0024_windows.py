"""Messaging windows of channels."""

from typing import Any

from models.engine.migrating import add_check
from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor

WINDOW_HAS_HOURS = (
    "{row}messaging_window_hours IS NULL OR {row}messaging_window_hours BETWEEN 1 AND 8760"
)


async def constrain(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Add what the migration writer cannot express on both databases."""
    await add_check(editor.client, "channel", "window_has_hours", WINDOW_HAS_HOURS)


class Migration(migrations.Migration):
    dependencies = [("models", "0023_masked_names")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Channel",
            name="messaging_window_hours",
            field=fields.IntField(null=True),
        ),
        ops.RunPython(constrain, ops.RunPython.noop),
    ]
