"""Parts of messages that take several calls, and which channels want that."""

from typing import Any

from models.engine.migrating import Redescribe, add_check
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise import migrations
from tortoise.migrations import operations as ops
from models.message import MessageKind, MessageStatus
from tortoise.fields.base import OnDelete
from tortoise import fields

CHECKS = {
    "message_part": {
        "part_is_something": (
            "({row}has_text OR {row}file_count > 0) AND {row}first_file >= 0"
            " AND {row}file_count >= 0 AND {row}position >= 0"
        ),
        "part_goes_out": "{row}status <> 'RECEIVED'",
    },
    "channel": {
        "call_takes_files": "{row}files_per_call IS NULL OR {row}files_per_call > 0",
    },
}


async def constrain(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Add what the migration writer cannot express on both databases."""
    for table, checks in CHECKS.items():
        for name, condition in checks.items():
            await add_check(editor.client, table, name, condition)


class Migration(migrations.Migration):
    dependencies = [("models", "0026_schedules")]

    initial = False

    operations = [
        ops.CreateModel(
            name="MessagePart",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "message",
                    fields.ForeignKeyField(
                        "models.Message",
                        source_field="message_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="parts",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("channel_id", fields.BigIntField()),
                ("position", fields.IntField()),
                ("has_text", fields.BooleanField()),
                ("first_file", fields.IntField()),
                ("file_count", fields.IntField()),
                ("external_id", fields.CharField(null=True, max_length=255)),
                (
                    "status",
                    fields.CharEnumField(
                        description="RECEIVED: RECEIVED\nPENDING: PENDING\nSENT: SENT\nDELIVERED: DELIVERED\nREAD: READ\nFAILED: FAILED\nUNCERTAIN: UNCERTAIN",
                        enum_type=MessageStatus,
                        max_length=16,
                    ),
                ),
                (
                    "attempt_started_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("failure_code", fields.CharField(null=True, max_length=64)),
                ("failure_text", fields.CharField(null=True, max_length=500)),
                ("sent_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "delivered_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("read_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("failed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "message_part",
                "app": "models",
                "unique_together": (("message", "position"), ("channel_id", "external_id")),
                "pk_attr": "id",
                "table_description": "What one call takes of a message that takes several. A message of one call has none.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Channel",
            name="accepts_captions",
            field=fields.BooleanField(default=True, db_default=True),
        ),
        ops.AddField(
            model_name="Channel",
            name="files_per_call",
            field=fields.IntField(null=True),
        ),
        Redescribe(
            model_name="Message",
            name="kind",
            field=fields.CharEnumField(
                description="TEXT: TEXT\nATTACHMENT: ATTACHMENT\nVOICE: VOICE\nVIDEO: VIDEO\nEMAIL: EMAIL\nUNSUPPORTED: UNSUPPORTED\nCUSTOM_PAYLOAD: CUSTOM_PAYLOAD",
                enum_type=MessageKind,
                max_length=32,
            ),
        ),
        ops.RunPython(constrain, ops.RunPython.noop),
    ]
