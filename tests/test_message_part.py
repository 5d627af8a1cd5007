"""Messages that take several calls to a vendor: their order, their ends and their receipts."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from models.conversation import Conversation
from models.engine import sql
from models.message import Message
from models.message_part import MessagePart
from realtime.events import MessageStatusChanged
from resolvers.contact_deletion import delete_contact
from resolvers.contact_merge import merge_contacts
from resolvers.masking import HIDDEN
from schema.ids import decode_id, encode_id
from tests.test_attachment_messages import codes, send, texts
from tests.test_delivery import jobs
from tests.test_delivery_doubt import expire_leases
from tests.test_delivery_receipts import receipt
from tests.test_message_retry import WRONG_STATE, retry
from tests.test_reply_to import mask
from tests.uploading import file_doors
from tests.vendor import Vendor, vendor_server
from tests.waiting import until
from tests.world import Api, World, let_time_pass, run_jobs, snapshot, webhook

DELIVERIES = """deliveries { position status hasText externalId failure { code text }
  sentAt deliveredAt readAt attachments { fileName } }"""
MESSAGE = f"""query ($id: ID!) {{ message(id: $id) {{ status text failure {{ code text }}
  canReplyTo viewerCanRetry statusHistory {{ status }} {DELIVERIES} }} }}"""
TIMELINE = f"""query ($id: ID!) {{ conversation(id: $id) {{ timeline(first: 50) {{ edges {{ node {{
  ... on Message {{ {DELIVERIES} }} }} }} }} }} }}"""
CONNECT = """mutation ($input: ConnectChannelInput!) { connectChannel(input: $input) {
  channel { filesPerCall acceptsCaptions } userErrors { code message field } } }"""


@pytest.fixture
async def door(api: Api, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Give the doors of files."""
    async with file_doors(tmp_path) as client:
        yield client


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    """Give a vendor's server."""
    async with vendor_server() as vendor:
        yield vendor


async def seen(api: Api, world: World, key: str, who: Any = None) -> Any:
    """Return a message as it is seen."""
    return (await api.ask(who or world.owner, MESSAGE, id=key))["message"]


def statuses(message: Any) -> list[str]:
    """Return the status of each delivery."""
    return [one["status"] for one in message["deliveries"]]


async def sent(
    api: Api, world: World, door: httpx2.AsyncClient, count: int, text: str = "Look"
) -> str:
    """Let a contact write and answer with files; return the message's id."""
    heard = await world.hear("Hello")
    files = await texts(api, world, door, world.owner, count)
    payload = await send(api, world.owner, heard, *files, text=text)
    assert codes(payload) == []
    key: str = payload["message"]["id"]
    return key


async def report(world: World, *said: tuple[str, str]) -> None:
    """Let the vendor report about parts."""
    for status, name in said:
        await webhook(world.channels[0], "carla", receipt(status, name, error="Too big"))
        await run_jobs()


async def test_a_message_of_several_calls_from_the_first_to_the_last_receipt(
    api: Api, world: World, door: httpx2.AsyncClient, vendor: Vendor
) -> None:
    await world.connect(vendor.url, files_per_call=2, accepts_reply_to=True)
    key = await sent(api, world, door, 5)
    pending = await seen(api, world, key)
    assert statuses(pending) == ["PENDING"] * 3
    told = len(await world.facts())
    assert await run_jobs() == 1
    bodies = [request.body["message"] for request in vendor.received]
    assert [body["text"] for body in bodies] == ["Look", "", ""]
    names = [[file["fileName"] for file in body["attachments"]] for body in bodies]
    assert names == [["0.txt", "1.txt"], ["2.txt", "3.txt"], ["4.txt"]]
    row = await Message.get(id=decode_id(key, "Message"))
    keys = [request.headers["idempotency-key"] for request in vendor.received]
    assert keys == [f"parley-{row.id}-{place}" for place in range(3)]
    where = (row.workspace_id, row.conversation_id, row.id)
    assert [fact for fact in (await world.facts())[told:] if fact.__class__.__name__[0] == "M"] == [
        MessageStatusChanged(*where, status) for status in ("PENDING", "PENDING", "SENT")
    ]
    assert (await Conversation.get(id=row.conversation_id)).unreplied_since is None
    message = await seen(api, world, key)
    assert (message["status"], message["canReplyTo"]) == ("SENT", True)
    assert [one["externalId"] for one in message["deliveries"]] == ["v1", "v2", "v3"]
    assert [one["hasText"] for one in message["deliveries"]] == [True, False, False]
    assert [len(one["attachments"]) for one in message["deliveries"]] == [2, 2, 1]
    assert all(one["sentAt"] for one in message["deliveries"])
    await mask(world)
    masked = (await seen(api, world, key, await world.add("Ada")))["deliveries"]
    assert {one["externalId"] for one in masked} == {HIDDEN}


