"""A whole server on a real port, and the clients that follow its streams: WebSocket and SSE."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any, Protocol, TypeVar
from unittest.mock import patch

import httpx2
import orjson
import pytest
import strawberry
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from app import create_app
from realtime.events import ConversationMarkedUnread, ConversationRead, CredentialRevoked
from realtime.log import encode_cursor, read_head, read_page
from resolvers.typing_indicator import start_typing
from resolvers.viewer import Viewer
from schema.ids import split_id
from schema.root import build_schema
from settings import Settings
from tests.serving import serving
from tests.world import World, make_world

DEADLINE = 20.0
T = TypeVar("T")

WORKSPACE_EVENTS = """
subscription($workspaceId: ID!, $conversationId: ID, $after: String) {
  workspaceEvents(workspaceId: $workspaceId, conversationId: $conversationId, after: $after) {
    __typename eventId cursor
    ... on MessageAdded { message { text } conversation { id } }
    ... on MessageChanged { message { status } conversation { id } }
    ... on ConversationChanged { change conversationId now: conversation { id } }
    ... on SnoozeExpired { conversation { id } }
  }
}"""

MESSAGES = """
subscription($workspaceId: ID!, $conversationId: ID, $after: String) {
  messageAdded(workspaceId: $workspaceId, conversationId: $conversationId, after: $after) {
    eventId cursor message { text } conversation { id }
  }
}"""

CHANGES = """
subscription($workspaceId: ID!, $conversationId: ID, $after: String) {
  conversationChanged(workspaceId: $workspaceId, conversationId: $conversationId, after: $after) {
    eventId cursor change conversationId conversation { id status }
  }
}"""

SNOOZES = """
subscription($workspaceId: ID!, $after: String) {
  snoozeExpired(workspaceId: $workspaceId, after: $after) {
    eventId cursor until conversation { id status }
  }
}"""

TYPING = """
subscription($workspaceId: ID!, $conversationId: ID) {
  typingChanged(workspaceId: $workspaceId, conversationId: $conversationId) {
    conversation { id } actor { ... on Member { name } } surface isTyping expiresAt
  }
}"""


class HasToken(Protocol):
    """A person, or whoever else has a token."""

    @property
    def token(self) -> str: ...


def seq_of(event: dict[str, Any]) -> int:
    """Return an event's number in the log."""
    kind, key = split_id(event["eventId"])
    assert kind == "WorkspaceEvent"
    return int(key.partition(".")[2])


class Ended(Exception):  # noqa: N818 - a fact, not always an error
    """An operation ended: by an `error` message, or by `complete` (then without codes)."""

    def __init__(self, codes: list[str]) -> None:
        super().__init__(codes)
        self.codes = codes


class Client:
    """One WebSocket whose messages are sorted by their operation."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._names = count(1)
        self._waiting: dict[str, deque[dict[str, Any]]] = defaultdict(deque)

    async def say(self, **message: Any) -> None:
        """Send one message."""
        await self.socket.send(orjson.dumps(message).decode())

    async def subscribe(self, document: str, **variables: Any) -> str:
        """Start an operation and return its id."""
        name = str(next(self._names))
        payload = {"query": document, "variables": variables}
        await self.say(type="subscribe", id=name, payload=payload)
        return name

    async def hear(self, name: str = "1", seconds: float = DEADLINE) -> Any:
        """Return what an operation's next result tells; raise Ended if there is none."""
        async with asyncio.timeout(seconds):
            while not self._waiting[name]:
                message = orjson.loads(await self.socket.recv())
                self._waiting[message.get("id", "")].append(message)
        message = self._waiting[name].popleft()
        if message["type"] != "next":
            errors = message.get("payload", [])
            raise Ended([error["extensions"]["code"] for error in errors])
        assert "errors" not in message["payload"], message["payload"]
        (told,) = message["payload"]["data"].values()
        return told

    async def until(self, seq: int, name: str = "1", *already: Any) -> list[Any]:
        """Return the events of an operation up to and with a number of the log."""
        heard = [*already] or [await self.hear(name)]
        while seq_of(heard[-1]) < seq:
            heard.append(await self.hear(name))
        return heard

    async def closing(self, seconds: float = 5.0) -> tuple[int | None, str | None]:
        """Return code and reason of the server's close; within 5 s where access was revoked."""
        async with asyncio.timeout(seconds):
            with suppress(ConnectionClosed):
                while True:
                    message = orjson.loads(await self.socket.recv())
                    self._waiting[message.get("id", "")].append(message)
            await self.socket.wait_closed()
        return self.socket.close_code, self.socket.close_reason

    def left(self, name: str = "1") -> list[dict[str, Any]]:
        """Return the messages of an operation that came and were not heard."""
        return list(self._waiting[name])


