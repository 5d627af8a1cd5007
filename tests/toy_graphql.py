"""A toy GraphQL server with the GraphiQL page: one query, and one subscription told by hand."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import strawberry
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from strawberry.asgi import GraphQL
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import Info

from tests.serving import serving
from web.graphiql import PageData, Tab, asset_routes, graphiql_page
from web.graphiql.pins import ASSETS

TOKEN = "demo-token"
INBOX_TAB = Tab(
    "InboxPage", "query InboxPage($name: String!) { inbox(name: $name) }", '{"name": "Ada"}'
)
MESSAGES_TAB = Tab("MessageAdded", "subscription MessageAdded { messageAdded }", "{}")


@strawberry.type
class Query:
    @strawberry.field
    def inbox(self, info: Info, name: str) -> str:
        return f"{name} asks with {_authorization(info)}"


def _authorization(info: Info) -> str | None:
    """Return what came in the HTTP header, or in connection_init under the same name."""
    parameters = info.context.get("connection_params")
    if parameters is not None:
        return str(parameters.get("Authorization"))
    header: str | None = info.context["request"].headers.get("authorization")
    return header


@dataclass
class Toy:
    """A small server with the page, and the messages its subscription tells."""

    url: str = ""
    messages: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    subscribed: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def schema(self) -> strawberry.Schema:
        toy = self

        @strawberry.type
        class Subscription:
            @strawberry.subscription
            async def message_added(self, info: Info) -> AsyncGenerator[str, None]:
                toy.subscribed.set()
                try:
                    while True:
                        yield f"{await toy.messages.get()} for {_authorization(info)}"
                finally:
                    toy.left.set()

        return strawberry.Schema(query=Query, subscription=Subscription)

    def app(self, data: PageData, assets: Path) -> Starlette:
        graphql = GraphQL[None, None](
            self.schema(), subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,)
        )
        page = graphiql_page(_provider(data), assets=assets)
        return Starlette(
            routes=[
                Route("/graphql", page, methods=["GET"]),
                Route("/graphql", graphql, methods=["POST"]),
                WebSocketRoute("/graphql", graphql),
                *asset_routes(assets=assets),
            ]
        )


def _provider(data: PageData) -> Callable[[], Awaitable[PageData]]:
    async def provide() -> PageData:
        return data

    return provide


@asynccontextmanager
async def toy_server(
    tabs: tuple[Tab, ...] = (INBOX_TAB, MESSAGES_TAB), assets: Path = ASSETS
) -> AsyncIterator[Toy]:
    toy = Toy()
    async with serving(toy.app(PageData(TOKEN, tabs), assets)) as base_url:
        toy.url = f"{base_url}/graphql"
        yield toy
