"""The report of an import: every line that was refused, in pages and as CSV."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import orjson

from models.engine import sql
from models.refusal import Code, Refused
from models.transfer import Transfer, TransferKind
from resolvers.client import UNKNOWN_CLIENT, Client
from resolvers.csv_text import csv_text
from resolvers.page import Page, PageRequest, cut, decode_key, encode_key
from resolvers.rights import Right
from resolvers.sentences import explain, pick_language
from resolvers.signed_link import Purpose
from resolvers.transfer import get_transfer, keyset_of_kind, open_link
from resolvers.viewer import Viewer, require

HEADER = ("Line", "Column", "Code", "Reason")
LINES_AT_ONCE = 1000
LAST_LINE = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that was not imported, and why."""

    line: int
    column: str | None
    refused: Refused


async def list_imports(viewer: Viewer, workspace_id: int, request: PageRequest) -> Page[Transfer]:
    """Return the imports that the viewer sees, the newest first."""
    require(viewer, workspace_id, Right.IMPORT_CONTACTS)
    return await keyset_of_kind(viewer, workspace_id, TransferKind.IMPORT, request)


async def import_report(viewer: Viewer, import_id: int, request: PageRequest) -> Page[Refusal]:
    """Return refused lines of an import that the viewer sees, in the order of the file."""
    transfer = await get_transfer(viewer, TransferKind.IMPORT, import_id, "importId")
    after = _line(request.after, "after") if request.after else 0
    before = _line(request.before, "before") if request.before else LAST_LINE
    rows = await _read(
        transfer.id, after, before, request.size + 1, way="DESC" if request.backward else "ASC"
    )
    return cut(rows, lambda row: encode_key(row.line), request)


def _line(cursor: str, field: str) -> int:
    """Return the line of a cursor, or the nearest one that a file can have."""
    line: int = decode_key(cursor, field, int)[0]
    return min(max(line, 0), LAST_LINE)


async def _read(
    transfer_id: int, after: int, before: int, limit: int, *, way: str = "ASC"
) -> Sequence[Refusal]:
    rows = await sql.records(
        "SELECT line, column_name, code, message, details FROM transfer_refusal"
        f" WHERE transfer_id = ? AND line > ? AND line < ? ORDER BY line {way} LIMIT {int(limit)}",
        transfer_id,
        after,
        before,
    )
    return [
        Refusal(row[0], row[1], Refused(Code(row[2]), row[3], **orjson.loads(row[4])))
        for row in rows
    ]


async def open_report(
    token: str, accept_language: str, client: Client = UNKNOWN_CLIENT
) -> tuple[str, AsyncIterator[str]]:
    """Return the name of a report and its CSV, in parts; refuse a link that is not good."""
    transfer, viewer, _ = await open_link(token, client, Purpose.REPORT)
    language = pick_language(viewer.language, accept_language)
    name = transfer.file_name.removesuffix(".csv")
    return f"{name}-refused.csv", _report(transfer.id, language)


async def _report(transfer_id: int, language: str) -> AsyncIterator[str]:
    yield csv_text([HEADER])
    last = 0
    while rows := await _read(transfer_id, last, LAST_LINE, LINES_AT_ONCE):
        yield csv_text(
            (
                str(row.line),
                row.column or "",
                row.refused.code.value,
                explain(row.refused, language),
            )
            for row in rows
        )
        last = rows[-1].line
