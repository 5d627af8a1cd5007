"""GraphQL over HTTP at one path: JSON by POST, Server-Sent Events, and the door to WebSockets."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import MissingQueryError
from strawberry.http.websocket_origin import normalize_origin
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from resolvers.sentences import ENGLISH
from schema.answers import json_answer, refused_answer, status_of
from schema.direct import Prepared
from schema.errors import (
    HTTP_STATUS,
    ApiError,
    CloseSocket,
    ErrorCode,
    code_of,
    public_error,
    public_exception,
    refusal,
)
from schema.event_stream import EventStream, payload
from schema.execution import BoundedSchema
from schema.frames import SocketAdapter
from schema.multipart import is_multipart, read_multipart
from schema.negotiation import (
    EVENT_STREAM,
    JSON,
    OperationRequest,
    RequestRefused,
    answer_type,
    check_content,
    first_headers,
    host_allowed,
    names_in,
    origin_allowed,
    parse_operation,
    read_body,
    wants_page,
)
from schema.operation import (
    Authenticate,
    OperationContext,
    Recall,
    Watch,
    bearer,
    place,
)
from schema.sockets import Socket
from settings import Settings, get_settings

ANSWERED_BY_POST = {OperationType.QUERY, OperationType.MUTATION}
NO_STREAM = "Subscriptions need a WebSocket, or Accept: text/event-stream."


class GraphQLEndpoint(GraphQL[OperationContext, None]):
    """The ASGI application of `/graphql`; it knows its open sockets and streams."""

    websocket_adapter_class = SocketAdapter
    graphql_transport_ws_handler_class = Socket

    def __init__(
        self,
        schema: BoundedSchema,
        *,
        authenticate: Authenticate,
        recall: Recall | None = None,
        page: Callable[[Request], Awaitable[Response]] | None = None,
        watch: Watch | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.settings = settings or get_settings()
        own = normalize_origin(self.settings.public_url)
        origins = [*names_in(self.settings.allowed_origins), *([own] if own else [])]
        super().__init__(
            schema,
            graphql_ide=None,
            allow_queries_via_get=False,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=timedelta(
                seconds=self.settings.connection_init_timeout_seconds
            ),
            max_subscriptions_per_connection=None,
            allowed_origins=origins,
        )
        self.bounded = schema
        self.origins = frozenset(origins)
        self.hosts = frozenset(names_in(self.settings.allowed_hosts.lower()))
        self.authenticate = authenticate
        self.recall = recall
        self.page = page
        self.watch = watch
        self.sockets: set[Socket] = set()
        self.streams: set[EventStream] = set()

    @property
    def open_sockets(self) -> int:
        """Count the WebSockets that are open now."""
        return len(self.sockets)

    @property
    def running_operations(self) -> int:
        """Count the operations that run over WebSockets and event streams now."""
        return sum(len(socket.operations) for socket in self.sockets) + len(self.streams)

    async def close_all(self, code: int = 1012, reason: str = "restart") -> None:
        """Close every socket with this code and end every stream; clients resume by cursor."""
        error = ApiError(ErrorCode.TRY_AGAIN, "The server restarts; connect again to go on.")
        for stream in list(self.streams):
            stream.end(error)
        await asyncio.gather(*(socket.websocket.close(code, reason) for socket in self.sockets))

    async def close_subject(self, subject: str, code: int, reason: str) -> int:
        """Close the sockets and streams of one user or API key, telling each operation why."""
        sockets = [socket for socket in self.sockets if socket.subject == subject]
        for stream in list(self.streams):
            if stream.identity and stream.identity.subject == subject:
                stream.end(public_exception(CloseSocket(code, reason)))
        await asyncio.gather(*(socket.close_telling(code, reason) for socket in sockets))
        return len(sockets)

    async def identify(self, token: str | None, language: str, scope: Scope) -> OperationContext:
        """Return a fresh context for one operation, in the time that an operation may take."""
        try:
            with self.bounded.deadlines.limit() as limit:
                context = await self.authenticate(token, language)
        except TimeoutError:
            if not limit.is_over:
                raise
            raise refusal(ErrorCode.TRY_AGAIN) from None
        return place(context, scope)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request, or serve one WebSocket until it closes."""
        if scope["type"] == "http":
            response = await self.respond(scope, receive)
            await response(scope, receive, send)
            return
        websocket = WebSocket(scope, receive, send)
        if host_allowed(scope, self.hosts):
            await self.run(websocket)
        else:
            await self.reject_websocket(websocket)

    async def get_context(self, request: Any, response: Any) -> Any:
        """Return nothing for a whole socket: each of its operations gets its own context."""
        return None

    async def respond(self, scope: Scope, receive: Receive) -> Response:
        """Answer a request; whatever goes wrong, the answer is typed JSON."""
        try:
            return await self.answer(scope, receive)
        except RequestRefused as refused:
            return refused_answer(refused)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:
            public = public_exception(error)
            return json_answer(
                {"errors": [public.formatted]}, HTTP_STATUS.get(code_of(public), 400)
            )

    async def answer(self, scope: Scope, receive: Receive) -> Response:
        """Check the request from the outside in, then execute its operation."""
        if not host_allowed(scope, self.hosts):
            raise RequestRefused(400, ErrorCode.BAD_USER_INPUT, "This host is not served here.")
        headers = first_headers(scope)
        if scope["method"] in ("GET", "HEAD") and self.page and wants_page(headers):
            return await self.page(Request(scope, receive))
        if scope["method"] != "POST":
            message = "Send operations by POST; GET executes nothing."
            raise RequestRefused(405, ErrorCode.BAD_USER_INPUT, message, {"allow": "POST"})
        if not origin_allowed(headers, self.origins):
            raise RequestRefused(403, ErrorCode.FORBIDDEN, "Pages of this origin may not ask.")
        media = answer_type(headers.get("accept"))
        if is_multipart(headers):
            return await self.answer_with_files(Request(scope, receive), media)
        check_content(headers)
        operation = parse_operation(await read_body(receive, headers, self.settings.max_body_bytes))
        token, language = bearer(headers.get("authorization")), headers.get("accept-language", "")
        try:
            operation = self.named(operation)
            prepared = None if media == EVENT_STREAM else self.prepared(operation)
            data = await self.proved(prepared, token, language, scope)
        except ApiError as error:
            result = PreExecutionError(data=None, errors=[error])
            kind = JSON if media == EVENT_STREAM else media
            return json_answer(payload(result), status_of(result, media), kind)
        if data is not None:
            return json_answer({"data": data}, 200, media)
        context = await self.identify(token, language, scope)
        if media == EVENT_STREAM:
            return await self.stream(operation, context)
        return await self.execute(operation, prepared, context, media)

    async def answer_with_files(self, request: Request, media: str) -> Response:
        """Execute an operation that brings files: read only for who is logged in."""
        token = bearer(request.headers.get("authorization"))
        language = request.headers.get("accept-language", "")
        context = await self.identify(token, language, request.scope) if token else None
        if context is None or context.identity is None:
            raise RequestRefused(401, ErrorCode.UNAUTHENTICATED, "Log in before you bring files.")
        operation, form = await read_multipart(request, self.settings)
        try:
            kind = JSON if media == EVENT_STREAM else media
            return await self.execute(self.named(operation), None, context, kind)
        finally:
            await form.close()

    def named(self, operation: OperationRequest) -> OperationRequest:
        """Return an operation with its text, also where it came by id or by hash."""
        text = self.bounded.documents.text_of(
            operation.query, operation.document_id, operation.digest
        )
        return operation if text is operation.query else operation._replace(query=text)

    async def stream(self, operation: OperationRequest, context: OperationContext) -> Response:
        """Run any operation as a stream of events, as many at once as one socket may run."""
        subject = context.identity.subject if context.identity else None
        running = [s for s in self.streams if s.identity and s.identity.subject == subject]
        if len(running) >= self.settings.max_subscriptions_per_socket:
            raise RequestRefused(429, ErrorCode.RATE_LIMITED, "Too many streams are open.")
        results = await self.schema.stream(
            operation.query,
            variable_values=operation.variables,
            context_value=context,
            operation_name=operation.operation_name,
            operation_extensions=operation.extensions,
        )
        return EventStream(self, results, context.identity)

    def prepared(self, operation: OperationRequest) -> Prepared | None:
        """Return an operation that needs nothing of the library, None for others."""
        direct, text = self.bounded.direct, operation.query or ""
        if direct is None:
            return None
        return direct.prepare(text, operation.operation_name, operation.variables)

    async def proved(
        self, prepared: Prepared | None, token: str | None, language: str, scope: Scope
    ) -> dict[str, Any] | None:
        """Return the data for a viewer who is remembered, and was proved by its rows.

        None where they are not, or where nothing could prove it: they are looked up then.
        """
        if self.recall is None or token is None or prepared is None or not prepared.is_provable:
            return None
        context = self.recall(token, language)
        return None if context is None else await prepared.run_proving(place(context, scope))

    async def execute(
        self,
        operation: OperationRequest,
        prepared: Prepared | None,
        context: OperationContext,
        media: str,
    ) -> Response:
        """Execute a query or mutation; plain JSON answers 200 to all that was well-formed."""
        try:
            data = await prepared.run(context) if prepared is not None else None
            if data is not None:
                return json_answer({"data": data}, 200, media)
            result = await self.schema.execute(
                operation.query,
                variable_values=operation.variables,
                context_value=context,
                operation_name=operation.operation_name,
                operation_extensions=operation.extensions,
                allowed_operation_types=ANSWERED_BY_POST,
            )
        except InvalidOperationTypeError:
            raise RequestRefused(406, ErrorCode.BAD_USER_INPUT, NO_STREAM) from None
        except (CannotGetOperationTypeError, MissingQueryError) as error:
            result = PreExecutionError(data=None, errors=[public_exception(error)])
        except ApiError as error:
            language = getattr(context, "language", ENGLISH)
            result = PreExecutionError(data=None, errors=[public_error(error, (), language)])
        return json_answer(payload(result), status_of(result, media), media)
