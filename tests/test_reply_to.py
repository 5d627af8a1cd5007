"""Replies to a message: where they are taken, what the vendor gets, and their preview."""

from typing import Any

from models.channel import Channel
from models.clock import now
from models.engine import sql
from models.message import Direction, Message, MessageKind, MessageSource, MessageStatus
from models.refusal import Refused
from resolvers.ai_agent import update_ai_agent
from resolvers.assignment import assign_conversation
from resolvers.contact_merge import merge_contacts
from resolvers.message import retry_message
from resolvers.reply_to import PREVIEW_LENGTH, check_reply, one_line
from resolvers.workspace import update_workspace_settings
from schema.ids import encode_id
from tests.acting import api_key, conversation_id, nothing_changes
from tests.test_message import refused, send
from tests.vendor import vendor_server
from tests.world import Api, World, make_world, run_jobs, webhook

MESSAGES = """
query ($id: ID!) { conversation(id: $id) { messages(last: 100) { nodes {
  text canReplyTo replyTo { messageId message { id } authorName text }
} } } }
"""


def of(message: Message) -> dict[str, Any]:
    """Return the input that answers a message."""
    return {"replyToMessageId": encode_id("Message", message.id)}


async def answered(channel: Channel, parent: str, text: str, sender: str = "carla") -> Message:
    """Let a contact answer a message by the vendor's id of it."""
    content = {"type": "text", "text": text, "replyTo": {"mId": parent}}
    await webhook(channel, sender, {"type": "message", "mId": f"to {text}", "message": content})
    await run_jobs()
    return await Message.get(external_id=f"to {text}").select_related("conversation")


async def shown(api: Api, who: Any, row: Any) -> dict[str, Any]:
    """Return what is shown of the messages of a conversation, by their texts."""
    data = await api.ask(who, MESSAGES, id=conversation_id(row))
    return {node.pop("text"): node for node in data["conversation"]["messages"]["nodes"]}


def preview(message: Message, author: str | None, text: str) -> dict[str, Any]:
    """Return the preview of a message."""
    key = encode_id("Message", message.id)
    return {"messageId": key, "message": {"id": key}, "authorName": author, "text": text}


def test_which_message_can_be_answered() -> None:
    channel = Channel(id=1, name="Shop", accepts_reply_to=True)
    for status, external_id, channel_id, takes, code in (
        (MessageStatus.RECEIVED, "v1", 1, True, None),
        (MessageStatus.SENT, "v1", 1, True, None),
        (MessageStatus.FAILED, "v1", 1, True, None),
        (MessageStatus.FAILED, None, 1, True, "WRONG_STATE"),
        (MessageStatus.UNCERTAIN, None, 1, True, "WRONG_STATE"),
        (MessageStatus.SENT, None, 1, True, "WRONG_STATE"),
        (MessageStatus.PENDING, "v1", 1, True, "WRONG_STATE"),
        (MessageStatus.RECEIVED, "v1", 2, True, "INVALID"),
        (MessageStatus.RECEIVED, "v1", 1, False, "REPLY_TO_UNSUPPORTED"),
        (MessageStatus.RECEIVED, "v1", 2, False, "REPLY_TO_UNSUPPORTED"),
    ):
        channel.accepts_reply_to = takes
        row = Message(
            status=status,
            external_id=external_id,
            channel_id=channel_id,
            direction=Direction.OUTGOING,
            kind=MessageKind.TEXT,
            source=MessageSource.USER,
            created_at=now(),
        )
        found = None
        try:
            check_reply(row, channel)
        except Refused as error:
            found = error.code.value
        assert found == code, (status, external_id, channel_id, takes)


def test_a_preview_is_one_line() -> None:
    assert one_line(" a\n\n b\tc ") == "a b c"
    assert one_line("x" * PREVIEW_LENGTH) == "x" * PREVIEW_LENGTH
    assert one_line("x" * 7000) == "x" * (PREVIEW_LENGTH - 1) + "…"


async def test_an_answer_from_here_to_there_and_back(api: Api, world: World) -> None:
    async with vendor_server() as vendor:
        channel = await world.connect(vendor.url, accepts_reply_to=True)
        heard = await world.hear("Is it\nred?", message_id="in 1")
        payload = await send(api, world.owner, heard.conversation_id, "It is", **of(heard))
        assert payload["userErrors"] == []
        await run_jobs()
        assert [request.body["message"] for request in vendor.received] == [
            {"type": "text", "text": "It is", "replyTo": {"mId": "in 1"}}
        ]
        own = await Message.get(text="It is")
        back = await answered(channel, "v1", "Fine")
        lost = await answered(channel, "unheard of", "Hm")
        vendor.will(400, '{"error": {"message": "No."}}')
        await send(api, world.owner, heard.conversation_id, "Really", **of(back))
        await run_jobs()
        failed = await Message.get(text="Really")
        await retry_message(await world.owner.viewer(), failed.id)
        await run_jobs()
        assert vendor.received[-1].body["message"]["replyTo"] == {"mId": "to Fine"}
    assert (back.reply_to_id, lost.reply_to_id) == (own.id, None)
    assert lost.reply_to_external_id == "unheard of"
    found = await shown(api, world.owner, heard)
    assert found == {
        "Is it\nred?": {"canReplyTo": True, "replyTo": None},
        "It is": {"canReplyTo": True, "replyTo": preview(heard, "Carla", "Is it red?")},
        "Fine": {"canReplyTo": True, "replyTo": preview(own, "Olga", "It is")},
        "Hm": {"canReplyTo": True, "replyTo": None},
        "Really": {"canReplyTo": True, "replyTo": preview(back, "Carla", "Fine")},
    }
    await Message.filter(id=own.id).update(external_id="unheard of")
    assert (await shown(api, world.owner, heard))["Hm"]["replyTo"]["text"] == "It is"


