"""Outgoing files: what a channel's server is told of the files of a message that it takes."""

from collections.abc import Mapping, Sequence

from connectors.channels import OutgoingFile
from connectors.channels.email_outbound import LetterFile
from models.attachment import AttachmentKind
from models.message import Message
from resolvers.attached import attachments_of_messages
from resolvers.attachment import sign_for_vendor
from resolvers.file_store import file_store
from settings import get_settings

NAMES: Mapping[AttachmentKind, str] = {
    AttachmentKind.IMAGE: "image",
    AttachmentKind.AUDIO: "audio",
    AttachmentKind.VOICE: "audio",
    AttachmentKind.VIDEO: "video",
    AttachmentKind.DOCUMENT: "file",
}
"""What respond.io calls them."""


async def files_for_vendor(message: Message) -> Sequence[OutgoingFile]:
    """Return the files of a message, each with a URL that is good for a day."""
    home = get_settings().public_url.rstrip("/")
    rows = (await attachments_of_messages([message.id]))[message.id]
    return [
        OutgoingFile(
            url=f"{home}/files/{sign_for_vendor(message.channel_id, row)}",
            kind=NAMES[row.kind],
            file_name=row.file_name,
            content_type=row.content_type,
            byte_size=row.byte_size,
        )
        for row in rows
    ]


async def parts_of(message: Message) -> tuple[LetterFile, ...]:
    """Return the files of a mail with their content."""
    rows = (await attachments_of_messages([message.id]))[message.id]
    return tuple(
        [
            LetterFile(
                row.file_name,
                row.content_type,
                await file_store().read(row.storage_key or "", 0, row.byte_size),
            )
            for row in rows
        ]
    )
