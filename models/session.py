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
    family_hash = fields.CharField(max_length=64, null=True, unique=True)
    """Of what all renewal tokens of the session begin with: one of them that is not the newest
    was used before, so it was stolen, and the session ends."""
    expires_at = fields.DatetimeField()
    refresh_expires_at = fields.DatetimeField(db_index=True)
    created_at = fields.DatetimeField()
    last_used_at = fields.DatetimeField(null=True)
    """To the hour; null: not since it was opened."""
    user_agent = fields.CharField(max_length=200, default="", db_default="")
    """As the device named itself at log-in."""

    class Meta:
        table = "session"