@dataclass
class Server:
    """A running server: in this process, or in one of its own."""

    url: str

    async def post(self, who: HasToken | None, document: str, **variables: Any) -> Any:
        """Send an operation by POST; return its whole answer."""
        headers = {"authorization": f"Bearer {who.token}"} if who else {}
        body = {"query": document, "variables": variables}
        async with httpx2.AsyncClient(timeout=DEADLINE, trust_env=False) as client:
            response = await client.post(f"{self.url}/graphql", json=body, headers=headers)
        return response.json()

    async def ask(self, who: HasToken | None, document: str, **variables: Any) -> Any:
        """Send an operation by POST; return its data, which must have no errors."""
        answer = await self.post(who, document, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    @asynccontextmanager
    async def client(self, who: HasToken, **options: Any) -> AsyncIterator[Client]:
        """Open a socket as somebody."""
        address = self.url.replace("http", "ws") + "/graphql"
        options = {"subprotocols": ["graphql-transport-ws"], "proxy": None, **options}
        async with connect(address, **options) as socket:
            client = Client(socket)
            token = {"authorization": f"Bearer {who.token}"}
            await client.say(type="connection_init", payload=token)
            async with asyncio.timeout(DEADLINE):
                assert orjson.loads(await socket.recv()) == {"type": "connection_ack"}
            yield client

    async def events(
        self, who: HasToken, document: str, **variables: Any
    ) -> AsyncIterator[tuple[str, Any]]:
        """Run an operation as Server-Sent Events; yield each event's name and data."""
        headers = {"authorization": f"Bearer {who.token}", "accept": "text/event-stream"}
        body = {"query": document, "variables": variables}
        async with (
            httpx2.AsyncClient(timeout=DEADLINE, trust_env=False) as client,
            client.stream("POST", f"{self.url}/graphql", json=body, headers=headers) as response,
        ):
            assert response.headers["content-type"].startswith("text/event-stream")
            name = ""
            async for line in response.aiter_lines():
                key, _, value = line.partition(": ")
                if key == "event":
                    name = value
                elif key == "data":
                    yield name, orjson.loads(value) if value else None


@asynccontextmanager
async def served(database_url: str, bus_url: str, **changes: Any) -> AsyncIterator[Server]:
    """Serve the whole server in this process; jobs run when a test runs them."""
    settings = Settings(
        **{
            "database_url": database_url,
            "bus_url": bus_url,
            "embedded_worker": False,
            "max_sockets_per_user": 200,
            **changes,
        }
    )
    with patch("app.build_schema", _schema):
        app = create_app(settings)
    async with serving(app) as url:
        yield Server(url)


@cache
def _built() -> strawberry.Schema:
    return build_schema(Settings())


def _schema(_settings: Settings) -> strawberry.Schema:
    """Return the schema, built once for all tests: none of them changes its limits."""
    return _built()


@pytest.fixture
def stack_bus_url(database_url: str, request: pytest.FixtureRequest) -> str:
    """Give the bus that goes with the database: in memory, or Redis."""
    if database_url.startswith("sqlite"):
        return "memory://"
    url: str = request.getfixturevalue("redis_url")
    return url


@pytest.fixture
async def server(database_url: str, stack_bus_url: str) -> AsyncIterator[Server]:
    """Give a server on SQLite and memory, and on PostgreSQL and Redis."""
    async with served(database_url, stack_bus_url) as running:
        yield running


@pytest.fixture
async def world(server: Server) -> World:
    """Give a workspace with an owner."""
    return await make_world()


async def cursor_of(world: World) -> str:
    """Return the cursor at the end of a workspace's log."""
    head = await read_head(world.workspace.id)
    return encode_cursor(head.epoch, head.seq)


async def last_seq(world: World) -> int:
    """Return the last number of a workspace's log."""
    return (await read_head(world.workspace.id)).seq


async def visible_seqs(world: World, after: int = 0) -> list[int]:
    """Return the numbers of all that somebody sees who sees all and has read nothing."""
    page = await read_page(world.workspace.id, after, 100_000)
    hidden = (CredentialRevoked, ConversationRead, ConversationMarkedUnread)
    return [logged.seq for logged in page if not isinstance(logged.fact, hidden)]


@asynccontextmanager
async def repeating(act: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Act over and over while the block waits for what follows from it."""

    async def repeat() -> None:
        while True:
            await act()
            await asyncio.sleep(0.02)

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def hears_typing(client: Client, viewer: Viewer, conversation_id: int, name: str) -> None:
    """Return once a stream tells of the typing of this viewer, and of nothing else any more."""
    async with repeating(lambda: start_typing(viewer, conversation_id, surface="MESSAGE")):
        await client.hear(name)
    await start_typing(viewer, conversation_id, surface="COMMENT")
    while (await client.hear(name))["surface"] != "COMMENT":
        pass
