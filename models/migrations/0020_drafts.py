from tortoise import migrations
from tortoise.migrations import operations as ops
from models.draft import DraftSurface
from tortoise.fields.base import OnDelete
from tortoise import fields


class Migration(migrations.Migration):
    dependencies = [("models", "0019_links")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Draft",
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
                        related_name="drafts",
                        on_delete=OnDelete.CASCADE,
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
                        related_name="drafts",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "surface",
                    fields.CharEnumField(
                        description="MESSAGE: MESSAGE\nCOMMENT: COMMENT",
                        enum_type=DraftSurface,
                        max_length=16,
                    ),
                ),
                ("text", fields.TextField(null=True, unique=False)),
                ("reply_to_id", fields.BigIntField(null=True)),
                ("channel_id", fields.BigIntField(null=True)),
                ("version", fields.IntField(default=1)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "draft",
                "app": "models",
                "unique_together": (("member", "conversation"),),
                "pk_attr": "id",
                "table_description": "One for each member and conversation. Once discarded it has no text, and goes on counting.",
            },
            bases=["Model"],
        ),
    ]
