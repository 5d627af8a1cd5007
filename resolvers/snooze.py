"""Snoozing: a conversation leaves the lists until a moment, and comes back by itself."""

from datetime import datetime, timedelta

from models.activity import ActivityKind
from models.clock import now
from models.conversation import ConversationStatus
from models.engine import sql
from models.queries import lock_conversation
from models.records import ConversationRecord
from models.refusal import Code, Refused
from realtime.events import ConversationSnoozed, ConversationUnsnoozed, SnoozeExpired
from realtime.jobs import ClaimedJob
from realtime.transaction import transaction
from resolvers.access import Right, Viewer, hold_conversation
from resolvers.conversation import BY_SYSTEM, caused_by, clear_snooze, record, save_state

MAX_SNOOZE_DAYS = 366
EXPIRE_SNOOZE = "expire_snooze"


def check_snooze(until: datetime, moment: datetime) -> None:
    """Refuse a moment that is not in the future, or more than a year ahead."""
    if until <= moment:
        raise Refused(
            Code.TIME_IN_PAST, "Choose a moment in the future to snooze until.", field=("until",)
        )
    if until > moment + timedelta(days=MAX_SNOOZE_DAYS):
        raise Refused(
            Code.TIME_TOO_FAR,
            "A conversation can be snoozed for at most {days} days.",
            field=("until",),
            days=MAX_SNOOZE_DAYS,
        )


async def snooze_conversation(
    viewer: Viewer,
    conversation_id: int,
    *,
    until: datetime,
    expected_version: int | None = None,
) -> ConversationRecord:
    """Put a conversation into Snoozed until a moment; snoozing again moves the moment.

    It returns by itself to where it was, Open or Closed, at or after `until` by the database's
    clock.
    """
    async with transaction() as announce:
        conversation = await hold_conversation(
            viewer, conversation_id, Right.SNOOZE, expected_version=expected_version
        )
        moment = now()
        check_snooze(until, moment)
        cause = caused_by(viewer, conversation.workspace_id)
        if conversation.status is not ConversationStatus.SNOOZED:
            conversation.status_before_snooze = conversation.status
        conversation.status = ConversationStatus.SNOOZED
        conversation.snoozed_at = moment
        conversation.snoozed_until = until
        conversation.snoozed_by_id = cause.member_id
        record(conversation, announce, ActivityKind.SNOOZED, cause, until=until)
        save_state(conversation, announce)
        announce.job(EXPIRE_SNOOZE, {"conversation_id": conversation.id}, run_at=until)
        announce(ConversationSnoozed(conversation.workspace_id, conversation.id, until))
    return conversation


async def unsnooze_conversation(
    viewer: Viewer, conversation_id: int, *, expected_version: int | None = None
) -> ConversationRecord:
    """Bring a snoozed conversation back to where it was; one that is not snoozed stays as it is."""
    async with transaction() as announce:
        conversation = await hold_conversation(
            viewer, conversation_id, Right.SNOOZE, expected_version=expected_version
        )
        if conversation.status_before_snooze is not None:
            cause = caused_by(viewer, conversation.workspace_id)
            conversation.status = conversation.status_before_snooze
            clear_snooze(conversation)
            record(conversation, announce, ActivityKind.UNSNOOZED, cause)
            save_state(conversation, announce)
            announce(ConversationUnsnoozed(conversation.workspace_id, conversation.id))
    return conversation


async def expire_snooze(job: ClaimedJob) -> None:
    """End a snooze whose moment has come; a snooze that moved or ended is left alone.

    The state, its event and the end of the job commit together: it happens exactly once.
    """
    async with transaction() as announce:
        conversation = await lock_conversation(job.payload["conversation_id"])
        [due] = await sql.rows(
            f"SELECT COUNT(*) AS due FROM conversation WHERE id = ? AND status = 'SNOOZED'"
            f" AND snoozed_until <= {sql.database_now()}",
            job.payload["conversation_id"],
        )
        if conversation is not None and due["due"]:
            until = conversation.snoozed_until
            origin = conversation.status_before_snooze
            assert until is not None and origin is not None  # noqa: S101 - a constraint says so
            conversation.status = origin
            clear_snooze(conversation)
            record(conversation, announce, ActivityKind.SNOOZE_EXPIRED, BY_SYSTEM, until=until)
            save_state(conversation, announce)
            announce(SnoozeExpired(conversation.workspace_id, conversation.id, until))
        await job.complete()
