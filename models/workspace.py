"""A workspace: an independent account with its own people, contacts, channels and event log."""

from tortoise import fields
from tortoise.models import Model


class Workspace(Model):
    """One customer's world: nothing of another workspace can be seen from it."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(max_length=100)
    time_zone = fields.CharField(max_length=64, default="UTC")
    language = fields.CharField(max_length=16, default="en")
    unreplied_since = fields.DatetimeField()
    """Messages before this moment never count as unreplied (product rule 11)."""
    created_at = fields.DatetimeField()

    class Meta:
        table = "workspace"
