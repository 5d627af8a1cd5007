"""Load for tests that break things: senders with keys, a follower that comes back, and the sums."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2
from websockets.exceptions import WebSocketException

from models.database import connect, disconnect
from models.engine import sql
from models.message import Direction, Message, MessageStatus
from realtime.log import encode_cursor, read_head
from resolvers.contact import create_contact
from resolvers.contact_details import clean_details
from resolvers.message import DELIVER_MESSAGE
from schema.ids import decode_id, encode_id
from tests.streaming import WORKSPACE_EVENTS, Ended, Server, seq_of, visible_seqs
from tests.vendor import Vendor
from tests.waiting import until
from tests.world import World, make_world

ROUNDS = int(os.environ.get("PARLEY_CHAOS_ROUNDS", "3"))
"""How often a process is killed; 20 make the whole trial of 1,000 messages."""
SENDS_A_ROUND = 50
SENDERS = 6
CONVERSATIONS = 10
ORPHAN_SECONDS = 5.0
"""What is claimed for so long belongs to a process that was killed."""
SETTLE_SECONDS = 60.0

SEND = """
mutation($input: SendMessageInput!) {
  sendMessage(input: $input) { message { id } userErrors { code } }
}"""
LOST = (OSError, httpx2.HTTPError, WebSocketException, TimeoutError, Ended)


@dataclass
class Trial:
    """One workspace under load: what was acknowledged, and what a follower heard."""

    world: World
    vendor: Vendor
    servers: Sequence[Server]
    conversations: list[str]
    start: int
    cursor: str
    acknowledged: dict[str, str] = field(default_factory=dict)
    seqs: list[int] = field(default_factory=list)
    resumed: int = 0
    retried: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def try_to_send(self, key: str, server: Server) -> str | None:
        """Send a message once; return its id, or None where nobody knows or it was refused."""
        place = self.conversations[int(key.partition("-")[2]) % len(self.conversations)]
        values = {"conversationId": place, "text": f"text of {key}", "idempotencyKey": key}
        try:
            answer = await server.post(self.world.owner, SEND, input=values)
        except LOST:
            return None
        if answer.get("errors"):
            assert [one["extensions"]["code"] for one in answer["errors"]] == ["TRY_AGAIN"], answer
            return None
        payload = answer["data"]["sendMessage"]
        assert payload["userErrors"] == []
        return str(payload["message"]["id"])

    async def send(self, key: str) -> None:
        """Send a message, with the same key until it is acknowledged, by whichever server."""
        while (message := await self.try_to_send(key, random.choice(self.servers))) is None:
            self.retried += 1
            await pause(0.05)
        self.acknowledged[key] = message
        self.moved.set()

    async def send_all(self, keys: list[str]) -> None:
        """Send many messages, a few at a time."""
        waiting = list(reversed(keys))

        async def work() -> None:
            while waiting:
                await self.send(waiting.pop())

        async with asyncio.TaskGroup() as group:
            for _ in range(SENDERS):
                group.create_task(work())

    async def until_acknowledged(self, amount: int) -> None:
        """Return once so many messages were acknowledged."""
        while len(self.acknowledged) < amount:
            self.moved.clear()
            await self.moved.wait()

    async def follow(self) -> None:
        """Follow the log, coming back with the cursor after every loss, on any server."""
        while True:
            await pause(0.02)
            with suppress(*LOST):
                server = self.servers[self.resumed % len(self.servers)]
                async with server.client(self.world.owner) as client:
                    self.resumed += 1
                    self.moved.set()
                    variables = {"workspaceId": self.world.id, "after": self.cursor}
                    await client.subscribe(WORKSPACE_EVENTS, **variables)
                    while True:
                        event = await client.hear(seconds=3600)
                        self.seqs.append(seq_of(event))
                        self.cursor = event["cursor"]
                        self.moved.set()

    async def until_followed(self) -> None:
        """Return once the follower has heard everything."""
        end = (await read_head(self.world.workspace.id)).seq
        async with asyncio.timeout(SETTLE_SECONDS):
            while not self.seqs or self.seqs[-1] < end:
                self.moved.clear()
                await self.moved.wait()

    async def until_delivered(self) -> None:
        """Return once no message waits; a lease of a killed process does not last its minute."""

        async def is_done() -> bool:
            await sql.affected(
                f"UPDATE job SET lease_until = {sql.database_now(-1)} WHERE state = 'RUNNING'"
                f" AND lease_until < {sql.database_now(60 - ORPHAN_SECONDS)}"
            )
            [row] = await sql.rows(
                "SELECT COUNT(*) AS open FROM job WHERE kind = ?", DELIVER_MESSAGE
            )
            return bool(row["open"] == 0)

        await until(is_done, SETTLE_SECONDS)

    async def check(self, keys: list[str]) -> Counter[MessageStatus]:
        """Assert all that is promised; return how many messages have which status."""
        again = {key: await self.try_to_send(key, self.servers[0]) for key in keys[::10]}
        assert again == {key: self.acknowledged[key] for key in again}
        messages = await Message.filter(direction=Direction.OUTGOING)
        texts = {message.text: message.id for message in messages}
        assert len(messages) == len(texts) == len(keys)
        assert texts == {
            f"text of {key}": decode_id(self.acknowledged[key], "Message") for key in keys
        }
        await self.until_followed()
        assert self.seqs == await visible_seqs(self.world, self.start)
        log = await sql.rows(
            "SELECT seq FROM event WHERE workspace_id = ? ORDER BY seq", self.world.workspace.id
        )
        assert [row["seq"] for row in log] == list(range(1, len(log) + 1))
        assert len(self.vendor.texts) == len(set(self.vendor.texts))
        statuses = Counter(message.status for message in messages)
        assert set(statuses) <= {MessageStatus.SENT, MessageStatus.UNCERTAIN}
        sent = {one.text for one in messages if one.status is MessageStatus.SENT}
        assert sent <= set(self.vendor.texts)
        return statuses


async def release_jobs() -> None:
    """Let no job be anybody's: called while no server runs, so who had claimed one is dead."""
    await sql.affected(
        f"UPDATE job SET lease_until = {sql.database_now(-1)} WHERE state = 'RUNNING'"
    )


