"""Incoming files: what a vendor has of a message is copied here, by a job, while it has it."""

import secrets
from collections.abc import AsyncIterator, Mapping
from urllib.parse import unquote, urlsplit

from connectors.channels import MessageContent
from connectors.http import GuardedClient, RequestFailed, RequestRefused, UnexpectedStatus
from models.attachment import Attachment, AttachmentKind, AttachmentState
from models.clock import now
from models.engine import sql
from models.records import MessageRecord
from models.refusal import Code, Refused
from realtime.jobs import ClaimedJob, Retry
from realtime.transaction import Announce, transaction
from resolvers.attached import attachments_by_id
from resolvers.attaching import attach
from resolvers.attachment import take_room
from resolvers.file_store import file_store
from resolvers.file_types import describe
from resolvers.inspection import INSPECT_FILE, SHOWN, tell_of
from resolvers.transfer import clean_file_name
from resolvers.upload import Content, Reader, begin_attempt
from settings import get_settings

FETCH_FILE = "fetch_file"
MAX_FETCHES = 8
"""How often a vendor's file is asked for: some minutes, as many keep them no longer."""
KINDS: Mapping[str, AttachmentKind] = {
    "image": AttachmentKind.IMAGE,
    "audio": AttachmentKind.AUDIO,
    "voice": AttachmentKind.VOICE,
    "video": AttachmentKind.VIDEO,
}
"""What respond.io's types are here; all others are documents."""


async def expect_file(message: MessageRecord, content: MessageContent, announce: Announce) -> None:
    """Note the file of a message that came in, and have it fetched: the message does not wait."""
    if content.attachment_url is None:
        return
    moment, kind = now(), (content.attachment_type or "").lower()
    row = await Attachment.create(
        workspace_id=message.workspace_id,
        actor="",
        secret=secrets.token_hex(32),
        state=AttachmentState.WAITING,
        kind=KINDS.get(kind, AttachmentKind.DOCUMENT),
        file_name=name_in(content.attachment_url),
        content_type="application/octet-stream",
        byte_size=0,
        source_url=content.attachment_url,
        created_at=moment,
    )
    attach("message", message.id, [row], announce)
    announce.job(FETCH_FILE, {"attachment_id": row.id})


def name_in(url: str) -> str:
    """Return the file name at the end of a URL's path."""
    try:
        path = urlsplit(url).path
    except ValueError:
        path = ""
    return clean_file_name(unquote(path), "file")


async def fetch_file(client: GuardedClient, job: ClaimedJob) -> None:
    """Copy a vendor's file here; where that cannot be, the file says why, and the message stays.

    Any type is taken. Raises Retry where the vendor may have it later.
    """
    row = (await attachments_by_id([job.payload["attachment_id"]])).get(
        job.payload["attachment_id"]
    )
    if row is None or row.state is not AttachmentState.WAITING or row.source_url is None:
        return
    try:
        folder = await begin_attempt(row)
    except Refused:  # gone with its message
        return
    try:
        content = await _copy(client, row, f"{folder}/file")
        row.storage_key = f"{folder}/file"
        await _settle(job, row, content)
    except BaseException as error:
        await file_store().erase(folder)
        refusal = _refusal_of(error)
        if refusal is None and job.attempts < MAX_FETCHES and isinstance(error, RequestFailed):
            raise Retry(str(error)) from error
        if not isinstance(error, RequestFailed | Refused):
            raise
        await _refuse(job, row, refusal or "UNREACHABLE")


async def _copy(client: GuardedClient, row: Attachment, key: str) -> Content:
    reader = Reader(get_settings().incoming_file_max_bytes)

    async def body() -> AsyncIterator[bytes]:
        async with client.download(row.source_url or "") as pieces:
            async for piece in reader.passing(pieces):
                yield piece

    await file_store().write(key, body())
    return reader.content()


def _refusal_of(error: BaseException) -> str | None:
    """Return why a file will not come, as a code; None where it may come later."""
    if isinstance(error, Refused):
        return error.code.value
    if isinstance(error, UnexpectedStatus):
        return None if error.is_passing else f"HTTP_{error.status}"
    return "ADDRESS_REFUSED" if isinstance(error, RequestRefused) else None


async def _settle(job: ClaimedJob, row: Attachment, content: Content) -> None:
    """Let a copied file be there, and those who see its message know."""
    if not content.byte_size:
        raise Refused(Code.BLANK, "The file is empty.", field=("file",))
    content_type, kind = describe(content.head, is_text=content.is_text)
    if row.kind is AttachmentKind.VOICE and kind is AttachmentKind.AUDIO:
        kind = AttachmentKind.VOICE
    state = AttachmentState.STORED if kind in SHOWN else AttachmentState.READY
    async with transaction() as announce:
        await take_room(row.workspace_id, content.byte_size)
        taken = await sql.affected(
            "UPDATE attachment SET state = ?, sha256 = ?, storage_key = ?, byte_size = ?,"
            " content_type = ?, kind = ? WHERE id = ? AND state = 'WAITING' AND attempt = ?",
            state.value,
            content.sha256,
            row.storage_key,
            content.byte_size,
            content_type,
            kind.value,
            row.id,
            row.attempt,
        )
        if not taken:
            raise Refused(Code.WRONG_STATE, "This file has come already.")
        if state is AttachmentState.STORED:
            announce.job(INSPECT_FILE, {"attachment_id": row.id})
        await tell_of(row.id, announce)
        await job.complete()


async def _refuse(job: ClaimedJob, row: Attachment, refusal: str) -> None:
    async with transaction() as announce:
        await sql.affected(
            "UPDATE attachment SET state = 'REFUSED', refusal = ?"
            " WHERE id = ? AND state = 'WAITING' AND attempt = ?",
            refusal[:32],
            row.id,
            row.attempt,
        )
        await tell_of(row.id, announce)
        await job.complete()
