"""Comments: what members tell each other about a conversation; no channel ever gets one."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.clock import now
from models.comment import CommentRevision
from models.engine import sql
from models.queries import next_id
from models.records import (
    COMMENTS,
    CONVERSATIONS,
    CommentRecord,
    CommentRow,
    ConversationRecord,
    MemberRecord,
)
from models.refusal import Code, Refused
from models.terms import entry_of
from realtime.comment_events import CommentAdded, CommentChanged, CommentDeleted
from realtime.presence import tell_typing
from realtime.transaction import Announce, transaction
from resolvers.access import get_comment, hold_comment, hold_conversation
from resolvers.attaching import attach, claim_files, said_with
from resolvers.conversation import caused_by
from resolvers.file_erasure import bury_files, files_of
from resolvers.idempotency import KeyUse, Settled
from resolvers.mention import cannot_see, distinct, mention, mentionable, mentions_of_comments
from resolvers.notification import notified_of
from resolvers.rights import Right
from resolvers.viewer import Viewer

TEXT_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class Written:
    """A comment as it is now, and who is mentioned in it but does not see the conversation."""

    comment: CommentRow
    mentioned_without_access: Sequence[MemberRecord] = field(default_factory=list)


def check_comment(text: str | None, *, has_files: bool = False) -> str:
    """Return a comment's text; refuse one longer than 1,000 characters or, without files, blank."""
    if text is None or not text.strip():
        if has_files:
            return ""
        raise Refused(Code.BLANK, "Write a comment first.", field=("text",))
    if len(text) > TEXT_LENGTH:
        raise Refused(
            Code.TOO_LONG, "At most {limit} characters.", field=("text",), limit=TEXT_LENGTH
        )
    return text


def can_be_changed(viewer: Viewer, comment: CommentRow) -> bool:
    """Tell whether a comment may be edited or deleted: it is there, and the viewer wrote it."""
    return comment.deleted_at is None and comment.actor == viewer.actor


async def add_comment(
    viewer: Viewer,
    conversation_id: int,
    *,
    text: str = "",
    attachment_ids: Sequence[int] = (),
    mentioned_member_ids: Sequence[int] = (),
    idempotency_key: str | None = None,
) -> Written:
    """Write a comment, in any state of the conversation, which it leaves as it is.

    The same key with the same input returns the first comment.
    """
    text = check_comment(text, has_files=bool(attachment_ids))
    wanted = distinct(mentioned_member_ids)
    async with Settled(idempotency_key), transaction() as announce:
        conversation = await hold_conversation(
            viewer, conversation_id, Right.COMMENT, also_blocked=True
        )
        use = KeyUse(viewer, conversation.workspace_id, "addComment", idempotency_key)
        said = said_with([conversation_id, text, wanted], attachment_ids)
        first = await use.first_result(said)
        if first is not None:
            return await _written(await get_comment(viewer, first), conversation)
        members = await mentionable(conversation, wanted)
        files = await claim_files(viewer, conversation.workspace_id, attachment_ids)
        comment = await _append(viewer, conversation, text, announce)
        attach("comment", comment.id, files, announce)
        await mention(comment, members, conversation, announce)
        use.remember(comment.id, announce)
    if comment.author_id is not None:
        typist = f"member:{comment.author_id}"
        tell_typing(
            comment.workspace_id, conversation_id, typist, surface="COMMENT", is_typing=False
        )
    return Written(comment, [one for one in members if cannot_see(one, conversation)])


async def update_comment(
    viewer: Viewer,
    comment_id: int,
    changes: Mapping[str, Any],
    *,
    expected_version: int | None = None,
) -> Written:
    """Change the given ones of `text` and `mentioned_member_ids`; what it said before is kept."""
    async with transaction() as announce:
        comment, conversation = await hold_comment(
            viewer, comment_id, Right.COMMENT, expected_version=expected_version
        )
        _check_author(viewer, comment)
        if not can_be_changed(viewer, comment):
            raise Refused(Code.WRONG_STATE, "This comment was deleted.", field=("commentId",))
        kept = [one.id for one in (await mentions_of_comments([comment_id]))[comment_id]]
        text = check_comment(changes.get("text", comment.text))
        wanted = distinct(changes.get("mentioned_member_ids", kept) or ())
        members = await mentionable(conversation, wanted, kept)
        if text != comment.text:
            _keep_revision(comment, announce)
        if wanted != kept:
            await sql.affected("DELETE FROM comment_mention WHERE comment_id = ?", comment_id)
            before = {*kept, *await notified_of(comment_id)}
            await mention(comment, members, conversation, announce, before=before)
        if text != comment.text or wanted != kept:
            comment.text = text
            _save(comment, announce)
            await _index(comment, announce)
            announce(CommentChanged(conversation.workspace_id, conversation.id, comment_id))
    return Written(comment, [one for one in members if cannot_see(one, conversation)])


