"""A custom field: something that a workspace keeps of its contacts besides the standard details."""

from enum import Enum

from tortoise import fields
from tortoise.models import Model

from models.contact import Contact
from models.workspace import Workspace


class CustomFieldKind(Enum):
    """What a custom field holds."""

    TEXT = "TEXT"
    """Free text."""
    LIST = "LIST"
    """One of the field's options."""
    CHECKBOX = "CHECKBOX"
    """Yes or no."""
    EMAIL = "EMAIL"
    """An email address, in lower case."""
    NUMBER = "NUMBER"
    """A number."""
    URL = "URL"
    """A web address."""
    DATE = "DATE"
    """A day, as in 2026-11-25."""
    TIME = "TIME"
    """A time of day, as in 09:30."""


class CustomField(Model):
    """Its slug names it in variables and is unique in the workspace."""

    id = fields.BigIntField(primary_key=True)
    workspace: fields.ForeignKeyRelation[Workspace] = fields.ForeignKeyField(
        "models.Workspace", related_name="custom_fields"
    )
    workspace_id: int
    name = fields.CharField(max_length=50)
    slug = fields.CharField(max_length=50)
    kind = fields.CharEnumField(CustomFieldKind, max_length=16)
    options = fields.TextField(default="[]")
    """What a LIST offers, as a JSON list of texts."""
    created_at = fields.DatetimeField()

    class Meta:
        table = "custom_field"
        unique_together = (("workspace", "slug"),)


class CustomFieldValue(Model):
    """What a contact has in a field: numbers and checkboxes as a number, all else as text."""

    id = fields.BigIntField(primary_key=True)
    contact: fields.ForeignKeyRelation[Contact] = fields.ForeignKeyField(
        "models.Contact", related_name="custom_field_values"
    )
    contact_id: int
    field: fields.ForeignKeyRelation[CustomField] = fields.ForeignKeyField(
        "models.CustomField", related_name="values", db_index=True
    )
    field_id: int
    text = fields.TextField(null=True)
    number = fields.FloatField(null=True)

    class Meta:
        table = "custom_field_value"
        unique_together = (("contact", "field"),)
