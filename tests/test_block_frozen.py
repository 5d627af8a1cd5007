"""A blocked contact's conversation: what is refused, what stands still, and what goes on."""

from typing import Any

import pytest

from models.conversation import Conversation
from models.engine import sql
from models.message import Message, MessageStatus
from realtime.events import MessageStatusChanged
from resolvers.idle_clock import CLOSE_IDLE, closes_at
from resolvers.snooze import EXPIRE_SNOOZE
from schema.ids import encode_id
from tests.acting import act, nothing_changes, refused, succeed
from tests.test_automatic_closing import HOUR, after, answered, closings, say, turn_on
from tests.test_block import block, unblock
from tests.test_inbox import names
from tests.test_message import send
from tests.test_message_retry import ended, retry
from tests.test_snooze import later, snooze
from tests.vendor import vendor_server
from tests.world import Api, World, let_time_pass, run_jobs, webhook

SENTENCE = "This contact is blocked."
BLOCKED = refused("BLOCKED", SENTENCE, "conversationId")
ACTIONS: dict[str, dict[str, Any]] = {
    "openConversation": {},
    "closeConversation": {},
    "reopenConversation": {},
    "snoozeConversation": {"until": later(hours=1).isoformat()},
    "unsnoozeConversation": {},
    "sendMessage": {"text": "Hi"},
    "startTyping": {},
}
CAN_RETRY = "query ($id: ID!) { message(id: $id) { viewerCanRetry } }"


@pytest.mark.parametrize("status", ["OPEN", "CLOSED"])
async def test_what_is_refused_changes_nothing(api: Api, world: World, status: str) -> None:
    message = await world.hear("Hello")
    if status == "CLOSED":
        await succeed(api, world.owner, "closeConversation", message)
    await block(api, world.owner, message)
    async with nothing_changes():
        for name, values in ACTIONS.items():
            assert await _act(api, world, name, message, **values) == BLOCKED["userErrors"], name
    await unblock(api, world.owner, message)
    for name, values in ACTIONS.items():
        assert await _act(api, world, name, message, **values) == [], name


async def _act(api: Api, world: World, name: str, row: Message, **values: Any) -> Any:
    kind = name[0].upper() + name[1:]
    document = (
        f"mutation ($input: {kind}Input!)"
        f" {{ {name}(input: $input) {{ userErrors {{ code message field }} }} }}"
    )
    key = encode_id("Conversation", row.conversation_id)
    data = await api.ask(world.owner, document, input={"conversationId": key, **values})
    return data[name]["userErrors"]


