"""Conversations: opening them, their timeline, and how every change of their state is recorded."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from models.activity import Activity, ActivityKind
from models.clock import now
from models.conversation import Conversation, ConversationStatus
from models.episode import ChangeSource, Episode
from models.message import Message
from realtime.events import ConversationOpened
from realtime.transaction import Announce, transaction
from resolvers.access import Right, Viewer, get_conversation, hold_conversation
from resolvers.page import Page, PageRequest, cut, decode_key, encode_key

Item = TypeVar("Item", Message, Activity)

STATE_FIELDS = (
    "status",
    "assignee_id",
    "team_id",
    "last_seq",
    "opened_at",
    "closed_at",
    "unreplied_since",
    "status_before_snooze",
    "snoozed_at",
    "snoozed_until",
    "snoozed_by_id",
    "version",
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Who or what changes a conversation: a member, a program, the contact, or the system."""

    source: ChangeSource
    member_id: int | None = None


BY_CONTACT = Cause(ChangeSource.CONTACT)
BY_SYSTEM = Cause(ChangeSource.SYSTEM)


def caused_by(viewer: Viewer, workspace_id: int) -> Cause:
    """Return the viewer as the cause of a change in a workspace."""
    return Cause(viewer.source, viewer.member_id(workspace_id))


async def save_state(conversation: Conversation) -> None:
    """Write a changed state of a locked conversation as its next version."""
    conversation.version += 1
    await conversation.save(update_fields=STATE_FIELDS)


async def record(
    conversation: Conversation,
    kind: ActivityKind,
    cause: Cause,
    *,
    assignee_id: int | None = None,
    until: datetime | None = None,
) -> None:
    """Add a line about a change to the timeline; the caller saves the conversation."""
    conversation.last_seq += 1
    await Activity.create(
        conversation_id=conversation.id,
        seq=conversation.last_seq,
        kind=kind,
        source=cause.source,
        actor_id=cause.member_id,
        assignee_id=assignee_id,
        until=until,
        created_at=now(),
    )


async def open_conversation(
    viewer: Viewer, conversation_id: int, *, expected_version: int | None = None
) -> Conversation:
    """Move a conversation to Open and begin an episode; an open one stays as it is.

    A snoozed conversation is opened and its snooze ends.
    """
    async with transaction() as announce:
        conversation = await hold_conversation(
            viewer, conversation_id, Right.CLOSE, expected_version=expected_version
        )
        if conversation.status is not ConversationStatus.OPEN:
            cause = caused_by(viewer, conversation.workspace_id)
            await open_now(conversation, cause, announce)
            await save_state(conversation)
    return conversation


async def open_now(conversation: Conversation, cause: Cause, announce: Announce) -> None:
    """Open a locked conversation that is not open; the caller saves it.

    An episode begins unless one was only hidden by a snooze.
    """
    was_open = ConversationStatus.OPEN in (conversation.status, conversation.status_before_snooze)
    moment = now()
    conversation.status = ConversationStatus.OPEN
    clear_snooze(conversation)
    if not was_open:
        conversation.opened_at = moment
        conversation.closed_at = None
        await Episode.create(
            conversation_id=conversation.id,
            opened_at=moment,
            opened_source=cause.source,
            opened_by_id=cause.member_id,
        )
    await record(conversation, ActivityKind.OPENED, cause)
    announce(ConversationOpened(conversation.workspace_id, conversation.id))


def clear_snooze(conversation: Conversation) -> None:
    """Take the snooze off a conversation; the caller decides the status and saves."""
    conversation.status_before_snooze = None
    conversation.snoozed_at = None
    conversation.snoozed_until = None
    conversation.snoozed_by_id = None


async def timeline(
    viewer: Viewer, conversation_id: int, request: PageRequest
) -> Page[Message | Activity]:
    """Return messages and activities in one order, oldest first; two statements and the right."""
    conversation = await get_conversation(viewer, conversation_id)
    return await timeline_page(conversation, request)


async def timeline_page(
    conversation: Conversation, request: PageRequest
) -> Page[Message | Activity]:
    """Return a page of the timeline of a conversation that the viewer may see."""
    messages = await _items(Message, conversation, request)
    activities = await _items(Activity, conversation, request)
    items: list[Message | Activity] = sorted(
        [*messages, *activities], key=lambda item: item.seq, reverse=request.backward
    )
    cursors = [encode_key(item.seq) for item in items]
    return cut(items[: request.size + 1], cursors, request)


async def messages_page(conversation: Conversation, request: PageRequest) -> Page[Message]:
    """Return a page of the messages of a conversation that the viewer may see, oldest first."""
    messages = await _items(Message, conversation, request)
    return cut(messages, [encode_key(message.seq) for message in messages], request)


async def _items(table: type[Item], conversation: Conversation, request: PageRequest) -> list[Item]:
    query = table.filter(conversation_id=conversation.id)
    if request.after is not None:
        query = query.filter(seq__gt=decode_key(request.after, "after", int)[0])
    if request.before is not None:
        query = query.filter(seq__lt=decode_key(request.before, "before", int)[0])
    return await query.order_by("-seq" if request.backward else "seq").limit(request.size + 1)


async def episodes(conversation: Conversation, limit: int) -> list[Episode]:
    """Return the newest episodes of a conversation that the viewer may see, newest first."""
    return (
        await Episode.filter(conversation_id=conversation.id)
        .order_by("-opened_at", "-id")
        .limit(limit)
    )
