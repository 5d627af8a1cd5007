"""Timelines: pages of what happened in conversations, in one order, many conversations at once."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from models.engine import sql
from models.layout import Layout
from models.queries import Reading, Records, read
from models.records import (
    ACTIVITIES,
    COMMENTS,
    MESSAGES,
    ActivityRecord,
    CommentRecord,
    MessageRecord,
    Table,
)
from resolvers.page import Page, PageRequest, cut, decode_key, encode_key

Item = MessageRecord | ActivityRecord | CommentRecord
PLACE = ("conversation_id", "seq")
"""What orders rows, and tells those of several conversations apart."""
Wanted = tuple[int, PageRequest, tuple[Layout, ...] | None]
"""A conversation, which page of it, and what to read of each kind of row; None: all of it."""


async def timelines(keys: Collection[Wanted]) -> dict[Wanted, Page[Item]]:
    """Return pages of messages, activities and comments together, oldest first; one statement of
    each."""
    return await _pages(keys, (MESSAGES, ACTIVITIES, COMMENTS))


async def threads(keys: Collection[Wanted]) -> dict[Wanted, Page[MessageRecord]]:
    """Return pages of messages, oldest first; one statement."""
    return await _pages(keys, (MESSAGES,))


async def around(
    conversation_id: int,
    seq: int,
    before: int,
    after: int,
    layouts: tuple[Layout, ...] | None = None,
) -> Page[Item]:
    """Return the line at a place with so many before and after it, oldest first; two statements
    for each kind of row."""
    tables: Sequence[Table[Any]] = (MESSAGES, ACTIVITIES, COMMENTS)
    sides = (
        (PageRequest(last=before, before=encode_key(seq + 1)), before + 2),
        (PageRequest(first=after, after=encode_key(seq)), after + 1),
    )
    readings = _readings(layouts, tables)
    place_of = readings[0].beside(PLACE)
    found: list[list[Any]] = []
    for request, most in sides:
        rows: list[Any] = []
        for reading, table in zip(readings, tables, strict=True):
            rows += await _rows(reading, table, [conversation_id], request, most)
        rows.sort(key=place_of, reverse=request.backward)
        found.append(rows[:most])
    earlier, later = found
    rows = earlier[: before + 1][::-1] + later[:after]
    return Page(
        rows,
        lambda row: encode_key(place_of(row)[1]),
        has_next=len(later) > after,
        has_previous=len(earlier) > before + 1,
    )


def _readings(
    layouts: tuple[Layout, ...] | None, tables: Sequence[Table[Any]]
) -> Sequence[Reading]:
    return layouts or [Records(partial(read, table)) for table in tables]


async def _pages(keys: Collection[Wanted], tables: Sequence[Table[Any]]) -> dict[Wanted, Page[Any]]:
    found: dict[Wanted, Page[Any]] = {}
    for request, layouts in {(request, layouts) for _, request, layouts in keys}:
        ids = [one for one, *other in keys if other == [request, layouts]]
        pages = await _pages_of(ids, request, _readings(layouts, tables), tables)
        found |= {(one, request, layouts): page for one, page in pages.items()}
    return found


async def _pages_of(
    ids: Sequence[int],
    request: PageRequest,
    readings: Sequence[Reading],
    tables: Sequence[Table[Any]],
) -> dict[int, Page[Any]]:
    """Return the same page of each conversation."""
    place_of = readings[0].beside(PLACE)
    most = request.size + 1
    rows = [
        row
        for reading, table in zip(readings, tables, strict=True)
        for row in await _rows(reading, table, ids, request, most)
    ]
    if len(ids) > 1 or len(tables) > 1:  # else they come in their order
        rows.sort(key=place_of, reverse=request.backward)
    own: dict[int, list[Any]] = {one: [] for one in ids}
    if len(ids) == 1:
        own[ids[0]] = rows
    else:
        for row in rows:
            own[place_of(row)[0]].append(row)
    return {
        one: cut(rows[:most], lambda row: encode_key(place_of(row)[1]), request)
        for one, rows in own.items()
    }


async def _rows(
    reading: Reading,
    table: Table[Any],
    conversations: Sequence[int],
    request: PageRequest,
    most: int,
) -> Sequence[Any]:
    """Return so many rows of each conversation at most, from the side that was asked."""
    bounds, values = "", []
    if request.after is not None:
        bounds += " AND t.seq > ?"
        values += decode_key(request.after, "after", int)
    if request.before is not None:
        bounds += " AND t.seq < ?"
        values += decode_key(request.before, "before", int)
    order = "t.seq DESC" if request.backward else "t.seq"
    if len(conversations) == 1:
        rest = f"WHERE t.conversation_id = ?{bounds} ORDER BY {order} LIMIT {most}"
        return await reading.read(rest, conversations[0], *values, along=PLACE)
    ranked = (
        f"SELECT t.id, ROW_NUMBER() OVER (PARTITION BY t.conversation_id ORDER BY {order}) AS place"
        f" FROM {table.name} t WHERE {sql.among('t.conversation_id')}{bounds}"
    )
    return await reading.read(
        f"WHERE t.id IN (SELECT id FROM ({ranked}) ranked WHERE place <= {most})",
        sql.group(conversations),
        *values,
        along=PLACE,
    )
