"""A tag: a word that a workspace puts on its contacts."""

from tortoise import fields
from tortoise.models import Model

from models.contact import Contact
from models.workspace import Workspace


class Tag(Model):
    """Its name is unique in the workspace, whatever the case."""

    id = fields.BigIntField(primary_key=True)
    workspace: fields.ForeignKeyRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", related_name="tags"
    )
    workspace_id: int
    name = fields.CharField(max_length=100)
    folded_name = fields.CharField(max_length=200)
    """The name case-folded: what is unique."""
    created_at = fields.DatetimeField()

    class Meta:
        table = "tag"
        unique_together = (("workspace", "folded_name"),)


class ContactTag(Model):
    """A tag on a contact."""

    id = fields.BigIntField(primary_key=True)
    contact: fields.ForeignKeyRelation[Contact] = fields.ForeignKeyField(
        "models.Contact", related_name="tags"
    )
    contact_id: int
    tag: fields.ForeignKeyRelation[Tag] = fields.ForeignKeyField(
        "models.Tag", related_name="contacts", db_index=True
    )
    tag_id: int

    class Meta:
        table = "contact_tag"
        unique_together = (("contact", "tag"),)
