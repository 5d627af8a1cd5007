"""The whole main job over real sockets: from a contact's message to the closed conversation."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from models.clock import now
from models.database import connect, disconnect
from tests import streaming
from tests.processes import processes
from tests.streaming import TYPING, Client, Server, seq_of
from tests.vendor import Vendor, vendor_server
from tests.waiting import until
from tests.world import Person, World, make_world

stack_bus_url = streaming.stack_bus_url

SNOOZE_SECONDS = 2
EVENTS = """
subscription($workspaceId: ID!, $after: String) {
  workspaceEvents(workspaceId: $workspaceId, after: $after) {
    __typename eventId
    ... on MessageAdded { message { id text direction status } conversation { id } }
    ... on MessageChanged { message { id status } }
    ... on ConversationChanged { change now: conversation { status unrepliedSince } }
    ... on SnoozeExpired { occurredAt until conversation { status } }
  }
}"""
CURSOR = "query($id: ID!) { node(id: $id) { ... on Workspace { eventCursor } } }"
STATUS = """
query($id: ID!) {
  message(id: $id) { status statusHistory { status } conversation { status unrepliedSince } }
}"""


@asynccontextmanager
async def _set_up(database_url: str, vendor: Vendor) -> AsyncIterator[tuple[World, Person]]:
    """Make a workspace with two people and a channel, and let go of the database."""
    await connect(database_url)
    try:
        world = await make_world()
        agent = await world.add("Ada")
        await world.connect(vendor.url)
    finally:
        await disconnect()
    yield world, agent


@dataclass(slots=True)
class Job:
    """The main job as it is done: who acts through which server, who follows on which socket."""

    server: Server
    client: Client
    world: World
    agent: Person
    vendor: Vendor
    heard: list[Any] = field(default_factory=list)
    events: str = ""
    conversation: str = ""

    async def act(self, name: str, **values: Any) -> None:
        """Let the agent do something with the conversation."""
        kind = name[0].upper() + name[1:]
        document = (
            f"mutation($input: {kind}Input!)"
            f" {{ {name}(input: $input) {{ userErrors {{ code }} }} }}"
        )
        values["conversationId"] = self.conversation
        assert await self.server.ask(self.agent, document, input=values) == {
            name: {"userErrors": []}
        }

    async def webhook(self, **event: Any) -> None:
        """Bring what the vendor sends, as its server does."""
        [channel] = self.world.channels
        body = {
            "channelId": channel.handle,
            "contactId": "carla",
            "events": [event],
            "contact": {"firstName": "Carla"},
        }
        headers = {"authorization": f"Bearer {channel.token}"}
        async with httpx2.AsyncClient(trust_env=False) as client:
            address = f"{self.server.url}/custom/channel/webhook/"
            response = await client.post(address, json=body, headers=headers)
        assert (response.status_code, response.json()) == (200, {"accepted": 1})

    async def until(self, **wanted: Any) -> Any:
        """Hear events until one has these values; keep all of them; return it."""
        while True:
            event = await self.client.hear(self.events)
            self.heard.append(event)
            if all(event.get(key) == value for key, value in wanted.items()):
                return event

    async def follow(self) -> None:
        """Subscribe from where the log stands."""
        answer = await self.server.ask(self.world.owner, CURSOR, id=self.world.id)
        cursor = answer["node"]["eventCursor"]
        self.events = await self.client.subscribe(EVENTS, workspaceId=self.world.id, after=cursor)

    async def hear_a_contact(self) -> None:
        """A contact writes, and the owner sees it."""
        text = {"type": "text", "text": "Is it in stock?"}
        await self.webhook(type="message", mId="in1", message=text)
        incoming = await self.until(__typename="MessageAdded")
        assert incoming["message"]["text"] == "Is it in stock?"
        self.conversation = incoming["conversation"]["id"]

    async def type_and_answer(self) -> str:
        """An agent types and sends, twice with one key; it arrives once. Return the message."""
        typing = await self.client.subscribe(TYPING, workspaceId=self.world.id)
        async with streaming.repeating(lambda: self.act("startTyping")):
            sign = await self.client.hear(typing)
        assert (sign["actor"], sign["isTyping"]) == ({"name": "Ada"}, True)
        for _ in range(2):
            await self.act("sendMessage", text="Yes, two.", idempotencyKey="reply")
        while (await self.client.hear(typing))["isTyping"]:
            pass
        added = await self.until(__typename="MessageAdded")
        message = added["message"]
        assert (message["text"], message["direction"]) == ("Yes, two.", "OUTGOING")
        await self.until(change="REPLIED")
        assert self.vendor.texts == ["Yes, two."]
        return str(message["id"])

    async def receive_statuses_out_of_order(self, message: str) -> None:
        """The vendor reports the end first: the status never goes back, every step is known."""
        for status in ("read", "delivered", "sent"):
            await self.webhook(type="message_status", mId="v1", status={"value": status})
        await self.until(message={"id": message, "status": "READ"})

        async def all_are_known() -> bool:
            answer = (await self.server.ask(self.agent, STATUS, id=message))["message"]
            assert (answer["status"], answer["conversation"]["unrepliedSince"]) == ("READ", None)
            steps = {step["status"] for step in answer["statusHistory"]}
            return steps == {"PENDING", "SENT", "DELIVERED", "READ"}

        await until(all_are_known, streaming.DEADLINE)

    async def snooze_and_wait(self) -> None:
        """The conversation is put away and comes back by itself, not too early."""
        moment = now() + timedelta(seconds=SNOOZE_SECONDS)
        await self.act("snoozeConversation", until=moment.isoformat())
        await self.until(change="SNOOZED")
        expired = await self.until(__typename="SnoozeExpired")
        assert datetime.fromisoformat(expired["until"]) == moment
        assert datetime.fromisoformat(expired["occurredAt"]) >= moment
        assert expired["conversation"] == {"status": "OPEN"}

    async def close(self) -> None:
        """The conversation is done."""
        await self.act("closeConversation")
        closed = await self.until(change="CLOSED")
        assert closed["now"] == {"status": "CLOSED", "unrepliedSince": None}


async def test_the_main_job_from_the_first_message_to_the_closed_conversation(
    database_url: str, stack_bus_url: str, tmp_path: Path
) -> None:
    amount = 1 if database_url.startswith("sqlite") else 2
    async with (
        vendor_server() as vendor,
        _set_up(database_url, vendor) as (world, agent),
        processes(tmp_path, database_url, stack_bus_url, amount) as servers,
        servers[-1].client(world.owner) as client,
    ):
        job = Job(servers[0], client, world, agent, vendor)
        await job.follow()
        await job.hear_a_contact()
        message = await job.type_and_answer()
        await job.receive_statuses_out_of_order(message)
        await job.snooze_and_wait()
        await job.close()
    assert [seq_of(event) for event in job.heard] == sorted({seq_of(one) for one in job.heard})
    kinds = [event.get("change") or event["__typename"] for event in job.heard]
    assert [kind for kind in kinds if kind != "MessageChanged"] == [
        "ContactChanged",
        "OPENED",
        "MessageAdded",
        "MessageAdded",
        "REPLIED",
        "SNOOZED",
        "SnoozeExpired",
        "CLOSED",
    ]
    # sent, read, and a late report that only adds its moment: nothing goes back
    assert kinds.count("MessageChanged") == 3
