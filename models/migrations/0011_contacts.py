"""Lists of contacts by name, what contacts claim that others have, and what searches fold."""

from typing import Any

from models.folding import folded
from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise import fields
from tortoise.indexes import Index

AT_ONCE = 1000
CLAIMS = (
    "CREATE INDEX contact_claims ON contact (workspace_id, created_at, id)"
    " WHERE claimed_phone IS NOT NULL OR claimed_email IS NOT NULL"
)


async def prepare(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Order names by their characters, also on PostgreSQL, and index what few contacts have."""
    if editor.client.capabilities.dialect == "postgres":
        await editor.client.execute_query(
            'ALTER TABLE contact ALTER COLUMN folded_name TYPE varchar(250) COLLATE "C"'
        )
    await editor.client.execute_query(CLAIMS)


async def fold(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Fold the details of every contact."""
    client, last_id = editor.client, 0
    marks = ("$1", "$2", "$3") if client.capabilities.dialect == "postgres" else ("?",) * 3
    change = "UPDATE contact SET search_text = {}, folded_name = {} WHERE id = {}".format(*marks)
    while rows := await client.execute_query_dict(
        "SELECT id, first_name, last_name, phone, email FROM contact"
        f" WHERE id > {last_id} ORDER BY id LIMIT {AT_ONCE}"
    ):
        changes = []
        for row in rows:
            name = f"{row['first_name']} {row['last_name']}".strip()
            parts = (name, row["phone"] or "", row["email"] or "")
            text = " ".join(folded(part) for part in parts if part)
            changes.append([text, folded(name)[:250], row["id"]])
        await client.execute_many(change, changes)
        last_id = rows[-1]["id"]


class Migration(migrations.Migration):
    dependencies = [("models", "0010_audit")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Contact",
            name="claimed_email",
            field=fields.CharField(null=True, max_length=254),
        ),
        ops.AddField(
            model_name="Contact",
            name="claimed_phone",
            field=fields.CharField(null=True, max_length=16),
        ),
        ops.AddField(
            model_name="Contact",
            name="folded_name",
            field=fields.CharField(default="", db_default="", max_length=250),
        ),
        ops.RunPython(prepare, ops.RunPython.noop),
        ops.AddIndex(
            model_name="Contact",
            index=Index(fields=["workspace_id", "folded_name", "id"]),
        ),
        ops.AddIndex(
            model_name="Contact",
            index=Index(fields=["workspace_id", "claimed_phone"]),
        ),
        ops.AddIndex(
            model_name="Contact",
            index=Index(fields=["workspace_id", "claimed_email"]),
        ),
        ops.RunPython(fold, ops.RunPython.noop),
    ]
