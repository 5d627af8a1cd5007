"""An API key: a program's way into one workspace; kept as a hash only."""

from enum import Enum

from tortoise import fields
from tortoise.models import Model

from models.member import Member, Role
from models.workspace import Workspace


class ApiKeyScope(Enum):
    """What an API key may be limited to, within what its role may do."""

    READ = "READ"
    """See the workspace; every key does."""
    WRITE_MESSAGES = "WRITE_MESSAGES"
    """Send messages and write comments."""
    WRITE_CONVERSATIONS = "WRITE_CONVERSATIONS"
    """Open, close, snooze and assign conversations."""
    WRITE_CONTACTS = "WRITE_CONTACTS"
    """Create, change and block contacts."""
    MANAGE = "MANAGE"
    """Change settings, channels and API keys."""


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
    scopes = fields.CharField(max_length=255, default="", db_default="")
    """Comma-separated ApiKeyScope values in order; empty: all that the role may do."""
    created_by: fields.ForeignKeyNullableRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="api_keys", null=True, on_delete=fields.SET_NULL
    )
    created_by_id: int | None
    created_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "api_key"
