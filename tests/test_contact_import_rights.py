"""Who may import and see imports, once or more often, and who stops in the midst of it."""

import asyncio
from typing import Any

import pytest

from models.member import Member, Role
from resolvers.import_upload import PORTION_LINES
from tests.acting import api_key
from tests.importing import (
    IMPORT,
    KEPT,
    NODE,
    counted,
    counts,
    csv_of,
    imported,
    perform_next,
    start,
)
from tests.world import Api, World, make_world, run_jobs, snapshot


async def test_who_may_import(api: Api, world: World) -> None:
    csv = csv_of("First name", "Ann")
    mia = await world.add("Mia", Role.MANAGER)
    bot, other = await api_key(world, Role.MANAGER), await make_world("Other")
    for who in (world.owner, mia, bot):
        assert counts(await imported(api, world, csv, who)) == (1, 0, 0, 0)
    before = await snapshot(*KEPT)
    ada, small = await world.add("Ada"), await api_key(world)
    before = await snapshot(*KEPT)
    for who, code in ((ada, "FORBIDDEN"), (small, "FORBIDDEN"), (other.owner, "NOT_FOUND")):
        payload = await start(api, world, csv, who)
        assert [error["code"] for error in payload["userErrors"]] == [code]
    answer = await api.run(None, IMPORT, input={"workspaceId": world.id, "fileName": "x"})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
    assert await snapshot(*KEPT) == before


async def test_only_who_leads_sees_it(api: Api, world: World) -> None:
    mia = await world.add("Mia", Role.MANAGER)
    done = await imported(api, world, csv_of("First name", "Ann"), mia)
    assert done["startedBy"] == {"name": "Mia"}
    assert (await api.ask(world.owner, NODE, id=done["id"]))["node"]["id"] == done["id"]
    listing = """query ($id: ID!) { contactImports(workspaceId: $id) { nodes { id fileName } } }"""
    data = await api.ask(world.owner, listing, id=world.id)
    assert data["contactImports"]["nodes"] == [{"id": done["id"], "fileName": "people.csv"}]
    ada, other = await world.add("Ada"), (await make_world("Other")).owner
    for who in (ada, other):
        answer = await api.run(who, NODE, id=done["id"])
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"]


@pytest.mark.parametrize("loss", ["removed", "demoted"])
async def test_who_loses_the_right_stops_their_import(api: Api, world: World, loss: str) -> None:
    mia = await world.add("Mia", Role.MANAGER)
    lines = [f"N{number}" for number in range(PORTION_LINES + 1)]
    payload = await start(api, world, csv_of("First name", *lines), mia)
    await perform_next()
    change: Any = {"is_active": False} if loss == "removed" else {"role": Role.AGENT}
    await Member.filter(id=mia.member.id).update(**change)
    await run_jobs()
    found = (await api.ask(world.owner, NODE, id=payload["contactImport"]["id"]))["node"]
    assert (found["state"], found["doneCount"], found["percent"]) == ("FAILED", PORTION_LINES, 99)
    assert await counted("contact", "transfer_chunk", "job") == [PORTION_LINES, 0, 0]


async def test_a_key_is_used_once(api: Api, world: World) -> None:
    csv = csv_of("First name", "Ann")
    first, second = await asyncio.gather(
        *(start(api, world, csv, idempotencyKey="k") for _ in range(2))
    )
    assert first["contactImport"]["id"] == second["contactImport"]["id"]
    await run_jobs()
    assert await counted("contact") == [1]
    other = await start(api, world, csv + "Bea\n", idempotencyKey="k")
    assert other["userErrors"][0]["code"] == "IDEMPOTENCY_KEY_REUSED"


async def test_too_many_at_once(api: Api, world: World) -> None:
    for _ in range(10):
        assert (await start(api, world, None))["userErrors"] == []
    payload = await start(api, world, None)
    assert payload["userErrors"] == [
        {
            "code": "WRONG_STATE",
            "message": "A workspace has at most 10 imports and exports at once.",
            "field": [],
        }
    ]
