"""A password reset: the one token by mail with which a user may choose another password."""

from tortoise import fields
from tortoise.models import Model

from models.user import User


class PasswordReset(Model):
    """The newest token of a user, kept as a hash: a newer one takes its place."""

    id = fields.BigIntField(primary_key=True)
    user: fields.OneToOneRelation[User] = fields.OneToOneField(
        "models.User", related_name="password_reset"
    )
    user_id: int
    token_hash = fields.CharField(max_length=64, unique=True)
    expires_at = fields.DatetimeField(db_index=True)

    class Meta:
        table = "password_reset"
