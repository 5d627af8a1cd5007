"""The composer: its reasons in their order, the same for what is shown and what is done."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from connectors.channels.custom import CAPABILITIES
from models.channel import Channel, ChannelKind
from models.clock import now
from models.contact import Contact
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.engine import sql
from models.message import Message, MessageStatus
from models.refusal import Code, Refused
from models.scheduled_message import ScheduledMessage
from resolvers import channel_choice
from resolvers.channel_choice import capabilities_of
from resolvers.composer import PAYMENT_PROBLEM, REFUSALS, ComposerRestriction, Reach, restriction_of
from resolvers.message import send_message
from resolvers.schedule import Plan, schedule_message
from schema.ids import encode_id
from tests.acting import api_key, nothing_changes, succeed
from tests.test_inbox import inbox_id
from tests.world import Api, World, let_time_pass, run_jobs, snapshot

COMPOSER = "query ($id: ID!) { conversation(id: $id) { composer { restriction canTakeOver } } }"
SEND = """
mutation ($input: SendMessageInput!) {
  sendMessage(input: $input) { message { id } userErrors { code message field } }
}
"""
RETRY = """
mutation ($input: RetryMessageInput!) {
  retryMessage(input: $input) { message { id } userErrors { code message field } }
}
"""
LIST = """
query ($id: ID!) { inbox(id: $id) { conversations(first: 100) {
  nodes { composer { restriction canTakeOver } }
} } }
"""


@pytest.mark.parametrize("is_member", [True, False])
def test_the_most_pressing_reason_is_told(is_member: bool) -> None:
    then = now()
    for blocked, none, cut, poor, handled, late in product([False, True], repeat=6):
        failure = PAYMENT_PROBLEM if poor else "131026"
        capabilities = replace(CAPABILITIES, window_seconds=60 if late else None)
        reach = None if none else Reach(1, not cut, failure, None, then, capabilities=capabilities)
        reasons = (blocked, none, cut, poor, handled and is_member, late)
        expected = [why for why, holds in zip(ComposerRestriction, reasons, strict=True) if holds]
        found = restriction_of(
            reach,
            is_blocked=blocked,
            is_ai_handled=handled,
            is_member=is_member,
            at=then + timedelta(seconds=60),
        )
        assert found is (expected[0] if expected else None)


def test_each_reason_has_a_refusal() -> None:
    assert set(REFUSALS) == set(ComposerRestriction)
    assert {code for code, _, _ in REFUSALS.values()} == {
        Code.BLOCKED,
        Code.NO_CHANNEL,
        Code.INSUFFICIENT_BALANCE,
        Code.AI_HANDLING,
        Code.WINDOW_CLOSED,
    }


async def composer(api: Api, who: Any, row: Any) -> tuple[str | None, bool]:
    """Return what the composer of a conversation says."""
    data = await api.ask(who, COMPOSER, id=encode_id("Conversation", row))
    found = data["conversation"]["composer"]
    return found["restriction"], found["canTakeOver"]


async def send(api: Api, who: Any, row: int, **values: Any) -> list[Any]:
    """Send a message; return the userErrors."""
    given = {"conversationId": encode_id("Conversation", row), "text": "Hi", **values}
    data = await api.ask(who, SEND, input=given)
    errors: list[Any] = data["sendMessage"]["userErrors"]
    return errors


async def retry(api: Api, who: Any, message: Message) -> list[Any]:
    """Send a failed message again; return the userErrors."""
    given = {"messageId": encode_id("Message", message.id)}
    errors: list[Any] = (await api.ask(who, RETRY, input=given))["retryMessage"]["userErrors"]
    return errors


def error_of(restriction: ComposerRestriction, field: str = "") -> dict[str, Any]:
    """Return the userError of a restriction."""
    code, message, own_field = REFUSALS[restriction]
    return {"code": code.value, "message": message, "field": [field or own_field]}


async def failed(api: Api, world: World, conversation: int, code: str) -> Message:
    """Send a message and let it fail."""
    assert await send(api, world.owner, conversation) == []
    message = await Message.filter(conversation_id=conversation).order_by("-id").first()
    assert message is not None
    await Message.filter(id=message.id).update(
        status=MessageStatus.FAILED, failure_code=code, failure_text="No."
    )
    return message


async def restrict(world: World, row: int, restriction: ComposerRestriction) -> None:
    """Bring a conversation with a failed message into a state."""
    own = Conversation.filter(id=row)
    match restriction:
        case ComposerRestriction.BLOCKED:
            await own.update(blocked_at=now())
        case ComposerRestriction.NO_CHANNEL:
            raise NotImplementedError
        case ComposerRestriction.CHANNEL_DISCONNECTED:
            await Channel.all().update(is_connected=False)
        case ComposerRestriction.INSUFFICIENT_BALANCE:
            await (
                Message.filter(conversation_id=row)
                .exclude(failure_code=None)
                .update(failure_code=PAYMENT_PROBLEM)
            )
        case ComposerRestriction.WINDOW_CLOSED:
            await Channel.all().update(messaging_window_hours=1)
            await ContactChannel.all().update(last_incoming_at=now() - timedelta(hours=1))
        case ComposerRestriction.AI_HANDLING:
            await own.update(ai_agent_id=(await world.ai_agent()).id)


STATES = [one for one in ComposerRestriction if one is not ComposerRestriction.NO_CHANNEL]


@pytest.mark.parametrize("restriction", STATES)
async def test_what_is_shown_is_what_is_refused(
    api: Api, world: World, restriction: ComposerRestriction
) -> None:
    row = (await world.hear()).conversation_id
    message = await failed(api, world, row, "131026")
    assert await composer(api, world.owner, row) == (None, False)
    await restrict(world, row, restriction)
    can_take_over = restriction is ComposerRestriction.AI_HANDLING
    async with nothing_changes():
        assert await composer(api, world.owner, row) == (restriction.value, can_take_over)
        assert await send(api, world.owner, row) == [error_of(restriction)]
        if restriction is not ComposerRestriction.INSUFFICIENT_BALANCE:
            assert await retry(api, world.owner, message) == [error_of(restriction, "messageId")]


async def test_more_pressing_reasons_hide_the_take_over(api: Api, world: World) -> None:
    row = (await world.hear()).conversation_id
    await failed(api, world, row, "131026")
    for restriction in reversed(STATES):
        await restrict(world, row, restriction)
        can_take_over = restriction is ComposerRestriction.AI_HANDLING
        assert await composer(api, world.owner, row) == (restriction.value, can_take_over)
        assert await send(api, world.owner, row) == [error_of(restriction)]


async def test_a_program_writes_beside_an_ai_agent(api: Api, world: World) -> None:
    row, program = (await world.hear()).conversation_id, await api_key(world)
    message = await failed(api, world, row, "131026")
    await restrict(world, row, ComposerRestriction.AI_HANDLING)
    assert await composer(api, program, row) == (None, False)
    assert await send(api, program, row) == []
    assert await retry(api, program, message) == []
    for restriction in (ComposerRestriction.CHANNEL_DISCONNECTED, ComposerRestriction.BLOCKED):
        await restrict(world, row, restriction)
        assert await composer(api, program, row) == (restriction.value, False)
        assert await send(api, program, row) == [error_of(restriction)]


async def test_after_taking_over_the_member_writes(api: Api, world: World) -> None:
    message = await world.hear()
    await restrict(world, message.conversation_id, ComposerRestriction.AI_HANDLING)
    await succeed(api, world.owner, "takeOverConversation", message)
    assert await composer(api, world.owner, message.conversation_id) == (None, False)
    assert await send(api, world.owner, message.conversation_id) == []


async def test_the_same_key_answers_also_once_an_ai_agent_has_it(api: Api, world: World) -> None:
    row = (await world.hear()).conversation_id
    assert await send(api, world.owner, row, idempotencyKey="one") == []
    await restrict(world, row, ComposerRestriction.AI_HANDLING)
    async with nothing_changes():
        assert await send(api, world.owner, row, idempotencyKey="one") == []


async def test_a_payment_problem_ends_with_a_retry_that_is_not_refused(
    api: Api, world: World
) -> None:
    row = (await world.hear()).conversation_id
    message = await failed(api, world, row, PAYMENT_PROBLEM)
    poor = ComposerRestriction.INSUFFICIENT_BALANCE
    assert await send(api, world.owner, row) == [error_of(poor)]
    assert await retry(api, world.owner, message) == []
    assert await composer(api, world.owner, row) == (None, False)
    again = await Message.get(retry_of_id=message.id)
    await Message.filter(id=again.id).update(
        status=MessageStatus.FAILED, failure_code=PAYMENT_PROBLEM
    )
    assert await composer(api, world.owner, row) == (poor.value, False)
    await Message.filter(id=again.id).update(status=MessageStatus.SENT)
    assert await send(api, world.owner, row) == []


async def test_another_channel_has_reasons_of_its_own(api: Api, world: World) -> None:
    row = (await world.hear()).conversation_id
    await failed(api, world, row, PAYMENT_PROBLEM)
    other = await world.connect()
    contact = await Contact.get(conversation__id=row)
    await Contact.filter(id=contact.id).update(phone="+33639980105")
    assert await send(api, world.owner, row, channelId=encode_id("Channel", other.id)) == []
    assert await composer(api, world.owner, row) == (None, False)
    assert await send(
        api, world.owner, row, channelId=encode_id("Channel", world.channels[0].id)
    ) == [error_of(ComposerRestriction.INSUFFICIENT_BALANCE)]


async def test_by_phone_on_the_first_channel_that_is_connected(api: Api, world: World) -> None:
    nobody = (await world.conversation("Nobody")).id
    row = (await world.conversation("Carla", phone="+33639980105")).id
    none = ComposerRestriction.NO_CHANNEL
    for one in (nobody, row):
        assert await composer(api, world.owner, one) == (none.value, False)
        assert await send(api, world.owner, one) == [error_of(none)]
    channel = await world.connect()
    await Channel.filter(id=channel.id).update(is_connected=False)
    assert await composer(api, world.owner, row) == (none.value, False)
    await Channel.filter(id=channel.id).update(is_connected=True)
    await Conversation.filter(id__in=[nobody, row]).update(ai_agent_id=(await world.ai_agent()).id)
    assert await composer(api, world.owner, nobody) == (none.value, False)
    assert await composer(api, world.owner, row) == ("AI_HANDLING", True)
    assert await send(api, world.owner, row) == [error_of(ComposerRestriction.AI_HANDLING)]
    await Conversation.filter(id=row).update(ai_agent_id=None)
    assert await composer(api, world.owner, row) == (None, False)
    assert await send(api, world.owner, row) == []


async def test_a_number_that_somebody_else_writes_from_is_no_channel(
    api: Api, world: World
) -> None:
    await world.hear(sender="+33639980105")
    await Contact.all().update(phone=None)  # they have another one now
    row = (await world.conversation("Carla", phone="+33639980105")).id
    none = ComposerRestriction.NO_CHANNEL
    async with nothing_changes():
        assert await composer(api, world.owner, row) == (none.value, False)
        assert await send(api, world.owner, row) == [error_of(none)]


async def test_a_list_costs_the_same_for_one_and_for_many(api: Api, world: World) -> None:
    counts = []
    for number in range(3):
        await world.hear(sender=f"c{number}")
        await world.conversation(f"N{number}", phone=f"+3363998010{number}")
        with sql.count_statements() as counter:
            data = await api.ask(world.owner, LIST, id=inbox_id(world, "ALL"))
        assert len(data["inbox"]["conversations"]["nodes"]) == 2 * (number + 1)
        counts.append(counter.total)
    assert counts[1] == counts[2]


async def test_a_channel_takes_texts_as_long_as_it_says(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, owner = await world.hear(), await world.owner.viewer()
    plan = Plan("x" * 11, now() + timedelta(hours=1))
    planned = await schedule_message(owner, heard.conversation_id, plan)
    few = replace(CAPABILITIES, text_max_characters=10)
    monkeypatch.setattr(channel_choice, "CAPABILITIES", {ChannelKind.CUSTOM: few})
    monkeypatch.setattr(channel_choice, "capabilities_of", capabilities_of.__wrapped__)
    before = await snapshot()
    for text in ("x" * 11, "123456$contact.name"):
        for refused in (
            send_message(owner, heard.conversation_id, text=text),
            schedule_message(owner, heard.conversation_id, replace(plan, text=text)),
        ):
            with pytest.raises(Refused, match="10") as caught:
                await refused
            assert (caught.value.code, caught.value.field) == (Code.TOO_LONG, ("text",))
    assert await snapshot() == before
    sent = await send_message(owner, heard.conversation_id, text="12345$contact.name")
    assert sent.text == "12345Carla"
    await let_time_pass(3700)
    await run_jobs()
    assert (await ScheduledMessage.get(id=planned.id)).failure_code == "TOO_LONG"
