"""What inboxes, assignment to all kinds of handlers, and blocking need to remember."""

from tortoise import migrations
from tortoise.migrations import operations as ops
import datetime
from typing import Any
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from models.engine.migrating import Redescribe, add_check
from models.activity import ActivityKind
from models.custom_field import CustomFieldKind
from models.custom_inbox import InboxSharing
from tortoise.fields.base import OnDelete
from tortoise import fields
from tortoise.indexes import Index

ONE_HANDLER = "({row}assignee_id IS NULL OR {row}ai_agent_id IS NULL)"
FILLED = (
    "UPDATE conversation SET status_since = CASE status WHEN 'OPEN' THEN COALESCE(opened_at,"
    " created_at) WHEN 'SNOOZED' THEN COALESCE(snoozed_at, created_at)"
    " ELSE COALESCE(closed_at, created_at) END, last_incoming_at = (SELECT MAX(c.last_incoming_at)"
    " FROM contact_channel c WHERE c.contact_id = conversation.contact_id)"
)
FEW = (
    "CREATE INDEX {name} ON conversation (workspace_id, last_message_at, id)"
    " WHERE {column} IS NOT NULL"
)


async def fill(_apps: Any, editor: BaseSchemaEditor) -> None:
    """Fill the new columns, and add what the migration writer cannot express on both databases."""
    client = editor.client
    await client.execute_query(FILLED)
    await add_check(client, "conversation", "one_handler", ONE_HANDLER)
    await client.execute_query(FEW.format(name="blocked_conversations", column="blocked_at"))
    await client.execute_query(FEW.format(name="unreplied_conversations", column="unreplied_since"))


