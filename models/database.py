"""Connecting to the database, and bringing its tables to the age of this code."""

import asyncio
import pkgutil
from collections.abc import Sequence
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.context import TortoiseContext
from tortoise.exceptions import OperationalError
from tortoise.migrations.graph import MigrationKey
from tortoise.transactions import in_transaction

from models.engine import sql
from models.engine.errors import TransientDatabaseError
from models.engine.migrating import Executor
from models.tables import MODEL_MODULES

APP = "models"
MIGRATIONS = "models.migrations"
DEFAULT_POOL_SIZE = 10
MIGRATION_WAIT_SECONDS = 120
MIGRATION_LOCK = 0x7061726C6579  # "parley": the key of PostgreSQL's advisory lock

_context: TortoiseContext | None = None


class SchemaMismatch(Exception):  # noqa: N818 - a state of the database, not a mistake in code
    """The database's tables are older or newer than this code; the message says what to do."""


def configuration(
    url: str,
    *,
    pool_size: int = DEFAULT_POOL_SIZE,
    tables: Sequence[str] = MODEL_MODULES,
    migrations: str = MIGRATIONS,
) -> dict[str, Any]:
    """Return Tortoise's configuration for a URL."""
    connection = _sqlite(url, pool_size) if url.startswith("sqlite:") else _postgres(url, pool_size)
    # Tortoise caches statements by connection name alone: each dialect needs its own.
    name = "sqlite" if connection["engine"] == "models.engine.sqlite" else "postgres"
    app = {"models": list(tables), "default_connection": name, "migrations": migrations}
    return {
        "connections": {name: connection},
        "apps": {APP: app},
        "use_tz": True,
        "timezone": "UTC",
    }


def _sqlite(url: str, pool_size: int) -> dict[str, Any]:
    path, _, query = url.removeprefix("sqlite:").removeprefix("//").partition("?")
    if path.startswith("//"):
        path = "/" + path.lstrip("/")
    if not path or path == ":memory:":
        raise ValueError(f"A database URL needs the path of a file, as sqlite://parley.db: {url}")
    options = dict(parse_qsl(query))
    if unknown := set(options) - {"synchronous"}:
        raise ValueError(f"Unknown options in the database URL: {', '.join(sorted(unknown))}")
    credentials = {"file_path": path, "pool_size": pool_size, **options}
    return {"engine": "models.engine.sqlite", "credentials": credentials}


def _postgres(url: str, pool_size: int) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError("A database URL begins with sqlite://, postgres:// or postgresql://")
    options = dict(parse_qsl(parts.query))
    credentials: dict[str, Any] = {
        "host": options.pop("host", None) or parts.hostname,
        "port": int(options.pop("port", 0) or parts.port or 5432),
        "user": unquote(parts.username) if parts.username else options.pop("user", None),
        "password": unquote(parts.password) if parts.password else options.pop("password", None),
        "database": unquote(parts.path.removeprefix("/")) or None,
        "minsize": 1,
        "maxsize": pool_size,
        "application_name": options.pop("application_name", "parley"),
        "server_settings": {"jit": "off"},  # it costs more than it gives on short statements
    }
    if "sslmode" in options:
        credentials["ssl"] = options.pop("sslmode")
    if options:
        raise ValueError(f"Unknown options in the database URL: {', '.join(sorted(options))}")
    return {"engine": "models.engine.asyncpg", "credentials": credentials}


# Read by `tortoise -c models.database.TORTOISE_ORM makemigrations`, which touches no database.
TORTOISE_ORM = configuration("sqlite://parley.db")


async def connect(url: str, *, pool_size: int = DEFAULT_POOL_SIZE) -> None:
    """Connect this process to the database; `disconnect` first to connect to another."""
    global _context
    if _context is not None:
        raise RuntimeError("The database is connected already")
    context = TortoiseContext()
    # the fallback: requests run in other tasks than the one that connects
    with context:
        await context.init(configuration(url, pool_size=pool_size), _enable_global_fallback=True)
    _context = context
    try:
        for client in context.connections.all():
            await _open(client)
    except BaseException:
        await disconnect()
        raise


