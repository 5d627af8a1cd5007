"""Bulk: the single actions done to many, one after another, each in a transaction of its own."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Generic, TypeVar, cast

from models.records import ConversationRecord
from models.refusal import Code, Conflict, Refused
from resolvers.access import get_conversation
from resolvers.assignment import assign_conversation, unassign_conversation
from resolvers.closing import close_conversation
from resolvers.conversation import open_conversation
from resolvers.deed import Target, doing_to
from resolvers.read_mark import mark_conversation_read, mark_conversation_unread
from resolvers.rights import Right
from resolvers.snooze import SnoozePreset, snooze_conversation, unsnooze_conversation
from resolvers.tag import tag_contact, untag_contact
from resolvers.viewer import Viewer

T = TypeVar("T")

MAX_ITEMS = 100


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What became of one of many: the row as it is now, or why it was refused."""

    row: T | None
    refused: Refused | None = None
    """After a conflict there is the row as well."""


Outcomes = list[Outcome[ConversationRecord]]


def check_conversations(keys: Sequence[int]) -> None:
    """Refuse a list that is empty or too long, or that names a conversation twice."""
    field = ("conversationIds",)
    if not 1 <= len(keys) <= MAX_ITEMS:
        raise Refused(
            Code.INVALID, "A list holds 1 to {limit} conversations.", field=field, limit=MAX_ITEMS
        )
    known = [key for key in keys if key]
    if len(set(known)) < len(known):
        raise Refused(Code.INVALID, "A list names each conversation once.", field=field)


async def each(keys: Sequence[int], act: Callable[[int], Awaitable[T]]) -> list[Outcome[T]]:
    """Do a single action to each of a list, in its order; a refusal is of that one alone.

    One after another: at once, a list would take every connection from everybody else. What was
    done before something breaks stays done.
    """
    return [await _outcome(key, act) for key in keys]


async def _outcome(key: int, act: Callable[[int], Awaitable[T]]) -> Outcome[T]:
    try:
        with doing_to(Target("Conversation", key, "conversationId")) as deed:
            return Outcome(await act(key))
    except Conflict as conflict:
        return Outcome(cast(T, conflict.current), conflict)
    except Refused as refused:
        if deed is not None:
            await deed.refuse(refused)
        return Outcome(None, refused)


async def open_conversations(viewer: Viewer, conversation_ids: Sequence[int]) -> Outcomes:
    """Open each conversation."""
    check_conversations(conversation_ids)
    return await each(conversation_ids, partial(open_conversation, viewer))


async def assign_conversations(
    viewer: Viewer,
    conversation_ids: Sequence[int],
    *,
    assignee_id: int | None = None,
    ai_agent_id: int | None = None,
    team_id: int | None = None,
    if_unassigned: bool = False,
) -> Outcomes:
    """Give each conversation to the same member, AI agent or team."""
    check_conversations(conversation_ids)
    assign = partial(
        assign_conversation,
        viewer,
        assignee_id=assignee_id,
        ai_agent_id=ai_agent_id,
        team_id=team_id,
        if_unassigned=if_unassigned,
    )
    return await each(conversation_ids, assign)


async def unassign_conversations(viewer: Viewer, conversation_ids: Sequence[int]) -> Outcomes:
    """Move each conversation to Unassigned."""
    check_conversations(conversation_ids)
    return await each(conversation_ids, partial(unassign_conversation, viewer))


async def close_conversations(
    viewer: Viewer,
    conversation_ids: Sequence[int],
    *,
    category_id: int | None = None,
    summary: str | None = None,
) -> Outcomes:
    """Close each conversation, with the same note."""
    check_conversations(conversation_ids)
    close = partial(close_conversation, viewer, category_id=category_id, summary=summary)
    return await each(conversation_ids, close)


async def snooze_conversations(
    viewer: Viewer,
    conversation_ids: Sequence[int],
    *,
    until: datetime | None = None,
    preset: SnoozePreset | None = None,
    wake_on_reply: bool | None = None,
) -> Outcomes:
    """Put each conversation into Snoozed, until the same moment or by the same preset."""
    check_conversations(conversation_ids)
    snooze = partial(
        snooze_conversation, viewer, until=until, preset=preset, wake_on_reply=wake_on_reply
    )
    return await each(conversation_ids, snooze)


async def unsnooze_conversations(viewer: Viewer, conversation_ids: Sequence[int]) -> Outcomes:
    """Bring each conversation back to where it was."""
    check_conversations(conversation_ids)
    return await each(conversation_ids, partial(unsnooze_conversation, viewer))


async def mark_conversations_read(viewer: Viewer, conversation_ids: Sequence[int]) -> Outcomes:
    """Mark each conversation as read by the viewer."""
    check_conversations(conversation_ids)
    return await each(conversation_ids, partial(mark_conversation_read, viewer))


async def mark_conversations_unread(viewer: Viewer, conversation_ids: Sequence[int]) -> Outcomes:
    """Mark the newest message of each contact as unread by the viewer."""
    check_conversations(conversation_ids)
    return await each(conversation_ids, partial(mark_conversation_unread, viewer))


async def tag_conversations(
    viewer: Viewer, conversation_ids: Sequence[int], tag_ids: Collection[int]
) -> Outcomes:
    """Put tags on the contact of each conversation."""
    check_conversations(conversation_ids)
    return await each(conversation_ids, partial(_tag, tag_contact, viewer, tag_ids))


async def untag_conversations(
    viewer: Viewer, conversation_ids: Sequence[int], tag_ids: Collection[int]
) -> Outcomes:
    """Take tags off the contact of each conversation."""
    check_conversations(conversation_ids)
    return await each(conversation_ids, partial(_tag, untag_contact, viewer, tag_ids))


async def _tag(
    deed: Callable[..., Awaitable[object]],
    viewer: Viewer,
    tag_ids: Collection[int],
    conversation_id: int,
) -> ConversationRecord:
    conversation = await get_conversation(viewer, conversation_id, Right.EDIT_CONTACTS)
    await deed(viewer, conversation.contact_id, tag_ids)
    return await get_conversation(viewer, conversation_id)
