"""Channel choice: what is offered is what can be sent, for how long, and to whom it tells what."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

from connectors.channels import AddressKind
from connectors.channels.custom import CAPABILITIES
from models.channel import Channel, ChannelKind
from models.clock import now, written
from models.contact import Contact
from models.contact_channel import ContactChannel
from models.engine import sql
from models.engine.errors import TransientDatabaseError
from models.member import Restriction
from models.message import Message
from resolvers.channel_choice import ComposerChannelState, Offer, capabilities_of
from resolvers.composer import Reach, is_open
from resolvers.masking import Masking
from resolvers.message import send_message
from schema.ids import encode_id
from tests.acting import conversation_id
from tests.test_inbox import inbox_id
from tests.test_message import refused, send
from tests.world import Api, World, let_time_pass, make_world, run_jobs, webhook

ACCEPTED = {"message": 0, "userErrors": []}
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
FIRST = "The contact has to write on this channel first."


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
        await let_time_pass(60)  # what came in meanwhile may have to be processed again
        await run_jobs()
        [identity] = await ContactChannel.filter(external_id=phone)
        assert identity.contact_id == row.contact_id
        rows = await Message.filter(conversation_id=row.id)
        assert {one.contact_channel_id for one in rows} == {identity.id}
        assert len({one.direction for one in rows}) == 2
