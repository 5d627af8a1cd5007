"""Sending messages: what is accepted, on which channel, and what it changes."""

from typing import Any

import pytest

from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.engine import sql
from models.episode import ChangeSource, Episode
from models.message import Message
from realtime.events import ContactCreated, ConversationOpened, MemberChanged, MessageAdded
from schema.ids import encode_id
from tests.world import Api, World, make_world, run_jobs, snapshot, webhook

SEND = """
mutation Send($input: SendMessageInput!) {
  sendMessage(input: $input) {
    message {
      id text direction kind source status seq
      author { ... on Member { name } }
      channel { id }
      statusHistory { status }
      failure { code }
      retryOfId
      viewerCanRetry
    }
    userErrors { code message field }
  }
}
"""


async def send(api: Api, who: Any, conversation_id: int, text: str = "Hi", **more: Any) -> Any:
    """Send a message and return the payload."""
    given = {"conversationId": encode_id("Conversation", conversation_id), "text": text, **more}
    return (await api.ask(who, SEND, input=given))["sendMessage"]


def refused(code: str, message: str, field: str) -> dict[str, Any]:
    """Return the payload of a refusal."""
    return {"message": None, "userErrors": [{"code": code, "message": message, "field": [field]}]}


async def test_a_message_is_accepted_and_waits_for_its_delivery(api: Api, world: World) -> None:
    heard = await world.hear()

    payload = await send(api, world.owner, heard.conversation_id, "  Good *day* ☀\n")

    [row] = await Message.filter(direction="OUTGOING")
    assert payload == {
        "message": {
            "id": encode_id("Message", row.id),
            "text": "  Good *day* ☀\n",
            "direction": "OUTGOING",
            "kind": "TEXT",
            "source": "USER",
            "status": "PENDING",
            "seq": 3,
            "author": {"name": "Olga"},
            "channel": {"id": encode_id("Channel", world.channels[0].id)},
            "statusHistory": [{"status": "PENDING"}],
            "failure": None,
            "retryOfId": None,
            "viewerCanRetry": False,
        },
        "userErrors": [],
    }
    assert (await world.facts())[-1] == MessageAdded(
        world.workspace.id, heard.conversation_id, row.id
    )
    assert await sql.rows("SELECT kind, payload, ordering_key, state FROM job") == [
        {
            "kind": "deliver_message",
            "payload": f'{{"message_id":{row.id}}}',
            "ordering_key": f"conversation:{heard.conversation_id}",
            "state": "READY",
        }
    ]


async def test_a_pending_message_still_leaves_the_contact_waiting(api: Api, world: World) -> None:
    heard = await world.hear()
    before = await Conversation.get(id=heard.conversation_id)
    assert before.unreplied_since is not None

    payload = await send(api, world.owner, heard.conversation_id)

    after = await Conversation.get(id=heard.conversation_id)
    [row] = await Message.filter(direction="OUTGOING")
    assert payload["userErrors"] == []
    assert after.unreplied_since == before.unreplied_since
    assert (after.version, after.status) == (before.version, before.status)
    assert (after.last_message_id, after.last_message_at) == (row.id, row.created_at)
    assert (after.last_seq, row.seq, row.incoming_count) == (3, 3, 1)


TEXTS = [
    ("", "BLANK", "Write a message first."),
    (" \t\n ", "BLANK", "Write a message first."),
    ("x" * 7001, "TOO_LONG", "At most 7000 characters."),
]


@pytest.mark.parametrize(("text", "code", "sentence"), TEXTS)
async def test_a_text_that_is_blank_or_too_long_is_refused(
    api: Api, world: World, text: str, code: str, sentence: str
) -> None:
    heard = await world.hear()
    before = await snapshot()

    payload = await send(api, world.owner, heard.conversation_id, text)

    assert payload == refused(code, sentence, "text")
    assert await snapshot() == before


async def test_a_text_may_have_seven_thousand_characters(api: Api, world: World) -> None:
    heard = await world.hear()
    payload = await send(api, world.owner, heard.conversation_id, "é" * 7000)
    assert (payload["userErrors"], payload["message"]["text"]) == ([], "é" * 7000)


