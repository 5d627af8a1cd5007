"""Snippets, in the order of their names' characters, also on PostgreSQL."""

from typing import Any

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.fields.base import OnDelete
from tortoise import fields


async def order(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Order names by their characters: then the index finds what they begin with, too."""
    if editor.client.capabilities.dialect == "postgres":
        await editor.client.execute_query(
            'ALTER TABLE snippet ALTER COLUMN folded_name TYPE varchar(250) COLLATE "C"'
        )


class Migration(migrations.Migration):
    dependencies = [("models", "0016_export_lines")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Snippet",
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
                        related_name="snippets",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", fields.CharField(max_length=100)),
                ("folded_name", fields.CharField(max_length=250)),
                ("topic", fields.CharField(null=True, max_length=100)),
                ("folded_topic", fields.CharField(null=True, max_length=250)),
                ("text", fields.TextField(unique=False)),
                ("search_text", fields.TextField(unique=False)),
                (
                    "created_by",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="created_by_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="snippets",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "snippet",
                "app": "models",
                "unique_together": (("workspace", "folded_name"),),
                "pk_attr": "id",
                "table_description": "Its name is unique in the workspace, whatever its case and accents.",
            },
            bases=["Model"],
        ),
        ops.RunPython(order, ops.RunPython.noop),
    ]
