"""Downloads: a file goes out to who sees it at that moment, or to the channel that brings it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from models.attachment import Attachment
from models.engine import sql
from resolvers.attached import attachments_by_id
from resolvers.attachment import THERE, visible_attachments
from resolvers.authentication import TokenProblem, viewer_of_credential
from resolvers.client import UNKNOWN_CLIENT, Client
from resolvers.file_store import file_store
from resolvers.masking import UNMASKED, Masking, shown_file_name
from resolvers.refused_link import no_longer
from resolvers.signed_link import Link, Purpose, read_link
from resolvers.viewer import hidden, number_in


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that may go out."""

    file_name: str
    content_type: str
    byte_size: int
    tag: str
    """The same as long as the content is; another one for another file."""
    storage_key: str

    def read(self, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` up to `end`, piece by piece."""
        return file_store().stream(self.storage_key, start, end)


async def open_file(token: str, client: Client = UNKNOWN_CLIENT) -> OpenFile:
    """Return the file of a link, with the rights of this moment.

    Refuses a link that is not ours or has expired, and who no longer sees the file, as a link that
    never existed; the latter is in the audit log.
    """
    read = read_link(token, Purpose.ATTACHMENT, Purpose.PREVIEW, Purpose.VENDOR)
    if read is None:
        raise hidden()
    link, signature = read
    row = (await attachments_by_id([link.row_id])).get(link.row_id)
    if row is None or not link.is_good(signature, row.secret):
        raise hidden()
    if row.state not in THERE or row.storage_key is None or row.sha256 is None:
        raise hidden()
    masking = await _masking_for(link, row, client)
    name = shown_file_name(row.file_name, row.content_type, masking)
    if link.purpose is Purpose.PREVIEW:
        return await _preview_of(row, row.sha256, name)
    return OpenFile(name, row.content_type, row.byte_size, row.sha256[:32], row.storage_key)


async def _preview_of(row: Attachment, sha256: str, name: str) -> OpenFile:
    """Return the thumbnail of a file, as a file of its own."""
    if row.thumbnail_key is None:
        raise hidden()
    size = await file_store().size_of(row.thumbnail_key)
    name = f"{name.rpartition('.')[0] or name}.webp"
    return OpenFile(name, "image/webp", size, f"{sha256[:32]}-preview", row.thumbnail_key)


async def _masking_for(link: Link, row: Attachment, client: Client) -> Masking:
    """Return what is hidden from who has a link, nothing from the channel; refuse who may not.

    Whose session has only to be renewed is refused without an entry in the audit log.
    """
    if link.purpose is Purpose.VENDOR:
        if not await _was_sent_on(row, number_in(link.actor.partition(":")[2]) or 0):
            raise hidden()
        return UNMASKED
    viewer = await viewer_of_credential(link.credential)
    if viewer is TokenProblem.EXPIRED:
        raise hidden()
    if viewer is TokenProblem.UNKNOWN or row.id not in await visible_attachments(viewer, [row.id]):
        raise await no_longer(link, row.workspace_id, client)
    return viewer.memberships[row.workspace_id].masking


async def _was_sent_on(row: Attachment, channel_id: int) -> bool:
    """Tell whether a file belongs to a message of a channel: comments are nobody's outside."""
    found = await sql.records(
        "SELECT 1 FROM message_attachment l JOIN message t ON t.id = l.message_id"
        " WHERE l.attachment_id = ? AND t.channel_id = ? LIMIT 1",
        row.id,
        channel_id,
    )
    return bool(found)
