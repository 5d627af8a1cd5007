"""The composition root: puts the floors together and gives them one life; it knows everything."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.http import GuardedClient
from connectors.mail import Mailer
from connectors.openid import OpenIdProvider
from models.database import check_schema, connect, disconnect
from models.engine import sql
from realtime.broker import Broker
from realtime.jobs import Handler, JobRunner, count_jobs
from realtime.presence import signal_with
from realtime.transaction import ring_with
from resolvers.account import KEEP_FAILED_LOG_IN, keep_failed_log_in
from resolvers.automatic_closing import close_idle
from resolvers.channel import PROCESS_INBOUND, process_inbound
from resolvers.contact_export import EXPORT_PORTION, export_portion
from resolvers.contact_import import import_portion
from resolvers.delivery import deliver_message
from resolvers.erasure import ERASE_CONTACT, ERASE_INBOUND, erase_contact, erase_inbound
from resolvers.file_erasure import ERASE_FILE, erase_file
from resolvers.idle_clock import CLOSE_IDLE
from resolvers.import_upload import IMPORT_PORTION
from resolvers.incoming_file import FETCH_FILE, fetch_file
from resolvers.inspection import INSPECT_FILE, inspect_file
from resolvers.invitation_mail import SEND_INVITATION, send_invitation
from resolvers.member import RELEASE_CONVERSATIONS, release_conversations
from resolvers.message import DELIVER_MESSAGE, DELIVER_PARTS
from resolvers.openid import finish_log_in, start_log_in
from resolvers.part_delivery import deliver_parts
from resolvers.password import SEND_PASSWORD_RESET, send_password_reset
from resolvers.retention import CLEAN_UP, clean_up, schedule_clean_up
from resolvers.schedule import SEND_SCHEDULED
from resolvers.schedule_due import send_scheduled
from resolvers.snooze import EXPIRE_SNOOZE, expire_snooze
from schema.context import Context, ContextMaker
from schema.endpoint import GraphQLEndpoint
from schema.hub import Hub
from schema.negotiation import names_in
from schema.root import build_schema
from schema.watch import until_revoked
from settings import Settings
from web import files, health, openid, transfers, webhooks
from web.graphiql import PageData, asset_routes, graphiql_page
from web.metrics import CountRequests, Metrics

READY_SECONDS = 2.0


class GraphQLFirst:
    """ASGI middleware: what is asked for most needs not pass through all of Starlette.

    Its route is left with what asks otherwise, as with a slash at the end.
    """

    def __init__(self, app: ASGIApp, endpoint: GraphQLEndpoint) -> None:
        self.app = app
        self.endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        is_graphql = scope["type"] != "lifespan" and scope["path"] == "/graphql"
        await (self.endpoint if is_graphql else self.app)(scope, receive, send)


class Application(Starlette):
    """Starlette inside of its middleware: what failed unforeseen passes through it, too."""

    def __init__(self, *, around: Sequence[Middleware], **options: Any) -> None:
        super().__init__(**options)
        self._around = around

    def build_middleware_stack(self) -> ASGIApp:
        """Put Starlette's own, which answers errors, inside of ours."""
        app = super().build_middleware_stack()
        for outer, given, named in reversed(self._around):
            app = outer(app, *given, **named)
        return app


def job_handlers(client: GuardedClient, mailer: Mailer) -> Mapping[str, Handler]:
    """Return what runs each kind of job."""
    return {
        CLEAN_UP: clean_up,
        CLOSE_IDLE: close_idle,
        DELIVER_MESSAGE: partial(deliver_message, client),
        DELIVER_PARTS: partial(deliver_parts, client),
        ERASE_CONTACT: erase_contact,
        ERASE_FILE: erase_file,
        ERASE_INBOUND: erase_inbound,
        EXPIRE_SNOOZE: expire_snooze,
        EXPORT_PORTION: export_portion,
        FETCH_FILE: partial(fetch_file, client),
        IMPORT_PORTION: import_portion,
        KEEP_FAILED_LOG_IN: keep_failed_log_in,
        INSPECT_FILE: inspect_file,
        PROCESS_INBOUND: process_inbound,
        RELEASE_CONVERSATIONS: release_conversations,
        SEND_SCHEDULED: send_scheduled,
        SEND_INVITATION: partial(send_invitation, mailer),
        SEND_PASSWORD_RESET: partial(send_password_reset, mailer),
    }


def bus_url(settings: Settings) -> str:
    """Return the bus of the settings: PostgreSQL carries its own, SQLite needs none."""
    if settings.bus_url:
        return settings.bus_url
    return settings.database_url if settings.database_url.startswith("postgres") else "memory://"


