"""Filling both databases with the benchmarks' rows, and a fresh copy of them for each run."""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from benchmarks import data
from models.channel import Channel, ChannelKind
from models.clock import now
from models.contact_channel import ContactChannel
from models.conversation import Conversation
from models.database import connect, disconnect, migrate
from models.engine.sqlite import stored
from models.member import Role
from realtime.transaction import transaction
from resolvers.contact import add_contact
from resolvers.contact_details import Details
from resolvers.workspace import add_member, add_workspace
from tests.servers import postgres_server

ROOT = Path(__file__).parent.parent
DIRECTORY = ROOT / ".parley" / "bench"


def age() -> str:
    """Return a short hash of the tables and of the rows: another one, other data."""
    files = [Path(data.__file__), *sorted((ROOT / "models" / "migrations").glob("*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:10]


@contextmanager
def postgres() -> Iterator[str]:
    """Run the benchmarks' PostgreSQL, durable as in production, and give its URL."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with postgres_server(DIRECTORY / "postgres") as url:
        yield url


async def sqlite_database(world: data.World, name: str = "run") -> str:
    """Return the URL of a fresh copy of the seeded SQLite file; seed it if there is none."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    seeded = DIRECTORY / f"seed-{world.name}-{age()}.db"
    if not seeded.exists():
        for old in DIRECTORY.glob(f"seed-{world.name}-*"):
            old.unlink()
        await seed_sqlite(seeded, world)
    used = DIRECTORY / f"{name}.db"
    for suffix in ("", "-wal", "-shm"):
        used.with_name(used.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(seeded, used)
    return f"sqlite://{used}"


async def seed_sqlite(path: Path, world: data.World) -> None:
    """Fill a new SQLite file; it has its name only when it is whole."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    await migrate(f"sqlite://{part}")
    sqlite3.register_adapter(datetime, stored)
    connection = sqlite3.connect(part, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for table, columns, rows in world.tables():
            marks = ", ".join("?" * len(columns))
            insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
            connection.executemany(insert, rows)
        connection.execute("COMMIT")
        connection.execute("ANALYZE")
    finally:
        connection.close()
    part.rename(path)


async def postgres_database(server: str, world: data.World, name: str = "run") -> str:
    """Return the URL of a fresh copy of the seeded database; seed it if there is none."""
    prefix = f"seed_{world.name}_"
    seeded = prefix + age()
    connection = await asyncpg.connect(server)
    try:
        names = await connection.fetch("SELECT datname AS name FROM pg_database")
        known = {row["name"] for row in names}
        if seeded not in known:
            for old in known:
                if old.startswith((prefix, f"part_{prefix}")):
                    await connection.execute(f"DROP DATABASE {old}")
            await connection.execute(f"CREATE DATABASE part_{seeded}")
            await seed_postgres(url_of(server, f"part_{seeded}"), world)
            await connection.execute(f"ALTER DATABASE part_{seeded} RENAME TO {seeded}")
        await connection.execute(f"DROP DATABASE IF EXISTS {name}")
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {seeded} STRATEGY FILE_COPY")
    finally:
        await connection.close()
    return url_of(server, name)


async def add_workspaces(url: str, count: int) -> dict[int, list[int]]:
    """Add workspaces of one member each; return member -> conversations that can be written to."""
    places: dict[int, list[int]] = {}
    await connect(url, pool_size=1)
    try:
        for member in range(2, count + 2):
            workspace = await add_workspace(f"Workspace {member}")
            await add_member(workspace.id, member, Role.OWNER)
            channel = await Channel.create(
                workspace_id=workspace.id, kind=ChannelKind.CUSTOM, name="Shop",
                handle=f"bench{member}", base_url="http://127.0.0.1:9", token=f"bench{member}",
                created_at=now(),
            )  # fmt: skip
            places[member] = [
                await _add_conversation(workspace.id, channel.id, number) for number in range(20)
            ]
    finally:
        await disconnect()
    return places


async def _add_conversation(workspace_id: int, channel_id: int, number: int) -> int:
    details = Details(frozenset(), first_name=f"Contact {number}", phone=f"+3360000{number:04}")
    async with transaction() as announce:
        contact = await add_contact(workspace_id, details, announce)
    reached = await ContactChannel.create(
        contact_id=contact.id, channel_id=channel_id, external_id=str(number), created_at=now()
    )
    found = await Conversation.get(contact_id=contact.id)
    await Conversation.filter(id=found.id).update(last_channel_id=reached.id)
    return int(found.id)


def url_of(server: str, database: str) -> str:
    """Return the URL of a database of a server."""
    return urlsplit(server)._replace(path=f"/{database}").geturl()


async def seed_postgres(url: str, world: data.World) -> None:
    """Fill an empty PostgreSQL database, and leave it vacuumed and analysed."""
    await migrate(url)
    connection = await asyncpg.connect(url)
    try:
        # the rows are consistent by construction: no foreign key is looked up
        await connection.execute("SET session_replication_role = replica")
        for table, columns, rows in world.tables():
            await connection.copy_records_to_table(table, columns=columns, records=rows)
            if columns[0] == "id":
                await connection.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"
                    f" (SELECT max(id) FROM {table}))"
                )
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
