"""Scheduled messages with files, which are held for them, and with what is said with a mail."""

from typing import Any

from models.engine.migrating import add_check
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from tortoise import fields

WITH_A_MAIL = (
    "({row}cc IS NULL) = ({row}bcc IS NULL) AND ({row}subject IS NULL OR {row}cc IS NOT NULL)"
)


async def constrain(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Add what the migration writer cannot express on both databases."""
    await add_check(editor.client, "scheduled_message", "scheduled_email_fits", WITH_A_MAIL)


class Migration(migrations.Migration):
    dependencies = [("models", "0028_notifications")]

    initial = False

    operations = [
        ops.CreateModel(
            name="ScheduledMessageAttachment",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "scheduled_message",
                    fields.ForeignKeyField(
                        "models.ScheduledMessage",
                        source_field="scheduled_message_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="attachments",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "attachment",
                    fields.ForeignKeyField(
                        "models.Attachment",
                        source_field="attachment_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="scheduled_messages",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("position", fields.IntField()),
            ],
            options={
                "table": "scheduled_message_attachment",
                "app": "models",
                "unique_together": (("scheduled_message", "position"),),
                "pk_attr": "id",
                "table_description": "A file that is held for a scheduled message as long as that waits, in its place.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="ScheduledMessage",
            name="bcc",
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name="ScheduledMessage",
            name="cc",
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name="ScheduledMessage",
            name="subject",
            field=fields.TextField(null=True, unique=False),
        ),
        ops.RunPython(constrain, ops.RunPython.noop),
    ]
