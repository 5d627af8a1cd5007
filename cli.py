"""The command line: `parley serve | worker | migrate | demo | cluster | user | schema …`."""

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import orjson
import structlog
import typer
import uvicorn
from starlette.applications import Starlette

from app import create_app, work
from models.database import connect, disconnect, migrate
from models.member import Role
from resolvers.rights import rights_table
from resolvers.workspace import add_member, add_user, add_workspace
from schema.registry import ManifestProblem, collect, problems_of
from schema.root import build_schema
from settings import Settings, get_settings
from web.http_protocol import HttpProtocol
from web.websocket_protocol import WebSocketProtocol

PING_SECONDS = 20.0
GARBAGE_THRESHOLDS = (10_000, 20, 50)
"""When Python looks for cycles: seldom, as a look through a thousand sockets takes 0.2 s."""
SDL_PATH = Path(__file__).parent / "schema" / "schema.graphql"

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
schema_cli = typer.Typer(no_args_is_help=True, help="The GraphQL contract.")
cli.add_typer(schema_cli, name="schema")


class Server(uvicorn.Server):
    """Uvicorn, telling every socket to come back before it closes them."""

    when_listening: Callable[[], None] | None = None
    """Called once the port is open and the application has started."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()  # what lives as long as the process need not be looked through again
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        if self.started and self.when_listening is not None:
            self.when_listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close our sockets with 1012, then shut down."""
        app = self.config.loaded_app
        while not isinstance(app, Starlette):
            app = app.app
        await app.state.endpoint.close_all()
        await super().shutdown(sockets)


def configure_logging(settings: Settings) -> None:
    """Log structured lines; no frame's variables, so that no secret gets into them."""
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    processors: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if settings.log_format == "json":
        processors.append(structlog.processors.format_exc_info)
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )


def make_server(app: Starlette, settings: Settings) -> Server:
    """Return the HTTP server of an app, as it runs in production and in tests."""
    return Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http=HttpProtocol,
            ws=WebSocketProtocol,
            ws_per_message_deflate=False,  # 16 KiB and more for each connection
            ws_ping_interval=PING_SECONDS,
            ws_max_size=2 * settings.max_body_bytes,
            lifespan="on",
            access_log=False,
            server_header=False,
            log_level="warning",
            timeout_graceful_shutdown=max(1, int(settings.shutdown_seconds) - 5),
        )
    )


@cli.command()
def serve(
    migrate_first: Annotated[
        bool, typer.Option("--migrate", help="Bring the database up to date first.")
    ] = False,
    demo: Annotated[
        bool, typer.Option(help="Fill an empty database with a demo workspace.")
    ] = False,
) -> None:
    """Serve the API on PARLEY_HOST and PARLEY_PORT."""
    settings = get_settings()
    configure_logging(settings)
    if migrate_first or demo:
        asyncio.run(migrate(settings.database_url))
    if demo:
        from demo.serve import serve_demo

        serve_demo(settings)
        return
    make_server(create_app(settings), settings).run()


@cli.command()
def demo() -> None:
    """Serve a demo workspace with simulated customers who write and answer."""
    settings = get_settings()
    configure_logging(settings)
    asyncio.run(migrate(settings.database_url))
    from demo.serve import serve_demo

    serve_demo(settings, with_customers=True)


@cli.command()
def cluster() -> None:
    """Run PostgreSQL, Redis, two servers, a worker and customers on this machine."""
    settings = get_settings()
    configure_logging(settings)
    from demo.cluster import run_cluster

    run_cluster(settings)


@cli.command()
def worker() -> None:
    """Run durable jobs in a process of their own, beside servers on the same database."""
    settings = get_settings()
    configure_logging(settings)

    async def run() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        await work(settings, stopped)

    asyncio.run(run())


@cli.command("migrate")
def migrate_command() -> None:
    """Bring the database up to date; safe to interrupt, and to run by several at once."""
    applied = asyncio.run(migrate(get_settings().database_url))
    print("\n".join(applied) if applied else "The database is up to date.")


@cli.command()
def user(
    email: str,
    name: Annotated[str, typer.Option(help="The person's full name.")],
    workspace: Annotated[str, typer.Option(help="The name of the workspace to make for them.")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True)],
    time_zone: Annotated[str, typer.Option(help="The workspace's IANA time zone.")] = "UTC",
) -> None:
    """Make a person with a workspace of their own."""

    async def run() -> None:
        await connect(get_settings().database_url)
        try:
            made = await add_workspace(workspace, time_zone=time_zone)
            person = await add_user(email, name, password)
            await add_member(made.id, person.id, Role.OWNER)
        finally:
            await disconnect()

    asyncio.run(run())
    print(f"{email} owns the workspace {workspace}.")


@schema_cli.command()
def export() -> None:
    """Write schema/schema.graphql from the code."""
    SDL_PATH.write_text(build_schema().as_str() + "\n")
    print(f"Wrote {SDL_PATH}.")


@schema_cli.command()
def rights() -> None:
    """Print the table of rights as the README has it."""
    print(rights_table())


@schema_cli.command()
def persist(
    files: Annotated[list[Path], typer.Argument(help="Documents, folders of them, manifests.")],
    output: Annotated[Path, typer.Option(help="The manifest to write.")] = Path("documents.json"),
) -> None:
    """Register a client's documents: check each, and write the manifest for the servers."""
    settings = get_settings().model_copy(update={"persisted_documents": None})
    schema = build_schema(settings)
    try:
        documents = collect(files)
    except ManifestProblem as problem:
        sys.exit(str(problem))
    problems = list(problems_of(documents, schema._schema, settings))
    if problems:
        sys.exit("\n".join(problems))
    manifest = {"version": 1, "documents": documents}
    output.write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n")
    print(f"Wrote {len(documents)} documents to {output}.")


def main() -> None:
    """Run the command line."""
    cli()


if __name__ == "__main__":
    main()
