"""Attaching: files become part of a message, a comment or a snippet, in order.

Who brought one attaches it once; what a snippet has can be attached again and again.
"""

from collections.abc import Collection, Sequence

from connectors.channels import Capabilities
from models.attachment import Attachment, AttachmentKind, AttachmentState
from models.engine import sql
from models.message import MessageKind
from models.refusal import Code, Refused
from realtime.transaction import Announce
from resolvers.attached import attachments_by_id, in_snippets, lock_files
from resolvers.attachment import THERE
from resolvers.viewer import Viewer, hidden

MAX_FILES = 50
"""How many files a message, a comment or a snippet has (product rule 18)."""
FIELD = "attachmentIds"


def check_files(ids: Sequence[int]) -> None:
    """Refuse too many files, and one that is named twice."""
    if len(ids) > MAX_FILES:
        raise Refused(Code.INVALID, "At most {limit} files.", field=(FIELD,), limit=MAX_FILES)
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
    *,
    held: Collection[int] = (),
) -> Sequence[Attachment]:
    """Return the files of these ids, held by this transaction, in their order.

    They are the viewer's own that belong to nothing, of which each goes to one of two who take it,
    those of the workspace's snippets, which stay there, and those that are held for this. Refuses,
    naming the place of the file at fault, what is not there yet, belongs to something else, or is
    not theirs.
    """
    check_files(ids)
    if not ids:
        return []
    await lock_files(ids, "KEY SHARE")
    files = await _claim(viewer, workspace_id, ids, {*held, *await in_snippets(ids)})
    if capabilities is not None:
        check_channel(capabilities, files)
    return files


async def claim_for_snippet(
    viewer: Viewer, workspace_id: int, ids: Sequence[int], kept: Collection[int] = ()
) -> Sequence[Attachment]:
    """Return the files that a snippet is to have: the viewer's own, and those that it has had.

    All of them are locked as for who lets files be gone, which may become of those it has had.
    """
    check_files(ids)
    held = {*ids, *kept}
    if not held:
        return []
    await lock_files(held, "UPDATE")
    return await _claim(viewer, workspace_id, ids, kept)


async def _claim(
    viewer: Viewer, workspace_id: int, ids: Sequence[int], shared: Collection[int]
) -> Sequence[Attachment]:
    """Return locked files: shared ones stay what they are, others are taken."""
    rows = await attachments_by_id(ids) if ids else {}
    for place, key in enumerate(ids):
        row, field = rows.get(key), (FIELD, str(place))
        if row is None or row.workspace_id != workspace_id:
            raise hidden(field)
        if key in shared:
            continue
        if row.actor != viewer.actor:
            raise hidden(field)
        if row.state is AttachmentState.WAITING:
            raise Refused(Code.WRONG_STATE, "This file has not come yet.", field=field)
        if row.state not in THERE:
            raise hidden(field)
    own = [key for key in ids if key not in shared]
    taken = {*shared, *(await _take(own) if own else ())}
    for place, key in enumerate(ids):
        if key not in taken:
            raise Refused(
                Code.WRONG_STATE,
                "This file belongs to a message, a comment or a snippet.",
                field=(FIELD, str(place)),
            )
    return [rows[key] for key in ids]


async def _take(ids: Sequence[int]) -> set[int]:
    rows = await sql.rows(
        f"UPDATE attachment SET loose_since = NULL WHERE {sql.among('id')}"
        " AND loose_since IS NOT NULL AND state IN ('STORED', 'READY') RETURNING id",
        sql.group(ids),
    )
    return {row["id"] for row in rows}


def attach(owner: str, owner_id: int, files: Sequence[Attachment], announce: Announce) -> None:
    """Have files written as those of a message, comment or snippet that is written before them."""
    for position, file in enumerate(files):
        link = {f"{owner}_id": owner_id, "attachment_id": file.id, "position": position}
        announce.insert(f"{owner}_attachment", **link)


def said_with(
    values: Sequence[object], ids: Sequence[int], reply_to_id: int | None = None
) -> Sequence[object]:
    """Return what was said with files and an answered message; without, as it was before."""
    answers = [reply_to_id] if reply_to_id is not None else []
    return [*values, *answers, *([list(ids)] if ids else [])]
