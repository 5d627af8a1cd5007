"""Indexes for what is looked for among many rows of which few count."""

from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor

FEW = (
    "CREATE INDEX quarantined_messages ON message (created_at) WHERE is_quarantined",
    "CREATE INDEX conversations_of_teams ON conversation (team_id) WHERE team_id IS NOT NULL",
)


async def add_indexes(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Add them: the migration writer knows no partial ones."""
    for statement in FEW:
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0007_comments")]

    initial = False

    operations = [ops.RunPython(add_indexes, ops.RunPython.noop)]
