"""How the audit log is kept: with what it tells of, whole, and until its time."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from tortoise.exceptions import IntegrityError

from models.audit_entry import LEAST_DAYS, AuditEntry, AuditOutcome
from models.clock import now
from models.engine import sql
from models.engine.sql import count_statements
from models.tag import Tag
from realtime.transaction import Announce
from resolvers.audited import KEPT
from schema.ids import encode_id
from settings import get_settings
from tests import streaming
from tests.access_matrix import ROWS
from tests.access_stage import Caller, Stage, make_stage
from tests.streaming import Server
from tests.test_audit import do
from tests.test_retention import clean_up
from tests.world import Api, World, make_world

stack_bus_url = streaming.stack_bus_url
server = streaming.server

PROVED = {"logIn", "logInWithCode", "resetPassword", "acceptInvitation", "changePassword"}
"""What the matrix asks for with wrong passwords and tokens; `test_audit` does it well."""
REQUEST = 'mutation($id: ID!) { createTag(input: {workspaceId: $id, name: "A"}) { tag { id } } }'


async def entry(workspace_id: int, days: float) -> AuditEntry:
    """Add an entry of so many days ago."""
    return await AuditEntry.create(
        workspace_id=workspace_id,
        action="createTag",
        outcome=AuditOutcome.ALLOWED,
        created_at=now() - timedelta(days=days),
    )


async def codes_of(api: Api, caller: Caller, name: str, stage: Stage) -> list[str]:
    """Use a mutation as the matrix does; return why it or a part of it was refused."""
    row = ROWS[f"Mutation.{name}"]
    payload = (await api.ask(caller.token, row.document, **row.values(stage.ids)))[name]
    parts = (payload, *payload.get("results", []))
    return [error["code"] for part in parts for error in part["userErrors"]]


async def test_everything_that_is_to_be_kept_is(api: Api) -> None:
    stage = await make_stage()
    callers = [one for one in stage.callers if one.name in ("owner", "agent")]
    done = {one.name: set[str]() for one in callers}
    for name in sorted(KEPT, key=lambda name: (name == "deleteContact", name)):
        for caller in callers:
            before = await AuditEntry.all().count()
            codes = await codes_of(api, caller, name, stage)
            rows = await AuditEntry.all().order_by("id").offset(before)
            told = {(one.action, one.code) for one in rows}  # one for each workspace of theirs
            if "FORBIDDEN" in codes:
                assert told == {(name, "FORBIDDEN")}
            elif not codes:
                assert told == {(name, None)}
                done[caller.name].add(name)
            await stage.restore()
    assert done["owner"] | done["agent"] == KEPT - PROVED
    assert {"createContact", "blockContact", "logOut"} < done["agent"]
    assert done["agent"] & {"createTag", "removeMember", "connectChannel"} == set()


async def test_what_is_undone_leaves_no_entry(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Announce.write

    async def breaking(self: Announce, within: Any, *, commit: bool) -> None:
        await write(self, within, commit=False)
        raise ZeroDivisionError

    monkeypatch.setattr(Announce, "write", breaking)
    answer = await api.run(world.owner, REQUEST, id=world.id)
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert (await Tag.all().count(), await AuditEntry.all().count()) == (0, 0)
    monkeypatch.undo()
    await api.ask(world.owner, REQUEST, id=world.id)
    assert (await Tag.all().count(), await AuditEntry.all().count()) == (1, 1)


async def test_an_entry_costs_no_round_trip_and_what_is_not_kept_nothing(
    api: Api, world: World
) -> None:
    conversation = encode_id("Conversation", (await world.hear()).conversation_id)
    with count_statements() as counter:
        await api.ask(world.owner, REQUEST, id=world.id)
    [kept] = [one for one in counter.statements if "audit_entry" in one]
    if sql.dialect() == "postgres":
        assert "INSERT INTO event" in kept
    with count_statements() as counter:
        sent = {"conversationId": conversation, "text": "Hi", "idempotencyKey": "k"}
        assert await do(api, world.owner, "sendMessage", **sent) == []
    assert [one for one in counter.statements if "audit_entry" in one] == []


@pytest.mark.parametrize("days", [0, LEAST_DAYS - 1, LEAST_DAYS + 1])
async def test_the_database_keeps_it_whole(world: World, days: int) -> None:
    one = await entry(world.workspace.id, days)
    with pytest.raises(IntegrityError):
        await sql.affected("UPDATE audit_entry SET action = 'x' WHERE id = ?", one.id)
    if days < LEAST_DAYS:
        with pytest.raises(IntegrityError):
            await sql.affected("DELETE FROM audit_entry WHERE id = ?", one.id)
    else:
        assert await sql.affected("DELETE FROM audit_entry WHERE id = ?", one.id) == 1
    left = await AuditEntry.all()
    assert [row.action for row in left] == (["createTag"] if days < LEAST_DAYS else [])


async def test_a_refusal_has_a_code_and_nothing_else_has(world: World) -> None:
    for outcome, code in ((AuditOutcome.DENIED, None), (AuditOutcome.ALLOWED, "FORBIDDEN")):
        with pytest.raises(IntegrityError):
            await AuditEntry.create(
                workspace_id=world.workspace.id,
                action="createTag",
                outcome=outcome,
                code=code,
                created_at=now(),
            )


async def test_old_entries_are_removed_and_no_others(world: World) -> None:
    days = get_settings().audit_retention_days
    await entry(world.workspace.id, days + 1)
    young = await entry(world.workspace.id, days - 1)
    await clean_up()
    assert [row.id for row in await AuditEntry.all()] == [young.id]


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-1.2:3", "abc-1.2:3"), ("a b", None), ("x" * 65, None)]
)
async def test_it_tells_from_where_a_call_came(
    server: Server, given: str, kept: str | None
) -> None:
    world = await make_world()
    async with httpx2.AsyncClient(trust_env=False) as client:
        await client.post(
            f"{server.url}/graphql",
            json={"query": REQUEST, "variables": {"id": world.id}},
            headers={"authorization": f"Bearer {world.owner.token}", "x-request-id": given},
        )
    one = await AuditEntry.get()
    assert (one.address, one.request_id) == ("127.0.0.1", kept)
