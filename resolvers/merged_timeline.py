"""Merged timelines: what was said in two conversations, in one order, and what was read of it."""

from collections.abc import Sequence
from typing import NamedTuple

from models.engine import sql

TABLES = ("message", "activity", "comment")
WRITTEN_AT_ONCE = 1000


class Item(NamedTuple):
    """A line of two timelines that become one, and its place in it."""

    table: str
    id: int
    is_moved: bool
    """Whether it comes from the conversation that ends."""
    seq: int
    """Its place until now."""
    counts: bool
    """Whether it counts as incoming."""
    incoming_before: int
    """How many had come in up to and with it until now; of a message only."""


def read_after(kept_read: int, moved_read: int, incoming: Sequence[bool]) -> int:
    """Return a read mark in a merged conversation: up to the first message that was not read.

    `incoming` says of each incoming message, in the new order, whether it was moved. Nothing is
    read that was not; what was read behind the first unread one is unread again.
    """
    left = {False: kept_read, True: moved_read}
    for place, is_moved in enumerate(incoming):
        if left[is_moved] == 0:
            return place
        left[is_moved] -= 1
    return len(incoming)


async def join_timelines(kept_id: int, merged_id: int) -> tuple[int, int]:
    """Number the lines of two locked conversations anew in the first; return how many there are,
    and how many came in.

    They stand by their moments, those of one conversation in the order that they had.
    """
    items = await _items(kept_id, merged_id)
    incoming, changed = 0, dict[str, list[tuple[int, int, int]]]()
    for place, item in enumerate(items, start=1):
        incoming += item.counts
        is_message = item.table == "message"
        if item.is_moved or (item.seq, item.incoming_before) != (place, incoming * is_message):
            changed.setdefault(item.table, []).append((item.id, place, incoming))
    for table, rows in changed.items():
        await _write(table, kept_id, rows)
    await _join_read_marks(kept_id, merged_id, [item.is_moved for item in items if item.counts])
    return len(items), incoming


async def _items(kept_id: int, merged_id: int) -> list[Item]:
    parts = []
    for table in TABLES:
        counts = "direction = 'INCOMING' AND NOT is_quarantined" if table == "message" else "1 = 0"
        known = "incoming_count" if table == "message" else "0"
        parts.append(
            f"SELECT '{table}' AS name, id, conversation_id, seq, created_at,"
            f" CASE WHEN {counts} THEN 1 ELSE 0 END AS counts, {known} AS incoming"
            f" FROM {table} WHERE conversation_id IN (?, ?)"
        )
    rows = await sql.records(
        "SELECT name, id, conversation_id, seq, counts, incoming FROM (SELECT lines.*,"
        " MAX(created_at) OVER (PARTITION BY conversation_id ORDER BY seq) AS moment"
        f" FROM ({' UNION ALL '.join(parts)}) lines) dated"
        " ORDER BY moment, CASE WHEN conversation_id = ? THEN 0 ELSE 1 END, seq",
        *(kept_id, merged_id) * len(TABLES),
        kept_id,
    )
    return [
        Item(name, key, conversation_id == merged_id, seq, bool(counts), incoming)
        for name, key, conversation_id, seq, counts, incoming in rows
    ]


async def _write(table: str, kept_id: int, rows: Sequence[tuple[int, int, int]]) -> None:
    """Give rows their places, first below zero: none of them is taken there."""
    count = ", incoming_count = places.column3" if table == "message" else ""
    for start in range(0, len(rows), WRITTEN_AT_ONCE):
        values = ", ".join(
            f"({int(key)}, {int(place)}, {int(incoming)})"
            for key, place, incoming in rows[start : start + WRITTEN_AT_ONCE]
        )
        await sql.affected(
            f"UPDATE {table} SET conversation_id = ?, seq = -places.column2{count}"
            f" FROM (VALUES {values}) AS places WHERE {table}.id = places.column1",
            kept_id,
        )
    await sql.affected(
        f"UPDATE {table} SET seq = -seq WHERE conversation_id = ? AND seq < 0", kept_id
    )


async def _join_read_marks(kept_id: int, merged_id: int, incoming: Sequence[bool]) -> None:
    """Give each member who has read something of either conversation one mark."""
    rows = await sql.records(
        "SELECT member_id, conversation_id, incoming_read FROM read_mark"
        " WHERE conversation_id IN (?, ?)",
        kept_id,
        merged_id,
    )
    read = {(row[0], row[1]): row[2] for row in rows}
    for member_id in sorted({row[0] for row in rows}):
        kept, moved = (read.get((member_id, key), 0) for key in (kept_id, merged_id))
        await sql.affected(
            "INSERT INTO read_mark (member_id, conversation_id, incoming_read) VALUES (?, ?, ?)"
            " ON CONFLICT (member_id, conversation_id) DO UPDATE"
            " SET incoming_read = excluded.incoming_read",
            member_id,
            kept_id,
            read_after(kept, moved, incoming),
        )


async def join_episodes(kept_id: int, merged_id: int) -> None:
    """Move the episodes of a conversation to another one; of two that run one is left.

    It began when the first of them did, and had its first response when either had it first.
    """
    running = await sql.rows(
        "SELECT id, first_response_at FROM episode WHERE conversation_id IN (?, ?)"
        " AND closed_at IS NULL ORDER BY opened_at, id",
        kept_id,
        merged_id,
    )
    if len(running) > 1:
        first, second = running
        responses = [row["first_response_at"] for row in running if row["first_response_at"]]
        await sql.affected("DELETE FROM episode WHERE id = ?", second["id"])
        await sql.affected(
            "UPDATE episode SET first_response_at = ? WHERE id = ?",
            min(responses, default=None),
            first["id"],
        )
    await sql.affected(
        "UPDATE episode SET conversation_id = ? WHERE conversation_id = ?", kept_id, merged_id
    )
