"""The audit log, which the database itself keeps whole."""

from typing import Any

from models.audit_entry import LEAST_DAYS, AuditOutcome
from models.engine.migrating import add_check, keep_whole
from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor

REFUSED_WITH_A_CODE = "({row}outcome = 'DENIED') = ({row}code IS NOT NULL)"


async def constrain(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Add what the migration writer cannot express on both databases."""
    await add_check(editor.client, "audit_entry", "refused_with_a_code", REFUSED_WITH_A_CODE)
    await keep_whole(editor.client, "audit_entry", LEAST_DAYS)


class Migration(migrations.Migration):
    dependencies = [("models", "0009_transfers")]

    initial = False

    operations = [
        ops.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("workspace_id", fields.BigIntField()),
                ("actor", fields.CharField(null=True, max_length=32)),
                ("action", fields.CharField(max_length=64)),
                ("target_type", fields.CharField(null=True, max_length=32)),
                ("target_id", fields.BigIntField(null=True)),
                (
                    "outcome",
                    fields.CharEnumField(
                        description="ALLOWED: ALLOWED\nDENIED: DENIED",
                        enum_type=AuditOutcome,
                        max_length=16,
                    ),
                ),
                ("code", fields.CharField(null=True, max_length=32)),
                ("address", fields.CharField(null=True, max_length=45)),
                ("request_id", fields.CharField(null=True, max_length=64)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "audit_entry",
                "app": "models",
                "indexes": [
                    Index(fields=["workspace_id", "created_at", "id"]),
                    Index(fields=["workspace_id", "actor", "created_at", "id"]),
                    Index(fields=["workspace_id", "action", "created_at", "id"]),
                    Index(fields=["workspace_id", "outcome", "created_at", "id"]),
                ],
                "pk_attr": "id",
                "table_description": "Never changed, and deleted only by age. It names rows by their ids, which may be gone.",
            },
            bases=["Model"],
        ),
        ops.RunPython(constrain, ops.RunPython.noop),
    ]
