"""An AI agent: a program that looks after conversations as a member would."""

from tortoise import fields
from tortoise.models import Model

from models.workspace import Workspace


class AiAgent(Model):
    """One that is not active keeps what it has and can be given nothing more."""

    id = fields.BigIntField(primary_key=True)
    workspace: fields.ForeignKeyRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", related_name="ai_agents"
    )
    workspace_id: int
    name = fields.CharField(max_length=100)
    is_active = fields.BooleanField(default=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "ai_agent"
        unique_together = (("workspace", "name"),)
