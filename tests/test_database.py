"""Connecting and migrating: one at a time, all or nothing, and no tables of another age."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from models import database
from models.database import SchemaMismatch, check_schema, configuration, migrate
from models.engine.sql import affected, rows
from models.workspace import Workspace
from tests.conftest import ConnectedDatabase

ROOT = Path(__file__).parents[1]
MIGRATION = """
import os, sys
from tortoise import migrations
from tortoise.migrations import operations as ops

async def work(apps, editor):
    await editor.client.execute_script("CREATE TABLE toy{number} (id INT); {more}")
    if os.environ.get("TOY_HANGS_IN") == "{number}":
        print("halfway", flush=True)
        sys.stdin.read()

class Migration(migrations.Migration):
    dependencies = {dependencies}
    operations = [ops.RunPython(work, ops.RunPython.noop)]
"""
# long enough for two processes to meet in it
COUNT = (
    "INSERT INTO toy1 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
    " WHERE i < 300000) SELECT count(*) FROM n"
)


class Toy:
    """An application of two migrations, in a package of its own name."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        self.migrations = f"{name}.migrations"
        self.folder = directory / name / "migrations"
        self.folder.mkdir(parents=True)
        (directory / name / "__init__.py").touch()
        (self.folder / "__init__.py").touch()
        self.add(1, more=COUNT)
        self.add(2)

    def add(self, number: int, *, more: str = "") -> None:
        """Write a migration that makes the table `toy<number>`."""
        before = [] if number == 1 else [("models", f"000{number - 1}_toy")]
        text = MIGRATION.format(number=number, more=more, dependencies=before)
        (self.folder / f"000{number}_toy.py").write_text(text)

    async def start(self, url: str, **environment: str) -> asyncio.subprocess.Process:
        """Migrate in a process of its own, which prints what it applied."""
        code = (
            "import asyncio; from models.database import migrate;"
            f"print(asyncio.run(migrate({url!r}, migrations={self.migrations!r})))"
        )
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            code,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PYTHONPATH": f"{self.directory}:{ROOT}", **environment},
        )


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """Give the toy application, importable here too."""
    monkeypatch.syspath_prepend(tmp_path)
    return Toy(tmp_path, f"toy_{tmp_path.name.replace('-', '_')}")


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give a database without any table, on each dialect."""
    if request.param == "sqlite":
        return f"sqlite://{tmp_path}/toy.db"
    create: Callable[[str], str] = request.getfixturevalue("new_postgres_database")
    return create("toy")


async def tables_of(url: str) -> list[str]:
    """Return which toy tables there are."""
    await database.connect(url)
    try:
        catalog = "sqlite_master" if url.startswith("sqlite") else "pg_class"
        column = "name" if url.startswith("sqlite") else "relname"
        query = f"SELECT {column} AS name FROM {catalog} WHERE {column} LIKE 'toy_' ORDER BY 1"
        return [row["name"] for row in await rows(query)]
    finally:
        await database.disconnect()


async def test_two_processes_migrate_once(empty_url: str, toy: Toy) -> None:
    processes = [await toy.start(empty_url) for _ in range(2)]
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*(process.communicate() for process in processes))
    said = sorted(out.decode().strip() for out, _ in answers)
    assert said == ["['0001_toy', '0002_toy']", "[]"], [error.decode() for _, error in answers]
    assert await tables_of(empty_url) == ["toy1", "toy2"]
    assert await migrate(empty_url, migrations=toy.migrations) == []


async def test_a_killed_migration_leaves_nothing_and_runs_again(empty_url: str, toy: Toy) -> None:
    process = await toy.start(empty_url, TOY_HANGS_IN="2")
    assert process.stdout is not None
    async with asyncio.timeout(60):
        assert await process.stdout.readline() == b"halfway\n"
    process.kill()
    await process.communicate()
    assert await tables_of(empty_url) == []
    assert await migrate(empty_url, migrations=toy.migrations) == ["0001_toy", "0002_toy"]
    assert await tables_of(empty_url) == ["toy1", "toy2"]


async def test_a_failed_migration_leaves_what_there_was(empty_url: str, toy: Toy) -> None:
    await migrate(empty_url, migrations=toy.migrations)
    toy.add(3)
    toy.add(4, more="DROP TABLE nowhere")
    with pytest.raises(Exception, match="nowhere"):
        await migrate(empty_url, migrations=toy.migrations)
    assert await tables_of(empty_url) == ["toy1", "toy2"]


async def test_another_age_of_the_tables_is_refused(empty_url: str, toy: Toy) -> None:
    await database.connect(empty_url)
    with pytest.raises(SchemaMismatch, match=r"older than this code: .* 0001_toy, 0002_toy"):
        await check_schema(migrations=toy.migrations)
    await database.disconnect()
    await migrate(empty_url, migrations=toy.migrations)
    await database.connect(empty_url)
    await check_schema(migrations=toy.migrations)
    toy.add(3)
    with pytest.raises(SchemaMismatch, match=r"older than this code: .* 0003_toy\. Run"):
        await check_schema(migrations=toy.migrations)
    await database.disconnect()
    await migrate(empty_url, migrations=toy.migrations)
    (toy.folder / "0003_toy.py").unlink()
    await database.connect(empty_url)
    with pytest.raises(SchemaMismatch, match=r"newer than this code: .* 0003_toy"):
        await check_schema(migrations=toy.migrations)
    await database.disconnect()
    with pytest.raises(SchemaMismatch, match="newer"):
        await migrate(empty_url, migrations=toy.migrations)


async def test_the_real_migrations_are_those_of_the_code(database: ConnectedDatabase) -> None:
    await check_schema()
    assert await migrate(database.url) == []


async def test_the_database_of_each_test_is_empty_and_counts_from_one(
    database: ConnectedDatabase, request: pytest.FixtureRequest
) -> None:
    for _ in range(2):  # whichever of the parametrised runs comes second finds it empty again
        query = "INSERT INTO event (workspace_id, seq, kind, payload, created_at) VALUES "
        assert await rows("SELECT id FROM event") == []
        await affected(query + "(1, 1, 'x', '', CURRENT_TIMESTAMP)")
        assert await rows("SELECT id FROM event") == [{"id": 1}]
        if database.dialect == "sqlite":
            return
        request.getfixturevalue("emptier").empty()


def test_urls_name_a_file_or_a_server() -> None:
    def credentials(url: str) -> dict[str, object]:
        (connection,) = configuration(url)["connections"].values()
        found: dict[str, object] = connection["credentials"]
        return found

    assert credentials("sqlite://parley.db")["file_path"] == "parley.db"
    assert credentials("sqlite://a/b.db?synchronous=off")["synchronous"] == "off"
    assert credentials("sqlite:///var/a.db")["file_path"] == "/var/a.db"
    assert credentials("sqlite:////var/a.db")["file_path"] == "/var/a.db"
    server = credentials("postgres://ann:p%40ss@db.example:5433/inbox")
    assert [server[key] for key in ("user", "password", "host", "port", "database")] == [
        "ann",
        "p@ss",
        "db.example",
        5433,
        "inbox",
    ]
    assert credentials("postgresql://ann@/inbox?host=/run/pg")["host"] == "/run/pg"
    for wrong in ("sqlite://", "sqlite://:memory:", "mysql://a/b", "postgres://a/b?x=1"):
        with pytest.raises(ValueError, match="URL"):
            configuration(wrong)


async def test_what_models_are_on_a_dialect_outlives_the_other(
    sqlite_database_url: str, postgres_database_url: str
) -> None:
    for url in (sqlite_database_url, postgres_database_url) * 2:
        await database.connect(url)
        try:
            fields = [column for _, column, _ in Workspace._meta.db_native_fields]
            assert ("wake_on_reply" in fields) is url.startswith("postgres")
        finally:
            await database.disconnect()
