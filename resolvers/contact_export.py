"""Exporting contacts to CSV, portion after portion: a killed process loses and doubles no line."""

import structlog

from models.clock import now
from models.engine import sql
from models.engine.errors import TransientDatabaseError
from models.queries import Where, read_contacts
from models.transfer import Transfer, TransferKind, TransferState
from realtime.jobs import ClaimedJob, LeaseLost, Retry
from realtime.transaction import Announce, transaction
from resolvers.access import hold_workspace
from resolvers.contact_list import looked_for
from resolvers.csv_text import csv_text
from resolvers.export_file import OF_CONTACTS, keep_lines
from resolvers.export_line import cells_of, columns_of, describe
from resolvers.idempotency import claim_key
from resolvers.import_columns import decode_columns, encode_columns
from resolvers.inbox_check import check_filter
from resolvers.inbox_filter import Filter, read_filter, write_filter
from resolvers.page import Page, PageRequest
from resolvers.rights import Right
from resolvers.transfer import (
    RIGHTS,
    add_transfer,
    finish,
    get_transfer,
    hold_running,
    keyset_of_kind,
    progress_of,
    save_progress,
    sight_of,
    viewer_of_actor,
)
from resolvers.viewer import Viewer, may, require
from resolvers.vocabulary import custom_fields

EXPORT_PORTION = "export_portion"
PORTION_CONTACTS = 500
"""How many contacts are exported in one transaction."""
MAX_FAILURES = 5
"""How often a portion is tried that breaks something."""

log = structlog.get_logger()


async def list_exports(viewer: Viewer, workspace_id: int, request: PageRequest) -> Page[Transfer]:
    """Return the exports that the viewer has started, the newest first."""
    require(viewer, workspace_id, Right.EXPORT_DATA)
    return await keyset_of_kind(viewer, workspace_id, TransferKind.EXPORT, request)


async def export_contacts(
    viewer: Viewer,
    workspace_id: int,
    *,
    search: str | None = None,
    conditions: Filter | None = None,
    idempotency_key: str | None = None,
) -> Transfer:
    """Start an export of the contacts that `contacts` would list for the viewer.

    What is looked for is in its jobs alone: it is forgotten when the export ends.
    """
    kept = write_filter(conditions) if conditions is not None else None
    async with transaction() as announce:
        await hold_workspace(viewer, workspace_id, Right.EXPORT_DATA)
        claim = await claim_key(
            viewer, workspace_id, "exportContacts", idempotency_key, [search, kept]
        )
        if claim.first_result is not None:
            return await get_transfer(viewer, TransferKind.EXPORT, claim.first_result)
        if conditions is not None:
            masking = viewer.memberships[workspace_id].masking
            await check_filter(workspace_id, conditions, masking)
        transfer = await add_transfer(
            viewer,
            workspace_id,
            TransferKind.EXPORT,
            f"contacts-{now():%Y-%m-%d}.csv",
            state=TransferState.RUNNING,
            columns=encode_columns(columns_of(await custom_fields(workspace_id))),
            line_count=await _count(looked_for(viewer, workspace_id, search, conditions)),
        )
        announce(progress_of(transfer))
        payload = {"transfer_id": transfer.id, "search": search, "filter": kept}
        announce.job(EXPORT_PORTION, payload)
        await claim.remember(transfer.id)
    return transfer


async def _count(where: Where) -> int:
    found = await sql.records(
        f"SELECT COUNT(*) {OF_CONTACTS} WHERE {where.condition}", *where.values
    )
    return int(found[0][0])


async def export_portion(job: ClaimedJob) -> None:
    """Export the next contacts by their ids, and have those after them exported next.

    Lines, count, event and the end of the job commit together: whoever does it again after a kill
    goes on behind the last contact that was committed.
    """
    try:
        await _export_portion(job)
    except (LeaseLost, Retry, TransientDatabaseError):
        raise
    except Exception:
        if job.attempts < MAX_FAILURES:
            raise
        log.exception("export_failed", transfer_id=job.payload["transfer_id"])
        async with transaction() as announce:
            held = await hold_running(job.payload["transfer_id"])
            if held is not None:
                await _fail(held, announce)
            await job.complete()


async def _export_portion(job: ClaimedJob) -> None:
    async with transaction() as announce:
        held = await hold_running(job.payload["transfer_id"])
        if held is not None:
            viewer = await viewer_of_actor(held.actor, held.workspace_id)
            if viewer is not None and _is_for(held, viewer):
                await _go_on(job, held, viewer, announce)
            else:
                await _fail(held, announce)
        await job.complete()


def _is_for(transfer: Transfer, viewer: Viewer) -> bool:
    """Tell whether who started it may go on, and nothing is hidden or shown that was not."""
    is_allowed = may(viewer, transfer.workspace_id, RIGHTS[transfer.kind])
    return is_allowed and sight_of(viewer, transfer.workspace_id) == transfer.sight


async def _go_on(job: ClaimedJob, transfer: Transfer, viewer: Viewer, announce: Announce) -> None:
    """Export contacts that are visible at this moment; let more follow, or the export end."""
    kept = job.payload["filter"]
    conditions = read_filter(kept) if kept is not None else None
    where = looked_for(viewer, transfer.workspace_id, job.payload["search"], conditions)
    where &= Where("ct.id > ?", (transfer.last_contact_id,))
    found = await read_contacts(
        f"WHERE {where.condition} ORDER BY ct.id LIMIT {PORTION_CONTACTS}", *where.values
    )
    columns, described = decode_columns(transfer.columns), await describe(found)
    masking = viewer.memberships[transfer.workspace_id].masking
    lines = [(one.id, csv_text([cells_of(one, columns, described, masking)])) for one in found]
    await keep_lines(transfer, lines)
    transfer.portion += 1
    transfer.done_count += len(lines)
    transfer.line_count = max(transfer.line_count or 0, transfer.done_count)
    if found:
        transfer.last_contact_id = found[-1].id
    if len(found) < PORTION_CONTACTS:
        transfer.line_count = transfer.done_count
        finish(transfer, TransferState.DONE)
    else:
        announce.job(EXPORT_PORTION, dict(job.payload))
    changed = ("portion", "done_count", "line_count", "last_contact_id")
    announce(await save_progress(transfer, *changed))


async def _fail(transfer: Transfer, announce: Announce) -> None:
    """Let a held export end before its end; nothing of its file is kept."""
    await sql.affected("DELETE FROM transfer_chunk WHERE transfer_id = ?", transfer.id)
    finish(transfer, TransferState.FAILED)
    announce(await save_progress(transfer))
