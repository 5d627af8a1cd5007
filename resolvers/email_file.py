"""Files of incoming mail: rows, then contents, then the mail that they came with."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Collection, Mapping, Sequence

from connectors.channels.email_parts import MailFile
from models.attachment import Attachment, AttachmentKind, AttachmentState
from models.clock import now
from models.engine import sql
from models.refusal import Code, Refused
from realtime.transaction import Announce, transaction
from resolvers.attached import attachments_by_id, lock_files
from resolvers.attaching import MAX_FILES, attach
from resolvers.attachment import take_room
from resolvers.file_erasure import bury_files
from resolvers.file_store import file_store
from resolvers.file_types import describe
from resolvers.inspection import INSPECT_FILE, SHOWN
from resolvers.transfer import clean_file_name
from resolvers.upload import Content, Reader
from settings import get_settings

_PIECE_BYTES = 256 * 1024


async def expect_files(workspace_id: int, files: Sequence[MailFile]) -> list[Attachment]:
    """Note the files of a mail, which belong to nothing yet; those that are not taken say why."""
    rows = []
    async with transaction():
        for position, file in enumerate(files):
            refusal = _refusal_of(position, file)
            byte_size = len(file.content or b"") if refusal is None else 0
            try:
                await take_room(workspace_id, byte_size)
            except Refused as error:
                refusal, byte_size = error.code.value, 0
            row = await _expect(workspace_id, file.name, byte_size, refusal)
            rows.append(row)
    return rows


async def _expect(workspace_id: int, name: str, byte_size: int, refusal: str | None) -> Attachment:
    moment = now()
    return await Attachment.create(
        workspace_id=workspace_id,
        actor="",
        secret=secrets.token_hex(32),
        state=AttachmentState.REFUSED if refusal else AttachmentState.WAITING,
        refusal=refusal,
        kind=AttachmentKind.DOCUMENT,
        file_name=clean_file_name(name, "file"),
        content_type="application/octet-stream",
        byte_size=byte_size,
        loose_since=moment,
        created_at=moment,
    )


def _refusal_of(position: int, file: MailFile) -> str | None:
    """Return why a file is not taken, as a code; None where it is."""
    if position >= MAX_FILES:
        return "TOO_MANY"
    if file.content is None:
        return "UNREADABLE"
    if not file.content:
        return Code.BLANK.value
    too_large = len(file.content) > get_settings().incoming_file_max_bytes
    return Code.TOO_LARGE.value if too_large else None


async def store_files(
    rows: Sequence[Attachment], files: Sequence[MailFile]
) -> Mapping[int, Content]:
    """Write the contents of noted files; return what is known of each that is taken."""
    known = {}
    for row, file in zip(rows, files, strict=True):
        if row.state is AttachmentState.WAITING:
            reader = Reader(get_settings().incoming_file_max_bytes)
            await file_store().write(_key_of(row), reader.passing(_pieces(file.content or b"")))
            known[row.id] = reader.content()
    return known


def _key_of(row: Attachment) -> str:
    return f"{row.workspace_id}/{row.id}/1/file"


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PIECE_BYTES):
        yield content[start : start + _PIECE_BYTES]
        await asyncio.sleep(0)


async def settle_files(
    rows: Sequence[Attachment], known: Mapping[int, Content], announce: Announce
) -> None:
    """Let written files be there; from now on all of them belong to the mail that is kept."""
    await lock_files([row.id for row in rows], "UPDATE")
    held = await sql.affected(
        "UPDATE attachment SET loose_since = NULL"
        f" WHERE {sql.among('id')} AND state <> 'GONE' AND loose_since IS NOT NULL",
        sql.group([row.id for row in rows]),
    )
    if held != len(rows):
        raise LookupError("Files of a mail were collected before it was kept.")
    for row in rows:
        if row.id not in known:
            continue
        content = known[row.id]
        content_type, kind = describe(content.head, is_text=content.is_text)
        state = AttachmentState.STORED if kind in SHOWN else AttachmentState.READY
        await sql.affected(
            "UPDATE attachment SET state = ?, attempt = 1, sha256 = ?, storage_key = ?,"
            " content_type = ?, kind = ? WHERE id = ?",
            state.value,
            content.sha256,
            _key_of(row),
            content_type,
            kind.value,
            row.id,
        )
        if state is AttachmentState.STORED:
            announce.job(INSPECT_FILE, {"attachment_id": row.id})


async def drop_files(ids: Collection[int]) -> None:
    """Let files of a mail be gone that was not kept; where it was after all, they stay."""
    async with transaction() as announce:
        await lock_files(ids, "UPDATE")
        loose = await sql.records(
            f"SELECT id FROM attachment WHERE {sql.among('id')} AND loose_since IS NOT NULL",
            sql.group(ids),
        )
        if loose:
            await bury_files([row[0] for row in loose], announce)


async def attach_files(message_id: int, ids: Sequence[int], announce: Announce) -> None:
    """Have the files that came with a mail written as those of its message."""
    if ids:
        await lock_files(ids, "KEY SHARE")
        rows = await attachments_by_id(ids)
        attach("message", message_id, [rows[key] for key in ids if key in rows], announce)