class Migration(migrations.Migration):
    dependencies = [("models", "0003_closing")]

    initial = False

    operations = [
        ops.CreateModel(
            name="AiAgent",
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
                        related_name="ai_agents",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", fields.CharField(max_length=100)),
                ("is_active", fields.BooleanField(default=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "ai_agent",
                "app": "models",
                "unique_together": (("workspace", "name"),),
                "pk_attr": "id",
                "table_description": "One that is not active keeps what it has and can be given nothing more.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CustomField",
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
                        related_name="custom_fields",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", fields.CharField(max_length=50)),
                ("slug", fields.CharField(max_length=50)),
                (
                    "kind",
                    fields.CharEnumField(
                        description="TEXT: TEXT\nLIST: LIST\nCHECKBOX: CHECKBOX\nEMAIL: EMAIL\nNUMBER: NUMBER\nURL: URL\nDATE: DATE\nTIME: TIME",
                        enum_type=CustomFieldKind,
                        max_length=16,
                    ),
                ),
                ("options", fields.TextField(default="[]", unique=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "custom_field",
                "app": "models",
                "unique_together": (("workspace", "slug"),),
                "pk_attr": "id",
                "table_description": "Its slug names it in variables and is unique in the workspace.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CustomFieldValue",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "contact",
                    fields.ForeignKeyField(
                        "models.Contact",
                        source_field="contact_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="custom_field_values",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "field",
                    fields.ForeignKeyField(
                        "models.CustomField",
                        source_field="field_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="values",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("text", fields.TextField(null=True, unique=False)),
                ("number", fields.FloatField(null=True)),
            ],
            options={
                "table": "custom_field_value",
                "app": "models",
                "unique_together": (("contact", "field"),),
                "pk_attr": "id",
                "table_description": "What a contact has in a field: numbers and checkboxes as a number, all else as text.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CustomInbox",
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
                        related_name="custom_inboxes",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "creator",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="creator_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="custom_inboxes",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", fields.CharField(max_length=100)),
                ("conditions", fields.TextField(unique=False)),
                (
                    "sharing",
                    fields.CharEnumField(
                        description="PRIVATE: PRIVATE\nSHARED: SHARED\nWORKSPACE: WORKSPACE",
                        enum_type=InboxSharing,
                        max_length=16,
                    ),
                ),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "custom_inbox",
                "app": "models",
                "indexes": [Index(fields=["workspace_id", "id"])],
                "pk_attr": "id",
                "table_description": "Only its creator changes it, and it shows nobody what they may not see.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CustomInboxShare",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "inbox",
                    fields.ForeignKeyField(
                        "models.CustomInbox",
                        source_field="inbox_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="shares",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "member",
                    fields.ForeignKeyField(
                        "models.Member",
                        source_field="member_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="inbox_shares",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "team",
                    fields.ForeignKeyField(
                        "models.Team",
                        source_field="team_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="inbox_shares",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
            ],
            options={
                "table": "custom_inbox_share",
                "app": "models",
                "pk_attr": "id",
                "table_description": "One member or one team with whom a custom inbox is shared.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LifecycleStage",
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
                        related_name="lifecycle_stages",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", fields.CharField(max_length=100)),
                ("position", fields.IntField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "lifecycle_stage",
                "app": "models",
                "unique_together": (("workspace", "name"),),
                "pk_attr": "id",
                "table_description": "A contact is in one stage of its workspace, or in none.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Tag",
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
                        related_name="tags",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", fields.CharField(max_length=100)),
                ("folded_name", fields.CharField(max_length=200)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "tag",
                "app": "models",
                "unique_together": (("workspace", "folded_name"),),
                "pk_attr": "id",
                "table_description": "Its name is unique in the workspace, whatever the case.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ContactTag",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "contact",
                    fields.ForeignKeyField(
                        "models.Contact",
                        source_field="contact_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="tags",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "tag",
                    fields.ForeignKeyField(
                        "models.Tag",
                        source_field="tag_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="contacts",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
            ],
            options={
                "table": "contact_tag",
                "app": "models",
                "unique_together": (("contact", "tag"),),
                "pk_attr": "id",
                "table_description": "A tag on a contact.",
            },
            bases=["Model"],
        ),
        Redescribe(
            model_name="Activity",
            name="kind",
            field=fields.CharEnumField(
                description="OPENED: OPENED\nCLOSED: CLOSED\nASSIGNED: ASSIGNED\nUNASSIGNED: UNASSIGNED\nSNOOZED: SNOOZED\nUNSNOOZED: UNSNOOZED\nSNOOZE_EXPIRED: SNOOZE_EXPIRED\nTAKEN_OVER: TAKEN_OVER\nBLOCKED: BLOCKED\nUNBLOCKED: UNBLOCKED",
                enum_type=ActivityKind,
                max_length=32,
            ),
        ),
        ops.AddField(
            model_name="Activity",
            name="ai_agent_id",
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name="Activity",
            name="team_id",
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name="Contact",
            name="lifecycle_stage",
            field=fields.ForeignKeyField(
                "models.LifecycleStage",
                source_field="lifecycle_stage_id",
                null=True,
                db_constraint=True,
                to_field="id",
                related_name="contacts",
                on_delete=OnDelete.SET_NULL,
            ),
        ),
        ops.AddField(
            model_name="Conversation",
            name="ai_agent",
            field=fields.ForeignKeyField(
                "models.AiAgent",
                source_field="ai_agent_id",
                null=True,
                db_constraint=True,
                to_field="id",
                related_name="conversations",
                on_delete=OnDelete.SET_NULL,
            ),
        ),
        ops.AddField(
            model_name="Conversation",
            name="blocked_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Conversation",
            name="blocked_by",
            field=fields.ForeignKeyField(
                "models.Member",
                source_field="blocked_by_id",
                null=True,
                db_constraint=True,
                to_field="id",
                related_name="blocks",
                on_delete=OnDelete.SET_NULL,
            ),
        ),
        ops.AddField(
            model_name="Conversation",
            name="handling_epoch",
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name="Conversation",
            name="last_incoming_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Conversation",
            name="status_since",
            field=fields.DatetimeField(
                db_default=datetime.datetime.fromisoformat("1970-01-01T00:00:00+00:00"),
                auto_now=False,
                auto_now_add=False,
            ),
        ),
        ops.AddIndex(
            model_name="Conversation",
            index=Index(fields=["workspace_id", "status", "status_since", "id"]),
        ),
        ops.AddIndex(
            model_name="Conversation",
            index=Index(fields=["workspace_id", "assignee_id", "status", "status_since", "id"]),
        ),
        ops.AddField(
            model_name="Member",
            name="restrictions",
            field=fields.CharField(default="", db_default="", max_length=255),
        ),
        ops.AddField(
            model_name="Message",
            name="is_quarantined",
            field=fields.BooleanField(default=False, db_default=False),
        ),
        ops.RunPython(fill, ops.RunPython.noop),
    ]
