"""Files of messages and comments, and how much room those of a workspace take."""

from typing import Any

from models.engine.migrating import Redescribe, add_check
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise import migrations
from tortoise.migrations import operations as ops
from models.attachment import AttachmentKind, AttachmentState
from models.message import MessageKind
from tortoise.fields.base import OnDelete
from tortoise import fields

CHECKS = {
    "file_is_whole": (
        "{row}state NOT IN ('STORED', 'READY')"
        " OR ({row}storage_key IS NOT NULL AND {row}sha256 IS NOT NULL)"
    ),
    "refusal_has_reason": "({row}state <> 'REFUSED') OR ({row}refusal IS NOT NULL)",
    "file_has_size": "{row}byte_size >= 0",
}


async def constrain(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Add what the migration writer cannot express on both databases."""
    for name, condition in CHECKS.items():
        await add_check(editor.client, "attachment", name, condition)


class Migration(migrations.Migration):
    dependencies = [("models", "0021_variables")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Attachment",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "workspace",
                    fields.ForeignKeyField(
                        "models.Workspace",
                        source_field="workspace_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="attachments",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("actor", fields.CharField(max_length=64)),
                ("secret", fields.CharField(max_length=64)),
                (
                    "state",
                    fields.CharEnumField(
                        description="WAITING: WAITING\nSTORED: STORED\nREADY: READY\nREFUSED: REFUSED\nGONE: GONE",
                        enum_type=AttachmentState,
                        max_length=16,
                    ),
                ),
                ("refusal", fields.CharField(null=True, max_length=32)),
                (
                    "kind",
                    fields.CharEnumField(
                        description="IMAGE: IMAGE\nAUDIO: AUDIO\nVOICE: VOICE\nVIDEO: VIDEO\nDOCUMENT: DOCUMENT",
                        enum_type=AttachmentKind,
                        max_length=16,
                    ),
                ),
                ("file_name", fields.CharField(max_length=200)),
                ("content_type", fields.CharField(max_length=100)),
                ("byte_size", fields.BigIntField()),
                ("sha256", fields.CharField(null=True, max_length=64)),
                ("storage_key", fields.CharField(null=True, max_length=255)),
                ("thumbnail_key", fields.CharField(null=True, max_length=255)),
                ("width", fields.IntField(null=True)),
                ("height", fields.IntField(null=True)),
                ("duration_ms", fields.IntField(null=True)),
                ("waveform", fields.TextField(null=True, unique=False)),
                ("source_url", fields.TextField(null=True, unique=False)),
                ("attempt", fields.IntField(default=0)),
                (
                    "loose_since",
                    fields.DatetimeField(
                        null=True, db_index=True, auto_now=False, auto_now_add=False
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "attachment",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A file of a workspace. Its row is there before its file, and goes after it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CommentAttachment",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "comment",
                    fields.ForeignKeyField(
                        "models.Comment",
                        source_field="comment_id",
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
                        related_name="comments",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("position", fields.IntField()),
            ],
            options={
                "table": "comment_attachment",
                "app": "models",
                "unique_together": (("comment", "position"),),
                "pk_attr": "id",
                "table_description": "A file of a comment, in its place among them.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="FileUsage",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "workspace",
                    fields.OneToOneField(
                        "models.Workspace",
                        source_field="workspace_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="file_usage",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("byte_count", fields.BigIntField(default=0)),
            ],
            options={
                "table": "file_usage",
                "app": "models",
                "pk_attr": "id",
                "table_description": "How many bytes the files of a workspace have together, also those that are still to come.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="MessageAttachment",
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
                        related_name="messages",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("position", fields.IntField()),
            ],
            options={
                "table": "message_attachment",
                "app": "models",
                "unique_together": (("message", "position"),),
                "pk_attr": "id",
                "table_description": "A file of a message, in its place among them.",
            },
            bases=["Model"],
        ),
        Redescribe(
            model_name="Message",
            name="kind",
            field=fields.CharEnumField(
                description="TEXT: TEXT\nATTACHMENT: ATTACHMENT\nVOICE: VOICE\nVIDEO: VIDEO\nUNSUPPORTED: UNSUPPORTED",
                enum_type=MessageKind,
                max_length=32,
            ),
        ),
        ops.RunPython(constrain, ops.RunPython.noop),
    ]
