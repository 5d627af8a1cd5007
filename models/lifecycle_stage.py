"""A lifecycle stage: how far a contact has come on the way to being a customer."""

from tortoise import fields
from tortoise.models import Model

from models.workspace import Workspace


class LifecycleStage(Model):
    """A contact is in one stage of its workspace, or in none."""

    id = fields.BigIntField(primary_key=True)
    workspace: fields.ForeignKeyRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", related_name="lifecycle_stages"
    )
    workspace_id: int
    name = fields.CharField(max_length=100)
    position = fields.IntField()
    """Its place in the list of stages, from 0."""
    created_at = fields.DatetimeField()

    class Meta:
        table = "lifecycle_stage"
        unique_together = (("workspace", "name"),)
