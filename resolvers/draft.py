"""Drafts: what a member has begun to write, for all of their devices and for nobody else."""

from collections.abc import Collection
from dataclasses import dataclass

from models.channel import Channel
from models.clock import now
from models.draft import Draft, DraftSurface
from models.engine import sql
from models.message import Message
from models.records import ConversationRecord
from models.refusal import Code, Conflict, Refused
from realtime.draft_events import DraftChanged
from realtime.transaction import Announce, transaction
from resolvers.access import hold_conversation
from resolvers.rights import Right
from resolvers.variables import TEXT_LENGTH
from resolvers.viewer import Viewer, hidden

CONTENT = ("surface", "text", "reply_to_id", "channel_id")


@dataclass(frozen=True, slots=True)
class Written:
    """What a draft says."""

    text: str
    surface: DraftSurface = DraftSurface.MESSAGE
    reply_to_id: int | None = None
    channel_id: int | None = None


def check_draft(written: Written) -> None:
    """Refuse a draft that is longer than a message."""
    if len(written.text) > TEXT_LENGTH:
        raise Refused(
            Code.TOO_LONG, "At most {limit} characters.", field=("text",), limit=TEXT_LENGTH
        )


def is_there(draft: Draft | None) -> bool:
    """Tell whether there is a draft that was not discarded."""
    return draft is not None and draft.text is not None


def check_version(draft: Draft | None, expected: int | None) -> None:
    """Raise Conflict unless a draft has the expected version; 0 expects that there is none."""
    there = draft if is_there(draft) else None
    if expected is not None and expected != (there.version if there else 0):
        raise Conflict(there)


async def save_draft(
    viewer: Viewer, conversation_id: int, written: Written, *, expected_version: int | None = None
) -> Draft:
    """Keep what the viewer has begun to write, in place of what they had before.

    What is so already stays, whatever version is expected: a repeated call changes nothing.
    """
    check_draft(written)
    async with transaction() as announce:
        conversation, member_id = await _hold(viewer, conversation_id)
        draft = await Draft.filter(member_id=member_id, conversation_id=conversation_id).first()
        content = {name: getattr(written, name) for name in CONTENT}
        if draft is not None and content == {name: getattr(draft, name) for name in CONTENT}:
            return draft
        check_version(draft, expected_version)
        await _check_named(conversation, written)
        if draft is None:
            draft = await Draft.create(
                workspace_id=conversation.workspace_id,
                member_id=member_id,
                conversation_id=conversation_id,
                updated_at=now(),
                **content,
            )
        else:
            await _change(draft, content)
        announce(DraftChanged(conversation.workspace_id, conversation_id, member_id))
    return draft


async def discard_draft(
    viewer: Viewer, conversation_id: int, *, expected_version: int | None = None
) -> ConversationRecord:
    """Discard the viewer's draft in a conversation; where there is none, all stays."""
    async with transaction() as announce:
        conversation, member_id = await _hold(viewer, conversation_id)
        draft = await Draft.filter(member_id=member_id, conversation_id=conversation_id).first()
        if draft is not None and is_there(draft):
            check_version(draft, expected_version)
            empty = {"text": None, "reply_to_id": None, "channel_id": None}
            await _change(draft, {"surface": DraftSurface.MESSAGE, **empty})
            announce(DraftChanged(conversation.workspace_id, conversation_id, member_id))
    return conversation


async def _hold(viewer: Viewer, conversation_id: int) -> tuple[ConversationRecord, int]:
    """Return a conversation, locked, and who writes in it; programs have no drafts."""
    conversation = await hold_conversation(viewer, conversation_id, Right.REPLY, also_blocked=True)
    member_id = viewer.member_id(conversation.workspace_id)
    if member_id is None:
        raise Refused(Code.FORBIDDEN, "Only members have drafts.")
    return conversation, member_id


async def _check_named(conversation: ConversationRecord, written: Written) -> None:
    """Refuse a message of another conversation, and a channel of another workspace."""
    if written.reply_to_id is not None:
        own = Message.filter(id=written.reply_to_id, conversation_id=conversation.id)
        if not await own.exists():
            raise hidden(("replyToMessageId",))
    if written.channel_id is not None:
        channels = Channel.filter(id=written.channel_id, workspace_id=conversation.workspace_id)
        if not await channels.exists():
            raise hidden(("channelId",))


async def _change(draft: Draft, content: dict[str, object]) -> None:
    for name, value in content.items():
        setattr(draft, name, value)
    draft.version += 1
    draft.updated_at = now()
    await draft.save(update_fields=[*content, "version", "updated_at"])


async def drafts_of_members(
    keys: Collection[tuple[int, int]],
) -> dict[tuple[int, int], Draft]:
    """Return the drafts that were not discarded, for pairs of member and conversation."""
    rows = await Draft.filter(
        member_id__in={member for member, _ in keys},
        conversation_id__in={conversation for _, conversation in keys},
        text__isnull=False,
    )
    return {(row.member_id, row.conversation_id): row for row in rows}


async def join_drafts(kept: ConversationRecord, merged_id: int, announce: Announce) -> None:
    """Move the drafts of a conversation to another one; of two of a member the newer is left.

    It counts on behind both, so that whoever expects a version of either finds out.
    """
    rows = await Draft.filter(conversation_id__in=(kept.id, merged_id)).order_by(
        "text", "updated_at", "id"
    )
    newest: dict[int, Draft] = {}
    for row in sorted(rows, key=lambda row: (is_there(row), row.updated_at, row.id)):
        older = newest.get(row.member_id)
        row.version += older.version if older is not None else 0
        newest[row.member_id] = row
    gone = [row.id for row in rows if newest[row.member_id] is not row]
    if gone:
        await sql.affected(f"DELETE FROM draft WHERE {sql.among('id')}", sql.group(gone))
    for row in newest.values():
        if row.conversation_id == merged_id or gone:
            row.conversation_id = kept.id
            row.version += 1
            await row.save(update_fields=["conversation_id", "version"])
            announce(DraftChanged(kept.workspace_id, kept.id, row.member_id))
