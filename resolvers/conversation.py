"""Conversations: opening them, and how every change of their state is recorded."""

from dataclasses import dataclass
from datetime import datetime

from models.activity import ActivityKind
from models.clock import now
from models.conversation import ConversationStatus
from models.engine import sql
from models.episode import ChangeSource
from models.records import CONVERSATIONS, ConversationRecord
from realtime.events import ConversationOpened
from realtime.transaction import Announce, transaction
from resolvers.access import hold_conversation
from resolvers.idle_clock import resume
from resolvers.rights import Right
from resolvers.viewer import Viewer

STATE_FIELDS = (
    "status",
    "assignee_id",
    "ai_agent_id",
    "team_id",
    "last_seq",
    "opened_at",
    "closed_at",
    "status_since",
    "blocked_at",
    "blocked_by_id",
    "handling_epoch",
    "unreplied_since",
    "status_before_snooze",
    "snoozed_at",
    "snoozed_until",
    "snoozed_by_id",
    "wake_on_reply",
    "idle_since",
    "auto_close_minutes",
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


def save_state(conversation: ConversationRecord, announce: Announce) -> None:
    """Have a changed state of a locked conversation written as its next version."""
    conversation.version += 1
    conversation.status_since = status_since(conversation)
    announce.save(CONVERSATIONS, conversation, STATE_FIELDS)


def status_since(conversation: ConversationRecord) -> datetime:
    """Return since when a conversation has been open, closed or snoozed."""
    moments = {
        ConversationStatus.OPEN: conversation.opened_at,
        ConversationStatus.CLOSED: conversation.closed_at,
        ConversationStatus.SNOOZED: conversation.snoozed_at,
    }
    return moments[conversation.status] or conversation.created_at


def record(
    conversation: ConversationRecord,
    announce: Announce,
    kind: ActivityKind,
    cause: Cause,
    *,
    assignee_id: int | None = None,
    ai_agent_id: int | None = None,
    team_id: int | None = None,
    until: datetime | None = None,
) -> None:
    """Add a line about a change to the timeline; the caller saves the conversation."""
    conversation.last_seq += 1
    announce.insert(
        "activity",
        conversation_id=conversation.id,
        seq=conversation.last_seq,
        kind=kind,
        source=cause.source,
        actor_id=cause.member_id,
        assignee_id=assignee_id,
        ai_agent_id=ai_agent_id,
        team_id=team_id,
        until=until,
        created_at=now(),
    )


async def open_conversation(
    viewer: Viewer, conversation_id: int, *, expected_version: int | None = None
) -> ConversationRecord:
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
            save_state(conversation, announce)
    return conversation


async def open_now(conversation: ConversationRecord, cause: Cause, announce: Announce) -> None:
    """Open a locked conversation that is not open; the caller saves it.

    An episode begins unless one was only hidden by a snooze.
    """
    was_open = ConversationStatus.OPEN in (conversation.status, conversation.status_before_snooze)
    conversation.status = ConversationStatus.OPEN
    if not was_open:
        await _begin_episode(conversation, cause, announce)
    clear_snooze(conversation, announce)
    record(conversation, announce, ActivityKind.OPENED, cause)
    announce(ConversationOpened(conversation.workspace_id, conversation.id))


async def _begin_episode(
    conversation: ConversationRecord, cause: Cause, announce: Announce
) -> None:
    found = await sql.records(
        "SELECT auto_close_minutes FROM workspace WHERE id = ? AND auto_close_since IS NOT NULL",
        conversation.workspace_id,
    )
    conversation.auto_close_minutes = found[0][0] if found else None
    conversation.idle_since = None
    conversation.opened_at = now()
    conversation.closed_at = None
    announce.insert(
        "episode",
        conversation_id=conversation.id,
        opened_at=conversation.opened_at,
        opened_source=cause.source,
        opened_by_id=cause.member_id,
    )


async def contact_wrote(conversation: ConversationRecord, announce: Announce) -> None:
    """Open a locked conversation for a message of its contact, and save it, if it is not open.

    Where a snooze does not end for it, an episode begins underneath: nobody overlooks the message
    when the conversation comes back.
    """
    if conversation.status is ConversationStatus.OPEN:
        return
    if conversation.status is ConversationStatus.CLOSED or conversation.wake_on_reply:
        await open_now(conversation, BY_CONTACT, announce)
    elif conversation.status_before_snooze is ConversationStatus.CLOSED:
        conversation.status_before_snooze = ConversationStatus.OPEN
        await _begin_episode(conversation, BY_CONTACT, announce)
    else:
        return
    save_state(conversation, announce)


def clear_snooze(conversation: ConversationRecord, announce: Announce) -> None:
    """Take the snooze off a conversation that has its new status; the caller saves.

    Where there was one, the clock of automatic closing starts at its end.
    """
    if conversation.snoozed_until is not None:
        resume(conversation, announce)
    conversation.status_before_snooze = None
    conversation.snoozed_at = None
    conversation.snoozed_until = None
    conversation.snoozed_by_id = None
    conversation.wake_on_reply = True
