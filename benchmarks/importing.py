"""Imports and exports: lines per second, and the memory of the server that does both."""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import httpx2

from benchmarks import seeding
from benchmarks.data import WORKSPACE, World
from benchmarks.inboxes import viewer
from benchmarks.processes import Running, server
from benchmarks.scale import Rows, show
from models.database import connect, disconnect
from models.member import Member
from models.transfer import Transfer, TransferState
from resolvers.contact_export import export_contacts
from resolvers.contact_import import import_contacts
from resolvers.signed_link import Purpose
from resolvers.transfer import sign_link
from tests.waiting import until

LINES, QUICK_LINES = 100_000, 10_000
PATIENCE_SECONDS = 1800
SAMPLE_SECONDS = 0.05
MEBIBYTE = 1024 * 1024


async def file_of(lines: int) -> AsyncIterator[bytes]:
    """Yield a file of new contacts, each with a phone number and an email address."""
    yield b"First name,Last name,Phone,Email,Language\n"
    for start in range(0, lines, 1000):
        numbers = range(start, min(start + 1000, lines))
        rows = (f"New {n},Contact,+3367{n:07},new{n}@bench.test,fr\n" for n in numbers)
        yield "".join(rows).encode()


async def measure(postgres_url: str, options: argparse.Namespace) -> Rows:
    """Measure an import on each database, by a server that takes the file and does the job."""
    lines = QUICK_LINES if options.quick else LINES
    world, rows = World(10_000), []
    for database in ("postgres", "sqlite"):
        if options.database in (None, database):
            url = (
                await seeding.postgres_database(postgres_url, world)
                if database == "postgres"
                else await seeding.sqlite_database(world)
            )
            rows.append({"database": database, "lines": lines, **await _import(url, lines)})
    title = "New contacts from CSV, then all contacts to CSV; one server and its embedded worker"
    return show(title, rows)


async def _import(url: str, lines: int) -> dict[str, Any]:
    with server("parley", url, EMBEDDED_WORKER="true") as running:
        await connect(url, pool_size=1)
        try:
            asker = viewer(await Member.get(id=1))
            transfer = await import_contacts(asker, WORKSPACE, file_name="people.csv")
            token, _ = sign_link(asker, transfer, Purpose.UPLOAD)
            before = running.resident_bytes()
            began = time.perf_counter()
            peak = await _watching(running, _upload(running, token, lines))
            came = time.perf_counter()
            peak = max(peak, await _watching(running, _ended(transfer.id)))
            done = time.perf_counter()
            export = await export_contacts(asker, WORKSPACE)
            peak_exporting = await _watching(running, _ended(export.id))
            exported = time.perf_counter()
            found, written = await Transfer.get(id=transfer.id), await Transfer.get(id=export.id)
        finally:
            await disconnect()
    if (found.state, found.created_count) != (TransferState.DONE, lines):
        raise RuntimeError(f"The import ended as {found.state}: {found.created_count} contacts")
    if written.state is not TransferState.DONE or written.done_count < lines:
        raise RuntimeError(f"The export ended as {written.state}: {written.done_count} contacts")
    return {
        "upload_seconds": round(came - began, 1),
        "import_seconds": round(done - came, 1),
        "lines_per_second": round(lines / (done - came)),
        "exported": written.done_count,
        "exported_per_second": round(written.done_count / (exported - done)),
        "memory_before_mib": round(before / MEBIBYTE),
        "peak_importing_mib": round(peak / MEBIBYTE),
        "peak_exporting_mib": round(peak_exporting / MEBIBYTE),
    }


async def _upload(running: Running, token: str, lines: int) -> None:
    address = f"http://127.0.0.1:{running.port}/imports/{token}"
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client:
        answer = await client.post(address, content=file_of(lines))
    answer.raise_for_status()


async def _ended(transfer_id: int) -> None:
    async def is_finished() -> bool:
        return (await Transfer.get(id=transfer_id)).finished_at is not None

    await until(is_finished, PATIENCE_SECONDS)


async def _watching(running: Running, work: Coroutine[Any, Any, None]) -> int:
    """Return the most memory that the server was seen with while something was done."""
    task, peak = asyncio.ensure_future(work), 0
    while not task.done():
        peak = max(peak, running.resident_bytes())
        await asyncio.wait([task], timeout=SAMPLE_SECONDS)
    await task
    return peak
