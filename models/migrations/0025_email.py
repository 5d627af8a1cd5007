from tortoise import migrations
from tortoise.migrations import operations as ops
from models.channel import ChannelKind
from models.email_account import SmtpSecurity
from models.message import MessageKind
from tortoise.fields.base import OnDelete
from tortoise import fields

from models.engine.migrating import Redescribe


class Migration(migrations.Migration):
    dependencies = [("models", "0024_snippet_files"), ("models", "0024_windows")]

    initial = False

    operations = [
        ops.CreateModel(
            name="EmailAccount",
            fields=[
                (
                    "channel",
                    fields.OneToOneField(
                        "models.Channel",
                        source_field="channel_id",
                        primary_key=True,
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="email_account",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("address", fields.CharField(max_length=254)),
                ("display_name", fields.CharField(max_length=100)),
                ("smtp_host", fields.CharField(max_length=253)),
                ("smtp_port", fields.IntField()),
                (
                    "smtp_security",
                    fields.CharEnumField(
                        description="TLS: TLS\nSTARTTLS: STARTTLS\nNONE: NONE",
                        enum_type=SmtpSecurity,
                        max_length=16,
                    ),
                ),
                ("smtp_user", fields.CharField(null=True, max_length=255)),
                ("smtp_password", fields.CharField(null=True, max_length=255)),
            ],
            options={
                "table": "email_account",
                "app": "models",
                "pk_attr": "channel_id",
                "table_description": "One for each channel of kind EMAIL.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="MessageEmail",
            fields=[
                (
                    "message",
                    fields.OneToOneField(
                        "models.Message",
                        source_field="message_id",
                        primary_key=True,
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="email",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("subject", fields.TextField(unique=False)),
                ("sender", fields.CharField(max_length=254)),
                ("recipients", fields.TextField(unique=False)),
                ("cc", fields.TextField(unique=False)),
                ("bcc", fields.TextField(unique=False)),
                ("header_id", fields.TextField(null=True, unique=False)),
                ("in_reply_to", fields.TextField(null=True, unique=False)),
                ("thread_ids", fields.TextField(unique=False)),
                ("html", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "message_email",
                "app": "models",
                "pk_attr": "message_id",
                "table_description": "One for each message of kind EMAIL. Gone with the message.",
            },
            bases=["Model"],
        ),
        Redescribe(
            model_name="Channel",
            name="kind",
            field=fields.CharEnumField(
                description="CUSTOM: CUSTOM\nEMAIL: EMAIL", enum_type=ChannelKind, max_length=32
            ),
        ),
        Redescribe(
            model_name="Message",
            name="kind",
            field=fields.CharEnumField(
                description="TEXT: TEXT\nATTACHMENT: ATTACHMENT\nVOICE: VOICE\nVIDEO: VIDEO\nEMAIL: EMAIL\nUNSUPPORTED: UNSUPPORTED",
                enum_type=MessageKind,
                max_length=32,
            ),
        ),
    ]
