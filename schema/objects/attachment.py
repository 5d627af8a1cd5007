"""A file of a message or a comment."""

from datetime import datetime
from typing import Any

import orjson
import strawberry

from models.attachment import Attachment as AttachmentRow
from models.attachment import AttachmentKind, AttachmentState
from resolvers import attachment as attachments
from resolvers.masking import shown_file_name
from resolvers.signed_link import Purpose
from schema.columns import derived
from schema.context import Info, viewer_of
from schema.objects.node import Node, global_id
from settings import get_settings


def link_to(folder: str, token: str) -> str:
    """Return the URL of a link to a file."""
    return f"{get_settings().public_url.rstrip('/')}/{folder}/{token}"


@strawberry.type
class Attachment(Node):
    """A file. Who sees what it belongs to sees it; until it belongs to something, its uploader."""

    id: strawberry.ID = global_id("Attachment")
    state: AttachmentState
    """How far it is."""
    refusal: str | None
    """Why it is REFUSED, as a code; null for all others."""
    kind: AttachmentKind
    """What it is to people."""
    content_type: str
    """Its media type, by its content once that is there."""
    byte_size: int
    """How large it is, or was said to be."""
    width: int | None
    """How many pixels wide it is shown; null where it is no picture, or nobody knows."""
    height: int | None
    """How many pixels high it is shown; null where it is no picture, or nobody knows."""
    duration_ms: int | None
    """How long it plays, in milliseconds; null where it does not, or nobody knows."""
    created_at: datetime
    """When it was announced, or came in."""

    @derived("file_name", "content_type", "workspace_id")
    def file_name(root: strawberry.Parent[AttachmentRow], info: Info) -> str:
        """Its name; without numbers and addresses for who does not see those of contacts."""
        masking = info.context.masking(root.workspace_id)
        return shown_file_name(root.file_name, root.content_type, masking)

    @derived("waveform")
    def waveform(root: strawberry.Parent[AttachmentRow]) -> list[int]:
        """How loud it is from beginning to end, 0 to 100; empty where it has no sound, or nobody
        knows."""
        return orjson.loads(root.waveform) if root.waveform is not None else []

    @derived("id", "state", "secret")
    def url(root: strawberry.Parent[AttachmentRow], info: Info) -> str | None:
        """Where the viewer may GET it until `urlExpiresAt`, whole or in ranges; null until it is
        there. It is good as long as their session and their rights are."""
        if root.state not in attachments.THERE:
            return None
        token, _ = attachments.sign_file(viewer_of(info), root, Purpose.ATTACHMENT)
        return link_to("files", token)

    @derived("id", "thumbnail_key", "secret")
    def thumbnail_url(root: strawberry.Parent[AttachmentRow], info: Info) -> str | None:
        """Where the viewer may GET a small picture of it, as `url`; null where there is none."""
        if root.thumbnail_key is None:
            return None
        token, _ = attachments.sign_file(viewer_of(info), root, Purpose.PREVIEW)
        return link_to("files", token)

    @derived("id", "state", "secret")
    def url_expires_at(root: strawberry.Parent[AttachmentRow], info: Info) -> datetime | None:
        """Until when its URLs are good, an hour or more; null until it is there."""
        if root.state not in attachments.THERE:
            return None
        return attachments.sign_file(viewer_of(info), root, Purpose.ATTACHMENT)[1]

    @derived("actor", "loose_since")
    def viewer_can_delete(root: strawberry.Parent[AttachmentRow], info: Info) -> bool:
        """Whether the viewer may use `deleteAttachment` on it: it is theirs, and belongs to
        nothing."""
        return attachments.can_be_deleted(viewer_of(info), root)

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, AttachmentRow)