async def delete_comment(viewer: Viewer, comment_id: int) -> CommentRow:
    """Take a comment back: its place stays, what it said is gone; a deleted one stays so."""
    async with transaction() as announce:
        comment, conversation = await hold_comment(viewer, comment_id, Right.COMMENT)
        _check_author(viewer, comment)
        if can_be_changed(viewer, comment):
            comment.text, comment.deleted_at = None, now()
            _save(comment, announce)
            await _index(comment, announce)
            files = await files_of("comment", [comment_id])
            for table in (
                "comment_mention",
                "comment_revision",
                "comment_attachment",
                "notification",
            ):
                await sql.affected(f"DELETE FROM {table} WHERE comment_id = ?", comment_id)
            await bury_files(files, announce)
            announce(CommentDeleted(conversation.workspace_id, conversation.id, comment_id))
    return comment


def _check_author(viewer: Viewer, comment: CommentRow) -> None:
    if comment.actor != viewer.actor:
        raise Refused(Code.FORBIDDEN, "Only who wrote a comment can change it.")


async def _append(
    viewer: Viewer, conversation: ConversationRecord, text: str, announce: Announce
) -> CommentRecord:
    """Have a comment written as the last of its locked conversation, and announce it."""
    [taken] = await sql.records(f"SELECT {next_id('comment')}")
    cause = caused_by(viewer, conversation.workspace_id)
    conversation.last_seq += 1
    values: dict[str, Any] = {
        "id": int(taken[0]),
        "workspace_id": conversation.workspace_id,
        "conversation_id": conversation.id,
        "seq": conversation.last_seq,
        "source": cause.source,
        "actor": viewer.actor,
        "author_id": cause.member_id,
        "text": text,
        "version": 1,
        "created_at": now(),
    }
    announce.insert("comment", **values)
    terms = entry_of(conversation.workspace_id, text)
    if terms is not None:
        announce.insert("comment_entry", comment_id=values["id"], terms=terms)
    announce.save(CONVERSATIONS, conversation, ("last_seq",))
    announce(CommentAdded(conversation.workspace_id, conversation.id, values["id"]))
    return CommentRecord(**values, edited_at=None, deleted_at=None)


def _keep_revision(comment: CommentRecord, announce: Announce) -> None:
    """Keep what a comment has said until now."""
    announce.insert(
        "comment_revision",
        comment_id=comment.id,
        version=comment.version,
        text=comment.text,
        written_at=comment.edited_at or comment.created_at,
    )
    comment.edited_at = now()


def _save(comment: CommentRecord, announce: Announce) -> None:
    comment.version += 1
    announce.save(COMMENTS, comment, ("text", "version", "edited_at", "deleted_at"))


async def _index(comment: CommentRecord, announce: Announce) -> None:
    """Have a changed comment found by what it says now."""
    await sql.affected("DELETE FROM comment_entry WHERE comment_id = ?", comment.id)
    terms = entry_of(comment.workspace_id, comment.text)
    if terms is not None:
        announce.insert("comment_entry", comment_id=comment.id, terms=terms)


async def _written(comment: CommentRow, conversation: ConversationRecord) -> Written:
    members = (await mentions_of_comments([comment.id]))[comment.id]
    return Written(comment, [one for one in members if cannot_see(one, conversation)])


async def newest_revisions(
    keys: Collection[tuple[int, int]],
) -> dict[tuple[int, int], list[CommentRevision]]:
    """Return what comments said before, newest first, for pairs of comment and limit."""
    most = max(limit for _, limit in keys)
    ranked = (
        "SELECT id, ROW_NUMBER() OVER (PARTITION BY comment_id ORDER BY version DESC) AS place"
        f" FROM comment_revision WHERE {sql.among('comment_id')}"
    )
    ids = await sql.records(
        f"SELECT id FROM ({ranked}) ranked WHERE place <= {int(most)}",
        sql.group({comment for comment, _ in keys}),
    )
    found: dict[int, list[CommentRevision]] = defaultdict(list)
    for row in await CommentRevision.filter(id__in=[row[0] for row in ids]).order_by("-version"):
        found[row.comment_id].append(row)
    return {key: found[key[0]][: key[1]] for key in keys}
