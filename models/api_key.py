"""An API key: a program's way into one workspace; kept as a hash only."""

from tortoise import fields
from tortoise.models import Model

from models.member import Member, Role
from models.workspace import Workspace


class ApiKey(Model):
    """A key acts with a role, sees every conversation of its workspace, and signs as source API."""

    id = fields.BigIntField(primary_key=True)
    workspace: fields.ForeignKeyRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", related_name="api_keys", db_index=True
    )
    workspace_id: int
    name = fields.CharField(max_length=100)
    key_hash = fields.CharField(max_length=64, unique=True)
    role = fields.CharEnumField(Role, max_length=16, default=Role.AGENT)
    created_by: fields.ForeignKeyNullableRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="api_keys", null=True, on_delete=fields.SET_NULL
    )
    created_by_id: int | None
    created_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "api_key"