@asynccontextmanager
async def running(settings: Settings, *, with_jobs: bool) -> AsyncIterator[Broker]:
    """Give a process its database, its bus and, if wanted, its job runner; end them in order."""
    await connect(settings.database_url, pool_size=settings.database_pool_size)
    broker = Broker(bus_url(settings))
    client = GuardedClient.from_settings(settings)
    runner: JobRunner | None = None
    try:
        await check_schema()
        await broker.start()
        ring_with(broker)
        signal_with(broker)
        if with_jobs:
            await schedule_clean_up()
            runner = JobRunner(job_handlers(client, Mailer(settings)), broker)
            runner.start()
        yield broker
    finally:
        if runner is not None:
            await runner.stop(settings.shutdown_seconds / 2)
        ring_with(None)
        signal_with(None)
        await broker.stop()
        await client.aclose()
        await disconnect()


class Life:
    """What lives between the start and the end of a server process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._broker: Broker | None = None
        self._make_context: ContextMaker | None = None

    async def authenticate(self, token: str | None, accept_language: str) -> Context:
        """Return a fresh context for one operation."""
        if self._make_context is None:
            raise RuntimeError("The server has not started.")
        return await self._make_context(token, accept_language)

    def recall(self, token: str, accept_language: str) -> Context | None:
        """Return a context that has yet to be proved, None for a stranger's token."""
        if self._make_context is None:
            return None
        return self._make_context.recall(token, accept_language)

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Start everything, serve, and end everything."""
        async with running(self.settings, with_jobs=self.settings.embedded_worker) as broker:
            hub = Hub(broker, queue_limit=self.settings.stream_queue_events)
            self._broker, self._make_context = broker, ContextMaker(hub)
            try:
                yield
            finally:
                self._broker = self._make_context = None
                await hub.close()

    async def database_answers(self) -> bool:
        """Tell whether the database answers."""
        return bool(await sql.rows("SELECT 1 AS one"))

    async def bus_answers(self) -> bool:
        """Tell whether what is published comes back to an own subscription."""
        return self._broker is not None and await self._broker.check(READY_SECONDS)


def create_app(
    settings: Settings, *, page_data: Callable[[], Awaitable[PageData]] | None = None
) -> Starlette:
    """Return the server application; `page_data` fills GraphiQL's token and tabs."""
    life = Life(settings)
    endpoint = GraphQLEndpoint(
        build_schema(settings),
        authenticate=life.authenticate,
        recall=life.recall,
        watch=until_revoked,
        page=graphiql_page(page_data or _empty_page) if settings.graphiql else None,
        settings=settings,
    )
    metrics = _metrics(endpoint)

    async def measure() -> None:
        metrics.set_jobs(await count_jobs())

    checks = {"database": life.database_answers, "bus": life.bus_answers}
    app = Application(
        routes=[
            Route("/graphql", endpoint),
            WebSocketRoute("/graphql", endpoint),
            *_doors(settings),
            *health.routes(checks, metrics.registry, measure),
        ],
        around=[
            Middleware(CountRequests, metrics),
            *_cross_origin(settings),
            Middleware(GraphQLFirst, endpoint),
        ],
        lifespan=life.lifespan,
    )
    app.state.endpoint = endpoint
    return app


def _cross_origin(settings: Settings) -> list[Middleware]:
    """Return what lets pages of the allowed origins ask, if there are any."""
    origins = names_in(settings.allowed_origins)
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["POST", "PUT", "GET"],
            allow_headers=["Authorization", "Content-Type", "Accept-Language", "Range", "If-Range"],
            expose_headers=["Content-Disposition", "Content-Range", "ETag"],
            max_age=3600,
        )
    ]


def _doors(settings: Settings) -> list[BaseRoute]:
    """Return the routes that are neither GraphQL nor for operators."""
    return [
        *asset_routes(),
        *webhooks.routes(),
        *transfers.routes(),
        *files.routes(),
        *_openid_routes(settings),
    ]


def _openid_routes(settings: Settings) -> list[BaseRoute]:
    if not settings.oidc_discovery_url:
        return []
    provider = OpenIdProvider(settings)
    start, finish = partial(start_log_in, provider), partial(finish_log_in, provider)
    return openid.routes(start, finish, settings.public_url)


def _metrics(endpoint: GraphQLEndpoint) -> Metrics:
    metrics = Metrics()
    metrics.watch("parley_open_sockets", "Open WebSockets.", lambda: endpoint.open_sockets)
    metrics.watch(
        "parley_running_operations",
        "Operations running over sockets.",
        lambda: endpoint.running_operations,
    )
    return metrics


async def _empty_page() -> PageData:
    return PageData(None, ())


async def work(settings: Settings, stopped: asyncio.Event) -> None:
    """Run durable jobs in a process of their own until `stopped`."""
    async with running(settings, with_jobs=True):
        await stopped.wait()