async def test_receipts_echoes_and_answers_find_their_part(
    api: Api, world: World, door: httpx2.AsyncClient, vendor: Vendor
) -> None:
    await world.connect(vendor.url, files_per_call=2)
    key = await sent(api, world, door, 5)
    await run_jobs()
    await report(world, ("read", "v1"), ("delivered", "v3"), ("read", "v1"))
    assert (await seen(api, world, key))["status"] == "SENT"
    await report(world, ("delivered", "v2"))
    message = await seen(api, world, key)
    assert (message["status"], statuses(message)) == (
        "DELIVERED",
        ["READ", "DELIVERED", "DELIVERED"],
    )
    history = [step["status"] for step in message["statusHistory"]]
    assert history == ["PENDING", "SENT", "DELIVERED"]
    await webhook(
        world.channels[0],
        "carla",
        {"type": "message_echo", "mId": "v2", "message": {"type": "text", "text": "Echo"}},
        {
            "type": "message",
            "mId": "a",
            "message": {"type": "text", "text": "That one", "replyTo": {"mId": "v3"}},
        },
    )
    await run_jobs()
    assert (await Message.get(text="That one")).reply_to_id == decode_id(key, "Message")
    assert not await Message.filter(text="Echo").exists()


async def test_the_first_failure_stops_the_rest_and_a_retry_sends_what_did_not_go(
    api: Api, world: World, door: httpx2.AsyncClient, vendor: Vendor
) -> None:
    await world.connect(vendor.url, files_per_call=1, accepts_captions=False)
    key = await sent(api, world, door, 3)
    vendor.will(200, '{"mId":"v1"}')
    vendor.will(200, '{"mId":"v2"}')
    vendor.will(429, "", "Retry-After: 0")
    vendor.will(400, '{"error":{"message":"Too large"}}')
    assert await run_jobs() == 2  # the 429 is tried again, the parts before it are not
    assert (len(vendor.received), await jobs()) == (4, [])
    kinds = [request.body["message"]["type"] for request in vendor.received]
    assert kinds == ["text", "attachment", "attachment", "attachment"]
    message = await seen(api, world, key)
    assert statuses(message) == ["SENT", "SENT", "FAILED", "FAILED"]
    why = [one["failure"] and one["failure"]["code"] for one in message["deliveries"]]
    assert why[:2] + why[3:] == [None, None, "NOT_SENT"]
    assert (message["status"], message["viewerCanRetry"]) == ("FAILED", True)
    assert message["failure"] == message["deliveries"][2]["failure"]
    assert message["failure"]["text"] == "Too large"
    assert (await Conversation.get()).unreplied_since is not None
    again = await retry(api, world.owner, decode_id(key, "Message"))
    assert (again["userErrors"], again["message"]["text"]) == ([], "")
    await run_jobs()
    renewed = await seen(api, world, again["message"]["id"])
    assert statuses(renewed) == ["SENT", "SENT"]
    names = [one["attachments"][0]["fileName"] for one in renewed["deliveries"]]
    assert names == ["1.txt", "2.txt"]
    before = await snapshot()
    assert await retry(api, world.owner, decode_id(key, "Message")) == WRONG_STATE
    assert await snapshot() == before


async def test_a_failure_that_is_reported_stops_what_waits_and_proof_wins(
    api: Api, world: World, door: httpx2.AsyncClient, vendor: Vendor
) -> None:
    await world.connect(vendor.url, files_per_call=1)
    key = await sent(api, world, door, 3, text="")
    vendor.will(200, '{"mId":"v1"}')
    vendor.will(429, "", "Retry-After: 60")
    await run_jobs()
    await report(world, ("failed", "v1"))
    await let_time_pass(100)
    await run_jobs()
    message = await seen(api, world, key)
    assert (message["status"], message["failure"]["text"]) == ("FAILED", "Too big")
    assert (statuses(message), len(vendor.received)) == (["FAILED"] * 3, 2)
    await report(world, ("delivered", "v1"))
    message = await seen(api, world, key)
    assert (message["status"], statuses(message)) == ("FAILED", ["DELIVERED", "FAILED", "FAILED"])
    again = await retry(api, world.owner, decode_id(key, "Message"))
    await run_jobs()
    assert statuses(await seen(api, world, again["message"]["id"])) == ["SENT", "SENT"]


