"""The migrations make what the models say, and ours apply them as Tortoise does."""

import sqlite3
from pathlib import Path

import pytest
from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.executor import MigrationExecutor

from models import database
from models.database import configuration, migrate


async def test_the_models_need_no_other_migration(tmp_path: Path) -> None:
    config = configuration(f"sqlite://{tmp_path}/unused.db")
    async with TortoiseContext() as context:
        await context.init(config)
        assert context.apps is not None
        assert await MigrationAutodetector(context.apps, config["apps"]).changes() == []


def schema_of(path: Path) -> list[tuple[str, ...]]:
    """Return every table, index and trigger of a SQLite database, as it was made."""
    with sqlite3.connect(path) as connection:
        made = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name")
        return made.fetchall()


async def test_without_copies_the_schema_is_the_same(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "Executor", MigrationExecutor)
    path = tmp_path / "tortoise.db"
    assert len(await migrate(f"sqlite://{path}")) > 20
    assert schema_of(path) == schema_of(sqlite_template)
    assert len(schema_of(path)) > 200
