"""Files of snippets."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from tortoise import fields


class Migration(migrations.Migration):
    dependencies = [("models", "0023_masked_names")]

    initial = False

    operations = [
        ops.CreateModel(
            name="SnippetAttachment",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "snippet",
                    fields.ForeignKeyField(
                        "models.Snippet",
                        source_field="snippet_id",
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
                        related_name="snippets",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("position", fields.IntField()),
            ],
            options={
                "table": "snippet_attachment",
                "app": "models",
                "unique_together": (("snippet", "position"),),
                "pk_attr": "id",
                "table_description": "A file of a snippet, in its place among them.",
            },
            bases=["Model"],
        ),
    ]
