"""Every state of a conversation, every action and event, everybody: all is as the table says."""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, build_schema, get_named_type

from models.engine import sql
from realtime.log import read_head, read_page
from tests.state_people import EXCEPTIONS, LEFT_OUT, exceptions, expected, sight
from tests.state_stage import EVENTS, TABLES, Stage, make_stage
from tests.state_table import Outcome, table
from tests.world import Api, Person, World, let_time_pass, snapshot

HOURS = 3600.0
SDL = Path(__file__).parent.parent / "schema/schema.graphql"
ABOUT = {"conversationId", "conversationIds", "contactId", "contactIds", "messageId"}
"""The inputs of mutations that act on a conversation, or on what belongs to one."""
Rows = dict[str, list[dict[str, Any]]]


async def put_back(before: Rows) -> None:
    """Make the rows what they were before."""
    after = await snapshot(*TABLES)
    for table_name in reversed(TABLES):
        old = {row["id"]: row for row in before[table_name]}
        for row in after[table_name]:
            if row["id"] not in old:
                await sql.affected(f"DELETE FROM {table_name} WHERE id = ?", row["id"])
            elif row != old[row["id"]]:
                columns = ", ".join(f"{name} = ?" for name in row)
                values = old[row["id"]].values()
                await sql.affected(
                    f"UPDATE {table_name} SET {columns} WHERE id = ?", *values, row["id"]
                )


async def check_cell(
    stage: Stage,
    before: Rows,
    deed: Callable[[], Awaitable[str | None]],
    wanted: Outcome,
    caller: str = "",
) -> bool:
    """Show that something has just the outcome that is wanted; tell whether anything changed."""
    row = await stage.row()
    workspace_id = stage.world.workspace.id
    head = (await read_head(workspace_id)).seq
    code = await deed()
    now_so = await stage.row()
    facts = [type(logged.fact).__name__ for logged in await read_page(workspace_id, head)]
    found = Outcome(stage.state(now_so), now_so.version - row.version, tuple(facts), code)
    if wanted.state is None:
        assert found == Outcome(stage.state(row), code=wanted.code)
        assert await snapshot(*TABLES) == before
        return False
    assert found == Outcome(wanted.state.replace("caller", caller), wanted.rise, wanted.facts)
    after = await snapshot("activity")
    assert len(after["activity"]) - len(before["activity"]) == wanted.rise
    return True


async def check_marks(stage: Stage, who: str, action: str) -> None:
    """Show that what a snooze or a block keeps names who did it."""
    person, row = stage.people[who], await stage.row()
    member_id = person.member.id if isinstance(person, Person) else None
    if action == "snoozeConversation":
        assert (row.snoozed_by_id, row.snoozed_until) == (member_id, stage.until)
    elif action == "blockContact":
        assert row.blocked_by_id == member_id


async def check_person(stage: Stage, before: Rows, state: str, who: str) -> None:
    """Do all that somebody can do in a state, each as if nothing had been done before."""
    person = stage.people[who]
    caller = person.user.name if isinstance(person, Person) else ""
    for action in table()[state]:
        if action in EVENTS:
            continue
        wanted = expected(who, state, action)
        try:
            changed = await check_cell(
                stage, before, partial(stage.act, person, action), wanted, caller
            )
        except AssertionError as error:
            raise AssertionError(f"{who}, {state}, {action}: {error}") from error
        if changed:
            await check_marks(stage, who, action)
            await put_back(before)


async def check_events(stage: Stage, at_first: Rows, state: str) -> None:
    """Let happen in a state what nobody of the workspace does, each as if it were the first."""
    for event in EVENTS:
        if event != "the contact writes":
            await let_time_pass(2 * HOURS)
        before = await snapshot(*TABLES)
        await check_cell(stage, before, partial(stage.happen, event), table()[state][event])
        await put_back(at_first)
    assert await snapshot(*TABLES) == at_first


@pytest.mark.parametrize("state", list(table()))
async def test_every_action_of_everybody(api: Api, world: World, state: str) -> None:
    stage = await make_stage(api, world, state)
    before = await snapshot(*TABLES)
    await check_events(stage, before, state)
    for who in stage.people:
        await check_person(stage, before, state, who)
    assert await snapshot(*TABLES) == before


def test_every_state_has_every_action() -> None:
    assert len({tuple(actions) for actions in table().values()}) == 1
    for person, state, action in exceptions():
        assert person in sight(), EXCEPTIONS
        assert state in (*table(), "every state"), EXCEPTIONS
        assert action in table()["OPEN nobody"], EXCEPTIONS


def test_every_action_is_in_the_table() -> None:
    mutation = build_schema(SDL.read_text()).mutation_type
    assert mutation is not None
    about = set()
    for name, field in mutation.fields.items():
        given = get_named_type(field.args["input"].type) if "input" in field.args else None
        if isinstance(given, GraphQLInputObjectType) and ABOUT & set(given.fields):
            about.add(name)
    shown = {re.sub(" .*", "", action) for action in table()["OPEN nobody"]} - {"the", "nobody"}
    assert shown | set(LEFT_OUT) == about
    assert not shown & set(LEFT_OUT)
