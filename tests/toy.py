"""A small schema and its callers, to test the wire without the product."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2
import orjson
import strawberry
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route, WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from models.clock import now
from models.engine.errors import TransientDatabaseError
from models.refusal import Code, Refused
from schema.endpoint import GraphQLEndpoint
from schema.errors import ApiError, CloseSocket, ErrorCode
from schema.execution import BoundedSchema
from settings import Settings
from tests.serving import serving

DEADLINE = 10.0
JSON_TYPE = {"content-type": "application/json"}


@dataclass
class Caller:
    subject: str
    expires_at: datetime | None = None


@dataclass
class Context:
    identity: Caller | None
    problem: str | None = None


@dataclass
class World:
    """What the tests see and turn: tokens, contexts made, resolvers that were cancelled."""

    callers: dict[str, Caller] = field(default_factory=dict)
    expired: set[str] = field(default_factory=set)
    contexts: list[Context] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Exception | None = None

    async def authenticate(self, token: str | None, language: str) -> Context:
        if self.failure:
            raise self.failure
        self.languages.append(language)
        caller = self.callers.get(token or "")
        problem = None
        if token is not None and (token in self.expired or caller is None):
            problem, caller = (
                ("TOKEN_EXPIRED" if token in self.expired else "UNAUTHENTICATED"),
                None,
            )
        context = Context(caller, problem)
        self.contexts.append(context)
        return context


WORLD = World()


@strawberry.type
class Item:
    name: str = "item"

    @strawberry.field
    def items(self, first: int | None = None, last: int | None = None) -> list["Item"]:
        return [Item()] * (first or last or 1)

    @strawberry.field
    def next(self) -> "Item":
        return Item()


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "you") -> str:
        return f"hello {name}"

    @strawberry.field
    def who(self, info: strawberry.Info) -> str | None:
        caller: Caller | None = info.context.identity
        return caller.subject if caller else str(info.context.problem)

    @strawberry.field
    def items(self, first: int | None = None, ids: list[int] | None = None) -> list[Item]:
        return [Item()] * (first or len(ids or [1]))

    @strawberry.field
    def item(self) -> Item:
        return Item()

    @strawberry.field
    async def slow(self) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            WORLD.cancelled.set()
            raise
        return ""

    @strawberry.field
    def broken(self, password: str = "") -> str | None:
        raise ValueError(f"bug with {password}")

    @strawberry.field
    def missing(self) -> str | None:
        raise ApiError(ErrorCode.NOT_FOUND, "Nothing there.")

    @strawberry.field
    def refused(self, hidden: bool) -> str | None:
        raise Refused(Code.NOT_FOUND if hidden else Code.TAKEN, "The {what} is taken.", what="name")

    @strawberry.field
    def busy(self) -> str | None:
        raise TransientDatabaseError("deadlock detected")

    @strawberry.field
    def void(self) -> str:
        return None  # type: ignore[return-value]  # the bug under test


@strawberry.type
class Mutation:
    @strawberry.mutation
    def rename(self, name: str) -> str:
        return name


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int = 3) -> AsyncGenerator[int, None]:
        for number in range(to):
            yield number

    @strawberry.subscription
    async def hang(self) -> AsyncGenerator[int, None]:
        yield 0
        try:
            await asyncio.Event().wait()
        finally:
            WORLD.cancelled.set()

    @strawberry.subscription
    async def close(self, code: int, reason: str) -> AsyncGenerator[int, None]:
        yield 0
        raise CloseSocket(code, reason)

    @strawberry.subscription
    async def fail(self) -> AsyncGenerator[int, None]:
        raise ValueError("bug in a stream")
        yield 0

    @strawberry.subscription
    async def cursor(self) -> AsyncGenerator[int, None]:
        raise ApiError(ErrorCode.CURSOR_EXPIRED, "Fetch again.")
        yield 0

    @strawberry.subscription
    async def flood(self, size: int) -> AsyncGenerator[str, None]:
        while True:
            yield "x" * size


async def page(_request: object) -> HTMLResponse:
    return HTMLResponse("<!doctype html><title>GraphiQL</title>")


@dataclass
class Toy:
    """A running toy server."""

    url: str
    endpoint: GraphQLEndpoint
    world: World

    def connect(self, **options: Any) -> connect:
        """Open a WebSocket to the server."""
        options.setdefault("subprotocols", ["graphql-transport-ws"])
        return connect(self.url.replace("http", "ws"), **options)


@asynccontextmanager
async def toy(**changes: Any) -> AsyncIterator[Toy]:
    """Serve the toy schema with changed settings."""
    world = World(callers={"good": Caller("user:5", now() + timedelta(hours=1))}, expired={"old"})
    for name in ("callers", "expired", "contexts", "languages", "cancelled", "failure"):
        setattr(WORLD, name, getattr(world, name))
    settings = Settings(**changes)
    schema = BoundedSchema(Query, Mutation, Subscription, settings=settings)
    endpoint = GraphQLEndpoint(
        schema, authenticate=WORLD.authenticate, page=page, settings=settings
    )
    app = Starlette(routes=[Route("/graphql", endpoint), WebSocketRoute("/graphql", endpoint)])
    async with serving(app) as url:
        yield Toy(f"{url}/graphql", endpoint, WORLD)


async def say(socket: ClientConnection, message: object) -> None:
    """Send one frame; texts and bytes go as they are."""
    raw = message if isinstance(message, str | bytes) else orjson.dumps(message).decode()
    await socket.send(raw)


async def hear(socket: ClientConnection) -> Any:
    """Return the next message, decoded; the protocol has text frames only."""
    async with asyncio.timeout(DEADLINE):
        frame = await socket.recv()
    assert isinstance(frame, str)
    return orjson.loads(frame)


async def begin(socket: ClientConnection, token: str | None = "good") -> None:
    """Send `connection_init` with a token."""
    payload = {"authorization": f"Bearer {token}"} if token else {}
    await say(socket, {"type": "connection_init", "payload": payload})


async def acknowledged(socket: ClientConnection, token: str | None = "good") -> None:
    """Open the protocol on a socket."""
    await begin(socket, token)
    assert await hear(socket) == {"type": "connection_ack"}


async def subscribe(socket: ClientConnection, query: str, name: str = "1", **more: Any) -> None:
    """Start an operation."""
    payload = {"query": query, **more}
    await say(socket, {"type": "subscribe", "id": name, "payload": payload})


async def closing(socket: ClientConnection) -> tuple[int | None, str | None]:
    """Read until the server closes and return its code and reason."""
    async with asyncio.timeout(DEADLINE):
        with suppress(ConnectionClosedError):
            async for _message in socket:
                pass
        await socket.wait_closed()
    return socket.close_code, socket.close_reason


async def ask(server: Toy, body: Any, method: str = "POST", **headers: str) -> httpx2.Response:
    """Send one request; a `_` in a header's name stands for its dash."""
    content = body if isinstance(body, bytes | None) else orjson.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx2.AsyncClient(timeout=DEADLINE) as client:
        return await client.request(
            method, server.url, content=content, headers={**JSON_TYPE, **named}
        )


def code(response: httpx2.Response) -> str:
    """Return the code of the only error of an answer without data."""
    answer = response.json()
    assert set(answer) == {"errors"}
    assert len(answer["errors"]) == 1
    return str(answer["errors"][0]["extensions"]["code"])
