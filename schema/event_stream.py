"""Results as Server-Sent Events, one operation per response: graphql-sse's distinct connections."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

import orjson
from graphql import GraphQLError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.http.streaming import SSETransport, merge_stream_with_heartbeat
from strawberry.types import ExecutionResult

from models.clock import now
from schema.errors import CloseSocket, ErrorCode, public_exception, refusal, root_cause
from schema.operation import Identity, is_request_error

if TYPE_CHECKING:
    from schema.endpoint import GraphQLEndpoint

SEND_SECONDS = 30.0
LAST_WORD_SECONDS = 1.0
EXPIRY_CHECK_SECONDS = 3600.0


def payload(result: ExecutionResult) -> dict[str, object]:
    """Return a result as it goes over the wire: without `data` when nothing was executed."""
    answer: dict[str, object] = {} if is_request_error(result) else {"data": result.data}
    if result.errors:
        answer["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        answer["extensions"] = result.extensions
    return answer


async def until_expired(identity: Identity | None) -> None:
    """Return when the token of an identity has stopped being good."""
    if identity is None or identity.expires_at is None:
        await asyncio.Event().wait()
        return
    while (left := (identity.expires_at - now()).total_seconds()) > 0:  # noqa: ASYNC110 - a clock
        await asyncio.sleep(min(left, EXPIRY_CHECK_SECONDS))


class EventStream(Response):
    """The response that runs one operation and sends each result as a `next` event."""

    def __init__(
        self,
        endpoint: "GraphQLEndpoint",
        results: AsyncGenerator[Any, None],
        identity: Identity | None,
    ) -> None:
        self.transport = SSETransport()
        super().__init__(headers=dict(self.transport.headers))
        del self.headers["content-length"]
        self.endpoint = endpoint
        self.results = results
        self.identity = identity
        self.ending: asyncio.Future[GraphQLError] = asyncio.get_running_loop().create_future()

    def end(self, error: GraphQLError) -> None:
        """End the stream soon, with a last event that says why."""
        if not self.ending.done():
            self.ending.set_result(error)

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the operation completes, the token expires or the client leaves."""
        self.endpoint.streams.add(self)
        pump = asyncio.create_task(self.pump(send))
        gone = asyncio.create_task(self.disconnected(receive))
        expired = asyncio.create_task(until_expired(self.identity))
        try:
            waiting: set[asyncio.Future[Any]] = {pump, gone, expired, self.ending}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finished = pump.done() or gone.done()
        finally:
            self.endpoint.streams.discard(self)
            for task in (pump, gone, expired):
                task.cancel()
            await asyncio.gather(pump, gone, expired, return_exceptions=True)
        if not finished:
            error = self.ending.result() if self.ending.done() else None
            await self.last_word(send, error or refusal(ErrorCode.TOKEN_EXPIRED))

    async def pump(self, send: Send) -> None:
        """Send the events and, every 15 seconds, a comment that keeps the connection alive."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        texts = merge_stream_with_heartbeat(
            self.texts,
            lambda: self.transport.encode_comment("ping"),
            self.transport.heartbeat_interval,
            send_initial_heartbeat=True,
        )
        async with aclosing(texts()) as chunks:
            async for text in chunks:
                async with asyncio.timeout(SEND_SECONDS):
                    await send(_chunk(text, more=True))
        await send(_chunk("", more=False))

    async def texts(self) -> AsyncGenerator[str, None]:
        """Yield each result as an event, then `complete`."""
        async with aclosing(self.results) as results:
            try:
                async for result in results:
                    yield self.event(payload(result))
                    causes = (root_cause(error) for error in result.errors or ())
                    if any(isinstance(cause, CloseSocket) for cause in causes):
                        break
            except Exception as error:
                yield self.event({"errors": [public_exception(error).formatted]})
        yield self.transport.encode_complete()

    def event(self, answer: dict[str, object]) -> str:
        """Return a `next` event."""
        return self.transport.encode_event("next", orjson.dumps(answer).decode())

    async def last_word(self, send: Send, error: GraphQLError) -> None:
        """Tell a client that still listens why its stream ends."""
        text = self.event({"errors": [error.formatted]}) + self.transport.encode_complete()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORD_SECONDS):
                await send(_chunk(text, more=False))

    async def disconnected(self, receive: Receive) -> None:
        """Return when the client has left."""
        while (await receive())["type"] != "http.disconnect":
            pass


def _chunk(text: str, *, more: bool) -> dict[str, object]:
    return {"type": "http.response.body", "body": text.encode(), "more_body": more}
