"""Attachments: files that are announced, brought, and seen by who sees what they belong to."""

import secrets
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from models.attachment import Attachment, AttachmentKind, AttachmentState
from models.clock import now
from models.engine import sql
from models.refusal import Code, Refused
from realtime.transaction import transaction
from resolvers.access import sees_place
from resolvers.attached import attachments_by_id, in_snippets, places_of_attachments
from resolvers.file_erasure import bury_files
from resolvers.file_types import type_named
from resolvers.idempotency import claim_key
from resolvers.rights import Right
from resolvers.signed_link import Link, Purpose
from resolvers.transfer import clean_file_name
from resolvers.viewer import Viewer, hidden, require
from settings import get_settings

LINK_SECONDS = 3600
"""How long a link is good, at least."""
LINK_STEP_SECONDS = 900
"""How long a link is the same, so that who shows a file twice need not get it twice."""
VENDOR_LINK_SECONDS = 24 * 3600
"""How long a channel's server may get a file."""
DECLARABLE = (AttachmentKind.VOICE, AttachmentKind.VIDEO)
"""What the client may say of a file that its name does not."""
THERE = (AttachmentState.STORED, AttachmentState.READY)


def check_upload(file_name: str, byte_size: int, kind: AttachmentKind | None) -> str:
    """Return a file's name without folders; refuse what will not be taken whatever is in it."""
    name = clean_file_name(file_name, "")
    if not name:
        raise Refused(Code.BLANK, "A file needs a name.", field=("fileName",))
    if kind is not None and kind not in DECLARABLE:
        raise Refused(Code.INVALID, "Only VOICE or VIDEO can be said of a file.", field=("kind",))
    type_named(name, kind)
    limit = get_settings().file_max_bytes
    if byte_size < 1:
        raise Refused(Code.BLANK, "The file is empty.", field=("byteSize",))
    if byte_size > limit:
        raise too_large(limit, "byteSize")
    return name


def too_large(limit: int, field: str) -> Refused:
    """Return the refusal of a file of too many bytes."""
    return Refused(Code.TOO_LARGE, "A file has at most {limit} bytes.", field=(field,), limit=limit)


async def create_upload(
    viewer: Viewer,
    workspace_id: int,
    *,
    file_name: str,
    byte_size: int,
    kind: AttachmentKind | None = None,
    idempotency_key: str | None = None,
) -> Attachment:
    """Announce a file: name and size are checked, and room is taken for it in the workspace."""
    require(viewer, workspace_id, Right.REPLY)
    name = check_upload(file_name, byte_size, kind)
    async with transaction():
        said = [file_name, byte_size, kind.value if kind else None]
        claim = await claim_key(viewer, workspace_id, "createUpload", idempotency_key, said)
        if claim.first_result is not None:
            return await get_attachment(viewer, claim.first_result)
        await take_room(workspace_id, byte_size)
        moment = now()
        known = type_named(name, kind)
        row = await Attachment.create(
            workspace_id=workspace_id,
            actor=viewer.actor,
            secret=secrets.token_hex(32),
            state=AttachmentState.WAITING,
            kind=kind or known.kind,
            file_name=name,
            content_type=known.content_type,
            byte_size=byte_size,
            loose_since=moment,
            created_at=moment,
        )
        await claim.remember(row.id)
    return row


async def take_room(workspace_id: int, byte_size: int) -> None:
    """Count the bytes of another file; refuse more than the workspace has room for.

    One conditional statement: of two who want the last of the room, one gets it.
    """
    quota = get_settings().file_quota_bytes
    await sql.affected(
        "INSERT INTO file_usage (workspace_id, byte_count) VALUES (?, 0)"
        " ON CONFLICT (workspace_id) DO NOTHING",
        workspace_id,
    )
    taken = await sql.affected(
        "UPDATE file_usage SET byte_count = byte_count + ?"
        " WHERE workspace_id = ? AND byte_count + ? <= ?",
        byte_size,
        workspace_id,
        byte_size,
        quota,
    )
    if not taken:
        raise Refused(
            Code.QUOTA_EXCEEDED,
            "The files of this workspace have at most {limit} bytes together.",
            field=("byteSize",),
            limit=quota,
        )


async def delete_attachment(viewer: Viewer, attachment_id: int) -> int:
    """Delete a file of the viewer's own that belongs to nothing; return its id."""
    async with transaction() as announce:
        row = await get_attachment(viewer, attachment_id, "attachmentId")
        if not can_be_deleted(viewer, row) or not await bury_files([row.id], announce):
            raise Refused(
                Code.WRONG_STATE,
                "This file belongs to a message, a comment or a snippet.",
                field=("attachmentId",),
            )
    return attachment_id


def can_be_deleted(viewer: Viewer, row: Attachment) -> bool:
    """Tell whether a file is the viewer's own, and belongs to nothing."""
    return row.loose_since is not None and row.actor == viewer.actor


async def get_attachment(viewer: Viewer, attachment_id: int, field: str = "id") -> Attachment:
    """Return a file that the viewer sees."""
    rows = await visible_attachments(viewer, [attachment_id])
    if attachment_id not in rows:
        raise hidden((field,))
    return rows[attachment_id]


async def visible_attachments(viewer: Viewer, ids: Collection[int]) -> Mapping[int, Attachment]:
    """Return the files that the viewer sees: their own, until they belong to something, those of
    conversations that they see, and those of snippets of their workspaces."""
    rows = await attachments_by_id(ids)
    rows = {key: row for key, row in rows.items() if row.workspace_id in viewer.memberships}
    others = [key for key, row in rows.items() if not can_be_deleted(viewer, row)]
    places = await places_of_attachments(others) if others else {}
    kept = await in_snippets(others) if others else set()
    return {
        key: row
        for key, row in rows.items()
        if can_be_deleted(viewer, row)
        or key in kept
        or any(sees_place(viewer, place) for place in places.get(key, ()))
    }


def sign_file(viewer: Viewer, row: Attachment, purpose: Purpose) -> tuple[str, datetime]:
    """Return the token of a link of the viewer's own to a file, and when it expires.

    It is their session's or their key's: with that it ends, too. It says also whose session that
    was, for the audit log.
    """
    step = int(now().timestamp()) // LINK_STEP_SECONDS + 1
    expires = step * LINK_STEP_SECONDS + LINK_SECONDS
    whose = viewer.credential if viewer.user_id is None else f"{viewer.credential}:{viewer.user_id}"
    link = Link(purpose, row.id, whose, expires)
    return link.token(row.secret), datetime.fromtimestamp(expires, UTC)


def sign_for_vendor(channel_id: int, row: Attachment) -> str:
    """Return the token of a link with which the server of a channel gets a file."""
    expires = int(now().timestamp()) + VENDOR_LINK_SECONDS
    return Link(Purpose.VENDOR, row.id, f"channel:{channel_id}", expires).token(row.secret)
