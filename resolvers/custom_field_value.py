"""The values of custom fields: what fits a field of each kind, and writing what a contact has."""

import datetime
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from models.contact import Contact
from models.custom_field import CustomField, CustomFieldKind
from models.engine import sql
from models.refusal import Code, Refused, sentence
from resolvers.contact_details import is_email
from resolvers.custom_field import MAX_FIELDS, options_of
from resolvers.viewer import hidden
from resolvers.vocabulary import custom_fields_by_id, keep_words

TEXT_LENGTH = 1000
TIME_FORM = "%H:%M"
Kept = tuple[str | None, float | None]
"""A value as it is kept: its text and its number."""


@dataclass(frozen=True, slots=True)
class GivenValue:
    """What a person says about one field, in the argument of its kind; nothing clears it."""

    field_id: int
    text: str | None = None
    number: float | None = None
    checked: bool | None = None
    date: datetime.date | None = None
    time: datetime.time | None = None


GIVEN_AS: Mapping[CustomFieldKind, str] = {
    CustomFieldKind.TEXT: "text",
    CustomFieldKind.LIST: "text",
    CustomFieldKind.CHECKBOX: "checked",
    CustomFieldKind.EMAIL: "text",
    CustomFieldKind.NUMBER: "number",
    CustomFieldKind.URL: "text",
    CustomFieldKind.DATE: "date",
    CustomFieldKind.TIME: "time",
}
"""The argument in which a value of each kind is given, and told."""
ARGUMENTS = ("text", "number", "checked", "date", "time")
MISFITS: Mapping[CustomFieldKind, str] = {
    CustomFieldKind.LIST: sentence("“{name}” takes one of its options."),
    CustomFieldKind.EMAIL: sentence("“{name}” takes an email address."),
    CustomFieldKind.URL: sentence("“{name}” takes a web address with http:// or https://."),
    CustomFieldKind.NUMBER: sentence("“{name}” takes a number."),
}


def clean_value(field: CustomField, given: GivenValue, path: tuple[str, ...] = ()) -> Kept | None:
    """Return what is kept of a value, or None for none; refuse one that does not fit the field.

    `path` leads to the value in the input. A blank text is none.
    """
    said = [name for name in ARGUMENTS if getattr(given, name) is not None]
    wanted = GIVEN_AS[field.kind]
    if wrong := [name for name in said if name != wanted]:
        raise Refused(
            Code.INVALID,
            "“{name}” takes its value as `{argument}`.",
            field=(*path, wrong[0]),
            name=field.name,
            argument=wanted,
        )
    value = getattr(given, wanted)
    if value is None:
        return None
    if wanted == "text":
        return _clean_text(field, value.strip(), (*path, wanted))
    if wanted == "date":
        return value.isoformat(), None
    if wanted == "time":
        return value.strftime(TIME_FORM), None
    if not math.isfinite(value):
        raise _misfit(field, (*path, wanted))
    return None, float(value)


def _clean_text(field: CustomField, text: str, path: tuple[str, ...]) -> Kept | None:
    if not text:
        return None
    if len(text) > TEXT_LENGTH:
        raise Refused(
            Code.TOO_LONG,
            "“{name}” takes at most {limit} characters.",
            field=path,
            name=field.name,
            limit=TEXT_LENGTH,
        )
    if field.kind is CustomFieldKind.EMAIL:
        text = text.lower()
    fits: Mapping[CustomFieldKind, Any] = {
        CustomFieldKind.EMAIL: is_email,
        CustomFieldKind.URL: is_web_address,
        CustomFieldKind.LIST: options_of(field).__contains__,
    }
    if field.kind in fits and not fits[field.kind](text):
        raise _misfit(field, path)
    return text, None


def is_web_address(text: str) -> bool:
    """Tell whether a text can be a web address, with its scheme."""
    try:
        parts = urlsplit(text)
        named = parts.hostname
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(named) and len(text.split()) == 1


def _misfit(field: CustomField, path: tuple[str, ...]) -> Refused:
    return Refused(Code.INVALID, MISFITS[field.kind], field=path, name=field.name)


def check_given(given: Sequence[GivenValue]) -> None:
    """Refuse values of more fields than a workspace has, and two of the same field."""
    if len(given) > MAX_FIELDS:
        raise Refused(
            Code.INVALID,
            "At most {limit} custom fields.",
            field=("customFields",),
            limit=MAX_FIELDS,
        )
    if len({one.field_id for one in given}) < len(given):
        raise Refused(Code.INVALID, "Give each custom field once.", field=("customFields",))


async def save_values(contact: Contact, given: Sequence[GivenValue]) -> bool:
    """Write what a held or new contact has in fields; tell whether that is anything new.

    Refuses fields of another workspace, and what does not fit them.
    """
    if not given:
        return False
    check_given(given)
    keys = [one.field_id for one in given]
    kept = await keep_words("custom_field", contact.workspace_id, keys)
    fields = await custom_fields_by_id(kept)
    values: dict[int, Kept | None] = {}
    for place, one in enumerate(given):
        path = ("customFields", str(place))
        if one.field_id not in fields:
            raise hidden((*path, "fieldId"))
        values[one.field_id] = clean_value(fields[one.field_id], one, path)
    had = await _values_of(contact.id, keys)
    changed = {key: value for key, value in values.items() if had.get(key) != value}
    await _write(contact.id, changed)
    return bool(changed)


async def _values_of(contact_id: int, field_ids: Collection[int]) -> dict[int, Kept]:
    rows = await sql.records(
        "SELECT field_id, text, number FROM custom_field_value"
        f" WHERE contact_id = ? AND {sql.among('field_id')}",
        contact_id,
        sql.group(field_ids),
    )
    return {row[0]: (row[1], row[2]) for row in rows}


async def _write(contact_id: int, values: Mapping[int, Kept | None]) -> None:
    """Write values of a contact, and delete those that are None; at most two statements."""
    new = [(contact_id, key, *value) for key, value in values.items() if value is not None]
    gone = [key for key, value in values.items() if value is None]
    if gone:
        await sql.affected(
            f"DELETE FROM custom_field_value WHERE contact_id = ? AND {sql.among('field_id')}",
            contact_id,
            sql.group(gone),
        )
    if new:
        await sql.affected(
            "INSERT INTO custom_field_value (contact_id, field_id, text, number)"
            f" VALUES {', '.join(['(?, ?, ?, ?)'] * len(new))} ON CONFLICT (contact_id, field_id)"
            " DO UPDATE SET text = excluded.text, number = excluded.number",
            *(value for row in new for value in row),
        )
