"""The constraints that the migration writer cannot express on both databases."""

from typing import Any

from models.engine.migrating import add_check
from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor

SNOOZE_IS_WHOLE = (
    "({row}status = 'SNOOZED') = ({row}snoozed_until IS NOT NULL)"
    " AND ({row}status = 'SNOOZED') = ({row}status_before_snooze IS NOT NULL)"
)
ONE_OPEN_EPISODE = (
    "CREATE UNIQUE INDEX one_open_episode ON episode (conversation_id) WHERE closed_at IS NULL"
)


async def constrain(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Add them to the tables of 0001."""
    await editor.client.execute_query(ONE_OPEN_EPISODE)
    await add_check(editor.client, "conversation", "snooze_is_whole", SNOOZE_IS_WHOLE)


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]

    initial = False

    operations = [ops.RunPython(constrain, ops.RunPython.noop)]
