"""A log-in code: what a browser brings home from a provider, to be exchanged for tokens once."""

from tortoise import fields
from tortoise.models import Model

from models.user import User


class LogInCode(Model):
    """A code for a minute, kept as a hash: tokens themselves never stand in an address."""

    id = fields.BigIntField(primary_key=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name="log_in_codes", db_index=True
    )
    user_id: int
    code_hash = fields.CharField(max_length=64, unique=True)
    expires_at = fields.DatetimeField(db_index=True)

    class Meta:
        table = "log_in_code"