@pytest.mark.parametrize("accepts", [True, False])
async def test_a_killed_process_leaves_one_part_in_doubt_and_repeats_none(
    api: Api, world: World, door: httpx2.AsyncClient, vendor: Vendor, accepts: bool
) -> None:
    await world.connect(vendor.url, files_per_call=1, accepts_idempotency_key=accepts)
    key = await sent(api, world, door, 3)
    vendor.will(200, '{"mId":"v1"}')
    vendor.be_silent()
    worker = asyncio.create_task(run_jobs())

    async def second_has_come() -> bool:
        return len(vendor.received) == 2

    await until(second_has_come)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    await expire_leases()
    assert (await run_jobs(), await jobs()) == (1, [])
    message = await seen(api, world, key)
    keys = [request.headers["idempotency-key"][-2:] for request in vendor.received]
    if accepts:
        assert (keys, statuses(message)) == (["-0", "-1", "-1", "-2"], ["SENT"] * 3)
        return
    assert (keys, statuses(message)) == (["-0", "-1"], ["SENT", "UNCERTAIN", "FAILED"])
    assert (message["status"], message["failure"]["code"]) == ("FAILED", "NOT_SENT")


async def test_parts_follow_their_message_and_go_with_it_and_are_read_at_once(
    api: Api, world: World, door: httpx2.AsyncClient, vendor: Vendor
) -> None:
    await world.connect(vendor.url, files_per_call=1)
    key = await sent(api, world, door, 2)
    heard = await Message.get(direction="INCOMING")
    conversation = await Conversation.get()
    whole = await send(api, world.owner, heard, *await texts(api, world, door, world.owner, 1))
    await run_jobs()
    [single] = (await seen(api, world, whole["message"]["id"]))["deliveries"]
    assert (single["status"], single["externalId"], single["position"]) == ("SENT", "v3", 0)
    assert (single["hasText"], len(single["attachments"])) == (False, 1)
    assert (await seen(api, world, encode_id("Message", heard.id)))["deliveries"] == []
    assert await MessagePart.filter(message_id=decode_id(key, "Message")).count() == 2
    assert await MessagePart.all().count() == 2
    place = encode_id("Conversation", conversation.id)
    few = await statements(api, world, place)
    for number in range(3):
        files = await texts(api, world, door, world.owner, 2)
        await send(api, world.owner, heard, *files, text=str(number))
    assert await statements(api, world, place) == few
    await run_jobs()
    other = await world.contact("Karla")
    viewer = await world.owner.viewer()
    await merge_contacts(viewer, other.id, conversation.contact_id)
    await report(world, ("delivered", "v1"), ("delivered", "v2"))
    assert (await seen(api, world, key))["status"] == "DELIVERED"
    await delete_contact(await world.owner.viewer(), other.id)
    await run_jobs()
    assert await MessagePart.all().count() == 0


async def test_how_a_channel_is_connected(api: Api, world: World) -> None:
    given = {"workspaceId": world.id, "name": "x", "baseUrl": "https://x.example"}
    for wrong in (0, 51):
        payload = await api.ask(world.owner, CONNECT, input={**given, "filesPerCall": wrong})
        assert payload["connectChannel"]["channel"] is None
        assert codes(payload["connectChannel"]) == [("INVALID", ["filesPerCall"])]
    for more, is_shown in (
        ({}, {"filesPerCall": None, "acceptsCaptions": True}),
        ({"filesPerCall": 50, "acceptsCaptions": False},) * 2,
    ):
        payload = await api.ask(world.owner, CONNECT, input={**given, **more})
        assert payload["connectChannel"]["channel"] == is_shown


async def statements(api: Api, world: World, place: str) -> int:
    """Return how many statements a timeline with all its deliveries takes."""
    with sql.count_statements() as counter:
        data = await api.ask(world.owner, TIMELINE, id=place)
    lines = [edge["node"] for edge in data["conversation"]["timeline"]["edges"]]
    assert sum(len(line.get("deliveries", ())) == 2 for line in lines) >= 1
    return counter.total
