from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from tortoise import fields


class Migration(migrations.Migration):
    dependencies = [("models", "0018_search")]

    initial = False

    operations = [
        ops.CreateModel(
            name="MergedContact",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("merged_id", fields.BigIntField(unique=True)),
                (
                    "contact",
                    fields.ForeignKeyField(
                        "models.Contact",
                        source_field="contact_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="merged",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
            ],
            options={
                "table": "merged_contact",
                "app": "models",
                "pk_attr": "id",
                "table_description": "The key of a contact who was merged into another one, and who that is by now.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Channel",
            name="accepts_reply_to",
            field=fields.BooleanField(default=False, db_default=False),
        ),
        ops.AddField(
            model_name="Message",
            name="reply_to_external_id",
            field=fields.CharField(null=True, max_length=255),
        ),
        ops.AddField(
            model_name="Message",
            name="reply_to_id",
            field=fields.BigIntField(null=True),
        ),
    ]
