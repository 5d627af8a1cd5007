"""A contact: a customer of the workspace, with one lasting conversation."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from models.lifecycle_stage import LifecycleStage
from models.workspace import Workspace

if TYPE_CHECKING:
    from models.conversation import Conversation


class Contact(Model):
    """Who writes to us: phone in E.164 and email in lower case are unique in a workspace."""

    id = fields.BigIntField(primary_key=True)
    workspace: fields.ForeignKeyRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", related_name="contacts"
    )
    workspace_id: int
    first_name = fields.CharField(max_length=100)
    last_name = fields.CharField(max_length=100, default="")
    phone = fields.CharField(max_length=16, null=True)
    email = fields.CharField(max_length=254, null=True)
    given_phone = fields.CharField(max_length=16, null=True)
    """What a member gave from whom phone numbers are hidden: another contact may have it."""
    given_email = fields.CharField(max_length=254, null=True)
    """What a member gave from whom email addresses are hidden: another contact may have it."""
    language = fields.CharField(max_length=16, null=True)
    country = fields.CharField(max_length=2, null=True)
    """ISO 3166-1 alpha-2, from the phone number or the channel."""
    lifecycle_stage: fields.ForeignKeyNullableRelation[LifecycleStage] = fields.ForeignKeyField(
        "models.LifecycleStage", related_name="contacts", null=True, on_delete=fields.SET_NULL
    )
    lifecycle_stage_id: int | None
    picture_url = fields.CharField(max_length=2000, null=True)
    search_text = fields.TextField(default="")
    """Names, phone and email, folded, for the contact search."""
    folded_name = fields.CharField(max_length=250, default="", db_default="")
    """First and last name, folded, for lists by name; on PostgreSQL in the order of characters."""
    claimed_phone = fields.CharField(max_length=16, null=True)
    """The phone that they came with, which another contact had: perhaps they are the same."""
    claimed_email = fields.CharField(max_length=254, null=True)
    """The email that they came with, which another contact had."""
    name_text = fields.TextField(default="", db_default="")
    """Names, folded, without what may be a phone or an email: for who is not to see these; ordered
    as `folded_name`."""
    conversation: fields.BackwardOneToOneRelation["Conversation"]
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField()

    class Meta:
        table = "contact"
        unique_together = (("workspace", "phone"), ("workspace", "email"))
        indexes = (
            ("workspace_id", "created_at", "id"),
            ("workspace_id", "folded_name", "id"),
            ("workspace_id", "name_text", "id"),
            ("workspace_id", "claimed_phone"),
            ("workspace_id", "claimed_email"),
        )
