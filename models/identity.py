"""An identity: how an OpenID provider knows a user."""

from tortoise import fields
from tortoise.models import Model

from models.user import User


class Identity(Model):
    """A provider's lasting name of a user, found by their verified address the first time."""

    id = fields.BigIntField(primary_key=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name="identities", db_index=True
    )
    user_id: int
    issuer = fields.CharField(max_length=255)
    subject = fields.CharField(max_length=255)
    created_at = fields.DatetimeField()

    class Meta:
        table = "identity"
        unique_together = (("issuer", "subject"),)
