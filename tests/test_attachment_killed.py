"""Uploads whose server is killed: nothing points to a missing file, and nothing is left over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from models.attachment import Attachment, AttachmentState
from models.database import connect, disconnect
from models.engine import sql
from models.message import Message
from models.refusal import Code, Refused
from realtime.transaction import transaction
from resolvers.attachment import THERE, create_upload, sign_file
from resolvers.message import send_message
from resolvers.signed_link import Purpose
from resolvers.viewer import Viewer
from tests.processes import Process, processes
from tests.uploading import kept
from tests.waiting import until
from tests.world import World, make_world

DATA = b"All that there is to say. " * 60_000
HALF = len(DATA) // 2


async def content(more: asyncio.Event) -> AsyncIterator[bytes]:
    """Yield half of a file, and the rest once it is wanted."""
    yield DATA[:HALF]
    await more.wait()
    yield DATA[HALF:]


async def announced(viewer: Viewer, world: World) -> Attachment:
    """Announce a file."""
    return await create_upload(viewer, world.workspace.id, file_name="a.txt", byte_size=len(DATA))


async def bring(server: Process, viewer: Viewer, row: Attachment, body: object) -> int:
    """PUT a file; return the status."""
    token, _ = sign_file(viewer, row, Purpose.ATTACH)
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
        answer = await client.put(f"{server.url}/uploads/{token}", content=body)  # type: ignore[arg-type]
    return answer.status_code


async def killed(
    server: Process, viewer: Viewer, files: Path, half: list[Attachment], whole: list[Attachment]
) -> None:
    """Kill a server while some files are half there, and others wait for their rows alone."""
    never, more = asyncio.Event(), asyncio.Event()
    uploads = [
        asyncio.create_task(bring(server, viewer, row, content(event)))
        for rows, event in ((half, never), (whole, more))
        for row in rows
    ]

    async def all_begun() -> bool:
        begun = await Attachment.filter(attempt=1, state=AttachmentState.WAITING).count()
        return begun == len(uploads) and len(kept(files)) == len(uploads)

    async def is_whole() -> bool:
        sizes = [files / "files" / f"{row.workspace_id}/{row.id}/1/file" for row in whole]
        return all(path.exists() and path.stat().st_size == len(DATA) for path in sizes)

    await until(all_begun, 30)
    async with transaction():
        await sql.affected("UPDATE attachment SET attempt = attempt")  # no row changes but by us
        more.set()
        await until(is_whole, 30)
        done, _ = await asyncio.wait(uploads, timeout=0.3)  # what follows would be done by then
        assert not done
        server.kill()
    for task in uploads:
        task.cancel()
        with suppress(httpx2.HTTPError, asyncio.CancelledError):
            await task


async def is_due(kind: str) -> bool:
    """Let the waiting jobs of a kind be due now; tell if there were any."""
    moved = await sql.affected(
        f"UPDATE job SET run_at = {sql.database_now(-1)} WHERE kind = ? AND state = 'READY'", kind
    )
    return moved > 0


async def collected(rows: list[Attachment]) -> None:
    """Let a day pass for files, and the server's own jobs collect them."""
    ids = [row.id for row in rows]
    await sql.affected(
        f"UPDATE attachment SET loose_since = {sql.database_now(-25 * 3600)}"
        f" WHERE {sql.among('id')}",
        sql.group(ids),
    )
    left = Attachment.filter(id__in=ids)

    async def are_out_of_sight() -> bool:
        return not await left.exclude(state=AttachmentState.GONE).exists()

    async def are_gone() -> bool:
        return not await left.exists()

    await until(lambda: is_due("clean_up"))  # not in an hour
    await until(are_out_of_sight, 30)
    await until(lambda: is_due("erase_file"))  # not when the slowest upload would have ended
    await until(are_gone, 30)


async def _survive(database_url: str, bus_url: str, directory: Path) -> None:
    files = directory / ".parley"
    async with processes(directory, database_url, bus_url) as [server]:
        await connect(database_url)
        try:
            world = await make_world()
            message, viewer = await world.hear("Hello"), await world.owner.viewer()
            rows = [await announced(viewer, world) for _ in range(4)]
            await killed(server, viewer, files, rows[:2], rows[2:])
            server.start()
            await server.until_ready()
            assert not await Attachment.filter(state__in=THERE).exists()
            for row in rows:
                with pytest.raises(Refused) as refusal:
                    await send_message(viewer, message.conversation_id, attachment_ids=[row.id])
                assert refusal.value.code is Code.WRONG_STATE
            again = [rows[0], rows[2]]
            for row in again:
                assert await bring(server, viewer, row, DATA) == 201
            ids = [row.id for row in again]
            await send_message(viewer, message.conversation_id, attachment_ids=ids)
            await collected([rows[1], rows[3]])
            paths = {f"{row.workspace_id}/{row.id}" for row in again}
            assert {name.rpartition("/")[0].rpartition("/")[0] for name in kept(files)} == paths
            for row in again:
                token, _ = sign_file(viewer, row, Purpose.ATTACHMENT)
                async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
                    assert (await client.get(f"{server.url}/files/{token}")).content == DATA
            [used] = await sql.rows("SELECT byte_count FROM file_usage")
            assert used["byte_count"] == 2 * len(DATA)
            assert await Message.all().count() == 2
        finally:
            await disconnect()


async def test_the_only_process_on_sqlite_is_killed(
    sqlite_database_url: str, tmp_path: Path
) -> None:
    await _survive(sqlite_database_url.partition("?")[0], "memory://", tmp_path)


async def test_the_only_process_on_postgres_is_killed(
    postgres_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    await _survive(postgres_database_url, redis_url, tmp_path)
