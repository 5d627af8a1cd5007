from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields


class Migration(migrations.Migration):
    dependencies = [("models", "0020_drafts")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Message",
            name="full_text",
            field=fields.TextField(null=True, unique=False),
        ),
    ]
