"""The shop's simulated customers: a program of its own that speaks the custom channel's HTTP.

They write to the server's webhook, take its messages at `POST /message`, say how far each came,
and answer what a colleague writes. Nothing of the server is imported here but the story's names.
"""

import argparse
import asyncio
import itertools
import os
import random
import secrets
import socket
import sys
import threading
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.shop import THREADS, Thread

HANDLE_VARIABLE = "PARLEY_DEMO_CHANNEL"
TOKEN_VARIABLE = "PARLEY_DEMO_TOKEN"  # noqa: S105 - the name of a variable
WEBHOOK_PATH = "/custom/channel/webhook/"
REQUEST_SECONDS = 10.0
AGAIN_SECONDS = 1.0
FIRST_WORDS_SECONDS = 4.0
BETWEEN_WORDS_SECONDS = 15.0
REMEMBERED_KEYS = 10_000
FRENCH = "fr"

OPENERS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "Hello? Is anybody there?",
        "Another question: do you also take old pots back?",
        "Can I pay on account?",
        "How often should I water a ficus?",
        "Is the delivery still coming today?",
        "Do you have something that survives a north window?",
        "Could you call me back this afternoon?",
        "I forgot my umbrella in your shop, did you find it?",
    ),
    FRENCH: (
        "Bonjour, avez-vous encore des lavandes ?",
        "Une autre question : reprenez-vous les vieux pots ?",
        "Peut-on passer dimanche matin ?",
    ),
}
ANSWERS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "Thanks for the quick answer!",
        "Good to know. And what does it cost?",
        "All right, I take it.",
        "Can I pick it up tomorrow after six?",
        "Perfect, see you then!",
        "Thank you, that is all for now.",
    ),
    FRENCH: (
        "Merci pour la réponse rapide !",
        "D'accord. Et combien cela coûte-t-il ?",
        "Très bien, je le prends.",
        "Merci, à bientôt !",
    ),
}


class Customers:
    """All customers of the shop, behind one HTTP server; `pace` stretches every pause."""

    def __init__(
        self, *, server_url: str, handle: str, token: str, pace: float, is_chatty: bool
    ) -> None:
        self._server_url = server_url
        self._handle = handle
        self._headers = {"Authorization": f"Bearer {token}"}
        self._pace = pace
        self._is_chatty = is_chatty
        self._client = httpx2.AsyncClient(timeout=REQUEST_SECONDS, trust_env=False)
        self._run = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._taken: dict[str, str] = {}
        self._answered: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._people = {thread.phone: thread for thread in THREADS}

    def app(self) -> Starlette:
        """Return the HTTP server that takes the shop's messages."""
        return Starlette(routes=[Route("/message", self.take, methods=["POST"])])

    async def take(self, request: Request) -> Response:
        """Take a message and give it an id; a repeated Idempotency-Key gets the first one's."""
        if request.headers.get("authorization") != self._headers["Authorization"]:
            return JSONResponse({"error": {"message": "Unknown token"}}, 401)
        body = await request.json()
        key = request.headers.get("idempotency-key", secrets.token_hex(8))
        if key not in self._taken:
            while len(self._taken) >= REMEMBERED_KEYS:
                del self._taken[next(iter(self._taken))]
            self._taken[key] = self._new_id()
            self._start(self._receive(body["contactId"], self._taken[key], body["message"]["text"]))
        return JSONResponse({"mId": self._taken[key]})

    async def chat(self) -> None:
        """Let somebody write now and then, for ever, once the server answers."""
        await self._until_server_answers()
        await self._rest(FIRST_WORDS_SECONDS)
        people = [*THREADS]
        for round_number in itertools.count():
            random.shuffle(people)
            for thread in people:
                openers = OPENERS[thread.language]
                await self._write(thread.phone, openers[round_number % len(openers)])
                await self._rest(BETWEEN_WORDS_SECONDS)

    async def live(self, server: uvicorn.Server, listener: socket.socket) -> None:
        """Take messages and write some until the server is told to stop."""
        if self._is_chatty:
            self._start(self.chat())
        try:
            await server.serve(sockets=[listener])
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._client.aclose()

    async def _receive(self, phone: str, message_id: str, text: str) -> None:
        """Report a message as sent, delivered and read, then answer it."""
        _say(f"{_name(self._people.get(phone), phone)} gets: {text}")
        for status, pause in (("sent", 0.2), ("delivered", 0.3), ("read", 0.7)):
            await self._rest(pause)
            await self._post(
                phone, {"type": "message_status", "mId": message_id, "status": {"value": status}}
            )
        await self._rest(random.uniform(0.8, 1.6))
        language = self._people[phone].language if phone in self._people else "en"
        number = self._answered.get(phone, 0)
        self._answered[phone] = number + 1
        await self._write(phone, ANSWERS[language][number % len(ANSWERS[language])])

    async def _write(self, phone: str, text: str) -> None:
        _say(f"{_name(self._people.get(phone), phone)} writes: {text}")
        message = {"type": "text", "text": text}
        await self._post(phone, {"type": "message", "mId": self._new_id(), "message": message})

    async def _post(self, phone: str, event: Mapping[str, object]) -> None:
        """Bring an event to the webhook, again and again until it is accepted."""
        body = {
            "channelId": self._handle,
            "contactId": phone,
            "events": [{"timestamp": int(time.time() * 1000), **event}],
            "contact": self._people[phone].profile if phone in self._people else {},
        }
        while True:
            with suppress(httpx2.HTTPError):
                response = await self._client.post(
                    f"{self._server_url}{WEBHOOK_PATH}", json=body, headers=self._headers
                )
                if response.status_code < 500:
                    if response.is_error:
                        _say(f"The server refused: {response.text}")
                    return
            await asyncio.sleep(AGAIN_SECONDS)

    async def _until_server_answers(self) -> None:
        while True:
            with suppress(httpx2.HTTPError):
                await self._client.get(f"{self._server_url}/healthz")
                return
            await asyncio.sleep(AGAIN_SECONDS)

    def _new_id(self) -> str:
        return f"demo-{self._run}-{next(self._numbers)}"

    async def _rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self._pace)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _name(thread: Thread | None, phone: str) -> str:
    return f"{thread.first_name} {thread.last_name}" if thread else phone


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


def stop_with_parent(server: uvicorn.Server) -> None:
    """Stop the server once standard input closes: whoever started this program is gone."""

    def wait() -> None:
        while os.read(0, 1024):
            pass
        server.should_exit = True

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Live until standard input closes, or until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="the server's URL")
    parser.add_argument("--listener", type=int, required=True, help="a listening socket's number")
    parser.add_argument("--pace", type=float, default=1.0, help="stretches every pause")
    parser.add_argument("--only-answer", action="store_true", help="write only when written to")
    options = parser.parse_args()
    customers = Customers(
        server_url=options.server,
        handle=os.environ[HANDLE_VARIABLE],
        token=os.environ[TOKEN_VARIABLE],
        pace=options.pace,
        is_chatty=not options.only_answer,
    )
    listener = socket.socket(fileno=options.listener)
    server = uvicorn.Server(
        uvicorn.Config(customers.app(), log_level="warning", access_log=False, lifespan="off")
    )
    stop_with_parent(server)
    with suppress(KeyboardInterrupt):
        asyncio.run(customers.live(server, listener))


if __name__ == "__main__":
    main()
