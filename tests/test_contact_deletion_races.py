"""Deleting contacts at the same time as everything else: nothing crashes, nothing comes back."""

import asyncio
from typing import Any

import pytest

from connectors.channels import OutgoingMessage, RetryLater, SendOutcome, Sent, Unknown
from models.contact import Contact
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.engine import sql
from models.message import Message
from models.refusal import Code, Refused
from models.workspace import NOWHERE
from realtime.contact_events import ContactDeleted
from resolvers.comment import add_comment
from resolvers.contact import update_contact
from resolvers.contact_deletion import delete_contact
from resolvers.contact_details import clean_details
from resolvers.message import send_message
from resolvers.read_mark import mark_conversation_read
from tests.test_block_races import write
from tests.world import Api, World, let_time_pass, run_jobs, webhook

CALLS = 20


async def outcome(call: Any) -> str:
    """Return why a call was refused, or that it was done."""
    try:
        await call
    except Refused as refused:
        return refused.code.value
    return "DONE"


async def test_of_many_at_once_one_deletes(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    viewer, contact_id = await world.owner.viewer(), message.conversation.contact_id

    codes = await asyncio.gather(
        *(outcome(delete_contact(viewer, contact_id)) for _ in range(CALLS))
    )

    assert sorted(codes) == ["DONE", *[Code.NOT_FOUND.value] * (CALLS - 1)]
    facts = await world.facts()
    assert len([fact for fact in facts if isinstance(fact, ContactDeleted)]) == 1


async def test_whatever_is_done_at_once_nothing_is_left(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    viewer, contact_id = await world.owner.viewer(), message.conversation.contact_id
    key = message.conversation_id
    calls: list[Any] = []
    for number in range(3):
        calls += [
            send_message(viewer, key, text=f"Hi {number}"),
            add_comment(viewer, key, text=f"Look {number}"),
            update_contact(viewer, contact_id, clean_details(first_name=f"C{number}")),
            mark_conversation_read(viewer, key),
        ]
    calls.insert(5, delete_contact(viewer, contact_id))

    codes = await asyncio.gather(*(outcome(call) for call in calls))
    await run_jobs()

    assert set(codes) <= {"DONE", "NOT_FOUND"}
    assert codes[5] == "DONE"
    for table in ("contact", "conversation", "message", "comment", "read_mark", "contact_channel"):
        assert await sql.rows(f"SELECT id FROM {table}") == [], table
    assert len([fact for fact in await world.facts() if isinstance(fact, ContactDeleted)]) == 1
    assert await sql.rows("SELECT id FROM job") == []


@pytest.mark.parametrize("round_number", range(3))
async def test_who_writes_meanwhile_is_lost_in_no_grave(
    api: Api, world: World, round_number: int
) -> None:
    message = await world.hear("Hello")
    viewer, contact_id = await world.owner.viewer(), message.conversation.contact_id
    for number in range(6):
        await write(world, number)

    async def vanish() -> None:
        for _ in range(round_number * 8):  # the later, the more has come in
            await sql.rows("SELECT 1")
        await delete_contact(viewer, contact_id)

    await asyncio.gather(run_jobs(), run_jobs(), vanish())
    await let_time_pass(60)
    await run_jobs()

    rows = await Conversation.all()
    assert NOWHERE not in {row.workspace_id for row in rows}
    assert len(rows) == await Contact.all().count() == await ContactChannel.all().count() <= 1
    for row in await Message.all():
        assert row.conversation_id == rows[0].id
    assert await sql.rows("SELECT id FROM job") == []


@pytest.mark.parametrize(
    "outcome", [Sent("v1"), Unknown("Who knows?"), RetryLater("Later", after_seconds=0)]
)
@pytest.mark.parametrize("erased", [False, True])
async def test_a_message_on_its_way_when_they_go(
    api: Api,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    outcome: SendOutcome,
    erased: bool,
) -> None:
    heard = await world.hear("Hello")
    viewer, contact_id = await world.owner.viewer(), heard.conversation.contact_id
    sent = 0

    async def send(_client: object, _address: object, _message: OutgoingMessage) -> SendOutcome:
        nonlocal sent
        sent += 1
        await delete_contact(viewer, contact_id)
        if erased:
            await run_jobs()
        return outcome

    monkeypatch.setattr("resolvers.delivery.custom.send", send)
    await send_message(viewer, heard.conversation_id, text="Hi")

    await run_jobs()
    await let_time_pass(3600)
    await run_jobs()

    assert sent == 1
    assert isinstance((await world.facts())[-1], ContactDeleted)
    assert await Message.all().count() == 0
    assert await sql.rows("SELECT id FROM job") == []


async def test_a_receipt_that_comes_too_late_changes_nothing(api: Api, world: World) -> None:
    heard = await world.hear("Hello")
    viewer = await world.owner.viewer()
    message = await send_message(viewer, heard.conversation_id, text="Hi")
    await Message.filter(id=message.id).update(external_id="v1", status="SENT")
    await delete_contact(viewer, heard.conversation.contact_id)
    before = await world.facts()
    receipt = {"type": "message_status", "mId": "v1", "status": {"value": "delivered"}}

    await webhook(world.channels[0], "carla", receipt)
    await run_jobs()

    assert await world.facts() == before
