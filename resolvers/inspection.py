"""Inspection: what can be found out about a file that is there, and told to who sees it."""

import tempfile
from pathlib import Path

import orjson

from connectors.media import Findings, examine
from models.attachment import Attachment, AttachmentKind, AttachmentState
from models.engine import sql
from models.refusal import Code, Refused
from realtime.attachment_events import AttachmentChanged
from realtime.events import WorkspaceSettingsChanged
from realtime.jobs import ClaimedJob
from realtime.transaction import Announce, transaction
from resolvers.attached import attachments_by_id
from resolvers.file_store import file_store

INSPECT_FILE = "inspect_file"
MAX_PIXELS = 100_000_000
"""As the process that looks has it."""
PLAYED = (AttachmentKind.AUDIO, AttachmentKind.VOICE, AttachmentKind.VIDEO)
"""What takes long enough to be looked at by a job."""
SHOWN = (AttachmentKind.IMAGE, *PLAYED)


def check_picture(findings: Findings) -> None:
    """Refuse a picture that nobody can show."""
    if findings.problem == "TOO_MANY_PIXELS":
        raise Refused(
            Code.TOO_LARGE,
            "This picture has too many pixels: at most {limit}.",
            field=("file",),
            limit=MAX_PIXELS,
        )
    if findings.problem is not None:
        raise Refused(Code.TYPE_NOT_ACCEPTED, "This picture cannot be read.", field=("file",))


async def inspect(row: Attachment, key: str, byte_size: int) -> Findings:
    """Look at a file, keep its thumbnail beside it, and set on the row what was found."""
    with tempfile.NamedTemporaryFile(prefix="parley-") as copy:
        async for piece in file_store().stream(key, 0, byte_size):
            copy.write(piece)
        copy.flush()
        findings = await examine(Path(copy.name), row.kind.value)
    row.width, row.height = findings.width, findings.height
    row.duration_ms = findings.duration_ms
    row.waveform = orjson.dumps(findings.waveform).decode() if findings.waveform else None
    if findings.thumbnail:
        thumbnail_key = f"{key.rpartition('/')[0]}/thumbnail"
        await file_store().put(thumbnail_key, findings.thumbnail)
        row.thumbnail_key = thumbnail_key
    return findings


async def inspect_file(job: ClaimedJob) -> None:
    """Look at a file that was brought or fetched; it is READY then, whatever was found."""
    key = int(job.payload["attachment_id"])
    row = (await attachments_by_id([key])).get(key)
    if row is None or row.state is not AttachmentState.STORED or row.storage_key is None:
        return
    await inspect(row, row.storage_key, row.byte_size)
    async with transaction() as announce:
        await sql.affected(
            "UPDATE attachment SET state = 'READY', width = ?, height = ?, duration_ms = ?,"
            " waveform = ?, thumbnail_key = ? WHERE id = ? AND state = 'STORED'",
            row.width,
            row.height,
            row.duration_ms,
            row.waveform,
            row.thumbnail_key,
            row.id,
        )
        await tell_of(row.id, announce)
        await job.complete()


async def tell_of(attachment_id: int, announce: Announce) -> None:
    """Announce that a file of messages or snippets is otherwise than it was."""
    rows = await sql.records(
        "SELECT t.workspace_id, t.conversation_id, t.id FROM message_attachment l"
        " JOIN message t ON t.id = l.message_id JOIN conversation c ON c.id = t.conversation_id"
        " WHERE l.attachment_id = ? AND c.workspace_id = t.workspace_id",
        attachment_id,
    )
    for row in rows:
        announce(AttachmentChanged(*row))
    for key in await sql.records(
        "SELECT DISTINCT t.workspace_id FROM snippet_attachment l"
        " JOIN snippet t ON t.id = l.snippet_id WHERE l.attachment_id = ?",
        attachment_id,
    ):
        announce(WorkspaceSettingsChanged(key[0]))
