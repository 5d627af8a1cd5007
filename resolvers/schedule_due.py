"""Scheduled messages whose moment has come: sent once, with the rights that their author has."""

from models.engine import sql
from models.records import ConversationRecord
from models.refusal import Code, Refused
from models.scheduled_message import ScheduledMessage, ScheduleState
from realtime.jobs import ClaimedJob
from realtime.schedule_events import ScheduledMessageFailed, ScheduledMessageSent
from realtime.transaction import Announce, transaction
from resolvers.access import sees
from resolvers.channel_target import Way
from resolvers.composed import Composed
from resolvers.email_message import Envelope
from resolvers.file_erasure import files_of
from resolvers.message import accept
from resolvers.rights import Right
from resolvers.schedule import OWNER, SEND_SCHEDULED, end, hold_scheduled
from resolvers.transfer import viewer_of_actor
from resolvers.viewer import Viewer, may


def check_author(viewer: Viewer | None, conversation: ConversationRecord) -> Viewer:
    """Return who wrote a message, as they are now; refuse who could not write it any more."""
    workspace_id = conversation.workspace_id
    is_there = viewer is not None and sees(viewer, conversation)
    if viewer is None or not is_there or not may(viewer, workspace_id, Right.REPLY):
        raise Refused(Code.FORBIDDEN, "Your role does not allow this.")
    return viewer


def envelope_of(row: ScheduledMessage) -> Envelope | None:
    """Return what was said with a mail that is to be sent; None: nothing."""
    if row.cc is None:
        return None
    return Envelope(row.subject, tuple(row.cc.split()), tuple((row.bcc or "").split()))


async def send_scheduled(job: ClaimedJob) -> None:
    """Send a message whose moment has come; one that waits no more is left alone.

    The message, what has become of the scheduled one, and the end of the job commit together.
    """
    key = int(job.payload["scheduled_message_id"])
    async with transaction() as announce:
        held = await hold_scheduled(key)
        if held is not None and held[0].state is ScheduleState.SCHEDULED:
            row, conversation = held
            if await _is_due(row):
                await _end(row, conversation, announce)
            else:  # the clock was put back: there is another time
                announce.job(SEND_SCHEDULED, {"scheduled_message_id": key}, run_at=row.send_at)
        await job.complete()


async def _is_due(row: ScheduledMessage) -> bool:
    [[due]] = await sql.records(
        f"SELECT COUNT(*) FROM scheduled_message WHERE id = ? AND send_at <= {sql.database_now()}",
        row.id,
    )
    return bool(due)


async def _end(row: ScheduledMessage, conversation: ConversationRecord, announce: Announce) -> None:
    """Send a held message that is due, or note why it cannot be sent.

    What is refused is so before anything is announced; what it has written by then is undone.
    """
    place = (row.workspace_id, conversation.id, row.id)
    try:
        row.message_id = await _send(row, conversation, announce)
    except Refused as refused:
        row.failure_code = refused.code.value
        await end(row, ScheduleState.FAILED, "failure_code")
        announce(ScheduledMessageFailed(*place))
    else:
        await end(row, ScheduleState.SENT, "message_id")
        announce(ScheduledMessageSent(*place))


async def _send(row: ScheduledMessage, conversation: ConversationRecord, announce: Announce) -> int:
    """Have a message accepted as its author would now; return its id."""
    viewer = await viewer_of_actor(row.actor, row.workspace_id)
    author = check_author(viewer, conversation)
    files = await files_of(OWNER, [row.id])
    way = Way(row.channel_id, row.reply_to_id, row.contact_channel_id)
    composed = Composed(row.text, way, tuple(files), envelope_of(row))
    async with transaction():  # a savepoint
        message = await accept(author, conversation, composed, announce, held=files)
    return message.id
