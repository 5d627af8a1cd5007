"""Closing notes, automatic closing, and snoozes that a reply does or does not end."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from models.engine.migrating import Redescribe
from models.episode import ChangeSource
from models.workspace import ClosingNoteMode
from tortoise.fields.base import OnDelete
from tortoise import fields


class Migration(migrations.Migration):
    dependencies = [("models", "0002_constraints")]

    initial = False

    operations = [
        ops.CreateModel(
            name="ClosingNoteCategory",
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
                        related_name="closing_note_categories",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", fields.CharField(max_length=100)),
                ("description", fields.CharField(default="", max_length=500)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "closing_note_category",
                "app": "models",
                "unique_together": (("workspace", "name"),),
                "pk_attr": "id",
                "table_description": "Notes keep copies of its name and description: to change or delete it alters none.",
            },
            bases=["Model"],
        ),
        Redescribe(
            model_name="Activity",
            name="source",
            field=fields.CharEnumField(
                description="USER: USER\nCONTACT: CONTACT\nAPI: API\nAUTO_CLOSE: AUTO_CLOSE\nSYSTEM: SYSTEM",
                enum_type=ChangeSource,
                max_length=16,
            ),
        ),
        ops.AddField(
            model_name="Conversation",
            name="auto_close_minutes",
            field=fields.IntField(null=True),
        ),
        ops.AddField(
            model_name="Conversation",
            name="idle_since",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Conversation",
            name="wake_on_reply",
            field=fields.BooleanField(default=True, db_default=True),
        ),
        Redescribe(
            model_name="Episode",
            name="closed_source",
            field=fields.CharEnumField(
                null=True,
                description="USER: USER\nCONTACT: CONTACT\nAPI: API\nAUTO_CLOSE: AUTO_CLOSE\nSYSTEM: SYSTEM",
                enum_type=ChangeSource,
                max_length=16,
            ),
        ),
        Redescribe(
            model_name="Episode",
            name="opened_source",
            field=fields.CharEnumField(
                description="USER: USER\nCONTACT: CONTACT\nAPI: API\nAUTO_CLOSE: AUTO_CLOSE\nSYSTEM: SYSTEM",
                enum_type=ChangeSource,
                max_length=16,
            ),
        ),
        ops.AddField(
            model_name="Episode",
            name="note_category",
            field=fields.CharField(null=True, max_length=100),
        ),
        ops.AddField(
            model_name="Episode",
            name="note_description",
            field=fields.CharField(null=True, max_length=500),
        ),
        ops.AddField(
            model_name="Episode",
            name="note_summary",
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name="Workspace",
            name="auto_close_minutes",
            field=fields.IntField(default=1440, db_default=1440),
        ),
        ops.AddField(
            model_name="Workspace",
            name="auto_close_since",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Workspace",
            name="closing_note_mode",
            field=fields.CharEnumField(
                default=ClosingNoteMode.OPTIONAL,
                description="OFF: OFF\nOPTIONAL: OPTIONAL\nCATEGORY_REQUIRED: CATEGORY_REQUIRED\nCATEGORY_AND_SUMMARY_REQUIRED: CATEGORY_AND_SUMMARY_REQUIRED",
                db_default=ClosingNoteMode.OPTIONAL,
                enum_type=ClosingNoteMode,
                max_length=32,
            ),
        ),
        ops.AddField(
            model_name="Workspace",
            name="wake_on_reply",
            field=fields.BooleanField(default=True, db_default=True),
        ),
    ]
