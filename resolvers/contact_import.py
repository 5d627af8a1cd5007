"""Importing contacts from CSV, portion after portion: a killed process loses no line."""

from collections.abc import Sequence

import orjson
import structlog
from tortoise.exceptions import IntegrityError

from models.engine import sql
from models.engine.errors import TransientDatabaseError
from models.transfer import ImportMode, Transfer, TransferKind, TransferState
from realtime.jobs import ClaimedJob, LeaseLost, Retry
from realtime.transaction import Announce, transaction
from resolvers.access import hold_workspace
from resolvers.idempotency import claim_key
from resolvers.import_book import Fate
from resolvers.import_columns import decode_columns, words_of
from resolvers.import_line import Line, RefusedLine, read_line
from resolvers.import_portion import Outcome, import_lines
from resolvers.import_upload import (
    IMPORT_PORTION,
    FileReader,
    decode_portion,
    keep_portion,
    start_import,
)
from resolvers.rights import Right
from resolvers.transfer import (
    RIGHTS,
    add_transfer,
    finish,
    get_transfer,
    hold_running,
    save_progress,
    viewer_of_actor,
)
from resolvers.viewer import Viewer, may

COUNTS = ("created_count", "updated_count", "skipped_count", "refused_count")
MAX_FAILURES = 5
"""How often a portion is tried that breaks something."""

log = structlog.get_logger()


async def import_contacts(
    viewer: Viewer,
    workspace_id: int,
    *,
    file_name: str,
    mode: ImportMode = ImportMode.ADD_AND_UPDATE,
    is_dry_run: bool = False,
    csv: str | None = None,
    idempotency_key: str | None = None,
) -> Transfer:
    """Start an import of `csv` or, without it, of a file that is still to be uploaded.

    Refuses a file with a column that means nothing before anything is done.
    """
    async with transaction() as announce:
        await hold_workspace(viewer, workspace_id, Right.IMPORT_CONTACTS)
        said = [file_name, mode.value, is_dry_run, csv]
        claim = await claim_key(viewer, workspace_id, "importContacts", idempotency_key, said)
        if claim.first_result is not None:
            return await get_transfer(viewer, TransferKind.IMPORT, claim.first_result)
        transfer = await add_transfer(
            viewer,
            workspace_id,
            TransferKind.IMPORT,
            file_name,
            state=TransferState.WAITING,
            mode=mode,
            is_dry_run=is_dry_run,
        )
        if csv is not None:
            await _take_text(transfer, csv, announce)
        await claim.remember(transfer.id)
    return transfer


async def _take_text(transfer: Transfer, csv: str, announce: Announce) -> None:
    reader = FileReader(transfer)
    portions = await reader.feed(csv.encode(errors="surrogatepass")) + await reader.finish()
    for number, portion in enumerate(portions):
        await keep_portion(transfer, number, portion)
    transfer.line_count = reader.line_count
    await start_import(transfer, announce)


async def import_portion(job: ClaimedJob) -> None:
    """Import the next portion of lines, and have the one after it imported next.

    Contacts, events, counts, the report and the end of the job commit together: whoever does it
    again after a kill goes on behind the last portion that was committed.
    """
    try:
        try:
            await _import_portion(job, at_once=True)
        except IntegrityError:  # a line gives what another one takes, or somebody was faster
            await _import_portion(job, at_once=False)
    except (LeaseLost, Retry, TransientDatabaseError):
        raise
    except Exception:
        if job.attempts < MAX_FAILURES:
            raise
        log.exception("import_failed", transfer_id=job.payload["transfer_id"])
        async with transaction() as announce:
            await _end(job, await hold_running(job.payload["transfer_id"]), announce, failed=True)


async def _import_portion(job: ClaimedJob, *, at_once: bool) -> None:
    transfer = await Transfer.get_or_none(
        id=job.payload["transfer_id"], state=TransferState.RUNNING
    )
    lines, refused = await _read_portion(transfer) if transfer is not None else ([], [])
    async with transaction() as announce:
        held = await hold_running(job.payload["transfer_id"])
        if held is None or transfer is None:
            await job.complete()
            return
        if held.portion != transfer.portion:
            raise LeaseLost(f"job {job.id}")
        viewer = await viewer_of_actor(held.actor, held.workspace_id)
        if viewer is None or not may(viewer, held.workspace_id, RIGHTS[held.kind]):
            await _end(job, held, announce, failed=True)
            return
        outcome = Outcome(refused=list(refused))
        for batch in [lines] if at_once else [[line] for line in lines]:
            done = await import_lines(viewer, held, batch, announce)
            outcome.counts += done.counts
            outcome.refused += done.refused
        await _keep_refusals(held.id, outcome.refused)
        _count(held, outcome)
        await _go_on(job, held, announce)


async def _read_portion(transfer: Transfer) -> tuple[list[Line], list[RefusedLine]]:
    """Return what the lines of the next portion say, and those that say nothing usable."""
    chunks = await sql.rows(
        "SELECT content FROM transfer_chunk WHERE transfer_id = ? AND attempt = ? AND number = ?",
        transfer.id,
        transfer.attempt,
        transfer.portion,
    )
    columns, words = decode_columns(transfer.columns), await words_of(transfer.workspace_id)
    read = [
        read_line(record, columns, words)
        for chunk in chunks
        for record in decode_portion(chunk["content"])
    ]
    lines = [line for line in read if isinstance(line, Line)]
    return lines, [line for line in read if isinstance(line, RefusedLine)]


async def _keep_refusals(transfer_id: int, refused: Sequence[RefusedLine]) -> None:
    if not refused:
        return
    rows = [
        (
            transfer_id,
            one.number,
            one.refused.code.value,
            one.column,
            one.refused.message,
            orjson.dumps(one.refused.values).decode(),
        )
        for one in sorted(refused, key=lambda one: one.number)
    ]
    await sql.affected(
        "INSERT INTO transfer_refusal (transfer_id, line, code, column_name, message, details)"
        f" VALUES {', '.join(['(?, ?, ?, ?, ?, ?)'] * len(rows))}",
        *(value for row in rows for value in row),
    )


def _count(transfer: Transfer, outcome: Outcome) -> None:
    for fate in Fate:
        setattr(transfer, fate.value, getattr(transfer, fate.value) + outcome.counts[fate])
    transfer.refused_count += len(outcome.refused)
    transfer.done_count += outcome.counts.total() + len(outcome.refused)


async def _go_on(job: ClaimedJob, transfer: Transfer, announce: Announce) -> None:
    """Forget the portion that is done; let the next one follow, or the import end."""
    await sql.affected(
        "DELETE FROM transfer_chunk WHERE transfer_id = ? AND number = ?",
        transfer.id,
        transfer.portion,
    )
    transfer.portion += 1
    if transfer.done_count >= (transfer.line_count or 0):
        await _end(job, transfer, announce)
        return
    announce(await save_progress(transfer, "portion", "done_count", *COUNTS))
    announce.job(IMPORT_PORTION, {"transfer_id": transfer.id})
    await job.complete()


async def _end(
    job: ClaimedJob, transfer: Transfer | None, announce: Announce, *, failed: bool = False
) -> None:
    """Let a held import end, and the job with it; its lines are forgotten, its report is kept."""
    if transfer is not None:
        for table in ("transfer_chunk", "transfer_guess"):
            await sql.affected(f"DELETE FROM {table} WHERE transfer_id = ?", transfer.id)
        finish(transfer, TransferState.FAILED if failed else TransferState.DONE)
        announce(await save_progress(transfer, "portion", "done_count", *COUNTS))
    await job.complete()
