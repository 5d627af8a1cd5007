"""What a contact's message becomes: a contact, an open conversation, and nothing twice."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from models.clock import now
from models.contact import Contact
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.engine import sql
from models.episode import ChangeSource, Episode
from models.inbound_event import InboundEvent
from models.message import Message, MessageSource, MessageStatus
from realtime.events import ContactCreated, ConversationOpened, MessageAdded
from schema.ids import encode_id
from tests.test_message import send
from tests.vendor import vendor_server
from tests.world import Api, World, run_jobs, snapshot, webhook

PHONE = "+33612345678"
JOHN = {
    "firstName": "John",
    "lastName": "Doe",
    "profilePic": "https://pictures.test/j.jpg",
    "countryCode": "my",
    "email": "John@Example.com",
    "phone": "+60 17-787 2890",
    "language": "en",
}


def text(said: str = "Hello", message_id: str = "m1", kind: str = "message") -> dict[str, Any]:
    """Return the event of a text."""
    return {
        "type": kind,
        "mId": message_id,
        "timestamp": 1_700_000_000_000,
        "message": {"type": "text", "text": said},
    }


async def test_a_first_message_makes_a_contact_with_an_open_conversation(
    api: Api, world: World
) -> None:
    channel = await world.connect()
    told = len(await world.facts())

    assert await webhook(channel, "john_1", text(), contact=JOHN) == 1
    assert await run_jobs() == 1

    [contact] = await Contact.all()
    assert (
        contact.first_name,
        contact.last_name,
        contact.phone,
        contact.email,
        contact.language,
        contact.country,
        contact.picture_url,
    ) == ("John", "Doe", "+60177872890", "john@example.com", "en", "MY", JOHN["profilePic"])
    [conversation] = await Conversation.all()
    [message] = await Message.all()
    [target] = await ContactChannel.all()
    [episode] = await Episode.all()
    assert (conversation.status.value, conversation.incoming_count) == ("OPEN", 1)
    assert conversation.unreplied_since is not None
    assert (conversation.assignee_id, conversation.last_message_id) == (None, message.id)
    assert (message.text, message.seq, message.status) == ("Hello", 2, MessageStatus.RECEIVED)
    assert (target.external_id, target.contact_id) == ("john_1", contact.id)
    assert target.last_incoming_at == target.last_message_at
    assert (episode.opened_source, episode.closed_at) == (ChangeSource.CONTACT, None)
    where = (world.workspace.id, conversation.id)
    assert (await world.facts())[told:] == [
        ContactCreated(world.workspace.id, contact.id, conversation.id),
        ConversationOpened(*where),
        MessageAdded(*where, message.id),
    ]
    [event] = await InboundEvent.all()
    assert event.handled_at is not None
    assert await sql.rows("SELECT id FROM job") == []


async def test_the_next_message_goes_to_the_same_conversation(api: Api, world: World) -> None:
    first = await world.hear("Hello")
    waiting = (await Conversation.get(id=first.conversation_id)).unreplied_since
    second = await world.hear("Are you there?")

    conversation = await Conversation.get(id=first.conversation_id)
    assert second.conversation_id == first.conversation_id
    assert (conversation.unreplied_since, conversation.incoming_count) == (waiting, 2)
    assert (first.seq, second.seq) == (2, 3)
    assert await Episode.all().count() == 1


async def test_a_message_is_processed_once_whatever_happens(api: Api, world: World) -> None:
    channel = await world.connect()
    await webhook(channel, "carla", text())
    await run_jobs()
    before = await snapshot()
    # as if the item had never been seen: the message's own id still stands in the way
    await InboundEvent.all().delete()

    assert await webhook(channel, "carla", text("Other words")) == 1
    assert await run_jobs() == 1

    assert await snapshot() == before


async def test_one_id_on_two_channels_is_two_messages(api: Api, world: World) -> None:
    channels = [await world.connect(), await world.connect()]
    for channel in channels:
        await webhook(channel, PHONE, text())
    await run_jobs()

    rows = await Message.all().order_by("id")
    assert [row.channel_id for row in rows] == [channel.id for channel in channels]
    # the contact's id is a phone number: the second channel reaches the same contact
    assert await Contact.all().count() == 1
    assert (await Contact.get()).phone == PHONE
    assert len({row.conversation_id for row in rows}) == 1
    assert await ContactChannel.all().count() == 2


async def test_a_contact_known_by_phone_is_recognised(api: Api, world: World) -> None:
    channel = await world.connect()
    known = await world.contact("Bob", phone=PHONE)

    await webhook(channel, PHONE, text(), contact={"firstName": "Robert"})
    await run_jobs()

    [contact] = await Contact.all()
    assert (contact.id, contact.first_name) == (known.id, "Bob")
    assert (await Message.get()).seq == 2


async def test_a_phone_or_email_that_is_taken_is_left_out(api: Api, world: World) -> None:
    channel = await world.connect()
    await world.contact("Bob", phone="+60177872890")
    await world.contact("Eve", email="john@example.com")

    await webhook(channel, "john_1", text(), contact=JOHN)
    assert await run_jobs() == 1

    contact = await Contact.get(first_name="John")
    assert (contact.phone, contact.email, contact.last_name) == (None, None, "Doe")
    assert (contact.claimed_phone, contact.claimed_email) == ("+60177872890", "john@example.com")


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        ({}, "carla@shop"),
        ({"firstName": " "}, "carla@shop"),
        ({"phone": "12", "email": "x", "firstName": 7}, "carla@shop"),
        ({"firstName": "C" * 150}, "C" * 100),
    ],
)
async def test_a_contact_always_has_a_name(
    api: Api, world: World, profile: dict[str, Any], name: str
) -> None:
    await webhook(await world.connect(), "carla@shop", text(), contact={"x": 1, **profile})
    assert await run_jobs() == 1
    contact = await Contact.get()
    assert (contact.first_name, contact.phone, contact.email) == (name, None, None)


@pytest.mark.parametrize(
    ("name", "kind", "sentence"),
    [
        ("hologram", "UNSUPPORTED", "Unsupported message"),
        ("custom_payload", "CUSTOM_PAYLOAD", "Custom payload"),
    ],
)
async def test_what_cannot_be_shown_is_kept_with_its_json(
    api: Api, world: World, name: str, kind: str, sentence: str
) -> None:
    channel = await world.connect()
    event = {"type": "message", "mId": "m1", "message": {"type": name, "payload": {"deep": 1}}}
    await webhook(channel, "carla", event)
    assert await run_jobs() == 1

    message = await Message.get()
    answer = await api.ask(
        world.owner,
        "query($id: ID!) { message(id: $id) { kind text payload status } }",
        id=encode_id("Message", message.id),
    )
    assert answer["message"]["payload"] is not None
    assert answer["message"] == {
        "kind": kind,
        "text": sentence,
        "payload": message.payload,
        "status": "RECEIVED",
    }
    assert f'"{name}"' in (message.payload or "")
    assert '{"deep": 1}' in (message.payload or "")
    conversation = await Conversation.get()
    assert (conversation.status.value, conversation.incoming_count) == ("OPEN", 1)


async def test_what_cannot_be_read_is_kept_with_its_problem(api: Api, world: World) -> None:
    channel = await world.connect()
    await webhook(channel, "carla", {"type": "hologram", "mId": "m1"}, {"no": "type"})
    before = await snapshot()
    assert await run_jobs() == 2

    events = await InboundEvent.all().order_by("id")
    assert [event.kind for event in events] == ["Unparsed", "Unparsed"]
    assert events[0].problem == "unknown event type"
    assert all(event.problem and event.handled_at for event in events)
    assert {**await snapshot(), "job": []} == {**before, "job": []}


async def test_an_echo_answers_the_contact_and_is_not_sent_again(api: Api, world: World) -> None:
    async with vendor_server() as vendor:
        await world.connect(vendor.url)
        heard = await world.hear()
        before = await Conversation.get(id=heard.conversation_id)
        assert before.unreplied_since is not None

        echo = text("From my own phone", "e1", "message_echo")
        await webhook(world.channels[0], "carla", echo)
        assert await run_jobs() == 1

    [message] = await Message.filter(source=MessageSource.ECHO)
    assert (message.direction.value, message.status, message.text, message.author_id) == (
        "OUTGOING",
        MessageStatus.SENT,
        "From my own phone",
        None,
    )
    after = await Conversation.get(id=heard.conversation_id)
    assert (after.unreplied_since, after.incoming_count) == (None, 1)
    assert (vendor.received, await sql.rows("SELECT id FROM job")) == ([], [])


async def test_the_echo_of_our_own_message_has_no_effect(api: Api, world: World) -> None:
    async with vendor_server() as vendor:
        await world.connect(vendor.url)
        heard = await world.hear()
        await send(api, world.owner, heard.conversation_id, "Hi")
        await run_jobs()
        before = await snapshot()

        await webhook(world.channels[0], "carla", text("Hi", "v1", "message_echo"))
        assert await run_jobs() == 1

        assert await snapshot() == before
        assert vendor.texts == ["Hi"]


async def test_a_message_ends_a_snooze(api: Api, world: World) -> None:
    heard = await world.hear()
    await api.ask(
        world.owner,
        "mutation($input: SnoozeConversationInput!) {"
        " snoozeConversation(input: $input) { userErrors { code } } }",
        input={
            "conversationId": encode_id("Conversation", heard.conversation_id),
            "until": (now() + timedelta(days=1)).isoformat(),
        },
    )
    assert (await Conversation.get()).status.value == "SNOOZED"

    await world.hear("Hello again")

    conversation = await Conversation.get()
    assert (conversation.status.value, conversation.snoozed_until) == ("OPEN", None)
    assert await Episode.all().count() == 1


async def test_two_first_messages_at_once_make_one_contact(api: Api, world: World) -> None:
    channel = await world.connect()
    said = [text(f"m{n}", f"m{n}") for n in range(6)]
    await asyncio.gather(*(webhook(channel, "carla", event) for event in said))
    await asyncio.gather(*(run_jobs() for _ in range(4)))

    assert await sql.rows("SELECT id FROM job") == []
    assert (await Contact.all().count(), await Conversation.all().count()) == (1, 1)
    rows = await Message.all().order_by("seq")
    assert {row.text for row in rows} == {f"m{n}" for n in range(6)}
    assert [row.seq for row in rows] == list(range(2, 8))
