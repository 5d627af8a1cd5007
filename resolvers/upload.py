"""Uploads: the content of a file, checked as it comes, and there once it is whole."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from models.attachment import Attachment, AttachmentKind, AttachmentState
from models.engine import sql
from models.refusal import Code, Refused
from realtime.transaction import transaction
from resolvers.attached import attachments_by_id
from resolvers.attachment import too_large
from resolvers.authentication import TokenProblem, viewer_of_credential
from resolvers.client import UNKNOWN_CLIENT, Client
from resolvers.file_store import file_store
from resolvers.file_types import (
    HEAD_BYTES,
    MAX_DIRECTORY_BYTES,
    TAIL_BYTES,
    FileType,
    check_content,
    check_parts,
    type_named,
    wrong_content,
    zip_end,
)
from resolvers.inspection import INSPECT_FILE, PLAYED, check_picture, inspect
from resolvers.refused_link import no_longer
from resolvers.rights import Right
from resolvers.signed_link import Purpose, read_link
from resolvers.viewer import Viewer, hidden, may
from settings import get_settings

_CONTROL = bytes(code for code in range(32) if code not in b"\t\n\f\r\x1b")
"""What no text has; logs have escapes for colours."""
_WIDE = (b"\xff\xfe", b"\xfe\xff")
"""How texts in UTF-16 begin."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is known of a file's content once it is whole."""

    byte_size: int
    sha256: str
    head: bytes
    tail: bytes
    is_text: bool


class Reader:
    """Passes a file on piece by piece, and finds out what can be found out on the way."""

    def __init__(self, limit: int, field: str = "file") -> None:
        self._limit = limit
        self._field = field
        self._byte_size = 0
        self._digest = hashlib.sha256()
        self._head = b""
        self._tail = b""
        self._is_text = True

    async def passing(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the pieces; refuse the one with which there are too many bytes."""
        async for piece in body:
            self._byte_size += len(piece)
            if self._byte_size > self._limit:
                raise too_large(self._limit, self._field)
            self._digest.update(piece)
            if len(self._head) < HEAD_BYTES:
                self._head += piece[: HEAD_BYTES - len(self._head)]
            self._tail = (self._tail + piece)[-TAIL_BYTES:]
            if self._is_text:
                self._is_text = len(piece.translate(None, _CONTROL)) == len(piece)
            if piece:
                yield piece

    def content(self) -> Content:
        """Return what is known at the end."""
        is_text = self._is_text or self._head.startswith(_WIDE)
        return Content(self._byte_size, self._digest.hexdigest(), self._head, self._tail, is_text)


async def paced(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the pieces of a body; refuse one that pauses, or comes too slowly in all."""
    settings, loop = get_settings(), asyncio.get_running_loop()
    end = loop.time() + settings.upload_seconds
    pieces = aiter(body)
    while True:
        try:
            async with asyncio.timeout_at(min(end, loop.time() + settings.upload_idle_seconds)):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise Refused(Code.TOO_SLOW, "The file comes too slowly.", field=("file",)) from error
        yield piece


async def receive_upload(
    token: str,
    body: AsyncIterator[bytes],
    *,
    length: int | None = None,
    client: Client = UNKNOWN_CLIENT,
) -> Attachment:
    """Take the file of an upload that waits for it, and return it.

    It may be tried again until it came whole and was taken; of two at once, the one that began
    last counts. Refuses a link that is not good, what is too large, too slow or not what its name
    says, and what comes too late.
    """
    row = await _open_upload(token, client)
    if length is not None and length != row.byte_size:
        raise _other_size(length, row)
    return await keep_upload(row, paced(body))


async def keep_upload(row: Attachment, body: AsyncIterator[bytes]) -> Attachment:
    """Keep the content of a file that was announced, unless it is refused."""
    folder = await begin_attempt(row)
    key = f"{folder}/file"
    reader = Reader(min(row.byte_size, get_settings().file_max_bytes))
    try:
        await file_store().write(key, reader.passing(body))
        content = reader.content()
        if content.byte_size != row.byte_size:
            raise _other_size(content.byte_size, row)
        await _check(row, key, content)
        if row.kind is AttachmentKind.IMAGE:
            check_picture(await inspect(row, key, content.byte_size))
        row.sha256, row.storage_key = content.sha256, key
        await _finish(row)
    except BaseException:
        await asyncio.shield(file_store().erase(folder))
        raise
    return row


async def _open_upload(token: str, client: Client) -> Attachment:
    """Return the waiting file of a link, if its uploader still may."""
    read = read_link(token, Purpose.ATTACH)
    if read is None:
        raise hidden()
    link, signature = read
    row = (await attachments_by_id([link.row_id])).get(link.row_id)
    if row is None or not link.is_good(signature, row.secret):
        raise hidden()
    viewer = await viewer_of_credential(link.credential)
    if viewer is TokenProblem.EXPIRED:
        raise hidden()
    if viewer is TokenProblem.UNKNOWN or not _may_bring(viewer, row):
        raise await no_longer(link, row.workspace_id, client)
    return row


def _may_bring(viewer: Viewer, row: Attachment) -> bool:
    return viewer.actor == row.actor and may(viewer, row.workspace_id, Right.REPLY)


async def begin_attempt(row: Attachment) -> str:
    """Count one more attempt to bring a file, and return its folder; refuse one too late."""
    rows = await sql.rows(
        "UPDATE attachment SET attempt = attempt + 1 WHERE id = ? AND state = 'WAITING'"
        " RETURNING attempt",
        row.id,
    )
    if not rows:
        raise _too_late()
    row.attempt = rows[0]["attempt"]
    return f"{row.workspace_id}/{row.id}/{row.attempt}"


def _too_late() -> Refused:
    return Refused(Code.WRONG_STATE, "This file has come already.")


def _other_size(byte_size: int, row: Attachment) -> Refused:
    limit = get_settings().file_max_bytes
    if byte_size > limit:
        return too_large(limit, "file")
    return Refused(
        Code.INVALID,
        "The file has {found} bytes in place of {said}.",
        field=("file",),
        found=byte_size,
        said=row.byte_size,
    )


async def _check(row: Attachment, key: str, content: Content) -> None:
    """Refuse a file whose content is not what its name says."""
    kind = row.kind if row.kind in (AttachmentKind.VOICE, AttachmentKind.VIDEO) else None
    expected = type_named(row.file_name, kind)
    check_content(expected, content.head, content.tail, is_text=content.is_text)
    if expected.part:
        await _check_parts(expected, key, content)


async def _check_parts(expected: FileType, key: str, content: Content) -> None:
    found = zip_end(content.tail)
    if found is None or found[0] > MAX_DIRECTORY_BYTES or found[1] > content.byte_size:
        raise wrong_content()
    start = content.byte_size - found[1]
    check_parts(expected, await file_store().read(key, start, start + found[0]))


async def _finish(row: Attachment) -> None:
    """Let a file be there, if no other upload of it was begun or ended meanwhile."""
    state = AttachmentState.STORED if row.kind in PLAYED else AttachmentState.READY
    async with transaction() as announce:
        taken = await sql.affected(
            "UPDATE attachment SET state = ?, sha256 = ?, storage_key = ?, width = ?, height = ?,"
            " thumbnail_key = ? WHERE id = ? AND state = 'WAITING' AND attempt = ?",
            state.value,
            row.sha256,
            row.storage_key,
            row.width,
            row.height,
            row.thumbnail_key,
            row.id,
            row.attempt,
        )
        if not taken:
            raise _too_late()
        if state is AttachmentState.STORED:
            announce.job(INSPECT_FILE, {"attachment_id": row.id})
    row.state = state
