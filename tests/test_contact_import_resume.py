"""Imports that are interrupted: no line is lost or done twice, whoever goes on with it."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from models.contact import Contact
from models.database import connect, disconnect
from models.engine import sql
from models.transfer import Transfer, TransferState
from realtime.events import ContactCreated
from realtime.jobs import claim
from realtime.transfer_events import ImportProgressed
from resolvers import contact_import
from resolvers.contact_import import import_contacts, import_portion
from resolvers.import_upload import PORTION_LINES
from tests.importing import (
    NODE,
    counted,
    counts,
    csv_of,
    people,
    perform_next,
    report,
    start,
)
from tests.processes import Process, processes
from tests.waiting import until
from tests.world import Api, World, make_world, run_jobs

LINES = 3 * PORTION_LINES + 7
BAD = {5, PORTION_LINES + 3, LINES - 1}
"""Which lines are refused."""


def lines_of(amount: int = LINES) -> list[str]:
    """Return the lines of a file, the header first."""
    numbers = (f"N{n},{'12' if n in BAD else f'+3361{n:07}'}" for n in range(amount))
    return ["First name,Phone", *numbers]


async def check_once(world: World, one: Any) -> None:
    """Show that each line was done exactly once."""
    assert counts(one) == (LINES - len(BAD), 0, 0, len(BAD))
    names = [name for (name,) in await people("first_name")]
    assert names == [f"N{n}" for n in range(LINES) if n not in BAD]
    facts = await world.facts()
    born = [fact.contact_id for fact in facts if isinstance(fact, ContactCreated)]
    assert born == sorted(set(born))
    assert len(born) == len(names) == await Contact.all().count()
    done = [fact.done_count for fact in facts if isinstance(fact, ImportProgressed)]
    assert done == [*range(0, LINES, PORTION_LINES), LINES]
    assert await counted("transfer_chunk", "job") == [0, 0]


async def found(api: Api, world: World, payload: Any) -> Any:
    """Return an import as it is now."""
    return (await api.ask(world.owner, NODE, id=payload["contactImport"]["id"]))["node"]


async def orphan() -> None:
    """Let the lease of whoever has taken a job be over."""
    await sql.affected(
        f"UPDATE job SET lease_until = {sql.database_now(-1)} WHERE state = 'RUNNING'"
    )


@pytest.mark.parametrize("moment", ["_keep_refusals", "_count", "_go_on"])
async def test_what_breaks_within_a_portion_leaves_nothing_of_it(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    payload = await start(api, world, csv_of(*lines_of()))
    await perform_next()
    before = [await counted("contact", "event", "transfer_refusal"), await people()]

    def broken(*_: Any) -> Any:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(contact_import, moment, broken)
        [job] = await claim()
        with pytest.raises(asyncio.CancelledError):
            await import_portion(job)
    assert [await counted("contact", "event", "transfer_refusal"), await people()] == before
    await orphan()
    await run_jobs()
    one = await found(api, world, payload)
    await check_once(world, one)
    lines = [line for line, *_ in await report(api, world, one)]
    assert lines == sorted(number + 2 for number in BAD)


async def test_who_has_lost_the_job_writes_nothing(api: Api, world: World) -> None:
    payload = await start(api, world, csv_of(*lines_of()))
    [late] = await claim()
    await orphan()
    [job] = await claim()
    await import_portion(job)
    before = await counted("contact", "event", "transfer_refusal")
    with pytest.raises(Exception, match=f"job {late.id}"):
        await import_portion(late)
    assert await counted("contact", "event", "transfer_refusal") == before
    await run_jobs()
    await check_once(world, await found(api, world, payload))


async def test_two_at_once_do_a_portion_once(api: Api, world: World) -> None:
    payload = await start(api, world, csv_of(*lines_of()))
    [first] = await claim()
    await orphan()
    [second] = await claim()
    await asyncio.gather(import_portion(first), import_portion(second), return_exceptions=True)
    await run_jobs()
    await check_once(world, await found(api, world, payload))


async def test_what_breaks_over_and_over_ends_the_import(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = await start(api, world, csv_of(*lines_of()))

    def broken(*_: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(contact_import, "import_lines", broken)
    for _ in range(contact_import.MAX_FAILURES):
        await sql.affected(f"UPDATE job SET run_at = {sql.database_now(-1)}")
        await perform_next()
    one = await found(api, world, payload)
    assert (one["state"], one["doneCount"]) == ("FAILED", 0)
    assert await counted("contact", "transfer_chunk", "job") == [0, 0, 0]


async def test_somebody_is_faster(api: Api, world: World) -> None:
    csv = csv_of(*lines_of(PORTION_LINES))
    payload = await start(api, world, csv)
    other = await start(api, world, csv)
    [first, second] = await claim()
    await asyncio.gather(import_portion(first), import_portion(second), return_exceptions=True)
    await orphan()
    await run_jobs()
    one, two = await found(api, world, payload), await found(api, world, other)
    created = one["createdCount"] + two["createdCount"]
    assert created == PORTION_LINES - 1 == await Contact.all().count()
    assert one["skippedCount"] + two["skippedCount"] == PORTION_LINES - 1


AMOUNT = 60 * PORTION_LINES


async def _upload(server: Process, world: World) -> int:
    """Import a file through a server; return the import."""
    viewer = await world.owner.viewer()
    transfer = await import_contacts(viewer, world.workspace.id, file_name="people.csv")
    from resolvers.signed_link import Purpose
    from resolvers.transfer import sign_link

    token, _ = sign_link(viewer, transfer, Purpose.UPLOAD)
    numbers = (f"N{n},+3361{n:07}" for n in range(AMOUNT))
    body = csv_of("First name,Phone", *numbers)
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
        answer = await client.post(f"{server.url}/imports/{token}", content=body)
    assert (answer.status_code, answer.json()) == (202, {"lines": AMOUNT})
    return int(transfer.id)


async def _survive(database_url: str, bus_url: str, directory: Path, amount: int) -> None:
    """Kill a server in the midst of an import, and start it again, until it is done."""
    async with processes(directory, database_url, bus_url, amount) as servers:
        await connect(database_url)
        try:
            world = await make_world()
            key = await _upload(servers[0], world)

            async def done() -> int:
                return int((await Transfer.get(id=key)).done_count)

            for number in range(3):
                reached = AMOUNT * (number + 1) // 10
                await until(lambda reached=reached: _is_past(key, reached), 60)  # type: ignore[misc]
                victim = servers[number % amount]
                victim.kill()
                assert number or await done() < AMOUNT
                await orphan()
                victim.start()
                await victim.until_ready()
            await until(lambda: _is_done(key), 60)
            names = [name for (name,) in await people("first_name")]
            assert names == [f"N{n}" for n in range(AMOUNT)]
            facts = await read_all(world)
            assert facts.count("ContactCreated") == AMOUNT
            assert facts.count("ImportProgressed") == AMOUNT // PORTION_LINES + 1
        finally:
            await disconnect()


async def _is_past(key: int, amount: int) -> bool:
    return (await Transfer.get(id=key)).done_count >= amount


async def _is_done(key: int) -> bool:
    await orphan_of_the_killed()
    return (await Transfer.get(id=key)).state is TransferState.DONE


async def orphan_of_the_killed() -> None:
    """Let a job be over that was claimed five seconds ago: a portion takes far less."""
    await sql.affected(
        f"UPDATE job SET lease_until = {sql.database_now(-1)} WHERE state = 'RUNNING'"
        f" AND lease_until < {sql.database_now(55)}"
    )


async def read_all(world: World) -> list[str]:
    """Return the kinds of all events."""
    rows = await sql.rows(
        "SELECT kind FROM event WHERE workspace_id = ? ORDER BY seq", world.workspace.id
    )
    return [row["kind"] for row in rows]


async def test_the_only_process_on_sqlite_is_killed(
    sqlite_database_url: str, tmp_path: Path
) -> None:
    durable = sqlite_database_url.partition("?")[0]
    await _survive(durable, "memory://", tmp_path, 1)


async def test_one_of_two_processes_on_postgres_and_redis_is_killed(
    postgres_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    await _survive(postgres_database_url, redis_url, tmp_path, 2)
