"""Retention: what is removed after its time, by a job that enqueues itself anew."""

from datetime import datetime, timedelta

from models.clock import now
from models.engine import sql
from models.idempotency_key import IdempotencyKey
from models.inbound_event import InboundEvent
from models.invitation import Invitation
from models.job import Job, JobState
from models.log_in_code import LogInCode
from models.openid_attempt import OpenidAttempt
from models.password_reset import PasswordReset
from models.rate_window import RateWindow
from models.session import Session
from models.transfer import Transfer
from realtime.jobs import ClaimedJob
from realtime.transaction import transaction
from resolvers.file_erasure import bury_files, collect_loose_files, files_of
from settings import get_settings

CLEAN_UP = "clean_up"
CLEAN_UP_EVERY_SECONDS = 3600
INBOUND_RETENTION_DAYS = 30
DEAD_JOB_RETENTION_DAYS = 30
INVITATION_RETENTION_DAYS = 30
"""How long an invitation is kept once it has expired, whatever became of it."""
QUARANTINE_RETENTION_DAYS = 30
"""How long what blocked contacts have sent is kept, also if they are no longer blocked."""
EVENTS_AT_ONCE = 5000


async def schedule_clean_up() -> None:
    """Enqueue the clean-up unless it waits already; called when a process starts."""
    async with transaction() as announce:
        announce.job(CLEAN_UP, {}, dedupe_key=CLEAN_UP)


async def clean_up(job: ClaimedJob) -> None:
    """Remove what is past its retention, then enqueue the next clean-up."""
    settings = get_settings()
    moment = now()
    await IdempotencyKey.filter(
        created_at__lt=moment - timedelta(days=settings.idempotency_retention_days)
    ).delete()
    await InboundEvent.filter(
        received_at__lt=moment - timedelta(days=INBOUND_RETENTION_DAYS),
        handled_at__not_isnull=True,
    ).delete()
    await Job.filter(
        state=JobState.DEAD, created_at__lt=moment - timedelta(days=DEAD_JOB_RETENTION_DAYS)
    ).delete()
    await _forget_quarantined(moment - timedelta(days=QUARANTINE_RETENTION_DAYS))
    await Session.filter(refresh_expires_at__lt=moment).delete()
    await RateWindow.filter(ends_at__lt=moment).delete()
    await PasswordReset.filter(expires_at__lt=moment).delete()
    await Invitation.filter(
        expires_at__lt=moment - timedelta(days=INVITATION_RETENTION_DAYS)
    ).delete()
    await LogInCode.filter(expires_at__lt=moment).delete()
    await OpenidAttempt.filter(expires_at__lt=moment).delete()
    await Transfer.filter(expires_at__lt=moment).delete()
    await collect_loose_files()
    counters = await sql.rows("SELECT workspace_id FROM event_counter")
    for counter in counters:
        await _forget_events(counter["workspace_id"], settings.event_retention_days)
        await _forget_audit(counter["workspace_id"], settings.audit_retention_days)
    async with transaction() as announce:
        await job.complete()
        due = moment + timedelta(seconds=CLEAN_UP_EVERY_SECONDS)
        announce.job(CLEAN_UP, {}, run_at=due, dedupe_key=CLEAN_UP)


async def _forget_quarantined(cutoff: datetime) -> None:
    """Remove what blocked contacts have sent, with its files."""
    async with transaction() as announce:
        rows = await sql.records(
            "SELECT id FROM message WHERE is_quarantined AND created_at < ?", cutoff
        )
        if rows:
            ids = [row[0] for row in rows]
            files = await files_of("message", ids)
            await sql.affected(f"DELETE FROM message WHERE {sql.among('id')}", sql.group(ids))
            await bury_files(files, announce)


async def _forget_events(workspace_id: int, days: int) -> None:
    """Remove a workspace's old events in steps; older cursors expire with them."""
    cutoff = now() - timedelta(days=days)
    while True:
        async with transaction():
            [old] = await sql.rows(
                "SELECT MAX(seq) AS last, COUNT(*) AS count FROM (SELECT seq FROM event"
                " WHERE workspace_id = ? AND created_at < ?"
                f" ORDER BY seq LIMIT {EVENTS_AT_ONCE}) old",
                workspace_id,
                cutoff,
            )
            if not old["count"]:
                return
            await sql.affected(
                "UPDATE event_counter SET oldest_seq = ? WHERE workspace_id = ?",
                old["last"] + 1,
                workspace_id,
            )
            await sql.affected(
                "DELETE FROM event WHERE workspace_id = ? AND seq <= ?", workspace_id, old["last"]
            )


async def _forget_audit(workspace_id: int, days: int) -> None:
    """Remove a workspace's old audit entries in steps, each a statement of its own."""
    cutoff = now() - timedelta(days=days)
    removed = EVENTS_AT_ONCE
    while removed == EVENTS_AT_ONCE:
        removed = await sql.affected(
            "DELETE FROM audit_entry WHERE id IN (SELECT id FROM audit_entry"
            " WHERE workspace_id = ? AND created_at < ?"
            f" ORDER BY created_at, id LIMIT {EVENTS_AT_ONCE})",
            workspace_id,
            cutoff,
        )
