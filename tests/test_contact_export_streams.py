"""The progress of imports and exports over a real WebSocket: each step once, to whom it is for."""

from typing import Any

import pytest

from models.member import Role
from resolvers.contact_export import export_contacts
from resolvers.contact_import import import_contacts
from schema.ids import encode_id
from tests import streaming
from tests.importing import csv_of
from tests.streaming import Ended, Server, cursor_of, last_seq
from tests.test_contact_export import fill
from tests.world import World, run_jobs

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

EXPORTS = """
subscription ($workspaceId: ID!, $exportId: ID, $after: String) {
  exportProgressed(workspaceId: $workspaceId, exportId: $exportId, after: $after) {
    eventId cursor exportId state percent contactCount doneCount contactExport { downloadUrl }
  }
}"""
IMPORTS = """
subscription ($workspaceId: ID!, $importId: ID, $after: String) {
  importProgressed(workspaceId: $workspaceId, importId: $importId, after: $after) {
    eventId cursor importId state percent lineCount doneCount createdCount refusedCount
  }
}"""
ALL = """
subscription ($workspaceId: ID!, $after: String) {
  workspaceEvents(workspaceId: $workspaceId, after: $after) {
    __typename eventId cursor ... on ExportProgressed { exportId contactExport { downloadUrl } }
  }
}"""


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let portions be small."""
    monkeypatch.setattr("resolvers.contact_export.PORTION_CONTACTS", 2)
    monkeypatch.setattr("resolvers.import_upload.PORTION_LINES", 2)


async def test_an_export_is_told_step_by_step(server: Server, world: World) -> None:
    await fill(world, 3)
    async with server.client(world.owner) as client:
        name = await client.subscribe(EXPORTS, workspaceId=world.id, after=await cursor_of(world))
        made = await export_contacts(await world.owner.viewer(), world.workspace.id)
        heard = [await client.hear(name)]
        await run_jobs()
        heard += [await client.hear(name) for _ in range(2)]
    key = encode_id("ContactExport", made.id)
    steps = [(one["state"], one["percent"], one["contactCount"], one["doneCount"]) for one in heard]
    assert steps == [("RUNNING", 0, 3, 0), ("RUNNING", 66, 3, 2), ("DONE", 100, 3, 3)]
    assert {one["exportId"] for one in heard} == {key}
    assert heard[0]["contactExport"] == {"downloadUrl": None}
    assert f"/exports/f.{made.id}.member-" in heard[-1]["contactExport"]["downloadUrl"]


async def test_an_import_is_told_step_by_step(server: Server, world: World) -> None:
    mia = await world.add("Mia", Role.MANAGER)
    cursor = await cursor_of(world)
    csv = csv_of("First name,Phone", "Ann,+33612345678", "Bea,12", "Cy,+33612345679")
    async with server.client(world.owner) as one, server.client(mia) as other:
        names = [
            await client.subscribe(IMPORTS, workspaceId=world.id, after=cursor)
            for client in (one, other)
        ]
        made = await import_contacts(
            await mia.viewer(), world.workspace.id, file_name="people.csv", csv=csv
        )
        heard: list[Any] = [[await one.hear(names[0])], [await other.hear(names[1])]]
        await run_jobs()
        for place, client in enumerate((one, other)):
            heard[place] += [await client.hear(names[place]) for _ in range(2)]
    assert heard[0] == heard[1]
    counts = ("percent", "lineCount", "doneCount", "createdCount", "refusedCount")
    steps = [(one["state"], *(one[count] for count in counts)) for one in heard[0]]
    assert steps == [
        ("RUNNING", 0, 3, 0, 0, 0),
        ("RUNNING", 66, 3, 2, 1, 1),
        ("DONE", 100, 3, 3, 2, 1),
    ]
    assert {one["importId"] for one in heard[0]} == {encode_id("ContactImport", made.id)}


async def test_exports_are_told_to_who_started_them_only(server: Server, world: World) -> None:
    ada, mia = await world.add("Ada"), await world.add("Mia", Role.MANAGER)
    cursor = await cursor_of(world)
    keys = {}
    for who in (ada, mia):
        made = await export_contacts(await who.viewer(), world.workspace.id)
        keys[who.token] = encode_id("ContactExport", made.id)
        await run_jobs()
    await world.contact("Last")
    last = await last_seq(world)
    for who in (ada, mia, world.owner):
        own = [keys[who.token]] * 2 if who.token in keys else []
        async with server.client(who) as client:
            name = await client.subscribe(ALL, workspaceId=world.id, after=cursor)
            heard = await client.until(last, name)
            told = [one for one in heard if one["__typename"] == "ExportProgressed"]
            assert [one["exportId"] for one in told] == own
            for other in keys.values():
                wanted = [other] * 2 if other in own else []
                page: Any = {"workspaceId": world.id, "exportId": other, "after": cursor}
                name = await client.subscribe(EXPORTS, **page)
                assert [(await client.hear(name))["exportId"] for _ in wanted] == wanted
                assert client.left(name) == []


async def test_who_may_not_export_follows_nothing(server: Server, world: World) -> None:
    from models.member import Restriction

    bea = await world.add("Bea", restrictions=[Restriction.DATA_EXPORT])
    async with server.client(bea) as client:
        name = await client.subscribe(EXPORTS, workspaceId=world.id)
        with pytest.raises(Ended) as ended:
            await client.hear(name)
    assert ended.value.codes == ["FORBIDDEN"]
