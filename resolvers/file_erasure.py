"""File erasure: files that belong to nothing are taken out of sight, then erased, row last."""

from collections.abc import Collection
from datetime import timedelta

from models.attachment import Attachment, AttachmentState
from models.clock import now
from models.engine import sql
from realtime.jobs import ClaimedJob
from realtime.transaction import Announce, transaction
from resolvers.attached import lock_files
from resolvers.file_store import file_store
from settings import get_settings

ERASE_FILE = "erase_file"
LOOSE_HOURS = 24
"""How long a file is kept that belongs to nothing."""
FILES_AT_ONCE = 200
OWNERS = ("message", "comment", "snippet", "scheduled_message")
"""What files belong to; `{owner}_attachment` has the links."""
BELONGS_TO_NOTHING = " AND ".join(
    f"NOT EXISTS (SELECT 1 FROM {owner}_attachment l WHERE l.attachment_id = attachment.id)"
    for owner in OWNERS
)


async def bury_files(ids: Collection[int], announce: Announce) -> int:
    """Let those of these files be gone that belong to nothing, and have them erased.

    Who attaches a file locks its row, too: they find it gone, or are seen here. Returns how many
    there were.
    """
    await lock_files(ids, "UPDATE")
    rows = await sql.rows(
        "UPDATE attachment SET state = 'GONE', loose_since = NULL"
        f" WHERE {sql.among('id')} AND state <> 'GONE' AND {BELONGS_TO_NOTHING}"
        " RETURNING id, storage_key",
        sql.group(ids),
    )
    late = now() + timedelta(seconds=get_settings().upload_seconds)
    for row in rows:  # an upload that still runs ends before its folder is emptied
        due = None if row["storage_key"] else late
        announce.job(ERASE_FILE, {"attachment_id": row["id"]}, run_at=due)
    return len(rows)


async def release_files(owner: str, ids: Collection[int]) -> None:
    """Let the files of messages, comments or others that stay be no longer theirs.

    Those that belong to nothing else are their uploader's again, and kept as long as any such.
    """
    files = await files_of(owner, ids)
    if not files:
        return
    await lock_files(files, "UPDATE")
    await sql.affected(
        f"DELETE FROM {owner}_attachment WHERE {sql.among(f'{owner}_id')}", sql.group(ids)
    )
    await sql.affected(
        "UPDATE attachment SET loose_since = ?"
        f" WHERE {sql.among('id')} AND loose_since IS NULL AND {BELONGS_TO_NOTHING}",
        now(),
        sql.group(files),
    )


async def files_of(owner: str, ids: Collection[int]) -> list[int]:
    """Return the files of messages, comments or others, in the order that each has them."""
    rows = await sql.records(
        f"SELECT attachment_id FROM {owner}_attachment WHERE {sql.among(f'{owner}_id')}"
        " ORDER BY position",
        sql.group(ids),
    )
    return [row[0] for row in rows]


async def collect_loose_files() -> None:
    """Let files be gone that have belonged to nothing for a day, some at a time."""
    cutoff = now() - timedelta(hours=LOOSE_HOURS)
    buried = FILES_AT_ONCE
    while buried:
        async with transaction() as announce:
            rows = await sql.records(
                f"SELECT id FROM attachment WHERE loose_since < ? LIMIT {FILES_AT_ONCE}", cutoff
            )
            buried = await bury_files([row[0] for row in rows], announce) if rows else 0


async def erase_file(job: ClaimedJob) -> None:
    """Erase a file that is gone, then its row: whoever is killed between is followed by another."""
    row = await Attachment.get_or_none(id=job.payload["attachment_id"], state=AttachmentState.GONE)
    if row is None:
        return
    await file_store().erase(f"{row.workspace_id}/{row.id}")
    async with transaction():
        await sql.affected(
            "UPDATE file_usage SET byte_count = byte_count - ? WHERE workspace_id = ?",
            row.byte_size,
            row.workspace_id,
        )
        await sql.affected("DELETE FROM attachment WHERE id = ?", row.id)
        await job.complete()
