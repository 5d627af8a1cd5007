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
from models.database import migrate
from models.engine.sqlite import stored
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


async def sqlite_database(conversations: int) -> str:
    """Return the URL of a fresh copy of the seeded SQLite file; seed it if there is none."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    seeded = DIRECTORY / f"seed-{conversations}-{age()}.db"
    if not seeded.exists():
        for old in DIRECTORY.glob(f"seed-{conversations}-*"):
            old.unlink()
        await seed_sqlite(seeded, data.World(conversations))
    used = DIRECTORY / "run.db"
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


async def postgres_database(server: str, conversations: int) -> str:
    """Return the URL of a fresh copy of the seeded database; seed it if there is none."""
    seeded = f"seed_{conversations}_{age()}"
    connection = await asyncpg.connect(server)
    try:
        names = await connection.fetch("SELECT datname AS name FROM pg_database")
        known = {row["name"] for row in names}
        if seeded not in known:
            for old in known:
                if old.startswith((f"seed_{conversations}_", "part_")):
                    await connection.execute(f"DROP DATABASE {old}")
            await connection.execute(f"CREATE DATABASE part_{seeded}")
            await seed_postgres(url_of(server, f"part_{seeded}"), data.World(conversations))
            await connection.execute(f"ALTER DATABASE part_{seeded} RENAME TO {seeded}")
        await connection.execute("DROP DATABASE IF EXISTS run")
        await connection.execute(f"CREATE DATABASE run TEMPLATE {seeded} STRATEGY FILE_COPY")
    finally:
        await connection.close()
    return url_of(server, "run")


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
