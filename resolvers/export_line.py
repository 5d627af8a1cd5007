"""A line of an export: what its cells say of a contact, as an import understands it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.custom_field import CustomField, CustomFieldKind
from models.lifecycle_stage import LifecycleStage
from models.records import ContactRow
from models.tag import Tag
from resolvers.csv_text import join_names
from resolvers.import_columns import FIELD, STAGE, TAGS, Column, is_standard
from resolvers.masking import HIDDEN, Masking, email_of, phone_of, shown_name
from resolvers.vocabulary import (
    FieldValue,
    field_values_of_contacts,
    lifecycle_stages_by_id,
    tags_of_contacts,
)

COUNTRY, CREATED_AT = "country", "created_at"
FIRST = (
    Column("First name", "first_name"),
    Column("Last name", "last_name"),
    Column("Phone", "phone"),
    Column("Email", "email"),
    Column("Language", "language"),
    Column("Tags", TAGS),
    Column("Lifecycle stage", STAGE),
)
LAST = (Column("Country", COUNTRY), Column("Created at", CREATED_AT))
"""What an import leaves aside: the country comes from the phone number."""


@dataclass(frozen=True, slots=True)
class Described:
    """What contacts are described with, by their ids."""

    tags: Mapping[int, Sequence[Tag]]
    values: Mapping[int, Sequence[FieldValue]]
    stages: Mapping[int, LifecycleStage]


def columns_of(fields: Sequence[CustomField]) -> list[Column]:
    """Return the columns of an export: of custom fields, each is called by its slug.

    A slug that is the name of another column has `field:` before it.
    """
    described = [
        Column(f"{FIELD}{one.slug}" if is_standard(one.slug) else one.slug, f"{FIELD}{one.id}")
        for one in fields
    ]
    return [*FIRST, *described, *LAST]


async def describe(contacts: Sequence[ContactRow]) -> Described:
    """Return what contacts are described with; at most five statements."""
    keys = {contact.id for contact in contacts}
    stage_ids = {key for contact in contacts if (key := contact.lifecycle_stage_id) is not None}
    return Described(
        await tags_of_contacts(keys),
        await field_values_of_contacts(keys),
        await lifecycle_stages_by_id(stage_ids) if stage_ids else {},
    )


def cells_of(
    contact: ContactRow, columns: Sequence[Column], described: Described, masking: Masking
) -> list[str]:
    """Return the cells of a contact as somebody sees it from whom something may be hidden."""
    phone, email = phone_of(contact), email_of(contact)
    stage = described.stages.get(contact.lifecycle_stage_id or 0)
    cells = {
        "first_name": shown_name(contact.first_name, masking),
        "last_name": shown_name(contact.last_name, masking),
        "phone": HIDDEN if phone and masking.phones else phone,
        "email": HIDDEN if email and masking.emails else email,
        "language": contact.language,
        TAGS: join_names(tag.name for tag in described.tags.get(contact.id, ())),
        STAGE: stage.name if stage else None,
        COUNTRY: None if masking.phones else contact.country,
        CREATED_AT: contact.created_at.isoformat(timespec="seconds"),
    }
    for value in described.values.get(contact.id, ()):
        cells[f"{FIELD}{value.field.id}"] = cell_of(value)
    return [cells.get(column.means) or "" for column in columns]


def cell_of(value: FieldValue) -> str:
    """Return what a contact has in a custom field, as a cell says it."""
    if value.number is None:
        return value.text or ""
    if value.field.kind is CustomFieldKind.CHECKBOX:
        return "true" if value.number else "false"
    return repr(value.number).removesuffix(".0")
