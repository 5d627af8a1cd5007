"""A line of an import: what its cells say of a contact, by the rules of createContact."""

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.custom_field import CustomField, CustomFieldKind
from models.refusal import Code, Refused, sentence
from resolvers.contact_details import Details, clean_details, in_stage
from resolvers.csv_text import Record, split_names, unescape_formula
from resolvers.custom_field_value import GIVEN_AS, MISFITS, GivenValue, Kept, clean_value
from resolvers.import_columns import SHOWN_LENGTH, STAGE, TAGS, Column, Words
from resolvers.tag import check_number

YES, NO = frozenset({"true", "yes", "1", "x"}), frozenset({"false", "no", "0"})
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
TIME = re.compile(r"\d{2}:\d{2}(:\d{2})?", re.ASCII)
FORMS: Mapping[CustomFieldKind, str] = {
    CustomFieldKind.NUMBER: MISFITS[CustomFieldKind.NUMBER],
    CustomFieldKind.CHECKBOX: sentence("“{name}” takes true or false."),
    CustomFieldKind.DATE: sentence("“{name}” takes a day such as 2026-11-25."),
    CustomFieldKind.TIME: sentence("“{name}” takes a time of day such as 09:30."),
}
"""What is said of a cell that cannot be read as a value of a kind."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says of a contact, cleaned; blank cells say nothing."""

    number: int
    details: Details
    values: Mapping[int, Kept]
    """What it says of custom fields, by their ids."""
    tag_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that is not imported, why, and which column is at fault, if it is one."""

    number: int
    refused: Refused
    column: str | None = None


def read_line(record: Record, columns: Sequence[Column], words: Words) -> Line | RefusedLine:
    """Return what a record says of a contact, or why it is refused."""
    if record.problem is not None:
        return RefusedLine(record.line, Refused(Code.INVALID, record.problem.value))
    if len(record.cells) > len(columns):
        refused = Refused(
            Code.INVALID,
            "This line has {count} cells, more than there are columns.",
            count=len(record.cells),
        )
        return RefusedLine(record.line, refused)
    said = [
        (column, text)
        for column, cell in zip(columns, record.cells, strict=False)
        if column.means and (text := unescape_formula(cell).strip())
    ]
    return _cleaned(record.line, said, words)


def _cleaned(number: int, said: Sequence[tuple[Column, str]], words: Words) -> Line | RefusedLine:
    given: dict[str, str | None] = {}
    values: dict[int, Kept] = {}
    stage_id: int | None = None
    tag_ids: frozenset[int] = frozenset()
    for column, text in said:
        try:
            if column.means == TAGS:
                tag_ids = _tags(text, words)
            elif column.means == STAGE:
                stage_id = _stage(text, words)
            elif column.field_id is None:
                cleaned = clean_details(**{column.means: text})
                given[column.means] = getattr(cleaned, column.means)
            elif (kept := _value(column, text, words)) is not None:
                values[column.field_id] = kept
        except Refused as refused:
            return RefusedLine(number, refused, column.name)
    details = Details(frozenset(given), **given)  # type: ignore[arg-type]  # each was cleaned
    if stage_id is not None:
        details = in_stage(details, stage_id)
    return Line(number, details, values, tag_ids)


def _tags(text: str, words: Words) -> frozenset[int]:
    found = set()
    for name in split_names(text):
        if name.casefold() not in words.tags:
            raise Refused(Code.INVALID, "There is no tag “{name}”.", name=name[:SHOWN_LENGTH])
        found.add(words.tags[name.casefold()].id)
    check_number(found)
    return frozenset(found)


def _stage(text: str, words: Words) -> int:
    stage = words.stages.get(text) or words.stages.get(text.casefold())
    if stage is None:
        raise Refused(
            Code.INVALID, "There is no lifecycle stage “{name}”.", name=text[:SHOWN_LENGTH]
        )
    return int(stage.id)


def _value(column: Column, text: str, words: Words) -> Kept | None:
    field = words.fields.get(column.field_id or 0)
    if field is None:
        raise Refused(Code.UNKNOWN_COLUMN, "This custom field was deleted.")
    return clean_value(field, given_value(field, text))


def given_value(field: CustomField, text: str) -> GivenValue:
    """Return what a cell says about a field, in the argument of its kind; refuse another form."""
    match GIVEN_AS[field.kind]:
        case "number" if NUMBER.fullmatch(text):
            return GivenValue(field.id, number=float(text))
        case "checked" if text.casefold() in YES | NO:
            return GivenValue(field.id, checked=text.casefold() in YES)
        case "date" if DATE.fullmatch(text) and (day := _day(text)):
            return GivenValue(field.id, date=day)
        case "time" if TIME.fullmatch(text) and (time := _time(text)):
            return GivenValue(field.id, time=time)
        case "text":
            return GivenValue(field.id, text=text)
        case _:
            raise Refused(Code.INVALID, FORMS[field.kind], name=field.name)


def _day(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def _time(text: str) -> datetime.time | None:
    try:
        return datetime.time.fromisoformat(text)
    except ValueError:
        return None
