"""A user: a person who logs in, a member of any number of workspaces."""

from tortoise import fields
from tortoise.models import Model


class User(Model):
    """A person with a password: what they may do is written on their memberships."""

    id = fields.BigIntField(primary_key=True)
    email = fields.CharField(max_length=254, unique=True)
    """Lower case."""
    name = fields.CharField(max_length=100)
    password_hash = fields.CharField(max_length=255)
    language = fields.CharField(max_length=16, null=True)
    """The language of sentences for this person; without one, that of the request."""
    created_at = fields.DatetimeField()

    class Meta:
        table = "account"
