"""Erasing contacts who were deleted: nothing is left of them, whatever happens meanwhile."""

from datetime import timedelta
from typing import Any

import pytest

from models.clock import now
from models.contact import Contact
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.engine import sql
from models.inbound_event import InboundEvent
from models.message import Message
from realtime.contact_events import ContactDeleted
from realtime.jobs import claim
from resolvers.comment import add_comment
from resolvers.contact_deletion import delete_contact
from resolvers.erasure import ERASE_CONTACT, erase_contact
from resolvers.message import send_message
from resolvers.snooze import snooze_conversation
from tests.test_contact_deletion import erase
from tests.world import Api, World, let_time_pass, run_jobs, snapshot, webhook


async def everything() -> str:
    """Return all that is in the database, as text."""
    if sql.dialect() == "postgres":
        query = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
    else:
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    return str([await sql.rows(f"SELECT * FROM {row['name']}") for row in await sql.rows(query)])


async def test_nothing_of_the_person_is_left(api: Api, world: World) -> None:
    owner = await world.owner.viewer()
    await world.connect()
    said = {"type": "message", "mId": "m1", "message": {"type": "text", "text": "Secret-1"}}
    profile = {"firstName": "Zerlina", "lastName": "Mozart", "email": "z@secret-2.test"}
    await webhook(world.channels[0], "+31612345678", said, contact=profile)
    await run_jobs()
    contact = await Contact.get(first_name="Zerlina")
    row = await Conversation.get(contact_id=contact.id)
    await send_message(owner, row.id, text="Secret-3", idempotency_key="k1")
    await add_comment(owner, row.id, text="Secret-4", idempotency_key="k2")
    await world.hear("Stays", sender="Bob")
    await run_jobs()
    words = ("Zerlina", "Mozart", "secret-2", "612345678", "Secret-1", "Secret-3", "Secret-4")
    kept = await everything()
    assert [word for word in words if word not in kept] == []

    await erase(world, contact.id)

    kept = await everything()
    assert [word for word in words if word.casefold() in kept.casefold()] == []
    assert "Stays" in kept
    assert "Bob" in kept
    tables = ("contact", "conversation", "contact_channel", "message", "comment", "episode")
    for name, rows in (await snapshot(*tables)).items():
        assert len(rows) == (name != "comment"), name
    assert await sql.rows("SELECT id FROM job") == []
    hashes = {r["key"]: r["input_hash"] for r in await sql.rows("SELECT * FROM idempotency_key")}
    assert hashes == {"k1": "", "k2": ""}
    assert await InboundEvent.filter(payload="{}").count() == 1


async def test_what_the_vendor_repeats_brings_nobody_back(api: Api, world: World) -> None:
    message = await world.hear("Hello", message_id="m1")
    await erase(world, message.conversation.contact_id)
    said = {"type": "message", "mId": "m1", "message": {"type": "text", "text": "Hello"}}
    assert await webhook(world.channels[0], "carla", said) == 0
    await run_jobs()
    assert await Contact.all().count() == 0


@pytest.mark.parametrize("erased", [False, True])
async def test_who_writes_again_is_a_new_contact(api: Api, world: World, erased: bool) -> None:
    first = await world.hear("Hello")
    await delete_contact(await world.owner.viewer(), first.conversation.contact_id)
    if erased:
        await run_jobs()
    second = await world.hear("It is me")
    assert second.conversation.contact_id != first.conversation.contact_id
    assert second.seq < 3
    await run_jobs()
    assert await Message.all().count() == 1
    assert await ContactChannel.filter(external_id="carla").count() == 1


async def test_what_waits_when_they_go_makes_them_known_anew(api: Api, world: World) -> None:
    first = await world.hear("Hello")
    said = {"type": "message", "mId": "m2", "message": {"type": "text", "text": "Well?"}}
    await webhook(world.channels[0], "carla", said)
    await erase(world, first.conversation.contact_id)
    [message] = await Message.all()
    assert message.text == "Well?"
    assert message.conversation_id != first.conversation_id


async def test_their_phone_and_email_are_free_at_once(api: Api, world: World) -> None:
    details = {"phone": "+31612345678", "email": "c@parley.test"}
    first = await world.contact("Carla", **details)
    await delete_contact(await world.owner.viewer(), first.id)
    assert (await world.contact("Carla", **details)).id != first.id


async def test_jobs_that_wait_for_them_do_nothing(api: Api, world: World) -> None:
    owner, message = await world.owner.viewer(), await world.hear("Hello")
    await send_message(owner, message.conversation_id, text="Hi")
    await snooze_conversation(owner, message.conversation_id, until=now() + timedelta(hours=1))
    before = len(await world.facts())
    await delete_contact(owner, message.conversation.contact_id)
    await let_time_pass(10_000)
    await run_jobs()
    assert [type(fact) for fact in (await world.facts())[before:]] == [ContactDeleted]
    assert await sql.rows("SELECT id FROM job") == []


async def test_a_job_that_was_killed_midway_goes_on(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.erasure.ROWS_AT_ONCE", 2)
    for number in range(7):
        message = await world.hear(f"Hello {number}")
    await world.hear("Stays", sender="bob")
    await delete_contact(await world.owner.viewer(), message.conversation.contact_id)
    jobs = {job.kind: job for job in await claim()}
    written = sql.affected
    count = 0

    async def dies(query: str, *values: Any) -> int:
        nonlocal count
        count += query.startswith("DELETE FROM message")
        if count == 3:
            raise ConnectionError
        return await written(query, *values)

    with monkeypatch.context() as patch:
        patch.setattr("models.engine.sql.affected", dies)
        with pytest.raises(ConnectionError):
            await erase_contact(jobs[ERASE_CONTACT])
    assert await Message.all().count() == 4

    await sql.affected("UPDATE job SET lease_until = created_at")
    await run_jobs()

    assert [row.text for row in await Message.all()] == ["Stays"]
    assert await Contact.all().count() == await Conversation.all().count() == 1
    assert await sql.rows("SELECT id FROM job") == []


async def test_deleting_costs_the_same_however_much_there_is(api: Api, world: World) -> None:
    counts = []
    for number in (1, 20):
        for _ in range(number):
            message = await world.hear("Hello")
        viewer = await world.owner.viewer()
        with sql.count_statements() as counter:
            await delete_contact(viewer, message.conversation.contact_id)
        counts.append(counter.total)
        await run_jobs()
    assert counts[0] == counts[1] <= 25
