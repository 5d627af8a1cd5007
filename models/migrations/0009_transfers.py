"""Imports and exports of contacts, their files in portions, and their reports."""

from typing import Any

from models.engine.migrating import add_check
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise import migrations
from tortoise.migrations import operations as ops
from models.transfer import ImportMode, TransferKind, TransferState
from tortoise.fields.base import OnDelete
from tortoise import fields
from tortoise.indexes import Index

CHECKS = {
    "mode_of_import": "({row}kind = 'IMPORT') = ({row}mode IS NOT NULL)",
    "file_is_known": "{row}state <> 'RUNNING' OR {row}line_count IS NOT NULL",
    "end_has_moment": "({row}state IN ('DONE', 'FAILED')) = ({row}finished_at IS NOT NULL)",
    "counted_lines": (
        "{row}kind <> 'IMPORT' OR {row}done_count = {row}created_count + {row}updated_count"
        " + {row}skipped_count + {row}refused_count"
    ),
}


async def constrain(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Add what the migration writer cannot express on both databases."""
    for name, condition in CHECKS.items():
        await add_check(editor.client, "transfer", name, condition)


class Migration(migrations.Migration):
    dependencies = [("models", "0008_upkeep")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Transfer",
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
                        related_name="transfers",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="IMPORT: IMPORT\nEXPORT: EXPORT",
                        enum_type=TransferKind,
                        max_length=16,
                    ),
                ),
                (
                    "state",
                    fields.CharEnumField(
                        description="WAITING: WAITING\nRUNNING: RUNNING\nDONE: DONE\nFAILED: FAILED",
                        enum_type=TransferState,
                        max_length=16,
                    ),
                ),
                ("actor", fields.CharField(max_length=64)),
                (
                    "member",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="member_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="transfers",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("sight", fields.CharField(default="", max_length=512)),
                ("secret", fields.CharField(max_length=64)),
                ("file_name", fields.CharField(max_length=200)),
                (
                    "mode",
                    fields.CharEnumField(
                        null=True,
                        description="ADD: ADD\nUPDATE: UPDATE\nADD_AND_UPDATE: ADD_AND_UPDATE",
                        enum_type=ImportMode,
                        max_length=16,
                    ),
                ),
                ("is_dry_run", fields.BooleanField(default=False)),
                ("columns", fields.TextField(default="[]", unique=False)),
                ("attempt", fields.IntField(default=0)),
                ("line_count", fields.IntField(null=True)),
                ("done_count", fields.IntField(default=0)),
                ("created_count", fields.IntField(default=0)),
                ("updated_count", fields.IntField(default=0)),
                ("skipped_count", fields.IntField(default=0)),
                ("refused_count", fields.IntField(default=0)),
                ("portion", fields.IntField(default=0)),
                ("last_contact_id", fields.BigIntField(default=0)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "finished_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "expires_at",
                    fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "transfer",
                "app": "models",
                "indexes": [Index(fields=["workspace_id", "kind", "created_at", "id"])],
                "pk_attr": "id",
                "table_description": "What was asked for and how far it is: the counts are those of committed portions.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TransferChunk",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "transfer",
                    fields.ForeignKeyField(
                        "models.Transfer",
                        source_field="transfer_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="chunks",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("attempt", fields.IntField(default=0)),
                ("number", fields.IntField()),
                ("content", fields.TextField(unique=False)),
            ],
            options={
                "table": "transfer_chunk",
                "app": "models",
                "unique_together": (("transfer", "attempt", "number"),),
                "pk_attr": "id",
                "table_description": "A part of a file: lines that are to be imported, as JSON, or that were exported, as CSV.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TransferGuess",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "transfer",
                    fields.ForeignKeyField(
                        "models.Transfer",
                        source_field="transfer_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="guesses",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("key", fields.CharField(max_length=260)),
                ("identity", fields.BigIntField()),
                ("content", fields.TextField(default="", unique=False)),
            ],
            options={
                "table": "transfer_guess",
                "app": "models",
                "unique_together": (("transfer", "key"),),
                "pk_attr": "id",
                "table_description": "What a dry run would have made of who has a phone number or an email address.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TransferRefusal",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "transfer",
                    fields.ForeignKeyField(
                        "models.Transfer",
                        source_field="transfer_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="refusals",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("line", fields.IntField()),
                ("code", fields.CharField(max_length=32)),
                ("column_name", fields.CharField(null=True, max_length=100)),
                ("message", fields.TextField(unique=False)),
                ("details", fields.TextField(default="{}", unique=False)),
            ],
            options={
                "table": "transfer_refusal",
                "app": "models",
                "unique_together": (("transfer", "line"),),
                "pk_attr": "id",
                "table_description": "A line that was not imported, and why.",
            },
            bases=["Model"],
        ),
        ops.RunPython(constrain, ops.RunPython.noop),
    ]
