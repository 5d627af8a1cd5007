"""A member: a user inside one workspace, with a role and what they may see."""

from enum import Enum

from tortoise import fields
from tortoise.models import Model

from models.team import Team
from models.user import User
from models.workspace import Workspace


class Role(Enum):
    """What a member may do in a workspace; see the table of rights."""

    OWNER = "OWNER"
    """May do everything."""
    MANAGER = "MANAGER"
    """Leads: connects channels, makes API keys, and sees every conversation."""
    AGENT = "AGENT"
    """Answers contacts; may be restricted in what they see."""


class Visibility(Enum):
    """Which conversations an agent may see."""

    ALL = "ALL"
    """Every conversation of the workspace."""
    TEAM = "TEAM"
    """Those assigned to them, to a member of their team, or to their team."""
    OWN = "OWN"
    """Those assigned to them."""


class Restriction(Enum):
    """What a member may not do although their role allows it."""

    BLOCKED_CONTACTS = "BLOCKED_CONTACTS"
    """They see neither blocked contacts nor the inbox of them."""
    CONTACT_DELETION = "CONTACT_DELETION"
    """They do not delete contacts."""
    DATA_EXPORT = "DATA_EXPORT"
    """They do not export data."""
    EMAIL_ADDRESSES = "EMAIL_ADDRESSES"
    """They do not see the email addresses of contacts."""
    INTEGRATIONS = "INTEGRATIONS"
    """They change neither integrations nor the keys of programs."""
    PHONE_NUMBERS = "PHONE_NUMBERS"
    """They do not see the phone numbers of contacts."""
    SHORTCUTS = "SHORTCUTS"
    """They do not run shortcuts."""
    WORKSPACE_SETTINGS = "WORKSPACE_SETTINGS"
    """They do not change the settings of the workspace."""


class Member(Model):
    """A user's place in a workspace: inactive members keep their history and lose all rights."""

    id = fields.BigIntField(primary_key=True)
    workspace: fields.ForeignKeyRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", related_name="members"
    )
    workspace_id: int
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name="members", db_index=True
    )
    user_id: int
    team: fields.ForeignKeyNullableRelation[Team] = fields.ForeignKeyField(
        "models.Team", related_name="members", null=True, on_delete=fields.SET_NULL
    )
    team_id: int | None
    role = fields.CharEnumField(Role, max_length=16, default=Role.AGENT)
    visibility = fields.CharEnumField(Visibility, max_length=16, default=Visibility.ALL)
    restrictions = fields.CharField(max_length=255, default="", db_default="")
    """The names of their restrictions in alphabetical order, with commas between."""
    working_hours = fields.TextField(null=True)
    """The intervals of a week as JSON, by the workspace's time; null: the workspace's own."""
    is_active = fields.BooleanField(default=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "member"
        unique_together = (("workspace", "user"),)
