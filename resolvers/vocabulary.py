"""The vocabulary of a workspace, with which its contacts are described: rows by keys, and held."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from models.custom_field import CustomField
from models.engine import sql
from models.lifecycle_stage import LifecycleStage
from models.tag import Tag
from resolvers.access import hold_workspace
from resolvers.rights import Right
from resolvers.viewer import Viewer, hidden


class Word(Protocol):
    """A row that every member of its workspace sees."""

    workspace_id: int


W = TypeVar("W", bound=Word)
Find = Callable[[Collection[int]], Awaitable[Mapping[int, W]]]


async def get_word(viewer: Viewer, find: Find[W], key: int, field: str) -> W:
    """Return a row of one of the viewer's workspaces; `field` is the argument that names it."""
    word = (await find([key])).get(key)
    if word is None or word.workspace_id not in viewer.memberships:
        raise hidden((field,))
    return word


async def hold_word(
    viewer: Viewer, find: Find[W], key: int, field: str, right: Right = Right.MANAGE_SETTINGS
) -> W:
    """Return a row to be changed: its workspace is locked until the transaction ends."""
    word = await get_word(viewer, find, key, field)
    await hold_workspace(viewer, word.workspace_id, right)
    return await get_word(viewer, find, key, field)


async def keep_words(table: str, workspace_id: int, keys: Collection[int]) -> set[int]:
    """Return which ids are of rows of a workspace: none is deleted before the transaction ends."""
    lock = " FOR KEY SHARE" if sql.dialect() == "postgres" else ""
    rows = await sql.records(
        f"SELECT id FROM {table} WHERE workspace_id = ? AND {sql.among('id')} ORDER BY id{lock}",
        workspace_id,
        sql.group(keys),
    )
    return {row[0] for row in rows}


async def tags_by_id(ids: Collection[int]) -> dict[int, Tag]:
    """Return tags."""
    return {row.id: row for row in await Tag.filter(id__in=set(ids))}


async def tags_of_contacts(ids: Collection[int]) -> dict[int, list[Tag]]:
    """Return the tags of each contact, by name; two statements."""
    rows = await sql.records(
        f"SELECT contact_id, tag_id FROM contact_tag WHERE {sql.among('contact_id')}",
        sql.group(ids),
    )
    tags = await tags_by_id({row[1] for row in rows}) if rows else {}
    found: dict[int, list[Tag]] = defaultdict(list)
    for contact_id, tag_id in rows:
        if tag_id in tags:  # not deleted between the two statements
            found[contact_id].append(tags[tag_id])
    for listed in found.values():
        listed.sort(key=_tag_order)
    return found


async def tags(workspace_id: int) -> list[Tag]:
    """Return the tags of a workspace of the viewer, by name."""
    return sorted(await Tag.filter(workspace_id=workspace_id), key=_tag_order)


async def custom_fields_by_id(ids: Collection[int]) -> dict[int, CustomField]:
    """Return custom fields."""
    return {row.id: row for row in await CustomField.filter(id__in=set(ids))}


async def custom_fields(workspace_id: int) -> list[CustomField]:
    """Return the custom fields of a workspace of the viewer, by name."""
    return sorted(await CustomField.filter(workspace_id=workspace_id), key=_field_order)


@dataclass(frozen=True, slots=True)
class FieldValue:
    """What a contact has in a custom field, as it is kept."""

    field: CustomField
    text: str | None
    number: float | None


async def field_values_of_contacts(ids: Collection[int]) -> dict[int, list[FieldValue]]:
    """Return what each contact has in custom fields, by the fields' names; two statements."""
    rows = await sql.records(
        "SELECT contact_id, field_id, text, number FROM custom_field_value"
        f" WHERE {sql.among('contact_id')}",
        sql.group(ids),
    )
    fields = await custom_fields_by_id({row[1] for row in rows}) if rows else {}
    found: dict[int, list[FieldValue]] = defaultdict(list)
    for contact_id, field_id, text, number in rows:
        if field_id in fields:  # not deleted between the two statements
            found[contact_id].append(FieldValue(fields[field_id], text, number))
    for listed in found.values():
        listed.sort(key=lambda value: _field_order(value.field))
    return found


async def lifecycle_stages_by_id(ids: Collection[int]) -> dict[int, LifecycleStage]:
    """Return lifecycle stages."""
    return {row.id: row for row in await LifecycleStage.filter(id__in=set(ids))}


async def lifecycle_stages(workspace_id: int) -> list[LifecycleStage]:
    """Return the lifecycle stages of a workspace of the viewer, in their order."""
    return await LifecycleStage.filter(workspace_id=workspace_id).order_by("position", "id")


def _tag_order(tag: Tag) -> tuple[str, int]:
    return tag.folded_name, tag.id


def _field_order(field: CustomField) -> tuple[str, int]:
    return field.name.casefold(), field.id
