"""A message that its channel takes in several calls, as front-ends hear of each of them."""

import asyncio
import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from models.member import Restriction, Visibility
from tests.acting import nothing_changes
from tests.day import Day, door, hear_kind
from tests.streaming import Client, Server, stack_bus_url
from tests.test_delivery_receipts import receipt
from tests.vendor import Vendor, vendor_server
from tests.world import make_world, run_jobs

__all__ = ["door", "stack_bus_url"]

MESSAGE = """
  id text status retryOfId failure { code text } viewerCanRetry attachments { fileName }
  deliveries {
    position status hasText externalId failure { code text } attachments { fileName }
  }
"""
HEARD = f"""
subscription($id: ID!) {{ workspaceEvents(workspaceId: $id) {{
  __typename
  ... on MessageAdded {{ conversation {{ id }} message {{ {MESSAGE} }} }}
  ... on MessageChanged {{ message {{ {MESSAGE} }} }}
}} }}
"""
CONNECTED = "channel { id handle filesPerCall acceptsCaptions } token webhookUrl"
HIDDEN = "••••••"


class Sending:
    """The day of a channel that takes a file a call: its vendor and the sockets of two members."""

    def __init__(self, day: Day, vendor: Vendor, owner: Client, masked: Client) -> None:
        self.day, self.vendor, self.owner, self.masked = day, vendor, owner, masked
        self.door: Any = None

    async def receives(self, *events: Any) -> None:
        """Let the vendor bring events of the contact through the channel's door."""
        body = {
            "channelId": self.door["channel"]["handle"],
            "contactId": "carla",
            "events": events,
            "contact": {"firstName": "Carla"},
        }
        assert await self.day.receive(self.door, json.dumps(body).encode()) == 200

    async def heard(self, kind: str, statuses: str) -> tuple[Any, Any]:
        """Return the message of the next event of a kind whose deliveries have these statuses.

        P, S, F, D and R stand for PENDING, SENT, FAILED, DELIVERED and READ.
        """
        told = []
        for client in (self.owner, self.masked):
            event = await hear_kind(client, kind)
            while marks(event["message"]) != statuses:
                event = await hear_kind(client, kind)
            self.day.conversation = event.get("conversation", {}).get("id", self.day.conversation)
            told.append(event["message"])
        return told[0], told[1]


def marks(message: Any) -> str:
    """Return the first letters of what became of a message's deliveries."""
    return "".join(one["status"][0] for one in message["deliveries"])


def names(message: Any) -> list[list[str]]:
    """Return the names of the files of each delivery."""
    return [[file["fileName"] for file in one["attachments"]] for one in message["deliveries"]]


async def test_a_message_in_parts_from_the_first_call_to_the_last_receipt(door: Server) -> None:
    world = await make_world()
    ada = await world.add("Ada", restrictions=[Restriction.PHONE_NUMBERS])
    async with (
        vendor_server() as vendor,
        door.client(world.owner) as owner,
        door.client(ada) as masked,
        asyncio.timeout(90),
    ):
        sending = Sending(Day(door, world), vendor, owner, masked)
        for client in (owner, masked):
            await client.subscribe(HEARD, id=world.id)
        await _connects(sending)
        failed = await _fails_at_its_third_call(sending)
        again = await _sends_again_what_did_not_go(sending, failed)
        await _is_received(sending, failed, again)
        await _refuses(sending, failed, again)


async def _connects(sending: Sending) -> None:
    day = sending.day
    given: Any = {"workspaceId": day.world.id, "name": "Shop", "baseUrl": sending.vendor.url}
    for wrong in (0, 51):
        errors = await day.refusal(day.world.owner, "connectChannel", **given, filesPerCall=wrong)
        assert errors == [{"code": "INVALID", "field": ["filesPerCall"]}]
    given |= {"filesPerCall": 1, "acceptsCaptions": False, "acceptsReplyTo": True}
    sending.door = await day.do(day.world.owner, "connectChannel", CONNECTED, **given)
    content = {"type": "text", "text": "Show me all three"}
    await sending.receives({"type": "message", "mId": "q", "message": content})
    await sending.heard("MessageAdded", "")


