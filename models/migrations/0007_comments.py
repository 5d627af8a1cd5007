"""Comments, whom they mention, and what they said before."""

from typing import Any

from models.engine.migrating import add_check
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise import migrations
from tortoise.migrations import operations as ops
from models.episode import ChangeSource
from tortoise.fields.base import OnDelete
from tortoise import fields

TEXT_OR_TOMBSTONE = "({row}text IS NULL) = ({row}deleted_at IS NOT NULL)"


async def constrain(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Add what the migration writer cannot express on both databases."""
    await add_check(editor.client, "comment", "text_or_tombstone", TEXT_OR_TOMBSTONE)


class Migration(migrations.Migration):
    dependencies = [("models", "0006_people")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Comment",
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
                        related_name="comments",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("seq", fields.BigIntField()),
                (
                    "source",
                    fields.CharEnumField(
                        description="USER: USER\nCONTACT: CONTACT\nAPI: API\nAUTO_CLOSE: AUTO_CLOSE\nSYSTEM: SYSTEM",
                        enum_type=ChangeSource,
                        max_length=16,
                    ),
                ),
                ("actor", fields.CharField(max_length=32)),
                (
                    "author",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="author_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="comments",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("text", fields.TextField(null=True, unique=False)),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("edited_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("deleted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "comment",
                "app": "models",
                "unique_together": (("conversation", "seq"),),
                "pk_attr": "id",
                "table_description": "Numbered together with the messages. A deleted one stays, without its text.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CommentMention",
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
                        related_name="mentions",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "member",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="member_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="mentions",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("position", fields.IntField()),
            ],
            options={
                "table": "comment_mention",
                "app": "models",
                "unique_together": (("comment", "member"),),
                "pk_attr": "id",
                "table_description": "A member who is named in a comment: it lets them see nothing that they do not see.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CommentRevision",
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
                        related_name="revisions",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("version", fields.IntField()),
                ("text", fields.TextField(unique=False)),
                ("written_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "comment_revision",
                "app": "models",
                "unique_together": (("comment", "version"),),
                "pk_attr": "id",
                "table_description": "What a comment said before it was edited.",
            },
            bases=["Model"],
        ),
        ops.RunPython(constrain, ops.RunPython.noop),
    ]
