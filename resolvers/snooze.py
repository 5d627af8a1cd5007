"""Snoozing: a conversation leaves the lists until a moment, and comes back by itself."""

from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from models.activity import ActivityKind
from models.clock import now
from models.conversation import ConversationStatus
from models.engine import sql
from models.queries import lock_conversation
from models.records import ConversationRecord
from models.refusal import Code, Refused
from models.workspace import Workspace
from realtime.events import ConversationSnoozed, ConversationUnsnoozed, SnoozeExpired
from realtime.jobs import ClaimedJob
from realtime.transaction import transaction
from resolvers.access import get_workspace, hold_conversation
from resolvers.conversation import BY_SYSTEM, caused_by, clear_snooze, record, save_state
from resolvers.rights import Right
from resolvers.viewer import Viewer

MAX_SNOOZE_DAYS = 366
EXPIRE_SNOOZE = "expire_snooze"
EVENING = time(18)
MORNING = time(9)


class SnoozePreset(Enum):
    """A moment that the server finds in the workspace's time zone."""

    LATER_TODAY = "LATER_TODAY"
    """Today at 18:00; from then on it is not offered."""
    TOMORROW_MORNING = "TOMORROW_MORNING"
    """Tomorrow at 9:00."""
    NEXT_WEEK = "NEXT_WEEK"
    """The next Monday at 9:00; on a Monday, the one in a week."""
    NEXT_MONTH = "NEXT_MONTH"
    """The first day of the next month at 9:00."""


def day_of(preset: SnoozePreset, today: date) -> date:
    """Return the day that a preset means."""
    match preset:
        case SnoozePreset.LATER_TODAY:
            return today
        case SnoozePreset.TOMORROW_MORNING:
            return today + timedelta(days=1)
        case SnoozePreset.NEXT_WEEK:
            return today + timedelta(days=7 - today.weekday())
        case SnoozePreset.NEXT_MONTH:
            return (today.replace(day=1) + timedelta(days=31)).replace(day=1)


def preset_moments(time_zone: str, moment: datetime) -> dict[SnoozePreset, datetime]:
    """Return when each preset ends a snooze, in UTC: only those that lie ahead.

    A time that the clocks show twice is meant the first time that is still ahead; one that they
    leap over is as much later as they leap.
    """
    zone = ZoneInfo(time_zone)
    today = moment.astimezone(zone).date()
    moments = {}
    for preset in SnoozePreset:
        hour = EVENING if preset is SnoozePreset.LATER_TODAY else MORNING
        shown = datetime.combine(day_of(preset, today), hour, zone)
        first, second = (shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
        ahead = [one for one in (first, second) if moment < one >= first]
        if ahead:
            moments[preset] = ahead[0]
    return moments


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


def snooze_presets(workspace: Workspace) -> dict[SnoozePreset, datetime]:
    """Return the presets that lie ahead in the workspace's time zone, and their moments."""
    return preset_moments(workspace.time_zone, now())


def moment_of(
    until: datetime | None, preset: SnoozePreset | None, time_zone: str, moment: datetime
) -> datetime:
    """Return the moment until which to snooze: the given one, or the preset's; refuse neither."""
    if (until is None) is (preset is None):
        raise Refused(
            Code.INVALID, "Give a moment or a preset, and only one of them.", field=("until",)
        )
    if preset is not None:
        until = preset_moments(time_zone, moment).get(preset)
    if until is None:
        raise Refused(Code.TIME_IN_PAST, "It is too late for this today.", field=("preset",))
    return until


async def snooze_conversation(
    viewer: Viewer,
    conversation_id: int,
    *,
    until: datetime | None = None,
    preset: SnoozePreset | None = None,
    wake_on_reply: bool | None = None,
    expected_version: int | None = None,
) -> ConversationRecord:
    """Put a conversation into Snoozed until a moment; snoozing again moves the moment.

    It returns by itself to where it was, Open or Closed, at or after `until` by the database's
    clock. With `wake_on_reply` (None: as the workspace has it) a message of the contact opens it
    before; else that message arrives while it stays snoozed.
    """
    async with transaction() as announce:
        conversation = await hold_conversation(
            viewer, conversation_id, Right.SNOOZE, expected_version=expected_version
        )
        moment = now()
        workspace = await get_workspace(viewer, conversation.workspace_id)
        until = moment_of(until, preset, workspace.time_zone, moment)
        check_snooze(until, moment)
        cause = caused_by(viewer, conversation.workspace_id)
        if conversation.status is not ConversationStatus.SNOOZED:
            conversation.status_before_snooze = conversation.status
        conversation.status = ConversationStatus.SNOOZED
        conversation.snoozed_at = moment
        conversation.snoozed_until = until
        conversation.snoozed_by_id = cause.member_id
        conversation.wake_on_reply = (
            workspace.wake_on_reply if wake_on_reply is None else wake_on_reply
        )
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
            clear_snooze(conversation, announce)
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
            clear_snooze(conversation, announce)
            record(conversation, announce, ActivityKind.SNOOZE_EXPIRED, BY_SYSTEM, until=until)
            save_state(conversation, announce)
            announce(SnoozeExpired(conversation.workspace_id, conversation.id, until))
        await job.complete()