async def _fails_at_its_third_call(sending: Sending) -> Any:
    """Text and first file go, the second is too large: it stops the third, and all hear it."""
    day, vendor = sending.day, sending.vendor
    asked = await day.last(day.world.owner)
    files = [await day.bring(day.world.owner, f"{n}.txt", f"file {n}".encode()) for n in range(3)]
    given = {"conversationId": day.conversation, "text": "Look", "attachmentIds": files}
    given["replyToMessageId"] = asked["id"]
    made = await day.do(day.world.owner, "sendMessage", "message { id }", **given)
    added, _ = await sending.heard("MessageAdded", "PPPP")
    assert (added["id"], added["status"]) == (made["message"]["id"], "PENDING")
    assert [one["hasText"] for one in added["deliveries"]] == [True, False, False, False]
    assert names(added) == [[], ["0.txt"], ["1.txt"], ["2.txt"]]
    await refuses_to_retry(sending, [added])
    vendor.will(200, '{"mId":"v1"}')
    vendor.will(200, '{"mId":"v2"}')
    vendor.will(400, '{"error":{"message":"Too large for +33612345678"}}')
    turns = vendor.turns = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as group:
        group.create_task(run_jobs())
        for so_far in ("SPPP", "SSPP"):
            turns.release()
            on_its_way, _ = await sending.heard("MessageChanged", so_far)
            assert on_its_way["status"] == "PENDING"
        turns.release()
    vendor.turns = None
    failed, hidden = await sending.heard("MessageChanged", "SSFF")
    assert (failed["status"], failed["viewerCanRetry"]) == ("FAILED", True)
    assert [one["externalId"] for one in failed["deliveries"]] == ["v1", "v2", None, None]
    reasons = [(one["failure"] or {}).get("code") for one in failed["deliveries"]]
    assert reasons == [None, None, failed["failure"]["code"], "NOT_SENT"]
    assert failed["failure"]["text"] == "Too large for +33612345678"
    assert "612345678" not in str(hidden)
    assert [one["externalId"] for one in hidden["deliveries"]] == [HIDDEN, HIDDEN, None, None]
    bodies = [request.body["message"] for request in vendor.received]
    assert [body.get("text", "") for body in bodies] == ["Look", "", ""]
    assert [bool(body.get("replyTo")) for body in bodies] == [True, False, False]
    return failed


async def _sends_again_what_did_not_go(sending: Sending, failed: Any) -> Any:
    """A retry is a new message of the two files that did not go; the old one stays as it is."""
    day, vendor = sending.day, sending.vendor
    first = len(vendor.received)
    retry = {"messageId": failed["id"], "idempotencyKey": "again"}
    made = await day.do(day.world.owner, "retryMessage", f"message {{ {MESSAGE} }}", **retry)
    assert (
        await day.do(day.world.owner, "retryMessage", f"message {{ {MESSAGE} }}", **retry) == made
    )
    await run_jobs()
    again, _ = await sending.heard("MessageChanged", "SS")
    assert (again["id"], again["retryOfId"]) == (made["message"]["id"], failed["id"])
    assert (again["text"], again["status"], names(again)) == ("", "SENT", [["1.txt"], ["2.txt"]])
    sent = [request.body["message"]["attachments"] for request in vendor.received[first:]]
    assert [[file["fileName"] for file in files] for files in sent] == [["1.txt"], ["2.txt"]]
    keys = [request.headers["idempotency-key"] for request in vendor.received]
    assert len({*keys}) == len(keys) == 5
    await refuses_to_retry(sending, [failed, again])
    return again


async def _is_received(sending: Sending, failed: Any, again: Any) -> None:
    """Each receipt is about a part; the whole is where the part is that is least far."""
    one, two = (part["externalId"] for part in again["deliveries"])
    await sending.receives(receipt("read", one))
    half, _ = await sending.heard("MessageChanged", "RS")
    assert (half["id"], half["status"]) == (again["id"], "SENT")
    await sending.receives(receipt("delivered", two))
    whole, _ = await sending.heard("MessageChanged", "RD")
    assert whole["status"] == "DELIVERED"
    await sending.receives(receipt("delivered", "v2"))
    old, _ = await sending.heard("MessageChanged", "SDFF")
    assert (old["id"], old["status"]) == (failed["id"], "FAILED")
    content = {"type": "text", "text": "The second", "replyTo": {"mId": two}}
    await sending.receives({"type": "message", "mId": "a", "message": content})
    said = await sending.day.last(sending.day.world.owner)
    assert said["text"] == "The second" and said["replyTo"]["authorName"] == "Olga"


async def refuses_to_retry(sending: Sending, messages: Sequence[Any]) -> None:
    """What did not fail, or was sent again, is not sent again; nothing changes."""
    async with nothing_changes():
        for message in messages:
            errors = await sending.day.refusal(
                sending.day.world.owner, "retryMessage", messageId=message["id"]
            )
            assert errors == [{"code": "WRONG_STATE", "field": ["messageId"]}]


async def _refuses(sending: Sending, failed: Any, again: Any) -> None:
    day = sending.day
    world, stranger = day.world, await make_world("Other")
    blind = await world.add("Bea", visibility=Visibility.OWN)
    made = await day.do(
        world.owner, "createApiKey", "secret", workspaceId=world.id, name="Bot", scopes=["READ"]
    )
    reader = SimpleNamespace(token=made["secret"])
    theirs = await day.bring(blind, "theirs.txt", b"not yours")
    calls = len(sending.vendor.received)
    await refuses_to_retry(sending, [failed, again])
    async with nothing_changes():
        for who, code, field in (
            (blind, "NOT_FOUND", ["messageId"]),
            (stranger.owner, "NOT_FOUND", ["messageId"]),
            (reader, "FORBIDDEN", []),
        ):
            errors = await day.refusal(who, "retryMessage", messageId=failed["id"])
            assert errors == [{"code": code, "field": field}]
        for given, code, *field in (
            ({"email": {"subject": "Three"}}, "INVALID", "email"),
            ({"attachmentIds": [theirs]}, "NOT_FOUND", "attachmentIds", "0"),
        ):
            said: Any = {"conversationId": day.conversation, "text": "x", **given}
            errors = await day.refusal(world.owner, "sendMessage", **said)
            assert errors == [{"code": code, "field": field}]
        await run_jobs()
    assert len(sending.vendor.received) == calls
