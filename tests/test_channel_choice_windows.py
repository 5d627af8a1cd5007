"""Windows of channels: until when one can write, to the moment, and to whom of several."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from models.channel import Channel
from models.clock import now
from models.contact import Contact
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.message import Message, MessageStatus
from resolvers.composer import PAYMENT_PROBLEM
from resolvers.contact_merge import merge_contacts
from resolvers.message import send_message
from schema.ids import encode_id
from tests.acting import nothing_changes
from tests.test_channel_choice import ACCEPTED, FIRST, PHONE, composer_of, listed, on, write
from tests.test_composer import RETRY
from tests.test_message import refused, send
from tests.world import Api, World

CONNECT = """
mutation ($input: ConnectChannelInput!) { connectChannel(input: $input) {
  channel { messagingWindowHours } userErrors { code field }
} }
"""
LATE = "The contact has not written for too long: the channel waits until they do."


async def test_a_window_closes_at_its_end(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, plain, shut, gone = [
        await world.connect(messaging_window_hours=hours) for hours in (24, None, 1, None)
    ]
    await Channel.filter(id=gone.id).update(is_connected=False)
    heard, who, place = await write(late, "carla"), world.owner, on(late)["channelId"]
    row = heard.conversation_id
    await Contact.filter(id=heard.conversation.contact_id).update(phone=PHONE)
    for channel in (plain, late):
        failed = await send_message(await who.viewer(), row, text="Hi", channel_id=channel.id)
    await Message.filter(id=failed.id).update(status=MessageStatus.FAILED)
    again = {"input": {"messageId": encode_id("Message", failed.id)}}
    closes = (await ContactChannel.get(channel_id=late.id)).last_incoming_at
    assert closes is not None
    closes += timedelta(hours=24)

    at(closes, monkeypatch)
    expected = [
        (place, "ACTIVE", "WINDOW_CLOSED", True),
        (on(plain)["channelId"], "ACTIVE", None, False),
        (on(shut)["channelId"], "UNAVAILABLE", "NO_CHANNEL", False),
    ]
    async with nothing_changes():
        assert await listed(api, who, heard) == expected
        await check_refusals(api, who, heard, (late, shut, gone), again)
    at(closes - timedelta(microseconds=1), monkeypatch)
    assert await listed(api, who, heard) == [(place, "ACTIVE", None, True), *expected[1:]]
    assert (await api.ask(who, RETRY, **again))["retryMessage"]["userErrors"] == []
    at(closes, monkeypatch)
    await ContactChannel.filter(channel_id=late.id).update(last_incoming_at=closes)
    assert await send(api, who, row, **on(late)) | {"message": 0} == ACCEPTED
    await check_restrictions(api, world, heard.conversation, expected)


async def check_refusals(
    api: Api, who: Any, heard: Message, channels: tuple[Channel, Channel, Channel], again: Any
) -> None:
    """Show what is answered once a window is closed."""
    late, shut, gone = channels
    shown = await composer_of(api, who, heard)
    assert (shown["window"]["isOpen"], shown["restriction"]) == (False, "WINDOW_CLOSED")
    for given, code, text in (
        ({}, "WINDOW_CLOSED", LATE),
        (on(late), "WINDOW_CLOSED", LATE),
        (on(shut), "NO_CHANNEL", FIRST),
        (on(gone), "NO_CHANNEL", "This channel is disconnected."),
    ):
        answer = await send(api, who, heard.conversation_id, **given)
        assert answer == refused(code, text, "channelId")
    answer = (await api.ask(who, RETRY, **again))["retryMessage"]
    assert answer == refused("WINDOW_CLOSED", LATE, "messageId")


def at(moment: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make it a certain moment for windows."""
    for module in ("resolvers.composer", "schema.objects.composer"):
        monkeypatch.setattr(f"{module}.now", lambda: moment)


async def check_restrictions(api: Api, world: World, row: Conversation, states: list[Any]) -> None:
    """Show what each reason does to channels of each state."""
    late, plain, shut = (key for key, *_ in states)

    async def reasons() -> dict[str, Any]:
        return {key: why for key, _, why, _ in await listed(api, world.owner, row)}

    own = Conversation.filter(id=row.id)
    last = await Message.filter(conversation_id=row.id).order_by("-seq").first()
    assert last is not None
    failure = {"status": MessageStatus.FAILED, "failure_code": PAYMENT_PROBLEM}
    await Message.filter(id=last.id).update(**failure)
    poor = {late: "INSUFFICIENT_BALANCE", plain: None, shut: "NO_CHANNEL"}
    assert await reasons() == poor
    await own.update(ai_agent_id=(await world.ai_agent()).id)
    assert await reasons() == poor | {plain: "AI_HANDLING"}
    await Channel.all().update(is_connected=False)
    # what is disconnected is not offered unless it was used
    assert await reasons() == dict.fromkeys((late, plain), "CHANNEL_DISCONNECTED")
    await Channel.all().update(is_connected=True)
    await own.update(blocked_at=now())
    assert set((await reasons()).values()) == {"BLOCKED"}


async def test_of_several_identities_the_one_they_wrote_from_last(api: Api, world: World) -> None:
    channel = await world.connect(accepts_reply_to=True, messaging_window_hours=1)
    first, second = await write(channel, "carla"), await write(channel, "karla")
    owner, row = await world.owner.viewer(), first.conversation_id
    await merge_contacts(owner, first.conversation.contact_id, second.conversation.contact_id)
    carla = await ContactChannel.get(external_id="carla")

    async def offered() -> tuple[str, bool]:
        [one] = (await composer_of(api, world.owner, first))["channels"]
        assert one["isDefault"]
        return one["contactChannel"]["externalId"], one["window"]["isOpen"]

    async def reached(**more: Any) -> int:
        sent = await send_message(owner, row, text="Hi", **more)
        return (await Message.get(id=sent.id)).contact_channel_id

    assert await offered() == ("karla", True)
    answers = {"reply_to_id": first.id}
    for given in ({}, {"channel_id": channel.id}):
        assert await reached(**given, **answers) == carla.id
        assert await reached(**given) != carla.id  # whatever it was used for last
    long_ago = now() - timedelta(hours=2)
    await ContactChannel.filter(id=carla.id).update(last_incoming_at=long_ago)
    async with nothing_changes():  # its window is that of the identity to which it would go
        of_first = {"replyToMessageId": encode_id("Message", first.id)}
        answer = await send(api, world.owner, row, **of_first)
        assert answer == refused("WINDOW_CLOSED", LATE, "channelId")
    assert await offered() == ("karla", True)
    await write(channel, "carla", "Again")
    assert await offered() == ("carla", True)


async def test_a_window_has_hours(api: Api, world: World) -> None:
    given = {"workspaceId": world.id, "name": "Shop", "baseUrl": "https://shop.test"}
    field = ["messagingWindowHours"]
    for hours, errors in (
        (None, []),
        (1, []),
        (8760, []),
        (0, [{"code": "INVALID", "field": field}]),
        (8761, [{"code": "INVALID", "field": field}]),
    ):
        payload = (await api.ask(world.owner, CONNECT, input={**given, field[0]: hours}))[
            "connectChannel"
        ]
        channel = None if errors else {"messagingWindowHours": hours}
        assert payload == {"channel": channel, "userErrors": errors}
    assert await Channel.all().count() == 3
