"""The wake-up bus heals itself: real servers are killed, frozen and cut off."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from realtime.broker import EVERY_WORKSPACE, Broker, Signal, Wake
from realtime.bus_backends import Arrival, wire_for
from tests import bus_servers
from tests.bus_servers import Ear, Server, running, until_unhealthy

own_redis = bus_servers.own_redis
own_postgres = bus_servers.own_postgres
nothing_left = bus_servers.nothing_left
server = bus_servers.server

EVERYTHING = Wake(EVERY_WORKSPACE, 0)
RECOVERY_SECONDS = 5


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


async def test_the_highest_wakes_wait_for_the_end_of_an_outage(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.broker.COALESCE_SECONDS", 0)
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
