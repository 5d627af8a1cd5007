"""Invitations to a workspace, and working hours of workspaces and members."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from typing import Any
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from models.member import Role, Visibility
from tortoise.fields.base import OnDelete
from tortoise import fields

ONE_PENDING = (
    "CREATE UNIQUE INDEX one_pending_invitation ON invitation (workspace_id, email)"
    " WHERE accepted_at IS NULL AND revoked_at IS NULL"
)


async def add_index(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Add what the migration writer cannot express."""
    await editor.client.execute_query(ONE_PENDING)


class Migration(migrations.Migration):
    dependencies = [("models", "0005_accounts")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Invitation",
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
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="invitations",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("email", fields.CharField(max_length=254)),
                (
                    "role",
                    fields.CharEnumField(
                        description="OWNER: OWNER\nMANAGER: MANAGER\nAGENT: AGENT",
                        enum_type=Role,
                        max_length=16,
                    ),
                ),
                (
                    "visibility",
                    fields.CharEnumField(
                        description="ALL: ALL\nTEAM: TEAM\nOWN: OWN",
                        enum_type=Visibility,
                        max_length=16,
                    ),
                ),
                ("restrictions", fields.CharField(default="", max_length=255)),
                (
                    "team",
                    fields.ForeignKeyField(
                        "models.Team",
                        source_field="team_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="invitations",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("token_hash", fields.CharField(unique=True, max_length=64)),
                (
                    "invited_by",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="invited_by_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="invitations",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "expires_at",
                    fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "accepted_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "invitation",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A pending one has neither been accepted nor revoked: one of an address in a workspace.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Member",
            name="working_hours",
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name="Workspace",
            name="working_hours",
            field=fields.TextField(null=True, unique=False),
        ),
        ops.RunPython(add_index, reverse_code=ops.RunPython.noop),
    ]