async def test_what_cannot_be_answered_is_refused(api: Api, world: World) -> None:
    channel = await world.connect(accepts_reply_to=True)
    heard = await world.hear("Hello", message_id="in 1")
    other = await world.hear("I am Kim", sender="kim")
    foreign = await (await make_world("Elsewhere")).hear()
    await send(api, world.owner, heard.conversation_id, "Waits")
    waiting = await Message.get(text="Waits")
    assert (await shown(api, world.owner, heard))["Waits"]["canReplyTo"] is False
    field = "replyToMessageId"
    nothing = refused("NOT_FOUND", "Nothing was found under this id.", field)
    unknown = "Only a message that the vendor knows can be answered."
    no_such = "The channel Shop does not take which message another one answers."
    key = encode_id("Message", 10**9)
    async with nothing_changes():
        for who, given, expected in (
            (world.owner, of(other), nothing),
            (world.owner, of(foreign), nothing),
            (world.owner, {field: key}, nothing),
            (world.owner, {field: conversation_id(heard)}, nothing),
            (world.owner, of(waiting), refused("WRONG_STATE", unknown, field)),
        ):
            assert await send(api, who, heard.conversation_id, **given) == expected
    await Channel.filter(id=channel.id).update(accepts_reply_to=False)
    answer = await send(api, world.owner, heard.conversation_id, **of(heard))
    assert answer == refused("REPLY_TO_UNSUPPORTED", no_such, field)
    assert (await shown(api, world.owner, heard))["Hello"]["canReplyTo"] is False


async def test_an_answer_stays_on_its_channel(api: Api, world: World) -> None:
    channel = await world.connect(accepts_reply_to=True)
    heard = await world.hear("Hello", message_id="in 1")
    plain = await world.connect(accepts_reply_to=True)
    content = {"type": "text", "text": "P"}
    await webhook(plain, "carla2", {"type": "message", "mId": "p", "message": content})
    await run_jobs()
    row = await Message.get(external_id="p").select_related("conversation")
    viewer = await world.owner.viewer()
    await merge_contacts(viewer, heard.conversation.contact_id, row.conversation.contact_id)
    on_plain = {"channelId": encode_id("Channel", plain.id)}
    another = "A message is answered on the channel that it passed."
    expected = refused("INVALID", another, "replyToMessageId")
    for given in (on_plain, {}):
        assert await send(api, world.owner, heard.conversation_id, **given, **of(heard)) == expected
    again = {"idempotencyKey": "k", "channelId": encode_id("Channel", channel.id)}
    first = await send(api, world.owner, heard.conversation_id, **again, **of(heard))
    assert first["userErrors"] == []
    assert await send(api, world.owner, heard.conversation_id, **again, **of(heard)) == first
    changed = await send(api, world.owner, heard.conversation_id, **again)
    assert changed["userErrors"][0]["code"] == "IDEMPOTENCY_KEY_REUSED"


async def test_whose_name_a_preview_has(api: Api, world: World) -> None:
    async with vendor_server() as vendor:
        channel = await world.connect(vendor.url, accepts_reply_to=True)
        heard = await world.hear("Hi", sender="+33612345678", message_id="in 1")
        await send(api, world.owner, heard.conversation_id, "Yes", **of(heard))
        await send(api, await api_key(world), heard.conversation_id, "Bot")
        await run_jobs()
        await answered(channel, "v1", "to you", "+33612345678")
        await answered(channel, "v2", "to a program", "+33612345678")
    viewer, ada, robo = await world.owner.viewer(), await world.add("Ada"), await world.ai_agent()

    async def names(who: Any = world.owner) -> list[str | None]:
        found = await shown(api, who, heard)
        return [found[text]["replyTo"]["authorName"] for text in ("to you", "to a program")]

    assert await names() == ["Olga", None]
    await assign_conversation(viewer, heard.conversation_id, assignee_id=ada.member.id)
    assert await names() == ["Ada", "Ada"]
    await assign_conversation(viewer, heard.conversation_id, ai_agent_id=robo.id)
    await update_ai_agent(viewer, robo.id, {"name": "Robby"})
    assert await names() == ["Robby", "Robby"]
    assert (await shown(api, ada, heard))["Yes"]["replyTo"]["authorName"] == "+33612345678"
    await mask(world)
    assert (await shown(api, ada, heard))["Yes"]["replyTo"]["authorName"] == "••••••"

    with sql.count_statements() as counter:
        await shown(api, world.owner, heard)
    for number in range(20):
        await answered(channel, f"v{1 + number % 2}", f"more {number}", "+33612345678")
    with sql.count_statements() as more:
        assert len(await shown(api, world.owner, heard)) == 25
    assert more.total == counter.total <= 9


async def mask(world: World) -> None:
    """Hide phone numbers from the agents of a workspace."""
    viewer = await world.owner.viewer()
    await update_workspace_settings(viewer, world.workspace.id, {"masks_phones": True})
