"""GraphQL over WebSockets: the graphql-transport-ws protocol, to the letter of its close codes.

Besides the protocol's 4400 (malformed frame), 4401 (subscribe before acknowledgement), 4403
(refused), 4406, 4408, 4409 and 4429 (a second `connection_init`, or too many sockets of one user) a
socket may close with 4411 TOKEN_EXPIRED, 4412 ACCESS_REVOKED, 4413 SLOW_CONSUMER, 1011 (our bug),
1012 restart and 1013 (try again later).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from sys import intern
from typing import TYPE_CHECKING, Any, cast

from graphql import GraphQLError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.types import ExecutionResult

from models.clock import now
from schema.errors import ApiError, CloseSocket, ErrorCode, code_of, public_exception, root_cause
from schema.event_stream import EXPIRY_CHECK_SECONDS
from schema.frames import CLOSE_SECONDS, FRAMES, SocketAdapter, frame_fault
from schema.negotiation import operation_in
from schema.operation import (
    Identity,
    OperationContext,
    TakesFrames,
    Watch,
    identity_problem,
    init_token,
    is_request_error,
)

if TYPE_CHECKING:
    from schema.endpoint import GraphQLEndpoint
    from schema.live import Live


class Socket(BaseGraphQLTransportWSHandler[Any, None]):
    """One client of the protocol; every operation gets a context of its own."""

    websocket: SocketAdapter

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.endpoint = cast("GraphQLEndpoint", self.view)
        self.scope = self.websocket.ws.scope
        self.headers = self.websocket.ws.headers
        self.language = self.headers.get("accept-language", "")
        self.token: str | None = None
        self.subject: str | None = None
        self.expiry: asyncio.TimerHandle | None = None
        self.tasks: set[asyncio.Task[Any]] = set()

    async def handle(self) -> None:
        """Serve the socket until it closes, then let its operations clean up."""
        self.endpoint.sockets.add(self)
        try:
            await super().handle()
        finally:
            self.endpoint.sockets.discard(self)

    async def shutdown(self) -> None:
        """Cancel all that runs for this socket and wait until it has ended."""
        if self.expiry is not None:
            self.expiry.cancel()
        await super().shutdown()
        for task in list(self.tasks):
            task.cancel()
            with suppress(Exception, asyncio.CancelledError):
                await task

    async def handle_message(self, message: Any) -> None:
        """Act on one frame; whatever is not of the protocol's shape closes with 4400."""
        if fault := frame_fault(message):
            await self.websocket.close(4400, fault)
        elif message["type"] == "connection_init":
            await self.handle_connection_init(message)
        elif message["type"] == "subscribe":
            await self.handle_subscribe(message)
        elif message["type"] == "complete":
            await self.handle_complete(message)
        elif message["type"] == "ping":
            await self.handle_ping(message)

    async def handle_connection_init(self, message: Any) -> None:
        """Acknowledge a client with a good token; others are closed with 4403 or 4411."""
        if self.connection_timed_out:
            return
        if self.connection_init_received:
            await self.websocket.close(4429, "Too many initialisation requests")
            return
        self.connection_init_received = True
        if self.connection_init_timeout_task:
            self.connection_init_timeout_task.cancel()
        token = init_token(message.get("payload") or {}, self.headers)
        try:
            context = await self.endpoint.identify(token, self.language, self.scope)
        except Exception as error:
            await self.close_failed(error)
            return
        problem = identity_problem(context)
        if problem or context.identity is None:
            expired = problem and code_of(problem) is ErrorCode.TOKEN_EXPIRED
            await self.websocket.close(
                *((4411, "TOKEN_EXPIRED") if expired else (4403, "Forbidden"))
            )
            return
        await self.acknowledge(token, context.identity)
        if self.connection_acknowledged and self.endpoint.watch is not None:
            self.keep(asyncio.create_task(self.watch(self.endpoint.watch, context)))

    async def acknowledge(self, token: str | None, identity: Identity) -> None:
        """Count the socket for its user, watch its token and answer `connection_ack`."""
        same = sum(socket.subject == identity.subject for socket in self.endpoint.sockets)
        if same >= self.endpoint.settings.max_sockets_per_user:
            await self.websocket.close(4429, "Too many sockets")
            return
        self.token, self.subject = token, identity.subject
        self.expire(identity)
        self.connection_acknowledged = True
        await self.send_message({"type": "connection_ack"})

    def expire(self, identity: Identity) -> None:
        """Close with 4411 when the token that opened the socket stops being good."""
        if identity.expires_at is None:
            return
        left = (identity.expires_at - now()).total_seconds()
        if left <= 0:
            self.keep(asyncio.create_task(self.close_telling(4411, "TOKEN_EXPIRED")))
            return
        loop = asyncio.get_running_loop()
        self.expiry = loop.call_later(min(left, EXPIRY_CHECK_SECONDS), self.expire, identity)

    async def watch(self, watch: Watch, context: OperationContext) -> None:
        """Close with 4412 when the rights that opened the socket end or change."""
        await watch(context)
        await self.close_telling(4412, "ACCESS_REVOKED")

    async def handle_ping(self, message: Any) -> None:
        """Answer `pong` with the payload of the `ping`."""
        echo = {"payload": message["payload"]} if "payload" in message else {}
        await self.websocket.send_json({"type": "pong", **echo})

    async def handle_subscribe(self, message: Any) -> None:
        """Start an operation, unless the socket runs as many as it may."""
        name = message["id"]
        limit = self.endpoint.settings.max_subscriptions_per_socket
        is_new = self.connection_acknowledged and name not in self.operations
        if is_new and len(self.operations) >= limit:
            error = ApiError(
                ErrorCode.RATE_LIMITED, f"A socket may run {limit} operations at once."
            )
            await self.send_message({"id": name, "type": "error", "payload": [error.formatted]})
            return
        if self.connection_acknowledged:
            try:
                operation = self.endpoint.named(operation_in(message["payload"]))
            except ApiError as error:
                await self.send_message({"id": name, "type": "error", "payload": [error.formatted]})
                return
            # one text for all sockets: it stays as long as the operation
            message["payload"]["query"] = intern(operation.query or "")
        await super().handle_subscribe(message)
        if is_new and (task := self.operations[name].task):
            self.keep(task)

    async def run_operation(self, operation: Operation[Any, None]) -> None:
        """Run one operation with a fresh context and send its results, then `complete`."""
        frames = self.scope.get("extensions", {}).get(FRAMES)
        place = None
        try:
            while True:
                context = await self.endpoint.identify(self.token, self.language, self.scope)
                if problem := identity_problem(context):
                    await operation.send_initial_errors([problem])
                    return
                if isinstance(context, TakesFrames):
                    context.frames, context.place = frames, place
                live = await self.stream(operation, context)
                if live is None:
                    break
                frames, place = None, live.place  # its results are this viewer's alone
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except WebSocketDisconnected:
            return
        except CloseSocket as closing:
            await self.tell(operation, [public_exception(closing)])
            await self.websocket.close(closing.code, closing.reason)
        except Exception as error:
            with suppress(WebSocketDisconnected):
                await operation.send_initial_errors([public_exception(error)])

    async def stream(
        self, operation: Operation[Any, None], context: OperationContext
    ) -> "Live | None":
        """Send the results; return a live subscription where the library must go on behind it."""
        live: Live | None = None
        results = await self.schema.stream(
            operation.query,
            variable_values=operation.variables,
            context_value=context,
            operation_name=operation.operation_name,
        )
        try:
            async with aclosing(results):
                live = await self.send_results(operation, results, context)
            del results
            if live is not None:
                await live.run()
            return live
        finally:
            if live is not None:
                live.stop()

    async def send_results(
        self,
        operation: Operation[Any, None],
        results: AsyncGenerator[Any, None],
        context: OperationContext,
    ) -> "Live | None":
        """Send each result; return a subscription that goes on without the library."""
        async for result in results:
            if isinstance(context, TakesFrames) and context.live and context.frames:
                live, context.live = context.live, None
                live.start(operation.id, context.frames)
                return live
            if not isinstance(result, ExecutionResult):
                await self._reject_incremental_delivery(operation)
                return None
            errors: list[GraphQLError] = result.errors or []
            closings = [c for c in map(root_cause, errors) if isinstance(c, CloseSocket)]
            if closings:
                await self.tell(operation, errors)
                await self.websocket.close(closings[0].code, closings[0].reason)
                return None
            if is_request_error(result):
                await operation.send_initial_errors(errors)
                return None
            await operation.send_next(result)
        return None

    async def close_telling(self, code: int, reason: str) -> None:
        """Close the socket after a typed last message to each of its operations."""
        error = public_exception(CloseSocket(code, reason))
        operations = list(self.operations.values())
        await asyncio.gather(*(self.tell(operation, [error]) for operation in operations))
        for operation in operations:
            if operation.task:
                operation.task.cancel()
        await self.websocket.close(code, reason)

    async def close_failed(self, error: Exception) -> None:
        """Close a socket that we could not open: 1013 when trying again helps, else 1011."""
        public = public_exception(error)
        again = code_of(public) is ErrorCode.TRY_AGAIN
        detail = (public.extensions or {}).get("errorId", "")
        await self.websocket.close(1013 if again else 1011, f"{public.message} {detail}".strip())

    async def tell(self, operation: Operation[Any, None], errors: list[GraphQLError]) -> None:
        """Send an operation its last errors, if the client takes them at once."""
        with suppress(TimeoutError, WebSocketDisconnected):
            async with asyncio.timeout(CLOSE_SECONDS):
                await operation.send_initial_errors(errors)

    def forget_id(self, id: str) -> None:
        """Make the id of an ended operation free again."""
        self.operations.pop(id, None)

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Remember a task until it has ended, so that shutdown waits for it."""
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
