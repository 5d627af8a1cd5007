"""What accounts need to remember: rate windows, resets, identities of providers, and scopes of keys."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from tortoise import fields


class Migration(migrations.Migration):
    dependencies = [("models", "0004_inboxes")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Identity",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "user",
                    fields.ForeignKeyField(
                        "models.User",
                        source_field="user_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="identities",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("issuer", fields.CharField(max_length=255)),
                ("subject", fields.CharField(max_length=255)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "identity",
                "app": "models",
                "unique_together": (("issuer", "subject"),),
                "pk_attr": "id",
                "table_description": "A provider's lasting name of a user, found by their verified address the first time.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LogInCode",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "user",
                    fields.ForeignKeyField(
                        "models.User",
                        source_field="user_id",
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="log_in_codes",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("code_hash", fields.CharField(unique=True, max_length=64)),
                (
                    "expires_at",
                    fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "log_in_code",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A code for a minute, kept as a hash: tokens themselves never stand in an address.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OpenidAttempt",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("state_hash", fields.CharField(unique=True, max_length=64)),
                ("nonce", fields.CharField(max_length=64)),
                ("code_verifier", fields.CharField(max_length=128)),
                (
                    "expires_at",
                    fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "openid_attempt",
                "app": "models",
                "pk_attr": "id",
                "table_description": "What must be known of a log-in when the browser comes back from the provider, once.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PasswordReset",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "user",
                    fields.OneToOneField(
                        "models.User",
                        source_field="user_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="password_reset",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("token_hash", fields.CharField(unique=True, max_length=64)),
                (
                    "expires_at",
                    fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "password_reset",
                "app": "models",
                "pk_attr": "id",
                "table_description": "The newest token of a user, kept as a hash: a newer one takes its place.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RateWindow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("subject", fields.CharField(unique=True, max_length=64)),
                ("attempts", fields.IntField()),
                ("failures", fields.IntField()),
                ("begins_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "ends_at",
                    fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "rate_window",
                "app": "models",
                "pk_attr": "id",
                "table_description": "The attempts of one subject since its first one, until the window ends.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="ApiKey",
            name="scopes",
            field=fields.CharField(default="", db_default="", max_length=255),
        ),
        ops.RenameField(
            model_name="Session",
            old_name="previous_refresh_hash",
            new_name="family_hash",
        ),
        ops.AddField(
            model_name="Session",
            name="last_used_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Session",
            name="user_agent",
            field=fields.CharField(default="", db_default="", max_length=200),
        ),
    ]
