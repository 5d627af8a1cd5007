"""A session: one log-in of a user on one device; its tokens are kept as hashes only."""

from tortoise import fields
from tortoise.models import Model

from models.user import User


class Session(Model):
    """A pair of opaque tokens: one that opens the API, one that renews the pair once."""

    id = fields.BigIntField(primary_key=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name="sessions", db_index=True
    )
    user_id: int
    token_hash = fields.CharField(max_length=64, unique=True)
    refresh_hash = fields.CharField(max_length=64, unique=True)
    previous_refresh_hash = fields.CharField(max_length=64, null=True, unique=True)
    """The renewal token used last: seen again, it was stolen, and the session ends."""
    expires_at = fields.DatetimeField()
    refresh_expires_at = fields.DatetimeField(db_index=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "session"
