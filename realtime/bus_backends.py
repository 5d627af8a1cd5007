"""The wires under the bus: Redis and PostgreSQL connections that never heal in silence.

They fill the backend interface of `broadcaster` 0.3.1 instead of its own two, which read on for
ever after their connection ended, publish before the subscription is acknowledged, and leave a
task behind. Here `connect` also subscribes (a failing `subscribe` becomes a KeyError up there),
and the end of a connection sets `lost`.
"""

import asyncio
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import asyncpg
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from realtime.bus_letters import is_heartbeat

CONNECT_TIMEOUT_SECONDS = 2.0
CLOSE_TIMEOUT_SECONDS = 0.4
SILENCE_TIMEOUT_SECONDS = 5.0
"""Longer than the heartbeat's patience: a stalled event loop must not pass for a dead server."""
ARRIVALS_WAITING = 10_000


class Arrival(NamedTuple):
    """A message as it came in; `broadcaster` looks at these two names only."""

    channel: str
    message: str | bytes


class Wire(Protocol):
    """What `broadcaster` asks of a backend, and the event that says the connection ended."""

    lost: asyncio.Event

    async def connect(self) -> None: ...
    async def disconnect(self) -> None: ...
    async def subscribe(self, channel: str) -> None: ...
    async def unsubscribe(self, channel: str) -> None: ...
    async def publish(self, channel: str, message: str) -> None: ...
    async def next_published(self) -> Arrival: ...


class RedisWire:
    """One subscribed Redis connection and one that publishes."""

    def __init__(self, url: str, channel: str) -> None:
        self.lost = asyncio.Event()
        self._channel = channel
        self._redis = Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
            socket_timeout=SILENCE_TIMEOUT_SECONDS,
            socket_keepalive=True,
            # A retry subscribes again in silence, and what was sent meanwhile is missed.
            retry=Retry(NoBackoff(), 0),
        )
        self._pubsub = self._redis.pubsub()

    async def connect(self) -> None:
        """Connect, subscribe, and wait until Redis acknowledges: from here on nothing is missed."""
        await self._pubsub.subscribe(self._channel)
        await self._pubsub.get_message(timeout=None)

    async def disconnect(self) -> None:
        """Close both connections."""
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]  # untyped in redis-py
        await self._redis.aclose()

    async def subscribe(self, channel: str) -> None:
        """Do nothing: `connect` has subscribed."""

    async def unsubscribe(self, channel: str) -> None:
        """Do nothing: `disconnect` follows, and redis-py would open a dead connection again."""

    async def publish(self, channel: str, message: str) -> None:
        """Send one message."""
        await self._redis.publish(channel, message)

    async def next_published(self) -> Arrival:
        """Wait for the next message; raise when the connection ended."""
        try:
            while True:
                arrived = await self._pubsub.get_message(timeout=None)
                if arrived is not None and arrived["type"] == "message":
                    return Arrival(self._channel, arrived["data"])
        except BaseException:
            self.lost.set()
            raise


class PostgresWire:
    """One PostgreSQL connection that listens and notifies."""

    def __init__(self, url: str, channel: str) -> None:
        self.lost = asyncio.Event()
        self._url = url
        self._channel = channel
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._arrivals: asyncio.Queue[Arrival] = asyncio.Queue(ARRIVALS_WAITING)

    async def connect(self) -> None:
        """Connect and listen."""
        self._connection = await asyncpg.connect(self._url)
        self._connection.add_termination_listener(lambda _connection: self.lost.set())
        await self._connection.add_listener(self._channel, self._arrive)

    async def disconnect(self) -> None:
        """Close, or drop the connection if the server does not answer."""
        if self._connection is not None:
            await self._connection.close(timeout=CLOSE_TIMEOUT_SECONDS)

    async def subscribe(self, channel: str) -> None:
        """Do nothing: `connect` has subscribed."""

    async def unsubscribe(self, channel: str) -> None:
        """Do nothing: `disconnect` follows."""

    async def publish(self, channel: str, message: str) -> None:
        """Send one message; never two at a time, for asyncpg refuses the second."""
        if self._connection is None:
            raise ConnectionError("The bus is not connected.")
        await self._connection.execute("SELECT pg_notify($1, $2)", channel, message)

    async def next_published(self) -> Arrival:
        """Wait for the next message."""
        return await self._arrivals.get()

    def _arrive(self, connection: Any, pid: int, channel: str, payload: object) -> None:
        if pid == connection.get_server_pid() and not is_heartbeat(str(payload)):
            return  # our own: who listens here was told before it went out
        if self._arrivals.full():
            self.lost.set()  # a rebuilt bus tells everybody to read the log: nothing is skipped
        else:
            self._arrivals.put_nowait(Arrival(channel, str(payload)))


def wire_for(url: str, channel: str) -> Wire | None:
    """Return the unconnected wire of a Redis or PostgreSQL URL, None of `memory://`.

    Raise ValueError for any other URL.
    """
    match urlsplit(url).scheme:
        case "memory":
            return None
        case "redis" | "rediss":
            return RedisWire(url, channel)
        case "postgres" | "postgresql":
            return PostgresWire(url, channel)
        case scheme:
            raise ValueError(f"A bus URL begins with memory, redis or postgres, not {scheme!r}.")
