"""Scheduled messages: each has of message, reason and code just what its state is about."""

from typing import Any

from models.engine.migrating import add_check
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise import migrations
from tortoise.migrations import operations as ops
from models.scheduled_message import CancelReason, ScheduleState
from tortoise.fields.base import OnDelete
from tortoise import fields
from tortoise.indexes import Index

ENDS = {"message_id": "SENT", "cancel_reason": "CANCELLED", "failure_code": "FAILED"}


async def constrain(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Add what the migration writer cannot express on both databases."""
    for column, state in ENDS.items():
        condition = f"({{row}}state = '{state}') = ({{row}}{column} IS NOT NULL)"
        await add_check(editor.client, "scheduled_message", f"scheduled_{column}_fits", condition)


class Migration(migrations.Migration):
    dependencies = [("models", "0025_email")]

    initial = False

    operations = [
        ops.CreateModel(
            name="ScheduledMessage",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("workspace_id", fields.BigIntField()),
                (
                    "conversation",
                    fields.ForeignKeyField(
                        "models.Conversation",
                        source_field="conversation_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="scheduled_messages",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("actor", fields.CharField(max_length=64)),
                (
                    "author",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="author_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="scheduled_messages",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("text", fields.TextField(unique=False)),
                ("channel_id", fields.BigIntField(null=True)),
                ("contact_channel_id", fields.BigIntField(null=True)),
                ("reply_to_id", fields.BigIntField(null=True)),
                ("send_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("cancel_on_reply", fields.BooleanField()),
                (
                    "state",
                    fields.CharEnumField(
                        default=ScheduleState.SCHEDULED,
                        description="SCHEDULED: SCHEDULED\nSENT: SENT\nCANCELLED: CANCELLED\nFAILED: FAILED",
                        enum_type=ScheduleState,
                        max_length=16,
                    ),
                ),
                (
                    "cancel_reason",
                    fields.CharEnumField(
                        null=True,
                        description="CANCELLED_BY_MEMBER: CANCELLED_BY_MEMBER\nCONTACT_REPLIED: CONTACT_REPLIED\nCONTACT_BLOCKED: CONTACT_BLOCKED",
                        enum_type=CancelReason,
                        max_length=32,
                    ),
                ),
                ("failure_code", fields.CharField(null=True, max_length=32)),
                ("message_id", fields.BigIntField(null=True)),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "scheduled_message",
                "app": "models",
                "indexes": [Index(fields=["conversation_id", "state", "send_at"])],
                "pk_attr": "id",
                "table_description": "Its state changes only while its conversation is locked.",
            },
            bases=["Model"],
        ),
        ops.AlterModelOptions(
            name="EmailAccount",
            options={
                "table": "email_account",
                "app": "models",
                "pk_attr": "channel_id",
                "table_description": "One for each channel of kind EMAIL.",
            },
        ),
        ops.AlterModelOptions(
            name="MessageEmail",
            options={
                "table": "message_email",
                "app": "models",
                "pk_attr": "message_id",
                "table_description": "One for each message of kind EMAIL. Gone with the message.",
            },
        ),
        ops.RunPython(constrain, ops.RunPython.noop),
    ]
