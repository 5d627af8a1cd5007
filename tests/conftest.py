"""The servers and databases that tests run on: each test has an empty one, with the real tables."""

import asyncio
import fcntl
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import asyncpg
import pytest

from models import database as models_database
from tests.connecting import models_kept
from tests.emptying import Emptier, emptier_of
from tests.passwords import CHEAP, passwords_of
from tests.servers import start_postgres, start_redis, stop_postgres, stop_redis
from tests.world import Api, World, api_on, make_world

T = TypeVar("T")
DIRECTORY = "PARLEY_TEST_DIRECTORY"
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
TEMPLATE = "parley_template"


@dataclass(frozen=True)
class ConnectedDatabase:
    """The database this process is connected to during a test."""

    url: str
    dialect: Literal["sqlite", "postgres"]


def pytest_configure(config: pytest.Config) -> None:
    """Name the directory of this run's servers, which all workers share."""
    gc.disable()  # modules and tests are made now and never end: to look for garbage is half of it
    if not hasattr(config, "workerinput"):
        directory = tempfile.mkdtemp(prefix="parley-tests-")
        Path(directory).chmod(0o755)  # PostgreSQL runs as a user of its own where we are root
        os.environ[DIRECTORY] = directory


def pytest_collection_finish() -> None:
    """Look for garbage from now on, but not among what was made until now."""
    gc.freeze()
    gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started, after the last worker."""
    if hasattr(config, "workerinput") or DIRECTORY not in os.environ:
        return
    directory = Path(os.environ.pop(DIRECTORY))
    stop_postgres(directory / "postgres")
    for redis in directory.glob("redis-*"):
        stop_redis(redis)
    shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine from a fixture that may itself be called inside a running loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(work())).result()


@pytest.fixture(scope="session", autouse=True)
def cheap() -> Iterator[None]:
    """Let no test pay for what it is not about: costly passwords, and the models' preparation."""
    with passwords_of(CHEAP), models_kept():
        yield


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """Give the URL of a PostgreSQL server, started when first asked for and shared by all."""
    if given := os.environ.get("PARLEY_TEST_DATABASE_URL"):
        return given
    directory = Path(os.environ[DIRECTORY])
    with _locked(directory / "postgres.lock"):
        return start_postgres(directory / "postgres", durable=False)


@pytest.fixture(scope="session")
def redis_url() -> str:
    """Give the URL of a Redis server of this worker: what is published reaches no other worker."""
    if given := os.environ.get("PARLEY_TEST_REDIS_URL"):
        return given
    return start_redis(Path(os.environ[DIRECTORY]) / f"redis-{WORKER}")


@pytest.fixture(scope="session")
def sqlite_template() -> Path:
    """Give an empty SQLite file with the real tables, to be copied; made once for all workers."""
    path = Path(os.environ[DIRECTORY]) / "template.db"
    with _locked(path.with_suffix(".lock")):
        if not path.exists():
            making = path.with_suffix(".new")
            _run(lambda: models_database.migrate(f"sqlite://{making}"))
            making.rename(path)
    return path


@pytest.fixture
def sqlite_database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Give the URL of an empty SQLite database of this test."""
    path = tmp_path / "parley.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite://{path}?synchronous=off"


@pytest.fixture
def new_postgres_database(postgres_url: str) -> Callable[[str], str]:
    """Give a function that makes a PostgreSQL database without tables and returns its URL."""
    return lambda name: _run(lambda: _create_database(postgres_url, f"parley_{name}_{WORKER}"))


@pytest.fixture(scope="session")
def postgres_worker_database(postgres_url: str) -> str:
    """Give a PostgreSQL database of this worker with the real tables, migrated once for all."""
    made = Path(os.environ[DIRECTORY]) / "template.made"

    async def prepare() -> str:
        if not made.exists():
            await models_database.migrate(await _create_database(postgres_url, TEMPLATE))
            made.touch()
        return await _create_database(postgres_url, f"parley_test_{WORKER}", TEMPLATE)

    with _locked(made.with_suffix(".lock")):
        return _run(prepare)


@pytest.fixture(scope="session")
def emptier(postgres_worker_database: str) -> Iterator[Emptier]:
    """Give what empties the worker's PostgreSQL database, with a connection of its own."""
    with emptier_of(postgres_worker_database) as emptier:
        yield emptier


@pytest.fixture
def postgres_database_url(emptier: Emptier) -> str:
    """Give the worker's PostgreSQL database, emptied."""
    emptier.empty()
    return emptier.url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Give an empty database with the real tables, not connected, on each dialect."""
    url: str = request.getfixturevalue(f"{request.param}_database_url")
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[ConnectedDatabase]:
    """Give an empty database with the real tables, connected, on each dialect."""
    await models_database.connect(database_url, pool_size=10)
    try:
        yield ConnectedDatabase(
            database_url, "sqlite" if database_url.startswith("sqlite") else "postgres"
        )
    finally:
        await models_database.disconnect()


@pytest.fixture
def bus_url(database: ConnectedDatabase, request: pytest.FixtureRequest) -> str:
    """Give the wake-up bus that goes with the database: in memory, or Redis."""
    if database.dialect == "sqlite":
        return "memory://"
    url: str = request.getfixturevalue("redis_url")
    return url


async def _create_database(server_url: str, name: str, template: str = "template1") -> str:
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    finally:
        await connection.close()
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


@pytest.fixture
async def api(database: ConnectedDatabase, bus_url: str) -> AsyncIterator[Api]:
    """Give GraphQL without a network, on both databases."""
    async with api_on(bus_url) as api:
        yield api


@pytest.fixture
async def world(api: Api) -> World:
    """Give a workspace with an owner."""
    return await make_world()
