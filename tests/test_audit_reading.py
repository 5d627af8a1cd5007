"""Reading the audit log: by owners, filtered, in pages, along an index."""

from datetime import timedelta
from typing import Any

import pytest

from models.audit_entry import AuditEntry, AuditOutcome
from models.clock import now
from models.engine import sql
from models.engine.sql import count_statements
from models.member import Role
from schema.ids import encode_id
from tests.plans import Listening
from tests.test_audit import LOG, do, log, page
from tests.world import Api, World, make_world


async def test_it_is_read_by_owners_only(api: Api, world: World) -> None:
    manager = await world.add("Mia", Role.MANAGER)
    other = await make_world("Other")
    assert await do(api, world.owner, "createTag", workspaceId=world.id, name="VIP") == []
    for who, code in ((manager, "FORBIDDEN"), (other.owner, "NOT_FOUND")):
        answer = await api.run(who, LOG, workspaceId=world.id)
        assert (answer["data"], answer["errors"][0]["extensions"]["code"]) == (None, code)
    assert await log(api, other) == []


async def test_entries_are_filtered(api: Api, world: World) -> None:
    agent = await world.add("Ada")
    for name in ("A", "B"):
        assert await do(api, world.owner, "createTag", workspaceId=world.id, name=name) == []
    assert await do(api, agent, "createTag", workspaceId=world.id, name="C") == ["FORBIDDEN"]
    assert await do(api, world.owner, "createTeam", workspaceId=world.id, name="Sales") == []
    counted = {
        ("actorId", agent.id): 1,
        ("actorId", world.owner.id): 3,
        ("actorId", encode_id("ApiKey", 1)): 0,
        ("actorId", "nonsense"): 0,
        ("action", "createTag"): 3,
        ("outcome", "DENIED"): 1,
    }
    for (name, value), count in counted.items():
        assert len(await log(api, world, filter={name: value})) == count, name
    both = {"actorId": world.owner.id, "action": "createTag"}
    assert len(await log(api, world, filter=both)) == 2


async def test_pages_follow_each_other_while_entries_arrive(api: Api, world: World) -> None:
    for number in range(5):
        assert await do(api, world.owner, "createTag", workspaceId=world.id, name=f"{number}") == []
    before = await log(api, world)
    first = await page(api, world, first=3)
    assert await do(api, world.owner, "createTag", workspaceId=world.id, name="new") == []
    after = first["pageInfo"]["endCursor"]
    second = await page(api, world, first=3, after=after)
    assert [node["targetId"] for node in first["nodes"] + second["nodes"]] == [
        entry[2] for entry in before
    ]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    back = await page(api, world, last=2, before=second["pageInfo"]["startCursor"])
    assert back["nodes"] == first["nodes"][1:]


async def test_a_page_costs_a_constant_number_of_statements(api: Api, world: World) -> None:
    counted = []
    for size in (2, 10):
        for number in range(size):
            agent = await world.add(f"A{number}")
            given = {"workspaceId": world.id, "name": "x"}
            assert await do(api, agent, "createTag", **given) == ["FORBIDDEN"]
        with count_statements() as counter:
            await page(api, world, first=50)
        counted.append(counter.total)
    assert counted[0] == counted[1] == 3


FILTERS = [
    {},
    {"actorId": True},
    {"action": "createTag"},
    {"outcome": "ALLOWED"},
]


@pytest.mark.parametrize("wanted", FILTERS, ids=lambda wanted: "".join(wanted))
async def test_a_page_is_read_along_an_index(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any]
) -> None:
    """With many entries the plan walks an index in the wanted order: nothing is sorted."""
    actors = [f"member:{world.owner.member.id}", "api_key:1"]
    await AuditEntry.bulk_create(
        AuditEntry(
            workspace_id=world.workspace.id + number % 3,
            actor=actors[number % 2],
            action=("createTag", "updateTag")[number % 2],
            outcome=AuditOutcome.ALLOWED,
            created_at=now() - timedelta(seconds=number),
        )
        for number in range(3000)
    )
    await sql.affected("ANALYZE")
    heard = Listening(monkeypatch)
    given = {name: world.owner.id if value is True else value for name, value in wanted.items()}
    assert len(await log(api, world, filter=given, first=100)) == 100
    [one] = [one for one in heard.sent if "FROM audit_entry" in one[0]]
    plan = await heard.plan(one)
    assert "idx_audit_entry" in plan, plan
    assert "Sort" not in plan and "TEMP B-TREE" not in plan, plan
