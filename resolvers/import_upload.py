"""The upload of a file to be imported: checked as it comes, and kept in portions."""

import codecs
from collections.abc import AsyncIterator, Sequence

import orjson

from models.engine import sql
from models.refusal import Code, Refused
from models.transfer import Transfer, TransferState
from realtime.transaction import Announce, transaction
from resolvers.client import UNKNOWN_CLIENT, Client
from resolvers.csv_text import BYTE_ORDER_MARK, Problem, Record, RecordReader
from resolvers.import_columns import encode_columns, read_header, words_of
from resolvers.signed_link import Purpose
from resolvers.transfer import hold_waiting, open_link, save_progress
from settings import get_settings

IMPORT_PORTION = "import_portion"
PORTION_LINES = 200
"""How many lines are imported in one transaction: their events fit into a subscriber's queue."""
MAX_LINES = 250_000
Portion = list[Record]


class FileReader:
    """Makes portions of a file that comes in pieces; refuses what is no CSV of ours."""

    def __init__(self, transfer: Transfer) -> None:
        self.transfer = transfer
        self.line_count = 0
        self.has_header = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._records = RecordReader()
        self._waiting: Portion = []
        self._bytes = 0

    async def feed(self, data: bytes) -> list[Portion]:
        """Take the next piece; return the portions that are whole."""
        self._bytes += len(data)
        limit = get_settings().import_max_bytes
        if self._bytes > limit:
            raise Refused(
                Code.TOO_LONG, "A file has at most {limit} bytes.", field=("csv",), limit=limit
            )
        return await self._take(self._records.feed(self._decoded(data)))

    async def finish(self) -> list[Portion]:
        """Return the portions that the end of the file makes whole."""
        self._decoded(b"", is_last=True)
        portions = await self._take(self._records.finish())
        if self._waiting:
            portions.append(self._waiting)
        if not self.line_count:
            raise Refused(Code.BLANK, "The file has no lines to import.", field=("csv",))
        return portions

    def _decoded(self, data: bytes, *, is_last: bool = False) -> str:
        try:
            text = self._decoder.decode(data, is_last)
        except UnicodeDecodeError as error:
            raise Refused(
                Code.INVALID, "The file must be text in UTF-8.", field=("csv",)
            ) from error
        is_first = not self.has_header and text.startswith(BYTE_ORDER_MARK)
        return text.removeprefix(BYTE_ORDER_MARK) if is_first else text

    async def _take(self, records: Sequence[Record]) -> list[Portion]:
        portions = []
        for record in records:
            if not self.has_header:
                await self._begin(record)
                continue
            self.line_count += 1
            if self.line_count > MAX_LINES:
                raise Refused(
                    Code.TOO_LONG, "A file has at most {limit} lines.", field=("csv",),
                    limit=MAX_LINES,
                )  # fmt: skip
            self._waiting.append(record)
            if len(self._waiting) >= PORTION_LINES:
                portions.append(self._waiting)
                self._waiting = []
        return portions

    async def _begin(self, header: Record) -> None:
        if header.problem is not None:
            raise Refused(Code.INVALID, header.problem.value, field=("csv",))
        words = await words_of(self.transfer.workspace_id)
        self.transfer.columns = encode_columns(read_header(header.cells, words))
        self.has_header = True


async def receive_import(
    token: str, body: AsyncIterator[bytes], client: Client = UNKNOWN_CLIENT
) -> int:
    """Take the file of an import that waits for it; return how many lines it has.

    Only a file that came whole is imported; of two at once, the one that began last. Refuses a
    link that is not good, a file that is no CSV of ours, and one that comes too late.
    """
    transfer, _, _ = await open_link(token, client, Purpose.UPLOAD)
    await _begin_upload(transfer)
    reader = FileReader(transfer)
    number = 0
    async for data in body:
        for portion in await reader.feed(data):
            await keep_portion(transfer, number, portion)
            number += 1
    for portion in await reader.finish():
        await keep_portion(transfer, number, portion)
        number += 1
    async with transaction() as announce:
        held = await hold_waiting(transfer.id)
        if held is None or held.attempt != transfer.attempt:
            raise _too_late()
        held.columns, held.line_count = transfer.columns, reader.line_count
        await start_import(held, announce)
    return reader.line_count


async def _begin_upload(transfer: Transfer) -> None:
    """Count one more upload; what others have brought is thrown away."""
    rows = await sql.rows(
        "UPDATE transfer SET attempt = attempt + 1 WHERE id = ? AND state = ? RETURNING attempt",
        transfer.id,
        TransferState.WAITING.value,
    )
    if not rows:
        raise _too_late()
    transfer.attempt = rows[0]["attempt"]
    await sql.affected(
        "DELETE FROM transfer_chunk WHERE transfer_id = ? AND attempt < ?",
        transfer.id,
        transfer.attempt,
    )


def _too_late() -> Refused:
    return Refused(Code.WRONG_STATE, "This import has its file already.")


async def keep_portion(transfer: Transfer, number: int, portion: Sequence[Record]) -> None:
    """Keep a portion of the file until it is imported."""
    await sql.affected(
        "INSERT INTO transfer_chunk (transfer_id, attempt, number, content) VALUES (?, ?, ?, ?)",
        transfer.id,
        transfer.attempt,
        number,
        encode_portion(portion),
    )


async def start_import(transfer: Transfer, announce: Announce) -> None:
    """Let a held import with its whole file begin."""
    await sql.affected(
        "DELETE FROM transfer_chunk WHERE transfer_id = ? AND attempt <> ?",
        transfer.id,
        transfer.attempt,
    )
    transfer.state = TransferState.RUNNING
    announce(await save_progress(transfer, "columns", "line_count"))
    announce.job(IMPORT_PORTION, {"transfer_id": transfer.id})


def encode_portion(portion: Sequence[Record]) -> str:
    """Return the lines of a portion as they are kept."""
    rows = [
        [record.line, record.cells, record.problem.name if record.problem else None]
        for record in portion
    ]
    return orjson.dumps(rows).decode()


def decode_portion(content: str) -> list[Record]:
    """Return the lines of a portion; the inverse of `encode_portion`."""
    return [
        Record(line, cells, Problem[problem] if problem else None)
        for line, cells, problem in orjson.loads(content)
    ]
