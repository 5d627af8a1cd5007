"""Notifications: a mention names its comment, and what is new is found among much that is not."""

from typing import Any

from models.engine.migrating import add_check
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise import migrations
from tortoise.migrations import operations as ops
from models.notification import NotificationKind
from tortoise.fields.base import OnDelete
from tortoise import fields
from tortoise.indexes import Index

MENTION_NAMES_COMMENT = "({row}kind = 'MENTION') = ({row}comment_id IS NOT NULL)"
NEW = (
    "CREATE INDEX new_notifications ON notification (member_id, created_at, id)"
    " WHERE archived_at IS NULL"
)


async def constrain(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Add what the migration writer cannot express on both databases."""
    await add_check(editor.client, "notification", "mention_names_comment", MENTION_NAMES_COMMENT)
    await editor.client.execute_query(NEW)


class Migration(migrations.Migration):
    dependencies = [("models", "0027_deliveries")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Notification",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("workspace_id", fields.BigIntField()),
                (
                    "member",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="member_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="notifications",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="MENTION: MENTION", enum_type=NotificationKind, max_length=32
                    ),
                ),
                (
                    "conversation",
                    fields.ForeignKeyField(
                        "models.Conversation",
                        source_field="conversation_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="notifications",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "comment",
                    fields.ForeignKeyField(
                        "models.Comment",
                        source_field="comment_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="notifications",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "actor",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="actor_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="caused",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "archived_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "notification",
                "app": "models",
                "unique_together": (("comment", "member"),),
                "indexes": [Index(fields=["member_id", "created_at", "id"])],
                "pk_attr": "id",
                "table_description": "One for each member and comment, however often the comment is edited.",
            },
            bases=["Model"],
        ),
        ops.RunPython(constrain, ops.RunPython.noop),
    ]