async def pause(seconds: float) -> None:
    """Let some time pass: between two tries, or until a random moment."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()


def keys_of(rounds: int) -> list[str]:
    """Return the keys of all messages of a trial."""
    return [f"key-{number}" for number in range(rounds * SENDS_A_ROUND)]


@asynccontextmanager
async def trial(
    database_url: str, vendor: Vendor, servers: Sequence[Server]
) -> AsyncIterator[Trial]:
    """Set up a workspace with conversations on a database that servers use, and follow it."""
    await connect(database_url)
    try:
        world = await make_world()
        await world.connect(vendor.url)
        viewer = await world.owner.viewer()
        places = []
        for number in range(CONVERSATIONS):
            details = clean_details(first_name=f"C{number}", phone=f"+3161234567{number}")
            contact = await create_contact(viewer, world.workspace.id, details)
            row = await sql.rows("SELECT id FROM conversation WHERE contact_id = ?", contact.id)
            places.append(str(encode_id("Conversation", row[0]["id"])))
        head = await read_head(world.workspace.id)
        cursor = encode_cursor(head.epoch, head.seq)
        made = Trial(world, vendor, servers, places, head.seq, cursor)
        follower = asyncio.create_task(made.follow())
        try:
            while made.resumed == 0:
                await made.moved.wait()
            yield made
        finally:
            follower.cancel()
            await asyncio.gather(follower, return_exceptions=True)
    finally:
        await disconnect()


def report(statuses: Counter[MessageStatus], made: Trial, **more: Any) -> None:
    """Print what a trial came to; `pytest -s` shows it."""
    counted = {status.value: amount for status, amount in statuses.items()}
    print(f"\n{counted}, {made.retried} tries repeated, {made.resumed} streams, {more}")
