"""The columns of an import: what each name in the header of a file means in a workspace."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from models.custom_field import CustomField
from models.lifecycle_stage import LifecycleStage
from models.refusal import Code, Refused
from models.tag import Tag
from resolvers.vocabulary import custom_fields, lifecycle_stages, tags

MAX_COLUMNS = 250
SHOWN_LENGTH = 100
"""How much of a name or a cell a refusal repeats."""
TAGS, STAGE, IGNORED = "tags", "lifecycle_stage", ""
FIELD = "field:"
"""What may stand before a field's name in a header, so that it means no standard detail."""
STANDARD: Mapping[str, str] = {
    "firstname": "first_name",
    "lastname": "last_name",
    "phone": "phone",
    "phonenumber": "phone",
    "email": "email",
    "emailaddress": "email",
    "language": "language",
    "tag": TAGS,
    "tags": TAGS,
    "lifecycle": STAGE,
    "lifecyclestage": STAGE,
    "id": IGNORED,
    "country": IGNORED,
    "createdat": IGNORED,
}
"""What a column means by its name without blanks, underscores and hyphens, in lower case.

What our own exports have besides is left aside.
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: its name there, and what it means."""

    name: str
    means: str
    """A detail, TAGS, STAGE, IGNORED, or FIELD with the id of a custom field."""

    @property
    def field_id(self) -> int | None:
        """Return the custom field that it means."""
        return int(self.means.removeprefix(FIELD)) if self.means.startswith(FIELD) else None


@dataclass(frozen=True, slots=True)
class Words:
    """What a workspace describes its contacts with, by what a file calls it."""

    fields: Mapping[int, CustomField]
    tags: Mapping[str, Tag]
    """By their case-folded names."""
    stages: Mapping[str, LifecycleStage]
    """By their names, and by their case-folded ones."""


async def words_of(workspace_id: int) -> Words:
    """Return the words of a workspace of the viewer; three statements."""
    stages = await lifecycle_stages(workspace_id)
    by_folded_name = {stage.name.casefold(): stage for stage in stages}
    return Words(
        fields={field.id: field for field in await custom_fields(workspace_id)},
        tags={tag.folded_name: tag for tag in await tags(workspace_id)},
        stages=by_folded_name | {stage.name: stage for stage in stages},
    )


def read_header(cells: Sequence[str], words: Words) -> list[Column]:
    """Return what the columns mean; refuse one that means nothing, or the same as another."""
    if len(cells) > MAX_COLUMNS:
        raise Refused(
            Code.INVALID, "A file has at most {limit} columns.", field=("csv",), limit=MAX_COLUMNS
        )
    columns = [_column(cell.strip(), words) for cell in cells]
    counted = Counter(column.means for column in columns if column.means != IGNORED)
    for column in columns:
        if counted[column.means] > 1:
            raise Refused(
                Code.INVALID,
                "Two columns mean the same: “{name}” is one of them.",
                field=("csv",),
                name=column.name,
            )
    if not counted:
        raise Refused(Code.BLANK, "The file has no column to import.", field=("csv",))
    return columns


def _plain(name: str) -> str:
    return name.casefold().replace(" ", "").replace("_", "").replace("-", "")


def is_standard(name: str) -> bool:
    """Tell whether a column of this name is none of a custom field, whatever fields there are."""
    return _plain(name) in STANDARD


def _column(name: str, words: Words) -> Column:
    shown = name[:SHOWN_LENGTH]
    if is_standard(name):
        return Column(shown, STANDARD[_plain(name)])
    name = name.removeprefix(FIELD)
    folded = name.casefold()
    fields = list(words.fields.values())
    for found in (
        [field for field in fields if field.slug == name],
        [field for field in fields if field.slug.casefold() == folded],
        [field for field in fields if field.name == name],
        [field for field in fields if field.name.casefold() == folded],
    ):
        if len(found) == 1:
            return Column(shown, f"{FIELD}{found[0].id}")
        if found:
            raise Refused(
                Code.UNKNOWN_COLUMN,
                "Several custom fields are called “{name}”: name the column by a slug.",
                field=("csv",),
                name=shown,
            )
    raise Refused(
        Code.UNKNOWN_COLUMN,
        "The column “{name}” is no detail and no custom field of a contact.",
        field=("csv",),
        name=shown,
    )


def encode_columns(columns: Sequence[Column]) -> str:
    """Return columns as they are kept."""
    return orjson.dumps([[column.name, column.means] for column in columns]).decode()


def decode_columns(kept: str) -> list[Column]:
    """Return columns from what was kept; the inverse of `encode_columns`."""
    return [Column(*column) for column in orjson.loads(kept)]
