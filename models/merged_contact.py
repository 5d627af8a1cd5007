"""Merged contacts: who those have become that are no more, so that links to them lead on."""

from tortoise import fields
from tortoise.models import Model

from models.contact import Contact


class MergedContact(Model):
    """The key of a contact who was merged into another one, and who that is by now."""

    id = fields.BigIntField(primary_key=True)
    merged_id = fields.BigIntField(unique=True)
    contact: fields.ForeignKeyRelation[Contact] = fields.ForeignKeyField(
        "models.Contact", related_name="merged", db_index=True
    )
    contact_id: int

    class Meta:
        table = "merged_contact"
