"""A closing-note category: a reason for closing that a workspace offers to its members."""

from tortoise import fields
from tortoise.models import Model

from models.workspace import Workspace


class ClosingNoteCategory(Model):
    """Notes keep copies of its name and description: to change or delete it alters none."""

    id = fields.BigIntField(primary_key=True)
    workspace: fields.ForeignKeyRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", related_name="closing_note_categories"
    )
    workspace_id: int
    name = fields.CharField(max_length=100)
    description = fields.CharField(max_length=500, default="")
    created_at = fields.DatetimeField()

    class Meta:
        table = "closing_note_category"
        unique_together = (("workspace", "name"),)
