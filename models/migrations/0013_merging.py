"""A merge of contacts has a line of its own in timelines."""

from models.activity import ActivityKind
from models.engine.migrating import Redescribe
from tortoise import fields, migrations


class Migration(migrations.Migration):
    dependencies = [("models", "0012_masking")]

    initial = False

    operations = [
        Redescribe(
            model_name="Activity",
            name="kind",
            field=fields.CharEnumField(
                description="OPENED: OPENED\nCLOSED: CLOSED\nASSIGNED: ASSIGNED\nUNASSIGNED: UNASSIGNED\nSNOOZED: SNOOZED\nUNSNOOZED: UNSNOOZED\nSNOOZE_EXPIRED: SNOOZE_EXPIRED\nTAKEN_OVER: TAKEN_OVER\nBLOCKED: BLOCKED\nUNBLOCKED: UNBLOCKED\nMERGED: MERGED",
                enum_type=ActivityKind,
                max_length=32,
            ),
        ),
    ]