async def test_a_conflict_is_told_before(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await block(api, world.owner, message)
    payload = await act(api, world.owner, "closeConversation", message, expectedVersion=1)
    assert [error["code"] for error in payload["userErrors"]] == ["CONFLICT"]
    payload = await act(api, world.owner, "closeConversation", message, expectedVersion=3)
    assert payload == BLOCKED


async def test_the_refusal_speaks_french(api: Api, world: World) -> None:
    luc = await world.add("Luc", language="fr")
    message = await world.hear("Bonjour")
    await block(api, world.owner, message)
    payload = await act(api, luc, "closeConversation", message)
    assert payload["userErrors"][0]["message"] == "Ce contact est bloqué."


async def test_a_failed_message_cannot_be_sent_again(api: Api, world: World) -> None:
    failed = await ended(api, world, MessageStatus.FAILED)
    key = encode_id("Message", failed.id)
    await block(api, world.owner, failed)

    async with nothing_changes():
        payload = await retry(api, world.owner, failed.id)
    assert payload["userErrors"] == [
        {"code": "BLOCKED", "message": SENTENCE, "field": ["messageId"]}
    ]
    assert (await api.ask(world.owner, CAN_RETRY, id=key))["message"] == {"viewerCanRetry": False}

    await unblock(api, world.owner, failed)
    assert (await api.ask(world.owner, CAN_RETRY, id=key))["message"] == {"viewerCanRetry": True}
    assert (await retry(api, world.owner, failed.id))["userErrors"] == []


async def test_what_was_accepted_before_is_answered_again_by_its_key(
    api: Api, world: World
) -> None:
    message = await world.hear("Hello")
    first = await send(api, world.owner, message.conversation_id, idempotencyKey="k")
    await block(api, world.owner, message)
    async with nothing_changes():
        again = await send(api, world.owner, message.conversation_id, idempotencyKey="k")
    assert (again["userErrors"], again["message"]["id"]) == ([], first["message"]["id"])


async def test_what_was_accepted_before_goes_out_and_its_receipt_counts(
    api: Api, world: World
) -> None:
    async with vendor_server() as vendor:
        await world.connect(vendor.url)
        message = await world.hear("Hello")
        await send(api, world.owner, message.conversation_id, "On its way")
        await block(api, world.owner, message)

        await run_jobs()
        assert vendor.texts == ["On its way"]
        read = {"type": "message_status", "mId": "v1", "status": {"value": "read"}}
        await webhook(world.channels[0], "carla", read)
        await run_jobs()

    sent = await Message.get(direction="OUTGOING")
    assert sent.status is MessageStatus.READ
    assert (await world.facts())[-1] == MessageStatusChanged(
        world.workspace.id, sent.conversation_id, sent.id, "READ"
    )
    row = await Conversation.get()
    assert (row.status.value, row.blocked_at is not None) == ("OPEN", True)


async def test_a_snooze_that_blocking_ended_does_not_expire(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await snooze(api, world, message, hours=1)
    await block(api, world.owner, message)
    await let_time_pass(2 * HOUR)
    before, told = await Conversation.all().values(), await world.facts()

    assert await run_jobs() == 1

    assert await Conversation.all().values() == before
    assert await world.facts() == told


async def test_nor_does_it_end_a_snooze_that_came_after(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await snooze(api, world, message, hours=1)
    await block(api, world.owner, message)
    await unblock(api, world.owner, message)
    await snooze(api, world, message, hours=3)
    assert await after(2 * HOUR, message) == "SNOOZED"
    [job] = await sql.rows("SELECT kind FROM job")
    assert job["kind"] == EXPIRE_SNOOZE
    assert await after(2 * HOUR, message) == "OPEN"


async def test_it_does_not_close_by_itself_and_then_waits_anew(api: Api, world: World) -> None:
    message = await answered(world)
    await block(api, world.owner, message)
    assert closes_at(await Conversation.get()) is None
    assert await after(30 * 24 * HOUR, message) == "OPEN"
    assert await sql.rows("SELECT id FROM job WHERE kind = ?", CLOSE_IDLE) == []

    await unblock(api, world.owner, message)

    assert await after(HOUR - 60, message) == "OPEN"
    assert await after(120, message) == "CLOSED"
    assert await closings(world) == 1


async def test_a_clock_that_did_not_run_does_not_start(api: Api, world: World) -> None:
    await turn_on(world)
    message = await world.hear("Hello")
    await block(api, world.owner, message)
    await unblock(api, world.owner, message)
    assert await after(2 * HOUR, message) == "OPEN"


async def test_an_assignment_does_not_start_it_either(api: Api, world: World) -> None:
    message = await answered(world)
    await block(api, world.owner, message)
    await succeed(api, world.owner, "assignConversation", message, assigneeId=world.owner.id)
    assert await after(2 * HOUR, message) == "OPEN"
    assert await after(2 * HOUR, message) == "OPEN"


async def test_a_block_within_a_clock_that_runs_moves_it(api: Api, world: World) -> None:
    message = await answered(world)
    assert await after(HOUR / 2, message) == "OPEN"
    await block(api, world.owner, message)
    await unblock(api, world.owner, message)
    assert await after(HOUR * 3 / 4, message) == "OPEN"
    await say(world, message)
    assert await after(HOUR + 60, message) == "CLOSED"


async def test_no_standard_inbox_lists_or_counts_it(api: Api, world: World) -> None:
    message = await world.hear("Hello")
    await world.hear("Hello", sender="bob")
    await succeed(api, world.owner, "assignConversation", message, assigneeId=world.owner.id)
    inboxes = "{ workspaces { inboxes { kind openCount unreadCount } } }"

    async def counts() -> dict[str, tuple[int, int]]:
        [workspace] = (await api.ask(world.owner, inboxes))["workspaces"]
        return {
            inbox["kind"]: (inbox["openCount"], inbox["unreadCount"])
            for inbox in workspace["inboxes"]
        }

    before = await counts()
    await block(api, world.owner, message)

    assert await names(api, world.owner, world, "ALL") == ["Bob"]
    assert await names(api, world.owner, world, "MINE") == []
    assert before == {"ALL": (2, 2), "MINE": (1, 1), "UNASSIGNED": (1, 1)}
    own = {"BLOCKED": (1, 1)}
    assert await counts() == own | {"ALL": (1, 1), "MINE": (0, 0), "UNASSIGNED": (1, 1)}
    await unblock(api, world.owner, message)
    assert await counts() == before
    assert await names(api, world.owner, world, "MINE") == ["Carla"]
