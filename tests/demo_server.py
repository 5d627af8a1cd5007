"""The demo workspace on a real server inside a test, with or without its customers."""

import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from websockets.asyncio.client import connect

from app import create_app
from demo.page import DemoPage
from demo.processes import Programs, url_of
from demo.seed import Demo
from demo.serve import prepare, with_reach
from settings import Settings
from tests.serving import serving
from web.graphiql import PageData


@dataclass(frozen=True, slots=True)
class DemoServer:
    """A served demo workspace, and what its GraphiQL page is given."""

    url: str
    demo: Demo
    api_key: str
    page: PageData

    @property
    def token(self) -> str:
        """Return the bearer token that is filled into the page."""
        assert self.page.token is not None
        return self.page.token

    def tab(self, title: str) -> tuple[str, dict[str, Any]]:
        """Return the document and the variables of a ready-made tab."""
        [tab] = [tab for tab in self.page.tabs if tab.title == title]
        return tab.query, json.loads(tab.variables)

    async def ask(self, document: str, variables: dict[str, Any]) -> Any:
        """Execute an operation with the page's token; return its data."""
        return await ask(self.url, self.token, document, variables)

    async def hear(self, phone: str, text: str, message_id: str) -> None:
        """Let somebody write through the webhook."""
        event = {"type": "message", "mId": message_id, "message": {"type": "text", "text": text}}
        async with httpx2.AsyncClient() as client:
            response = await client.post(
                f"{self.url}/custom/channel/webhook/",
                headers={"Authorization": f"Bearer {self.demo.channel.token}"},
                json={
                    "channelId": self.demo.channel.handle,
                    "contactId": phone,
                    "events": [event],
                },
            )
        assert response.json() == {"accepted": 1}


@asynccontextmanager
async def demo_server(database_url: str, *, customers: bool = False) -> AsyncIterator[DemoServer]:
    """Seed an empty database and serve it; the customers answer at once, and never write first."""
    listener = socket.create_server(("127.0.0.1", 0))
    settings = Settings(database_url=database_url)
    prepared = await prepare(settings, url_of(listener))
    assert prepared is not None
    settings = with_reach(settings, prepared.demo.channel.base_url)
    page = DemoPage(prepared.demo)
    with Programs() as programs:
        async with serving(create_app(settings, page_data=page)) as url:
            if customers:
                options = ("--pace=0", "--only-answer")
                programs.start_customers(url, prepared.demo.channel, listener, *options)
            else:
                listener.close()
            yield DemoServer(url, prepared.demo, prepared.api_key, await page())


async def ask(url: str, token: str, document: str, variables: dict[str, Any]) -> Any:
    """Execute an operation that must have no errors over HTTP; return its data."""
    async with httpx2.AsyncClient() as client:
        response = await client.post(
            f"{url}/graphql",
            headers={"Authorization": f"Bearer {token}"},
            json={"query": document, "variables": variables},
        )
    answer = response.json()
    assert "errors" not in answer, answer
    return answer["data"]


@asynccontextmanager
async def following(
    url: str, token: str, document: str, variables: dict[str, Any]
) -> AsyncIterator[Callable[[], AsyncIterator[Any]]]:
    """Subscribe over graphql-transport-ws and give what iterates over the data of its events."""
    address = url.replace("http", "ws", 1) + "/graphql"
    async with connect(address, subprotocols=["graphql-transport-ws"]) as socket_:  # type: ignore[list-item]

        async def say(kind: str, **rest: Any) -> None:
            await socket_.send(json.dumps({"type": kind, **rest}))

        async def events() -> AsyncIterator[Any]:
            async for frame in socket_:
                message = json.loads(frame)
                if message["type"] == "next":
                    assert "errors" not in message["payload"], message
                    yield message["payload"]["data"]

        await say("connection_init", payload={"Authorization": f"Bearer {token}"})
        assert json.loads(await socket_.recv())["type"] == "connection_ack"
        await say("subscribe", id="1", payload={"query": document, "variables": variables})
        yield events


async def collect_until(
    events: AsyncIterator[Any], is_last: Callable[[list[Any]], bool]
) -> list[Any]:
    """Return what was heard once it is all that was waited for."""
    heard: list[Any] = []
    async with aclosing(events) as stream:  # type: ignore[type-var]
        async for event in stream:
            heard.append(event)
            if is_last(heard):
                return heard
    raise AssertionError(f"the socket closed after {heard}")
