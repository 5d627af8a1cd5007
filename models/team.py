"""A team: members who share an inbox."""

from tortoise import fields
from tortoise.models import Model

from models.workspace import Workspace


class Team(Model):
    """A named group of members of one workspace."""

    id = fields.BigIntField(primary_key=True)
    workspace: fields.ForeignKeyRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", related_name="teams"
    )
    workspace_id: int
    name = fields.CharField(max_length=100)

    class Meta:
        table = "team"
        unique_together = (("workspace", "name"),)
