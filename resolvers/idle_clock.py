"""The clock of automatic closing: it runs while a member, and no AI agent, has the last word."""

from datetime import datetime, timedelta

from models.clock import now
from models.conversation import ConversationStatus
from models.message import MessageSource
from models.records import ConversationRecord, ConversationRow
from realtime.transaction import Announce

CLOSE_IDLE = "close_idle"


def idle_since_after(
    before: datetime | None, source: MessageSource, moment: datetime
) -> datetime | None:
    """Return since when a conversation is idle after a message, or None if it is not.

    A member's message starts the clock anew and the contact's stops it; those of programs and from
    the vendor's own app do neither.
    """
    match source:
        case MessageSource.USER:
            return moment
        case MessageSource.CONTACT:
            return None
        case _:
            return before


def closes_at(conversation: ConversationRow) -> datetime | None:
    """Return when a conversation closes by itself, unless somebody writes; None: no clock runs.

    Nor does a blocked contact's, nor an AI agent's; given to people again, that does as long after
    the last word as if they had always had it.
    """
    if (
        conversation.status is not ConversationStatus.OPEN
        or conversation.blocked_at is not None
        or conversation.ai_agent_id is not None
        or conversation.idle_since is None
        or conversation.auto_close_minutes is None
    ):
        return None
    return conversation.idle_since + timedelta(minutes=conversation.auto_close_minutes)


def watch(conversation: ConversationRecord, announce: Announce) -> None:
    """Have a locked conversation looked at when its clock runs out, if one runs.

    One job is enough: with one time the clock only moves later, so that a job that waits already
    comes in time to see it, and then waits on.
    """
    due = closes_at(conversation)
    if due is not None:
        announce.job(
            CLOSE_IDLE,
            {"conversation_id": conversation.id},
            run_at=due,
            dedupe_key=f"{CLOSE_IDLE}:{conversation.id}:{conversation.auto_close_minutes}",
        )


def note_message(
    conversation: ConversationRecord, source: MessageSource, moment: datetime, announce: Announce
) -> None:
    """Start or stop the clock for a message of a locked conversation; the caller saves it."""
    conversation.idle_since = idle_since_after(conversation.idle_since, source, moment)
    if source is MessageSource.USER:
        watch(conversation, announce)


def resume(conversation: ConversationRecord, announce: Announce) -> None:
    """Start the clock anew at the end of a snooze or a block, if a member had the last word."""
    if conversation.idle_since is not None:
        conversation.idle_since = now()
        watch(conversation, announce)
