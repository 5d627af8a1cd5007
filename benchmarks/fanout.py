"""Fan-out: one event to many WebSockets; one event at a time, the two servers in turn."""

import asyncio
import base64
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import cast

import orjson

from benchmarks.data import MEMBERS, WORKSPACE, World, token
from benchmarks.load import ask, percentile_of
from benchmarks.processes import Running
from benchmarks.work import ADDED, SEND, global_id, graphql, post

SOCKETS_PER_USER = 20
AT_ONCE = 50
DEADLINE_SECONDS = 60
WARM_UP_SECONDS = 3
OCCURRED = re.compile(rb'"occurredAt":"([^"]+)"')
TEXT_FRAME, CLOSE_FRAME, PING_FRAME, PONG_FRAME = 0x81, 0x88, 0x89, 0x8A


def frame(kind: int, payload: bytes) -> bytes:
    """Return a client's frame; its mask is zero, which leaves the payload as it is."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + size.to_bytes(2, "big")
    return bytes([kind]) + length + bytes(4) + payload


Followed = tuple[str, Mapping[str, str]]
"""The subscription of a subscriber: its document and variables."""
EVERYTHING: Followed = (ADDED, {"id": global_id("Workspace", WORKSPACE)})


class Subscriber(asyncio.Protocol):
    """A WebSocket with one subscription; it hands each of its events to `heard`."""

    def __init__(
        self, member: int, heard: Callable[["Subscriber", bytes], None], followed: Followed
    ) -> None:
        self.member = member
        self.heard = heard
        self.followed = followed
        self.buffer = bytearray()
        self.shaken = False
        self.acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the WebSocket, without compression."""
        self.transport = cast(asyncio.Transport, transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(
            "GET /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\n"
            f"connection: Upgrade\r\nsec-websocket-key: {key}\r\nsec-websocket-version: 13\r\n"
            "sec-websocket-protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def _say(self, **message: object) -> None:
        self.transport.write(frame(TEXT_FRAME, orjson.dumps(message)))

    def data_received(self, data: bytes) -> None:
        """Take the handshake's answer, then frame by frame."""
        self.buffer += data
        if not self.shaken:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            del self.buffer[: end + 4]
            self.shaken = True
            self._say(type="connection_init", payload={"authorization": self._bearer})
        while (taken := self._frame()) is not None:
            self._take(*taken)

    @property
    def _bearer(self) -> str:
        return f"Bearer {token(self.member)}"

    def _frame(self) -> tuple[int, bytes] | None:
        buffer = self.buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1], 2
        if size == 126:
            size, start = int.from_bytes(buffer[2:4], "big"), 4
        if len(buffer) < start + size:
            return None
        kind, payload = buffer[0], bytes(buffer[start : start + size])
        del buffer[: start + size]
        return kind, payload

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == PING_FRAME:
            self.transport.write(frame(PONG_FRAME, payload))
        elif kind == TEXT_FRAME and b'"next"' in payload:
            self.heard(self, payload)
        elif kind == TEXT_FRAME and b'"connection_ack"' in payload:
            document, variables = self.followed
            subscribed = {"query": document, "variables": variables}
            self._say(id="1", type="subscribe", payload=subscribed)
            self.acknowledged.set_result(None)
        elif kind != TEXT_FRAME or b'"ping"' not in payload:
            self.transport.close()
            raise RuntimeError(f"A subscription ended: {kind:x} {payload!r}")


@dataclass(slots=True)
class Audience:
    """The subscribers of one server, and what they have heard."""

    server: Running
    world: World
    sockets_per_user: int = SOCKETS_PER_USER
    followed: Followed = EVERYTHING
    ones: list[int] = field(default_factory=list)
    """The conversations that are written to; none: the world's open ones."""
    subscribers: list[Subscriber] = field(default_factory=list)
    marker: bytes = b"-"
    waiting: set[Subscriber] = field(default_factory=set)
    arrivals: list[float] = field(default_factory=list)
    occurred: bytes = b""
    all_heard: asyncio.Event = field(default_factory=asyncio.Event)
    sent: int = 0
    latencies: list[float] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    bytes_before: int = 0
    bytes_after: int = 0

    def hear(self, subscriber: Subscriber, payload: bytes) -> None:
        """Note the arrival of the event that is waited for."""
        if self.marker in payload and subscriber in self.waiting:
            if not self.arrivals and (found := OCCURRED.search(payload)):
                self.occurred = found.group(1)
            self.arrivals.append(time.time())
            self.waiting.remove(subscriber)
            if not self.waiting:
                self.all_heard.set()

    async def gather(self, count: int) -> None:
        """Connect so many subscribers, and wait until all of them hear."""
        await self._connect(1)
        await self._warm_up()
        self.bytes_before = self.server.resident_bytes()
        while len(self.subscribers) < count + 1:
            await self._connect(min(AT_ONCE, count + 1 - len(self.subscribers)))
        self.subscribers.pop(0).transport.abort()
        await self._warm_up()
        self.bytes_after = self.server.resident_bytes()

    async def _connect(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        fresh = []
        for _ in range(count):
            # the first one, who only warms the server up, takes the last member's place
            member = (len(self.subscribers) - 1) // self.sockets_per_user + 1 or MEMBERS
            make = partial(Subscriber, member, self.hear, self.followed)
            _, one = await loop.create_connection(make, "127.0.0.1", self.server.port)
            self.subscribers.append(one)
            fresh.append(one.acknowledged)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await asyncio.gather(*fresh)

    async def _warm_up(self) -> None:
        for _ in range(20):
            try:
                async with asyncio.timeout(WARM_UP_SECONDS):
                    return await self._announce()
            except TimeoutError:
                continue
        raise RuntimeError(f"{len(self.waiting)} subscribers of {self.server.name} hear nothing.")

    async def _announce(self) -> None:
        """Send a message, and wait until every subscriber has its event."""
        self.sent += 1
        text = f"Event {self.sent} of {self.server.name} to {len(self.subscribers)}."
        self.marker = text.encode()
        self.waiting, self.arrivals = set(self.subscribers), []
        self.all_heard.clear()
        await asyncio.gather(ask(self.server.port, self._request(text)), self.all_heard.wait())

    def _request(self, text: str) -> bytes:
        ones = self.ones or self.world.open_ones
        conversation = ones[self.sent % len(ones)]
        key = str(time.time_ns())
        if self.server.name == "bare":
            return post("/send", {"conversation": conversation, "text": text, "key": key})
        asked = {"conversationId": global_id("Conversation", conversation), "text": text}
        return graphql(SEND, input={**asked, "idempotencyKey": key})

    async def measure(self) -> None:
        """Send one event, and keep when it came to whom."""
        cpu = self.server.cpu_seconds()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self._announce()
        self.cpu_seconds += self.server.cpu_seconds() - cpu
        begin = datetime.fromisoformat(self.occurred.decode()).timestamp()
        self.latencies += [arrival - begin for arrival in self.arrivals]
        self.durations.append(self.arrivals[-1] - begin)

    def close(self) -> None:
        """Leave."""
        for subscriber in self.subscribers:
            subscriber.transport.abort()


@dataclass(frozen=True, slots=True)
class Figures:
    """What fan-out to so many subscribers measured of one server."""

    per_second: float
    cpu_microseconds: float
    p50_milliseconds: float
    p99_milliseconds: float
    kib_per_connection: float


def figures_of(audience: Audience) -> Figures:
    """Return the figures of all events of an audience."""
    count, deliveries = len(audience.subscribers), len(audience.latencies)
    return Figures(
        per_second=count / percentile_of(audience.durations, 50),
        cpu_microseconds=1e6 * audience.cpu_seconds / deliveries,
        p50_milliseconds=1e3 * percentile_of(audience.latencies, 50),
        p99_milliseconds=1e3 * percentile_of(audience.latencies, 99),
        kib_per_connection=(audience.bytes_after - audience.bytes_before) / count / 1024,
    )


async def compare(
    servers: Mapping[str, Running], world: World, *, subscribers: int, events: int
) -> dict[str, Figures]:
    """Send events to the subscribers of each server in turn."""
    audiences = [Audience(server, world) for server in servers.values()]
    try:
        for audience in audiences:
            await audience.gather(subscribers)
        for _ in range(events):
            for audience in audiences:
                await audience.measure()
    finally:
        for audience in audiences:
            audience.close()
    return {audience.server.name: figures_of(audience) for audience in audiences}
