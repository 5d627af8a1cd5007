"""Transfers: imports and exports as rows, who sees them, and signed links to their files."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from models.clock import now
from models.engine import sql
from models.queries import Records, Where, read_members
from models.refusal import Code, Refused
from models.transfer import Transfer, TransferKind, TransferState
from realtime.transfer_events import ExportProgressed, ImportProgressed, TransferFact
from resolvers.authentication import viewer_of_key
from resolvers.batches import transfers_by_id
from resolvers.client import Client
from resolvers.masking import Masking
from resolvers.page import Page, PageRequest, keyset_page
from resolvers.refused_link import no_longer
from resolvers.rights import Right
from resolvers.signed_link import Link, Purpose, read_link
from resolvers.viewer import Viewer, as_viewer, hidden, may, require

KEPT_DAYS = 7
"""How long a transfer is kept with its files and its report, from its start on."""
LINK_SECONDS = 3600
MAX_UNFINISHED = 10
"""How many transfers of a workspace may wait or run at once."""
FILE_NAME_LENGTH = 200
RIGHTS: Mapping[TransferKind, Right] = {
    TransferKind.IMPORT: Right.IMPORT_CONTACTS,
    TransferKind.EXPORT: Right.EXPORT_DATA,
}


def actor_in(viewer: Viewer, workspace_id: int) -> str:
    """Return who a viewer is in a workspace, whatever they logged in with."""
    member_id = viewer.memberships[workspace_id].member_id
    return viewer.credential if member_id is None else f"member:{member_id}"


def sees_transfer(viewer: Viewer, workspace_id: int, kind: TransferKind, actor: str) -> bool:
    """Tell whether the viewer sees a transfer. No query.

    Who may import sees every import; an export, who started it: it has what they may see.
    """
    if not may(viewer, workspace_id, RIGHTS[kind]):
        return False
    return kind is TransferKind.IMPORT or actor == actor_in(viewer, workspace_id)


def sight_of(viewer: Viewer, workspace_id: int) -> str:
    """Return what is hidden from the viewer, to be compared later."""
    masking = viewer.memberships[workspace_id].masking
    return ",".join(name for name in ("phones", "emails") if getattr(masking, name))


async def viewer_of_actor(actor: str, workspace_id: int) -> Viewer | None:
    """Return who started a transfer, with the rights of this moment; None if they are gone."""
    kind, _, key = actor.partition(":")
    if kind == "api_key":
        return await viewer_of_key(int(key))
    found = await read_members("WHERE m.id = ? AND m.workspace_id = ?", int(key), workspace_id)
    if not found or not found[0].is_active:
        return None
    [[phones, emails]] = await sql.records(
        "SELECT masks_phones, masks_emails FROM workspace WHERE id = ?", workspace_id
    )
    return as_viewer(found[0], Masking(phones=bool(phones), emails=bool(emails)))


async def get_transfer(
    viewer: Viewer, kind: TransferKind, transfer_id: int, field: str = "id"
) -> Transfer:
    """Return an import or an export that the viewer sees."""
    row = (await transfers_by_id([transfer_id])).get(transfer_id)
    if row is None or row.kind is not kind or row.workspace_id not in viewer.memberships:
        raise hidden((field,))
    require(viewer, row.workspace_id, RIGHTS[kind])
    if not sees_transfer(viewer, row.workspace_id, kind, row.actor):
        raise hidden((field,))
    return row


async def keyset_of_kind(
    viewer: Viewer, workspace_id: int, kind: TransferKind, request: PageRequest
) -> Page[Transfer]:
    """Return the imports or the exports that the viewer sees, the newest first."""
    where = Where("t.workspace_id = ? AND t.kind = ?", (workspace_id, kind.value))
    if kind is TransferKind.EXPORT:
        where &= Where("t.actor = ?", (actor_in(viewer, workspace_id),))
    return await keyset_page(
        Records(_read), where, request, alias="t", key="created_at", descending=True
    )


async def _read(rest: str, *values: Any) -> list[Transfer]:
    """Return transfers (alias t) in the order that `rest` says."""
    rows = await sql.records(f"SELECT t.id FROM transfer t {rest}", *values)
    found = await transfers_by_id([row[0] for row in rows])
    return [found[row[0]] for row in rows if row[0] in found]


async def add_transfer(
    viewer: Viewer, workspace_id: int, kind: TransferKind, file_name: str, **values: Any
) -> Transfer:
    """Write a transfer of a held workspace; refuse one too many at once."""
    require(viewer, workspace_id, RIGHTS[kind])
    [[unfinished]] = await sql.records(
        "SELECT COUNT(*) FROM transfer WHERE workspace_id = ? AND state IN ('WAITING', 'RUNNING')",
        workspace_id,
    )
    if unfinished >= MAX_UNFINISHED:
        raise Refused(
            Code.WRONG_STATE,
            "A workspace has at most {limit} imports and exports at once.",
            limit=MAX_UNFINISHED,
        )
    moment = now()
    return await Transfer.create(
        workspace_id=workspace_id,
        kind=kind,
        actor=actor_in(viewer, workspace_id),
        member_id=viewer.member_id(workspace_id),
        sight=sight_of(viewer, workspace_id),
        secret=secrets.token_hex(32),
        file_name=clean_file_name(file_name),
        created_at=moment,
        expires_at=moment + timedelta(days=KEPT_DAYS),
        **values,
    )


def clean_file_name(name: str, nameless: str = "contacts.csv") -> str:
    """Return the last part of a file's name, without what no file's name has."""
    last = name.replace("\\", "/").rpartition("/")[2].strip()
    kept = "".join(one for one in last if one.isprintable() and one != '"')[:FILE_NAME_LENGTH]
    return kept or nameless


async def save_progress(transfer: Transfer, *names: str) -> TransferFact:
    """Write the named columns of a held transfer, and return what is to be announced."""
    await transfer.save(update_fields=[*names, "state", "finished_at"])
    return progress_of(transfer)


def progress_of(transfer: Transfer) -> TransferFact:
    """Return the fact that tells how far a transfer is."""
    identity = transfer.workspace_id, transfer.id, transfer.actor, transfer.state.value
    total, done = transfer.line_count or 0, transfer.done_count
    if transfer.kind is TransferKind.EXPORT:
        return ExportProgressed(*identity, total, done)
    return ImportProgressed(
        *identity,
        total,
        done,
        transfer.created_count,
        transfer.updated_count,
        transfer.skipped_count,
        transfer.refused_count,
    )


def percent_of(state: TransferState, total: int, done: int) -> int:
    """Return how much is done, in percent rounded down: 100 only at the end."""
    if state is TransferState.DONE:
        return 100
    return min(99, 100 * done // total) if total else 0


async def hold_running(transfer_id: int) -> Transfer | None:
    """Return a running transfer, locked until the transaction ends; None if it is none."""
    return await _hold(transfer_id, TransferState.RUNNING)


async def hold_waiting(transfer_id: int) -> Transfer | None:
    """Return a transfer that waits for its file, locked as above; None if it does not."""
    return await _hold(transfer_id, TransferState.WAITING)


async def _hold(transfer_id: int, state: TransferState) -> Transfer | None:
    return await Transfer.select_for_update().get_or_none(id=transfer_id, state=state)


def finish(transfer: Transfer, state: TransferState) -> None:
    """Let a held transfer end."""
    transfer.state, transfer.finished_at = state, now()


def sign_link(viewer: Viewer, transfer: Transfer, purpose: Purpose) -> tuple[str, datetime]:
    """Return the token of a link of the viewer's own, and when it expires."""
    until = min(now() + timedelta(seconds=LINK_SECONDS), transfer.expires_at)
    actor = actor_in(viewer, transfer.workspace_id)
    link = Link(purpose, transfer.id, actor, int(until.timestamp()))
    return link.token(transfer.secret), until.replace(microsecond=0)


async def open_link(
    token: str, client: Client, *purposes: Purpose
) -> tuple[Transfer, Viewer, Link]:
    """Return the transfer of a link, and whose link it is, with the rights of this moment.

    Refuses a link that is not ours or has expired, and who has lost the right, as a link that
    never existed; the latter is in the audit log.
    """
    read = read_link(token, *purposes)
    if read is None:
        raise hidden()
    link, signature = read
    row = (await transfers_by_id([link.row_id])).get(link.row_id)
    if row is None or not link.is_good(signature, row.secret) or row.expires_at <= now():
        raise hidden()
    viewer = await viewer_of_actor(link.actor, row.workspace_id)
    if viewer is None or not sees_transfer(viewer, row.workspace_id, row.kind, row.actor):
        raise await no_longer(link, row.workspace_id, client)
    return row, viewer, link