async def disconnect() -> None:
    """Close every connection of this process; not connected, do nothing."""
    global _context
    context, _context = _context, None
    if context is not None:
        await context.close_connections()


async def _open(client: BaseDBAsyncClient) -> None:
    """Open a connection; two processes that make one SQLite file at once may have to wait."""
    try:
        async with asyncio.timeout(MIGRATION_WAIT_SECONDS):
            while True:
                try:
                    return await client.create_connection(with_db=True)
                except TransientDatabaseError:
                    if client.capabilities.dialect != "sqlite":
                        raise
                    await asyncio.sleep(0.05)
    except OSError as error:
        raise TransientDatabaseError(error) from error


async def migrate(url: str, *, migrations: str = MIGRATIONS) -> list[str]:
    """Bring the tables up to date and return the names of the migrations that were applied.

    All of them run in one transaction that also is the lock: whoever comes second waits and finds
    nothing to do, and an interruption leaves what there was before.
    """
    config = configuration(url, pool_size=1, migrations=migrations)
    (connection,) = config["connections"].values()
    if connection["engine"] == "models.engine.sqlite":
        connection["credentials"] |= {
            "foreign_keys": "OFF",  # SQLite remakes tables, and dropping one would cascade
            "busy_timeout": str(MIGRATION_WAIT_SECONDS * 1000),
        }
    async with TortoiseContext() as context:
        # not `init`, which would turn the tables of a connected process to this connection
        context.connections._init_config(config["connections"])
        (client,) = context.connections.all()
        await _open(client)
        async with in_transaction() as transaction:
            return await _apply_pending(transaction, config["apps"])


async def _apply_pending(connection: BaseDBAsyncClient, apps: dict[str, Any]) -> list[str]:
    if connection.capabilities.dialect == "postgres":
        await connection.execute_query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK])
    executor = Executor(connection, apps)
    # first, because reading a table that is not there would break PostgreSQL's transaction
    await executor.recorder.ensure_schema(executor._schema_editor(atomic=False))
    before = set(await executor.recorder.applied_migrations())
    _refuse_newer(before, apps[APP]["migrations"])
    await executor.migrate(direction="forward")
    if connection.capabilities.dialect == "sqlite":
        broken = await connection.execute_query_dict("PRAGMA foreign_key_check")
        if broken:
            raise OperationalError(f"The migrations left rows without their parents: {broken[:3]}")
    after: list[MigrationKey] = await executor.recorder.applied_migrations()
    return sorted(key.name for key in after if key not in before)


def _known(migrations: str) -> set[str]:
    package = import_module(migrations)
    return {
        module.name
        for module in pkgutil.iter_modules(package.__path__)
        if not module.ispkg and module.name[0] not in "_~"
    }


def _refuse_newer(applied: set[MigrationKey], migrations: str) -> None:
    unknown = {key.name for key in applied if key.app_label == APP} - _known(migrations)
    if unknown:
        raise SchemaMismatch(
            "The database is newer than this code: it has the migrations "
            f"{', '.join(sorted(unknown))}, which are unknown here. Run the newer version."
        )


async def check_schema(*, migrations: str = MIGRATIONS) -> None:
    """Raise SchemaMismatch unless the connected database has exactly this code's migrations."""
    catalog = (
        "SELECT count(*) AS found FROM sqlite_master WHERE name = 'tortoise_migrations'"
        if sql.dialect() == "sqlite"
        else "SELECT count(to_regclass('tortoise_migrations')) AS found"
    )
    applied: set[MigrationKey] = set()
    if (await sql.rows(catalog))[0]["found"]:
        stored = await sql.rows("SELECT app, name FROM tortoise_migrations")
        applied = {MigrationKey(app_label=row["app"], name=row["name"]) for row in stored}
    _refuse_newer(applied, migrations)
    missing = _known(migrations) - {key.name for key in applied if key.app_label == APP}
    if missing:
        raise SchemaMismatch(
            "The database is older than this code: it lacks the migrations "
            f"{', '.join(sorted(missing))}. Run `parley migrate`."
        )
