"""Attaching: files become part of a message or a comment, in order, by who brought them."""

from collections.abc import Sequence

from connectors.channels import Capabilities
from models.attachment import Attachment, AttachmentKind, AttachmentState
from models.engine import sql
from models.message import MessageKind
from models.refusal import Code, Refused
from realtime.transaction import Announce
from resolvers.attached import attachments_by_id
from resolvers.attachment import THERE
from resolvers.viewer import Viewer, hidden

MAX_FILES = 50
"""How many files a message or a comment has (product rule 18)."""
FIELD = "attachmentIds"


def check_files(ids: Sequence[int]) -> None:
    """Refuse too many files, and one that is named twice."""
    if len(ids) > MAX_FILES:
        raise Refused(
            Code.INVALID,
            "A message or a comment has at most {limit} files.",
            field=(FIELD,),
            limit=MAX_FILES,
        )
    for place, key in enumerate(ids):
        if key and key in ids[:place]:
            raise Refused(Code.INVALID, "This file is there twice.", field=(FIELD, str(place)))


def check_channel(capabilities: Capabilities, files: Sequence[Attachment]) -> None:
    """Refuse what the channel does not take although we do."""
    if not files:
        return
    if len(files) > capabilities.files_max:
        raise Refused(
            Code.INVALID,
            "This channel takes at most {limit} files in a message.",
            field=(FIELD,),
            limit=capabilities.files_max,
        )
    limit = capabilities.file_max_bytes
    for place, file in enumerate(files):
        if limit is not None and file.byte_size > limit:
            raise Refused(
                Code.TOO_LARGE,
                "This channel takes files of at most {limit} bytes.",
                field=(FIELD, str(place)),
                limit=limit,
            )


def kind_of(text: str, files: Sequence[Attachment]) -> MessageKind:
    """Return what a message of this text and these files is."""
    if not files:
        return MessageKind.TEXT
    alone = files[0].kind if len(files) == 1 and not text else None
    if alone is AttachmentKind.VOICE:
        return MessageKind.VOICE
    return MessageKind.VIDEO if alone is AttachmentKind.VIDEO else MessageKind.ATTACHMENT


async def claim_files(
    viewer: Viewer,
    workspace_id: int,
    ids: Sequence[int],
    capabilities: Capabilities | None = None,
) -> Sequence[Attachment]:
    """Return the viewer's own files of these ids, taken by this transaction, in their order.

    Of two that take one, one gets it. Refuses, naming the place of the file at fault, what is not
    there yet, belongs to something, or is not theirs.
    """
    check_files(ids)
    rows = await attachments_by_id(ids) if ids else {}
    for place, key in enumerate(ids):
        row, field = rows.get(key), (FIELD, str(place))
        if row is None or row.actor != viewer.actor or row.workspace_id != workspace_id:
            raise hidden(field)
        if row.state is AttachmentState.WAITING:
            raise Refused(Code.WRONG_STATE, "This file has not come yet.", field=field)
        if row.state not in THERE:
            raise hidden(field)
    taken = await _take(ids) if ids else set()
    for place, key in enumerate(ids):
        if key not in taken:
            raise Refused(
                Code.WRONG_STATE,
                "This file belongs to a message or a comment.",
                field=(FIELD, str(place)),
            )
    files = [rows[key] for key in ids]
    if capabilities is not None:
        check_channel(capabilities, files)
    return files


async def _take(ids: Sequence[int]) -> set[int]:
    rows = await sql.rows(
        f"UPDATE attachment SET loose_since = NULL WHERE {sql.among('id')}"
        " AND loose_since IS NOT NULL AND state IN ('STORED', 'READY') RETURNING id",
        sql.group(ids),
    )
    return {row["id"] for row in rows}


def attach(owner: str, owner_id: int, files: Sequence[Attachment], announce: Announce) -> None:
    """Have files written as those of a message or a comment that is written before them."""
    for position, file in enumerate(files):
        link = {f"{owner}_id": owner_id, "attachment_id": file.id, "position": position}
        announce.insert(f"{owner}_attachment", **link)


def said_with(
    values: Sequence[object], ids: Sequence[int], reply_to_id: int | None = None
) -> Sequence[object]:
    """Return what was said with files and an answered message; without, as it was before."""
    answers = [reply_to_id] if reply_to_id is not None else []
    return [*values, *answers, *([list(ids)] if ids else [])]
