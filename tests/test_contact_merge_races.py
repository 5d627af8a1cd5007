"""Merging contacts at the same time as everything else: what comes in lands where both are."""

import asyncio
from typing import Any

import pytest

from connectors.channels import OutgoingMessage, SendOutcome, Sent
from models.contact import Contact
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.engine import sql
from models.message import Message
from models.workspace import NOWHERE
from realtime.contact_events import ContactMerged
from resolvers.comment import add_comment
from resolvers.contact_deletion import delete_contact
from resolvers.contact_merge import merge_contacts
from resolvers.message import send_message
from tests.test_contact_deletion_races import outcome
from tests.world import Api, World, let_time_pass, run_jobs, webhook

CALLS = 10


async def two(world: World) -> tuple[Message, Message]:
    """Let two contacts write; return their messages."""
    return await world.hear("I am Carla"), await world.hear("I am Karla", sender="karla")


async def write(world: World, sender: str, number: int) -> None:
    """Let a contact write; it is processed when jobs run."""
    said: dict[str, Any] = {"type": "text", "text": f"Hello {number}"}
    event = {"type": "message", "mId": f"m{sender}{number}", "message": said}
    await webhook(world.channels[0], sender, event)


async def check_thread(conversation_id: int) -> None:
    """Show that every line of a conversation has one place, and that it counts what came in."""
    row = await Conversation.get(id=conversation_id)
    places = await sql.rows(
        "SELECT seq FROM message UNION ALL SELECT seq FROM activity UNION ALL"
        " SELECT seq FROM comment"
    )
    assert sorted(place["seq"] for place in places) == list(range(1, row.last_seq + 1))
    messages = await Message.all().order_by("seq")
    assert {one.conversation_id for one in messages} == {conversation_id}
    incoming = [one.incoming_count for one in messages if one.direction.value == "INCOMING"]
    assert incoming == list(range(1, row.incoming_count + 1))


@pytest.mark.parametrize("round_number", range(4))
async def test_what_comes_in_meanwhile_lands_in_the_kept_conversation(
    api: Api, world: World, round_number: int
) -> None:
    first, second = await two(world)
    viewer = await world.owner.viewer()
    for number in range(CALLS):
        await write(world, "karla", number)
        await write(world, "carla", number)

    async def join() -> None:
        for _ in range(round_number * 8):  # the later, the more has come in
            await sql.rows("SELECT 1")
        pair = first.conversation.contact_id, second.conversation.contact_id
        await merge_contacts(viewer, *pair)

    await asyncio.gather(run_jobs(), run_jobs(), join())
    await let_time_pass(60)
    await run_jobs()

    assert await Message.all().count() == 2 * CALLS + 2
    assert await Contact.all().count() == await Conversation.all().count() == 1
    assert {row.contact_id for row in await ContactChannel.all()} == {first.conversation.contact_id}
    await check_thread(first.conversation_id)
    assert await sql.rows("SELECT id FROM job") == []


async def test_of_two_who_merge_each_into_the_other_one_does(api: Api, world: World) -> None:
    first, second = await two(world)
    viewer = await world.owner.viewer()
    pair = first.conversation.contact_id, second.conversation.contact_id
    calls = [pair, pair[::-1]] * 5

    codes = await asyncio.gather(*(outcome(merge_contacts(viewer, *one)) for one in calls))

    assert sorted(codes) == ["DONE", *["NOT_FOUND"] * 9]
    facts = await world.facts()
    assert len([fact for fact in facts if isinstance(fact, ContactMerged)]) == 1
    await run_jobs()
    [row] = await Conversation.all()
    assert row.workspace_id != NOWHERE
    await check_thread(row.id)


async def test_the_same_key_at_once_merges_once(api: Api, world: World) -> None:
    first, second = await two(world)
    viewer = await world.owner.viewer()
    pair = first.conversation.contact_id, second.conversation.contact_id

    calls = [merge_contacts(viewer, *pair, idempotency_key="k") for _ in range(CALLS)]
    rows = await asyncio.gather(*calls)

    assert {row.id for row in rows} == {first.conversation_id}
    facts = await world.facts()
    assert len([fact for fact in facts if isinstance(fact, ContactMerged)]) == 1


async def test_merging_and_deleting_at_once(api: Api, world: World) -> None:
    first, second = await two(world)
    viewer = await world.owner.viewer()
    pair = first.conversation.contact_id, second.conversation.contact_id

    codes = await asyncio.gather(
        outcome(merge_contacts(viewer, *pair)),
        outcome(delete_contact(viewer, pair[1])),
        outcome(send_message(viewer, second.conversation_id, text="Hi")),
        outcome(add_comment(viewer, second.conversation_id, text="Look")),
    )
    await let_time_pass(60)
    await run_jobs()

    assert set(codes) <= {"DONE", "NOT_FOUND"}
    assert sorted(codes[:2]) == ["DONE", "NOT_FOUND"]
    [row] = await Conversation.all()
    assert (row.id, row.contact_id) == (first.conversation_id, pair[0])
    await check_thread(row.id)


async def test_a_message_on_its_way_is_settled_where_it_is_then(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await two(world)
    viewer = await world.owner.viewer()
    pair = first.conversation.contact_id, second.conversation.contact_id

    async def send(_client: object, _address: object, _message: OutgoingMessage) -> SendOutcome:
        await merge_contacts(viewer, *pair)
        return Sent("v1")

    monkeypatch.setattr("resolvers.delivery.custom.send", send)
    sent = await send_message(viewer, second.conversation_id, text="Hi Karla")
    await run_jobs()

    row = await Message.get(id=sent.id)
    assert (row.conversation_id, row.status.value) == (first.conversation_id, "SENT")
    assert (await Conversation.get(id=first.conversation_id)).unreplied_since is None
    await check_thread(first.conversation_id)
