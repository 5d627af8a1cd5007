"""Bringing files that are to belong to a message or a comment."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import strawberry
from starlette.datastructures import UploadFile
from strawberry.file_uploads import Upload

from models.attachment import Attachment as AttachmentRow
from models.attachment import AttachmentKind, AttachmentState
from models.refusal import Code, Refused
from resolvers import attachment as attachments
from resolvers.signed_link import Purpose
from resolvers.upload import keep_upload
from schema.context import Info, viewer_of
from schema.ids import decode_id, encode_id
from schema.objects.attachment import Attachment, link_to
from schema.payload import Payload, mutation, result

PIECE_BYTES = 64 * 1024


@strawberry.input
class CreateUploadInput:
    """What is to be brought."""

    workspace_id: strawberry.ID
    """The workspace."""
    file_name: str | None = None
    """Its name: the extension says what it is, and its content must be that; may be omitted with
    `file`."""
    byte_size: int | None = None
    """How many bytes it has: 1 to 20 MiB; may be omitted with `file`."""
    file: Upload | None = None
    """Its content, in a multipart request; omitted: it is PUT to `uploadUrl`."""
    kind: AttachmentKind | None = None
    """VOICE or VIDEO for what was recorded to be sent, which takes more formats; omitted: what its
    name says."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class CreateUploadPayload(Payload):
    """The file that is awaited."""

    attachment: AttachmentRow | None = result(Attachment)
    """The file, WAITING for its content."""
    upload_url: str | None = None
    """Where to PUT the content, as it is, until `uploadUrlExpiresAt`; null where it is there or
    was refused."""
    upload_url_expires_at: datetime | None = None
    """Until when that is good."""


@strawberry.input
class DeleteAttachmentInput:
    """Which file is to be deleted."""

    attachment_id: strawberry.ID
    """A file of one's own that belongs to nothing."""


@strawberry.type
class DeleteAttachmentPayload(Payload):
    """What was deleted."""

    deleted_attachment_id: strawberry.ID | None = None
    """The id of the file that is gone; null where it was refused."""


def _file(input: CreateUploadInput) -> UploadFile | None:
    if input.file is None or isinstance(input.file, UploadFile):
        return input.file
    raise Refused(Code.INVALID, "A file comes in a multipart request.", field=("file",))


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(PIECE_BYTES):
        yield piece


def _awaited(info: Info, row: AttachmentRow) -> dict[str, Any]:
    if row.state is not AttachmentState.WAITING:
        return {"attachment": row}
    token, expires_at = attachments.sign_file(viewer_of(info), row, Purpose.ATTACH)
    url = link_to("uploads", token)
    return {"attachment": row, "upload_url": url, "upload_url_expires_at": expires_at}


@strawberry.type
class Mutation:
    """Bringing files."""

    @mutation
    async def create_upload(self, info: Info, input: CreateUploadInput) -> CreateUploadPayload:
        """Announce a file of at most 20 MiB, to be PUT to the returned URL, then sent with a
        message or a comment by its id.

        Taken are jpg, jpeg, gif, bmp, png, txt, xls, xlsx, doc, docx, csv, ppt, pptx, mp3, mp4,
        mov, wav, mpg, mpeg, zip, tar, tgz, gz, pdf, log and xml. What belongs to nothing is
        removed after a day.
        """
        file = _file(input)
        row = await attachments.create_upload(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            file_name=input.file_name or (file and file.filename) or "",
            byte_size=(file.size if file else input.byte_size) or 0,
            kind=input.kind,
            idempotency_key=input.idempotency_key,
        )
        if file is not None and row.state is AttachmentState.WAITING:
            row = await keep_upload(row, _pieces(file))
        return CreateUploadPayload(**_awaited(info, row))

    @mutation
    async def delete_attachment(
        self, info: Info, input: DeleteAttachmentInput
    ) -> DeleteAttachmentPayload:
        """Delete a file of one's own that belongs to nothing."""
        deleted = await attachments.delete_attachment(
            viewer_of(info), decode_id(input.attachment_id, "Attachment", "attachmentId")
        )
        return DeleteAttachmentPayload(deleted_attachment_id=encode_id("Attachment", deleted))
