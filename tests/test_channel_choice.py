"""Channel choice: what is offered is what can be sent, for how long, and to whom it tells what."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from connectors.channels import AddressKind
from connectors.channels.custom import CAPABILITIES
from models.channel import Channel, ChannelKind
from models.clock import now, written
from models.contact import Contact
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.engine import sql
from models.engine.errors import TransientDatabaseError
from models.member import Restriction
from models.message import Message, MessageStatus
from resolvers.channel_choice import ComposerChannelState, Offer, capabilities_of
from resolvers.composer import PAYMENT_PROBLEM, Reach, is_open
from resolvers.contact_merge import merge_contacts
from resolvers.masking import Masking
from resolvers.message import send_message
from schema.ids import encode_id
from tests.acting import conversation_id, nothing_changes
from tests.test_composer import RETRY
from tests.test_inbox import inbox_id
from tests.test_message import refused, send
from tests.world import Api, World, make_world, run_jobs, webhook

PHONE = "+33612345678"
SHOWN = """
composer { restriction canReplyTo channel { id } window { isOpen closesAt } channels {
  channel { id messagingWindowHours } contactChannel { id externalId channel { id } }
  state isDefault restriction window { isOpen closesAt }
  capabilities { textMaxCharacters canReplyTo hasTyping filesMax fileMaxBytes }
} }
"""
READ = f"query ($id: ID!) {{ conversation(id: $id) {{ {SHOWN} }} }}"
LIST = f"""
query ($id: ID!) {{ inbox(id: $id) {{ conversations(first: 50) {{ nodes {{ {SHOWN} }} }} }} }}
"""
CONNECT = """
mutation ($input: ConnectChannelInput!) { connectChannel(input: $input) {
  channel { messagingWindowHours } userErrors { code field }
} }
"""
FIRST = "The contact has to write on this channel first."
LATE = "The contact has not written for too long: the channel waits until they do."


async def composer_of(api: Api, who: Any, row: Any) -> Any:
    """Return the composer of a conversation."""
    return (await api.ask(who, READ, id=conversation_id(row)))["conversation"]["composer"]


async def listed(api: Api, who: Any, row: Any) -> list[tuple[Any, ...]]:
    """Return the channels of a composer: key, state, restriction, and which is the default."""
    found = (await composer_of(api, who, row))["channels"]
    return [
        (one["channel"]["id"], one["state"], one["restriction"], one["isDefault"]) for one in found
    ]


def on(channel: Channel) -> dict[str, Any]:
    """Return the input that names a channel."""
    return {"channelId": encode_id("Channel", channel.id)}


async def write(channel: Channel, sender: str, text: str = "Hello") -> Message:
    """Let a contact write on a channel; return the message."""
    said = {"type": "text", "text": text}
    key = f"{channel.id} {sender} {text}"
    await webhook(channel, sender, {"type": "message", "mId": key, "message": said})
    await run_jobs()
    return await Message.get(external_id=key).select_related("conversation")


def test_states_and_windows() -> None:
    """What a viewer is told of a channel, and when a window is open."""
    given = {
        hours: capabilities_of(ChannelKind.CUSTOM, accepts_reply_to=True, window_hours=hours)
        for hours in (None, 2)
    }
    assert (given[None].begins_by, given[2].begins_by) == (AddressKind.PHONE, None)
    assert (given[None].window_seconds, given[2].window_seconds) == (None, 7200)
    assert CAPABILITIES.has_reply_to is False and given[2].has_reply_to
    then = now()
    for hours, wrote, after, expected in (
        (None, None, 0, True),
        (None, then, 10**6, True),
        (2, None, 0, False),
        (2, then, 7199.999999, True),
        (2, then, 7200, False),
    ):
        assert is_open(given[hours], wrote, then + timedelta(seconds=after)) is expected
    channel, identity = Channel(id=1), ContactChannel(id=1)
    active, inactive, unavailable = ComposerChannelState
    nothing, phones = Masking(), Masking(phones=True)
    emails = Masking(emails=True)
    for row, address, claimed, masking, state in (
        (identity, None, None, phones, active),
        (None, "x", None, phones, inactive),
        (None, "x", AddressKind.PHONE, nothing, inactive),
        (None, "x", AddressKind.PHONE, emails, inactive),
        (None, "x", AddressKind.PHONE, phones, unavailable),
        (None, "x", AddressKind.EMAIL, phones, inactive),
        (None, "x", AddressKind.EMAIL, emails, unavailable),
        (None, None, None, nothing, unavailable),
    ):
        reach = Reach(1, claimed=claimed, capabilities=given[None])
        offer = Offer(channel, row, reach, address)
        assert offer.state_for(masking) is state
        assert offer.reach_for(masking) is (None if state is unavailable else reach)


ALWAYS = {"isOpen": True, "closesAt": None}
ABILITIES = {
    "textMaxCharacters": 7000,
    "canReplyTo": False,
    "hasTyping": False,
    "filesMax": 50,
    "fileMaxBytes": None,
}


async def test_the_channel_decides_window_and_replies(api: Api, world: World) -> None:
    late = await world.connect(messaging_window_hours=24)
    plain = await world.connect(accepts_reply_to=True)
    shut = await world.connect(messaging_window_hours=1)
    heard, who, place = await write(late, "carla"), world.owner, on(late)["channelId"]
    unreached = ("UNAVAILABLE", "NO_CHANNEL", False)
    assert await listed(api, who, heard) == [
        (place, "ACTIVE", None, True),
        *((on(one)["channelId"], *unreached) for one in (plain, shut)),
    ]
    identity = await ContactChannel.get(channel_id=late.id)
    assert identity.last_incoming_at is not None
    closes = identity.last_incoming_at + timedelta(hours=24)
    window = {"isOpen": True, "closesAt": written(closes)}
    shown = await composer_of(api, who, heard)
    assert shown.pop("channels")[0] == {
        "channel": {"id": place, "messagingWindowHours": 24},
        "contactChannel": {
            "id": encode_id("ContactChannel", identity.id),
            "externalId": "carla",
            "channel": {"id": place},
        },
        "state": "ACTIVE",
        "isDefault": True,
        "restriction": None,
        "window": window,
        "capabilities": ABILITIES,
    }
    expected = {"restriction": None, "canReplyTo": False, "channel": {"id": place}}
    assert shown == expected | {"window": window}
    await Contact.filter(id=heard.conversation.contact_id).update(phone=PHONE)
    assert (await listed(api, who, heard))[1] == (on(plain)["channelId"], "INACTIVE", None, False)
    assert await send(api, who, heard.conversation_id, **on(plain)) | {"message": 0} == ACCEPTED
    shown = await composer_of(api, who, heard)
    assert shown.pop("channels")[0]["capabilities"] == ABILITIES | {"canReplyTo": True}
    expected = {"restriction": None, "canReplyTo": True, "channel": {"id": on(plain)["channelId"]}}
    assert shown == expected | {"window": ALWAYS}


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
        shown = await composer_of(api, who, heard)
        assert shown["window"] == {"isOpen": False, "closesAt": written(closes)}
        assert shown["restriction"] == "WINDOW_CLOSED"
        for given, code, text in (
            ({}, "WINDOW_CLOSED", LATE),
            (on(late), "WINDOW_CLOSED", LATE),
            (on(shut), "NO_CHANNEL", FIRST),
            (on(gone), "NO_CHANNEL", "This channel is disconnected."),
        ):
            assert await send(api, who, row, **given) == refused(code, text, "channelId")
        answer = (await api.ask(who, RETRY, **again))["retryMessage"]
        assert answer == refused("WINDOW_CLOSED", LATE, "messageId")
    at(closes - timedelta(microseconds=1), monkeypatch)
    assert await listed(api, who, heard) == [(place, "ACTIVE", None, True), *expected[1:]]
    assert (await api.ask(who, RETRY, **again))["retryMessage"]["userErrors"] == []
    at(closes, monkeypatch)
    await ContactChannel.filter(channel_id=late.id).update(last_incoming_at=closes)
    assert await send(api, who, row, **on(late)) | {"message": 0} == ACCEPTED
    await check_restrictions(api, world, heard.conversation, expected)


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


ACCEPTED = {"message": 0, "userErrors": []}


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


async def test_what_is_hidden_makes_no_difference(api: Api, world: World) -> None:
    channel = await world.connect()
    masked = await world.add("Ada", restrictions=[Restriction.PHONE_NUMBERS])
    await world.hear(sender=PHONE)
    await Contact.all().update(phone=None)  # the number is somebody's on the channel alone
    taken = await world.conversation("Eva", phone=PHONE)
    free = await world.conversation("Ida", phone="+33612345679")
    nothing = [(on(channel)["channelId"], "UNAVAILABLE", "NO_CHANNEL", False)]
    assert await listed(api, world.owner, taken) == nothing
    able = [(on(channel)["channelId"], "INACTIVE", None, True)]
    assert await listed(api, masked, free) == await listed(api, world.owner, free) == able
    for row in (taken, free):  # as if it had been given by who does not see whose it is
        await Contact.filter(id=row.contact_id).update(given_phone="+33612345679")
    assert await listed(api, world.owner, free) == able
    seen = [await composer_of(api, masked, row) for row in (taken, free)]
    assert seen[0] == seen[1]
    assert (seen[0]["channel"], seen[0]["window"], seen[0]["canReplyTo"]) == (None, None, False)
    answers = [await send(api, masked, row.id, **on(channel)) for row in (taken, free)]
    assert answers == [refused("NO_CHANNEL", FIRST, "channelId")] * 2
    stranger = (await make_world("Elsewhere")).owner
    answer = await api.run(stranger.token, READ, id=conversation_id(free))
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_page_costs_the_same_for_few_and_for_many(api: Api, world: World) -> None:
    other = await world.connect(accepts_reply_to=True)
    counts = []
    for portion in (range(2), range(2, 8)):
        for number in portion:
            heard = await world.hear(sender=f"c{number}")
            await write(other, f"d{number}")
            details = {"phone": f"+3363998010{number}"}
            await Contact.filter(id=heard.conversation.contact_id).update(**details)
            await world.conversation(f"N{number}", phone=f"+3363998011{number}")
        with sql.count_statements() as counter:
            data = await api.ask(world.owner, LIST, id=inbox_id(world, "ALL"))
        assert len(data["inbox"]["conversations"]["nodes"]) == 3 * (portion.stop)
        counts.append(counter.total)
    assert counts[0] == counts[1] <= 20


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


async def test_who_writes_first_at_once_with_the_contact(api: Api, world: World) -> None:
    channel = await world.connect()
    viewer = await world.owner.viewer()
    for number in range(4):
        phone = f"+3361234567{number}"
        row = await world.conversation("Carla", phone=phone)
        said = {"type": "text", "text": "Hi"}
        await webhook(channel, phone, {"type": "message", "mId": phone, "message": said})

        async def answer(key: int = row.id) -> None:
            with suppress(TransientDatabaseError):  # TRY_AGAIN: the contact was faster
                await send_message(viewer, key, text="Hello")

        await asyncio.gather(answer(), run_jobs(), answer())
        await answer()
        await run_jobs()
        [identity] = await ContactChannel.filter(external_id=phone)
        assert identity.contact_id == row.contact_id
        rows = await Message.filter(conversation_id=row.id)
        assert {one.contact_channel_id for one in rows} == {identity.id}
        assert len({one.direction for one in rows}) == 2
