"""Exports that are interrupted: no contact is lost or doubled, whoever goes on with it."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from models.database import connect, disconnect
from models.transfer import Transfer, TransferState
from realtime.jobs import claim
from realtime.transfer_events import ExportProgressed
from resolvers import contact_export
from resolvers.contact_export import PORTION_CONTACTS, export_contacts, export_portion
from resolvers.signed_link import Purpose
from resolvers.transfer import sign_link
from tests.exporting import found, names_in, start
from tests.importing import counted, perform_next
from tests.processes import processes
from tests.test_contact_export import fill
from tests.test_contact_import_resume import orphan, orphan_of_the_killed
from tests.waiting import until
from tests.world import Api, World, make_world, run_jobs

SIZE = 3
AMOUNT = 3 * SIZE + 1


@pytest.fixture(autouse=True)
def small_portions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let portions be small where the server is in this process."""
    if "api" in request.fixturenames:
        monkeypatch.setattr(contact_export, "PORTION_CONTACTS", SIZE)


async def check_once(api: Api, world: World, payload: Any) -> None:
    """Show that each contact was exported exactly once, and each step told once."""
    one = await found(api, payload, world.owner)
    assert (one["state"], one["doneCount"], one["contactCount"]) == ("DONE", AMOUNT, AMOUNT)
    assert await names_in(one) == [f"N{number}" for number in range(AMOUNT)]
    facts = [fact for fact in await world.facts() if isinstance(fact, ExportProgressed)]
    assert [fact.done_count for fact in facts] == [*range(0, AMOUNT, SIZE), AMOUNT]
    assert await counted("transfer_chunk", "job") == [4, 0]


@pytest.mark.parametrize("moment", ["describe", "keep_lines", "save_progress"])
async def test_what_breaks_within_a_portion_leaves_nothing_of_it(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    await fill(world, AMOUNT)
    payload = await start(api, world)
    await perform_next()
    before = await counted("transfer_chunk", "event", "job")

    def broken(*_: Any) -> Any:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(contact_export, moment, broken)
        [job] = await claim()
        with pytest.raises(asyncio.CancelledError):
            await export_portion(job)
    assert await counted("transfer_chunk", "event", "job") == before
    await orphan()
    await run_jobs()
    await check_once(api, world, payload)


async def test_who_has_lost_the_job_writes_nothing(api: Api, world: World) -> None:
    await fill(world, AMOUNT)
    payload = await start(api, world)
    [late] = await claim()
    await orphan()
    [job] = await claim()
    await export_portion(job)
    before = await counted("transfer_chunk", "event", "job")
    with pytest.raises(Exception, match=f"job {late.id}"):
        await export_portion(late)
    assert await counted("transfer_chunk", "event", "job") == before
    await run_jobs()
    await check_once(api, world, payload)


async def test_two_at_once_do_a_portion_once(api: Api, world: World) -> None:
    await fill(world, AMOUNT)
    payload = await start(api, world)
    [first] = await claim()
    await orphan()
    [second] = await claim()
    await asyncio.gather(export_portion(first), export_portion(second), return_exceptions=True)
    await run_jobs()
    await check_once(api, world, payload)


async def test_what_breaks_over_and_over_ends_the_export(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.engine import sql

    await fill(world, AMOUNT)
    payload = await start(api, world)
    await perform_next()

    def broken(*_: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(contact_export, "describe", broken)
    for _ in range(contact_export.MAX_FAILURES):
        await sql.affected(f"UPDATE job SET run_at = {sql.database_now(-1)}")
        await perform_next()
    one = await found(api, payload, world.owner)
    assert (one["state"], one["doneCount"], one["downloadUrl"]) == ("FAILED", SIZE, None)
    assert await counted("transfer_chunk", "job") == [0, 0]


async def test_an_export_that_is_forgotten_goes_nowhere(api: Api, world: World) -> None:
    await fill(world, AMOUNT)
    await start(api, world)
    await perform_next()
    await Transfer.all().delete()
    assert await run_jobs() == 1
    assert await counted("transfer", "transfer_chunk", "job") == [0, 0, 0]


MANY = 40 * PORTION_CONTACTS


async def _survive(database_url: str, bus_url: str, directory: Path, amount: int) -> None:
    """Kill a server in the midst of an export, and start it again, until it is done."""
    async with processes(directory, database_url, bus_url, amount) as servers:
        await connect(database_url)
        try:
            world = await make_world()
            await fill(world, MANY)
            viewer = await world.owner.viewer()
            transfer = await export_contacts(viewer, world.workspace.id)
            for number in range(3):
                reached = MANY * (number + 1) // 10
                await until(lambda reached=reached: _is_past(transfer.id, reached), 60)  # type: ignore[misc]
                victim = servers[number % amount]
                victim.kill()
                assert number or (await Transfer.get(id=transfer.id)).done_count < MANY
                await orphan()
                victim.start()
                await victim.until_ready()
            await until(lambda: _is_done(transfer.id), 60)
            token, _ = sign_link(viewer, transfer, Purpose.FILE)
            async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
                answer = await client.get(f"{servers[0].url}/exports/{token}")
            names = [line.split('"')[1] for line in answer.text.splitlines()[1:]]
            assert names == [f"N{number}" for number in range(MANY)]
            facts = [fact for fact in await world.facts() if isinstance(fact, ExportProgressed)]
            steps = [*range(0, MANY + 1, PORTION_CONTACTS), MANY]
            assert [fact.done_count for fact in facts] == steps
        finally:
            await disconnect()


async def _is_past(key: int, amount: int) -> bool:
    return (await Transfer.get(id=key)).done_count >= amount


async def _is_done(key: int) -> bool:
    await orphan_of_the_killed()
    return (await Transfer.get(id=key)).state is TransferState.DONE


async def test_the_only_process_on_sqlite_is_killed(
    sqlite_database_url: str, tmp_path: Path
) -> None:
    durable = sqlite_database_url.partition("?")[0]
    await _survive(durable, "memory://", tmp_path, 1)


async def test_one_of_two_processes_on_postgres_and_redis_is_killed(
    postgres_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    await _survive(postgres_database_url, redis_url, tmp_path, 2)
