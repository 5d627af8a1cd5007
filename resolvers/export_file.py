"""The file of an export: kept line by line, given to who may have it, and cleared of contacts."""

from collections.abc import AsyncIterator, Sequence

import orjson

from models.engine import sql
from models.queries import Where
from models.transfer import Transfer, TransferKind, TransferState
from resolvers.client import UNKNOWN_CLIENT, Client
from resolvers.contact_list import visible_contacts
from resolvers.csv_text import csv_text
from resolvers.import_columns import decode_columns
from resolvers.refused_link import no_longer
from resolvers.signed_link import Purpose
from resolvers.transfer import open_link, sight_of
from resolvers.viewer import Viewer, hidden

OF_CONTACTS = (
    "FROM contact ct JOIN conversation c ON c.contact_id = ct.id"
    " LEFT JOIN member m ON m.id = c.assignee_id"
)
Lines = Sequence[tuple[int, str]]
"""The contacts of a part, each with its line."""


async def keep_lines(transfer: Transfer, lines: Lines) -> None:
    """Keep the next part of the file of a held export."""
    if lines:
        await sql.affected(
            "INSERT INTO transfer_chunk (transfer_id, attempt, number, last_contact_id, content)"
            " VALUES (?, 0, ?, ?, ?)",
            transfer.id,
            transfer.portion,
            lines[-1][0],
            _encoded(lines),
        )


async def open_export(
    token: str, client: Client = UNKNOWN_CLIENT
) -> tuple[str, AsyncIterator[str]]:
    """Return the name of an export's file and its CSV, in parts; refuse a link that is not good.

    What was made for eyes from which other things were hidden is given to nobody.
    """
    transfer, _ = await _opened(token, client)
    return transfer.file_name, _parts(token, transfer, client)


async def _opened(token: str, client: Client) -> tuple[Transfer, Viewer]:
    transfer, viewer, link = await open_link(token, client, Purpose.FILE)
    if transfer.state is not TransferState.DONE:
        raise hidden()
    if sight_of(viewer, transfer.workspace_id) != transfer.sight:
        raise await no_longer(link, transfer.workspace_id, client)
    return transfer, viewer


async def _parts(token: str, transfer: Transfer, client: Client) -> AsyncIterator[str]:
    """Yield the file: of each part, the contacts that the viewer may still see by then.

    Who loses the right meanwhile gets no more: the answer breaks off.
    """
    yield csv_text([[column.name for column in decode_columns(transfer.columns)]])
    last = 0
    while last < transfer.last_contact_id:
        _, viewer = await _opened(token, client)
        rows = await sql.rows(
            "SELECT last_contact_id, content FROM transfer_chunk WHERE transfer_id = ?"
            " AND last_contact_id > ? ORDER BY last_contact_id LIMIT 1",
            transfer.id,
            last,
        )
        if not rows:
            raise hidden()
        lines, last = _decoded(rows[0]["content"]), rows[0]["last_contact_id"]
        visible = await _visible(viewer, transfer.workspace_id, [key for key, _ in lines])
        yield "".join(line for key, line in lines if key in visible)


async def _visible(viewer: Viewer, workspace_id: int, keys: Sequence[int]) -> set[int]:
    where = visible_contacts(viewer, workspace_id)
    where &= Where(sql.among("ct.id"), (sql.group(keys),))
    found = await sql.records(f"SELECT ct.id {OF_CONTACTS} WHERE {where.condition}", *where.values)
    return {row[0] for row in found}


async def erase_from_exports(workspace_id: int, contact_id: int) -> None:
    """Take the line of a contact who is gone out of all files, in the open transaction.

    Exports that run are waited for: none that goes on then sees the contact.
    """
    lock = " FOR UPDATE" if sql.dialect() == "postgres" else ""
    exports = await sql.records(
        f"SELECT id FROM transfer WHERE workspace_id = ? AND kind = ? ORDER BY id{lock}",
        workspace_id,
        TransferKind.EXPORT.value,
    )
    for (transfer_id,) in exports:
        parts = await sql.rows(
            "SELECT id, content FROM transfer_chunk WHERE transfer_id = ?"
            " AND last_contact_id >= ? ORDER BY last_contact_id LIMIT 1",
            transfer_id,
            contact_id,
        )
        for part in parts:
            lines = [one for one in _decoded(part["content"]) if one[0] != contact_id]
            await sql.affected(
                "UPDATE transfer_chunk SET content = ? WHERE id = ?", _encoded(lines), part["id"]
            )


def _encoded(lines: Lines) -> str:
    return orjson.dumps(lines).decode()


def _decoded(content: str) -> list[tuple[int, str]]:
    return [(key, line) for key, line in orjson.loads(content)]
