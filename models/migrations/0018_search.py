"""The search index: what messages, comments and contacts are found by, and what follows them."""

from typing import Any

from models.engine.searching import find_parts, find_terms
from models.terms import entry_of
from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.fields.base import OnDelete
from tortoise import fields

AT_ONCE = 2000


async def fill(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Make the entries of the messages and comments there are, and the indexes over them."""
    client = editor.client
    marks = "$1, $2" if client.capabilities.dialect == "postgres" else "?, ?"
    for table in ("message", "comment"):
        insert = f"INSERT INTO {table}_entry ({table}_id, terms) VALUES ({marks})"
        last_id = 0
        while rows := await client.execute_query_dict(
            f"SELECT id, workspace_id, text FROM {table} WHERE id > {last_id}"
            f" AND text IS NOT NULL ORDER BY id LIMIT {AT_ONCE}"
        ):
            found = [(row["id"], entry_of(row["workspace_id"], row["text"])) for row in rows]
            entries = [[key, terms] for key, terms in found if terms is not None]
            if entries:
                await client.execute_many(insert, entries)
            last_id = rows[-1]["id"]
        await find_terms(client, f"{table}_entry", f"{table}_id")
    await find_parts(client, "contact", "search_text")


class Migration(migrations.Migration):
    dependencies = [("models", "0017_snippets")]

    initial = False

    operations = [
        ops.CreateModel(
            name="CommentEntry",
            fields=[
                (
                    "comment",
                    fields.OneToOneField(
                        "models.Comment",
                        source_field="comment_id",
                        primary_key=True,
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="entry",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("terms", fields.TextField(unique=False)),
            ],
            options={
                "table": "comment_entry",
                "app": "models",
                "pk_attr": "comment_id",
                "table_description": "What a comment is found by. A deleted one has none.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="MessageEntry",
            fields=[
                (
                    "message",
                    fields.OneToOneField(
                        "models.Message",
                        source_field="message_id",
                        primary_key=True,
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="entry",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("terms", fields.TextField(unique=False)),
            ],
            options={
                "table": "message_entry",
                "app": "models",
                "pk_attr": "message_id",
                "table_description": "What a message is found by: `models.terms.entry_of` its text. Gone with the message.",
            },
            bases=["Model"],
        ),
        ops.AlterModelOptions(  # CreateModel leaves out the key
            name="CommentEntry",
            options={
                "table": "comment_entry",
                "app": "models",
                "pk_attr": "comment_id",
                "table_description": "What a comment is found by. A deleted one has none.",
            },
        ),
        ops.AlterModelOptions(  # CreateModel leaves out the key
            name="MessageEntry",
            options={
                "table": "message_entry",
                "app": "models",
                "pk_attr": "message_id",
                "table_description": "What a message is found by: `models.terms.entry_of` its text. Gone with the message.",
            },
        ),
        ops.RunPython(fill, ops.RunPython.noop),
    ]
