"""A custom inbox: a saved filter over conversations, for one member or for many."""

from enum import Enum

from tortoise import fields
from tortoise.models import Model

from models.member import Member
from models.team import Team
from models.workspace import Workspace


class InboxSharing(Enum):
    """Who finds a custom inbox among theirs."""

    PRIVATE = "PRIVATE"
    """Its creator."""
    SHARED = "SHARED"
    """Its creator, and the members and teams that are named."""
    WORKSPACE = "WORKSPACE"
    """Every member of the workspace."""


class CustomInbox(Model):
    """Only its creator changes it, and it shows nobody what they may not see."""

    id = fields.BigIntField(primary_key=True)
    workspace: fields.ForeignKeyRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", related_name="custom_inboxes"
    )
    workspace_id: int
    creator: fields.ForeignKeyRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="custom_inboxes"
    )
    creator_id: int
    name = fields.CharField(max_length=100)
    conditions = fields.TextField()
    """Its filter as JSON, as `resolvers/inbox_filter.py` writes them."""
    sharing = fields.CharEnumField(InboxSharing, max_length=16)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField()
    shares: fields.ReverseRelation["CustomInboxShare"]

    class Meta:
        table = "custom_inbox"
        indexes = (("workspace_id", "id"),)


class CustomInboxShare(Model):
    """One member or one team with whom a custom inbox is shared."""

    id = fields.BigIntField(primary_key=True)
    inbox: fields.ForeignKeyRelation[CustomInbox] = fields.ForeignKeyField(
        "models.CustomInbox", related_name="shares", db_index=True
    )
    inbox_id: int
    member: fields.ForeignKeyNullableRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="inbox_shares", null=True
    )
    member_id: int | None
    team: fields.ForeignKeyNullableRelation[Team] = fields.ForeignKeyField(
        "models.Team", related_name="inbox_shares", null=True
    )
    team_id: int | None

    class Meta:
        table = "custom_inbox_share"