async def test_a_message_opens_a_closed_conversation(api: Api, world: World) -> None:
    await world.connect()
    conversation = await world.conversation(phone="+33612345678")

    payload = await send(api, world.owner, conversation.id)

    after = await Conversation.get(id=conversation.id)
    [episode] = await Episode.all()
    [row] = await Message.all()
    assert payload["message"]["seq"] == 2
    assert (after.status.value, after.version) == ("OPEN", conversation.version + 1)
    assert (episode.opened_source, episode.opened_by_id) == (
        ChangeSource.USER,
        world.owner.member.id,
    )
    assert await world.facts() == [
        MemberChanged(world.workspace.id, world.owner.member.id),
        ContactCreated(world.workspace.id, conversation.contact_id, conversation.id),
        ConversationOpened(world.workspace.id, conversation.id),
        MessageAdded(world.workspace.id, conversation.id, row.id),
    ]


async def test_the_default_channel_is_the_one_used_last(api: Api, world: World) -> None:
    phone, ids = "+33612345678", []
    for _ in range(2):
        channel = await world.connect()
        said = {"type": "message", "mId": "1", "message": {"type": "text", "text": "Hi"}}
        ids.append(encode_id("Channel", channel.id))
        await webhook(channel, phone, said)
    conversation = await _heard_conversation(world)

    second = await send(api, world.owner, conversation.id)
    first = await send(api, world.owner, conversation.id, channelId=ids[0])
    again = await send(api, world.owner, conversation.id)

    assert [p["message"]["channel"]["id"] for p in (second, first, again)] == [
        ids[1],
        ids[0],
        ids[0],
    ]


async def _heard_conversation(world: World) -> Conversation:
    await run_jobs()
    return await Conversation.get(workspace_id=world.workspace.id)


async def test_the_first_contact_is_made_by_phone(api: Api, world: World) -> None:
    channel = await world.connect()
    conversation = await world.conversation(phone="+33612345678")

    payload = await send(api, world.owner, conversation.id)

    [target] = await ContactChannel.all()
    assert payload["message"]["channel"] == {"id": encode_id("Channel", channel.id)}
    assert (target.channel_id, target.contact_id, target.external_id) == (
        channel.id,
        conversation.contact_id,
        "+33612345678",
    )


CANNOT = "This contact cannot be reached on any channel."


async def test_without_phone_or_channel_nobody_is_reached(api: Api, world: World) -> None:
    without_channel = await world.conversation("Bob", phone="+33612345678")
    before = await snapshot()
    payload = await send(api, world.owner, without_channel.id)
    assert payload == refused("NO_CHANNEL", CANNOT, "channelId")
    assert await snapshot() == before

    await world.connect()
    without_phone = await world.conversation("Dan")
    before = await snapshot()
    payload = await send(api, world.owner, without_phone.id)
    assert payload == refused("NO_CHANNEL", CANNOT, "channelId")
    assert await snapshot() == before


async def test_a_number_that_is_another_contact_on_the_channel_is_refused(
    api: Api, world: World
) -> None:
    channel = await world.connect()
    other = await world.contact("Eve")
    await ContactChannel.create(
        contact_id=other.id,
        channel_id=channel.id,
        external_id="+33612345678",
        created_at=other.created_at,
    )
    conversation = await world.conversation("Bob", phone="+33612345678")
    before = await snapshot()

    payload = await send(api, world.owner, conversation.id)

    assert payload == refused("NO_CHANNEL", CANNOT, "channelId")
    assert await snapshot() == before


async def test_a_disconnected_channel_takes_nothing(api: Api, world: World) -> None:
    heard = await world.hear()
    world.channels[0].is_connected = False
    await world.channels[0].save()
    before = await snapshot()

    payload = await send(api, world.owner, heard.conversation_id)

    assert payload == refused("NO_CHANNEL", "This channel is disconnected.", "channelId")
    assert await snapshot() == before


async def test_what_is_hidden_was_not_found(api: Api, world: World) -> None:
    heard = await world.hear()
    stranger = await make_world("Other")
    foreign_channel = await stranger.connect()
    before = await snapshot()
    nothing = "Nothing was found under this id."

    assert await send(api, stranger.owner, heard.conversation_id) == refused(
        "NOT_FOUND", nothing, "conversationId"
    )
    assert await send(api, world.owner, 10**9) == refused("NOT_FOUND", nothing, "conversationId")
    for channel_id in (foreign_channel.id, 10**9):
        assert await send(
            api,
            world.owner,
            heard.conversation_id,
            channelId=encode_id("Channel", channel_id),
        ) == refused("NOT_FOUND", nothing, "channelId")
    assert await snapshot() == before


async def test_nobody_sends_without_logging_in(api: Api, world: World) -> None:
    heard = await world.hear()
    before = await snapshot()
    given = {"conversationId": encode_id("Conversation", heard.conversation_id), "text": "Hi"}

    answer = await api.run(None, SEND, input=given)

    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await snapshot() == before
