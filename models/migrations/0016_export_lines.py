from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields


class Migration(migrations.Migration):
    dependencies = [("models", "0015_invitation_mail")]

    initial = False

    operations = [
        ops.AlterModelOptions(
            name="TransferChunk",
            options={
                "table": "transfer_chunk",
                "app": "models",
                "unique_together": (("transfer", "attempt", "number"),),
                "pk_attr": "id",
                "table_description": "A part of a file, as JSON: lines that are to be imported, or exported ones by contact.",
            },
        ),
        ops.AddField(
            model_name="TransferChunk",
            name="last_contact_id",
            field=fields.BigIntField(null=True),
        ),
    ]
