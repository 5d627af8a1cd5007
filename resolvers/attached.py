"""Attached: files by keys, and those of messages, comments and snippets, whoever asks."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from models.attachment import Attachment, AttachmentState
from models.engine import sql

IN_CONVERSATIONS = ("message", "comment", "scheduled_message")
"""What has files in a conversation; `{table}_attachment` has the links."""


async def attachments_by_id(ids: Collection[int]) -> dict[int, Attachment]:
    """Return attachments, but none that are gone."""
    rows = await Attachment.filter(id__in=set(ids)).exclude(state=AttachmentState.GONE)
    return {row.id: row for row in rows}


async def attachments_of_messages(ids: Collection[int]) -> dict[int, list[Attachment]]:
    """Return the files of messages, in their order; two statements."""
    return await _attachments_of("message", ids)


async def attachments_of_comments(ids: Collection[int]) -> dict[int, list[Attachment]]:
    """Return the files of comments, in their order; two statements."""
    return await _attachments_of("comment", ids)


async def attachments_of_snippets(ids: Collection[int]) -> dict[int, list[Attachment]]:
    """Return the files of snippets, in their order; two statements."""
    return await _attachments_of("snippet", ids)


async def attachments_of_scheduled_messages(ids: Collection[int]) -> dict[int, list[Attachment]]:
    """Return the files that are held for scheduled messages, in their order; two statements."""
    return await _attachments_of("scheduled_message", ids)


async def file_counts_of_snippets(ids: Collection[int]) -> dict[int, int]:
    """Return how many files snippets have."""
    rows = await sql.records(
        "SELECT snippet_id, COUNT(*) FROM snippet_attachment"
        f" WHERE {sql.among('snippet_id')} GROUP BY snippet_id",
        sql.group(ids),
    )
    return dict.fromkeys(ids, 0) | {row[0]: row[1] for row in rows}


async def in_snippets(ids: Collection[int]) -> set[int]:
    """Return which of these files are in a snippet."""
    rows = await sql.records(
        f"SELECT attachment_id FROM snippet_attachment WHERE {sql.among('attachment_id')}",
        sql.group(ids),
    )
    return {row[0] for row in rows}


async def lock_files(ids: Collection[int], strength: str) -> None:
    """Lock rows of files, in the order of their ids, until the transaction ends.

    `UPDATE` is for who may let them be gone, `KEY SHARE` for who attaches them: of these there may
    be several at once. SQLite has one writer anyway.
    """
    if sql.dialect() == "postgres":
        await sql.rows(
            f"SELECT 1 FROM attachment WHERE {sql.among('id')} ORDER BY id FOR {strength}",
            sql.group(ids),
        )


async def _attachments_of(table: str, ids: Collection[int]) -> dict[int, list[Attachment]]:
    links = await sql.records(
        f"SELECT {table}_id, attachment_id FROM {table}_attachment"
        f" WHERE {sql.among(f'{table}_id')} ORDER BY position",
        sql.group(ids),
    )
    rows = await attachments_by_id([link[1] for link in links]) if links else {}
    found: dict[int, list[Attachment]] = {key: [] for key in ids}
    for owner, attachment_id in links:
        if attachment_id in rows:
            found[owner].append(rows[attachment_id])
    return found


async def places_of_attachments(ids: Collection[int]) -> dict[int, list[Any]]:
    """Return the PLACE of every conversation in which attachments are."""
    parts = [
        "SELECT l.attachment_id, c.workspace_id, c.assignee_id, c.team_id,"
        f" m.team_id AS assignee_team_id, c.blocked_at FROM {table}_attachment l"
        f" JOIN {table} t ON t.id = l.{table}_id JOIN conversation c ON c.id = t.conversation_id"
        f" LEFT JOIN member m ON m.id = c.assignee_id WHERE {sql.among('l.attachment_id')}"
        for table in IN_CONVERSATIONS
    ]
    keys = [sql.group(ids)] * len(parts)
    found: dict[int, list[Any]] = defaultdict(list)
    for row in await sql.records(" UNION ".join(parts), *keys):
        found[row[0]].append(row[1:])
    return found
