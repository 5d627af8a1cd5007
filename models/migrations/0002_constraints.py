"""The constraints that the migration writer cannot express on both databases."""

from typing import Any

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
    """Add the checks: SQLite cannot add one to a table that exists, so triggers stand in there."""
    await editor.client.execute_query(ONE_OPEN_EPISODE)
    if editor.client.capabilities.dialect == "postgres":
        check = SNOOZE_IS_WHOLE.format(row="")
        await editor.client.execute_query(
            f"ALTER TABLE conversation ADD CONSTRAINT snooze_is_whole CHECK ({check})"
        )
        return
    check = SNOOZE_IS_WHOLE.format(row="NEW.")
    for moment in ("INSERT", "UPDATE"):
        await editor.client.execute_query(
            f"CREATE TRIGGER snooze_is_whole_{moment.lower()} BEFORE {moment} ON conversation"
            f" WHEN NOT ({check})"
            " BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: snooze_is_whole'); END"
        )


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]

    initial = False

    operations = [ops.RunPython(constrain, ops.RunPython.noop)]
