"""What writing costs: the statements of each deed, exactly, and one commit of each."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.engine import sql
from models.engine.errors import TransientDatabaseError
from models.message import Message
from models.queries import lock_conversation
from models.records import CONVERSATIONS
from models.refusal import Refused
from realtime.transaction import transaction
from resolvers.assignment import assign_conversation, unassign_conversation
from resolvers.closing import close_conversation
from resolvers.conversation import open_conversation
from resolvers.message import send_message
from resolvers.snooze import snooze_conversation
from tests.world import World, make_world

Deed = Callable[[Any, int, World], Awaitable[Any]]
TOMORROW = datetime.now(UTC) + timedelta(days=1)
DEEDS: dict[str, tuple[Deed, int, int]] = {
    "send": (lambda who, one, _: send_message(who, one, text="hi"), 5, 10),
    "send with a key": (
        lambda who, one, _: send_message(who, one, text="hi", idempotency_key="k"),
        5,
        11,
    ),
    "snooze": (lambda who, one, _: snooze_conversation(who, one, until=TOMORROW), 5, 9),
    "close": (lambda who, one, _: close_conversation(who, one), 6, 9),
    "assign": (
        lambda who, one, world: assign_conversation(who, one, assignee_id=world.owner.member.id),
        5,
        8,
    ),
    "open an open one": (lambda who, one, _: open_conversation(who, one), 3, 3),
    "unassign nobody": (lambda who, one, _: unassign_conversation(who, one), 3, 3),
}
"""The deed, and its statements on PostgreSQL and on SQLite, BEGIN and COMMIT included; on SQLite
those that write are sent together, with the COMMIT."""


@pytest.mark.parametrize("name", DEEDS)
async def test_a_deed_costs_these_statements(name: str, database: object) -> None:
    deed, on_postgres, on_sqlite = DEEDS[name]
    world = await make_world()
    conversation_id = (await world.hear()).conversation_id
    viewer = await world.owner.viewer()
    with sql.count_statements() as counter:
        await deed(viewer, conversation_id, world)
    expected = on_postgres if sql.dialect() == "postgres" else on_sqlite
    assert counter.total == expected, counter.statements
    commits = [one for one in counter.statements if one.startswith(("COMMIT", "ROLLBACK"))]
    assert commits == ["COMMIT"]


async def test_one_key_at_once_from_twenty_sends_once(database: object) -> None:
    world = await make_world()
    conversation_id = (await world.hear()).conversation_id
    viewer = await world.owner.viewer()

    async def send(text: str) -> Any:
        return await send_message(viewer, conversation_id, text=text, idempotency_key="one")

    sent = await asyncio.gather(*(send("the same") for _ in range(20)))
    assert len({message.id for message in sent}) == 1
    assert await Message.filter(text="the same").count() == 1
    with pytest.raises(Refused):
        await send("another")


async def test_one_key_at_once_for_two_conversations_is_used_once(database: object) -> None:
    world = await make_world()
    rows = [(await world.hear()).conversation_id, (await world.hear(sender="bob")).conversation_id]
    viewer = await world.owner.viewer()
    outcomes = await asyncio.gather(
        *(send_message(viewer, row, text="hello", idempotency_key="one") for row in rows * 5),
        return_exceptions=True,
    )
    sent = {one.id for one in outcomes if not isinstance(one, BaseException)}
    refused = [one for one in outcomes if isinstance(one, BaseException)]
    assert len(sent) == 1
    assert {type(one) for one in refused} <= {Refused, TransientDatabaseError}
    assert await Message.filter(text="hello").count() == 1


async def test_columns_saved_twice_are_written_once_and_two_records_of_a_row_never(
    database: object,
) -> None:
    world = await make_world()
    conversation_id = (await world.hear()).conversation_id
    with sql.count_statements() as counter:
        async with transaction() as announce:
            row = await lock_conversation(conversation_id)
            assert row is not None
            row.version = 7
            announce.save(CONVERSATIONS, row, ["version"])
            row.version = 8
            announce.save(CONVERSATIONS, row, ["version", "last_seq"])
    assert sum("UPDATE conversation" in one for one in counter.statements) == 1
    with pytest.raises(RuntimeError, match="Two records"):
        async with transaction() as announce:
            for version in (9, 10):
                other = await lock_conversation(conversation_id)
                assert other is not None
                other.version = version
                announce.save(CONVERSATIONS, other, ["version"])
    kept = await lock_conversation(conversation_id)
    assert kept is not None
    assert kept.version == 8
