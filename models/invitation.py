"""An invitation: an address that may join a workspace, once, until a moment."""

from tortoise import fields
from tortoise.models import Model

from models.member import Member, Role, Visibility
from models.team import Team
from models.workspace import Workspace


class Invitation(Model):
    """A pending one has neither been accepted nor revoked: one of an address in a workspace."""

    id = fields.BigIntField(primary_key=True)
    workspace: fields.ForeignKeyRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", related_name="invitations", db_index=True
    )
    workspace_id: int
    email = fields.CharField(max_length=254)
    """Lower case."""
    role = fields.CharEnumField(Role, max_length=16)
    visibility = fields.CharEnumField(Visibility, max_length=16)
    restrictions = fields.CharField(max_length=255, default="")
    """As a member has them."""
    team: fields.ForeignKeyNullableRelation[Team] = fields.ForeignKeyField(
        "models.Team", related_name="invitations", null=True, on_delete=fields.SET_NULL
    )
    team_id: int | None
    token_hash = fields.CharField(max_length=64, unique=True)
    mailed_token_hash = fields.CharField(max_length=64, null=True)
    """Of the newest token that was mailed; unique, and as good as the other."""
    invited_by: fields.ForeignKeyNullableRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="invitations", null=True, on_delete=fields.SET_NULL
    )
    invited_by_id: int | None
    """The member who invited them; null for a program."""
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(db_index=True)
    accepted_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "invitation"
