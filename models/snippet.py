"""A snippet: a text that a workspace keeps to be sent again and again."""

from dataclasses import dataclass
from datetime import datetime

from tortoise import fields
from tortoise.models import Model

from models.member import Member
from models.records import Table
from models.workspace import Workspace


class Snippet(Model):
    """Its name is unique in the workspace, whatever its case and accents."""

    id = fields.BigIntField(primary_key=True)
    workspace: fields.ForeignKeyRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", related_name="snippets"
    )
    workspace_id: int
    name = fields.CharField(max_length=100)
    folded_name = fields.CharField(max_length=250)
    """The name as people compare it: what is unique, and what lists are ordered by."""
    topic = fields.CharField(max_length=100, null=True)
    folded_topic = fields.CharField(max_length=250, null=True)
    text = fields.TextField()
    search_text = fields.TextField()
    """Name, topic and text as people compare them: what is searched."""
    created_by: fields.ForeignKeyNullableRelation[Member] = fields.ForeignKeyField(
        "models.Member", related_name="snippets", null=True, on_delete=fields.SET_NULL
    )
    created_by_id: int | None
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "snippet"
        unique_together = (("workspace", "folded_name"),)


@dataclass(slots=True, eq=False)
class SnippetRecord:
    """A row of `snippet`, without what it is searched by."""

    id: int
    workspace_id: int
    name: str
    folded_name: str
    topic: str | None
    text: str
    created_by_id: int | None
    version: int
    created_at: datetime
    updated_at: datetime


SNIPPETS = Table(SnippetRecord, "snippet")
