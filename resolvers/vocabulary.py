"""The vocabulary of a workspace, with which its contacts are described: rows by keys, and held."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Protocol, TypeVar

from models.engine import sql
from models.tag import Tag
from resolvers.access import hold_workspace
from resolvers.viewer import Right, Viewer, hidden


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


async def hold_words(
    table: str, workspace_id: int, keys: Collection[int], field: tuple[str, ...]
) -> set[int]:
    """Return the ids of rows of a workspace, which are not deleted before the transaction ends.

    Refuses with NOT_FOUND if one of them is not of the workspace.
    """
    lock = " FOR KEY SHARE" if sql.dialect() == "postgres" else ""
    rows = await sql.records(
        f"SELECT id FROM {table} WHERE workspace_id = ? AND {sql.among('id')} ORDER BY id{lock}",
        workspace_id,
        sql.group(keys),
    )
    found = {row[0] for row in rows}
    if found != set(keys):
        raise hidden(field)
    return found


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
        listed.sort(key=lambda tag: (tag.folded_name, tag.id))
    return found


async def tags(workspace_id: int) -> list[Tag]:
    """Return the tags of a workspace of the viewer, by name."""
    return await Tag.filter(workspace_id=workspace_id).order_by("folded_name", "id")
