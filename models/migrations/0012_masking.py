"""What workspaces hide from their agents, and what those give who do not see what is there."""

from typing import Any

from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

PLAIN = {
    "postgres": "folded_name !~ '[0-9@]'",
    "sqlite": "folded_name NOT GLOB '*[0-9@]*'",
}
"""Which names have nothing in them that may be a number or an address."""


async def note_names(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Note the names of the contacts there are; those with a number once they are edited."""
    plain = PLAIN[editor.client.capabilities.dialect]
    await editor.client.execute_query(
        f"UPDATE contact SET name_text = folded_name WHERE name_text = '' AND {plain}"
    )


class Migration(migrations.Migration):
    dependencies = [("models", "0011_contacts")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Contact",
            name="given_email",
            field=fields.CharField(null=True, max_length=254),
        ),
        ops.AddField(
            model_name="Contact",
            name="given_phone",
            field=fields.CharField(null=True, max_length=16),
        ),
        ops.AddField(
            model_name="Contact",
            name="name_text",
            field=fields.TextField(default="", db_default="", unique=False),
        ),
        ops.AddField(
            model_name="Workspace",
            name="masks_emails",
            field=fields.BooleanField(default=False, db_default=False),
        ),
        ops.AddField(
            model_name="Workspace",
            name="masks_phones",
            field=fields.BooleanField(default=False, db_default=False),
        ),
        ops.RunPython(note_names, ops.RunPython.noop),
    ]
