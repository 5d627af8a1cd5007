"""The wake-up bus: who is told what, and how often, on memory, Redis and PostgreSQL."""

import asyncio
import contextvars

import msgspec
import pytest
from structlog.testing import capture_logs

from realtime.broker import SIGNAL_BYTES, Broker, Scalar, Signal, Wake
from realtime.bus_letters import SIGNALS_WAITING, Letter, Outbox
from tests import bus_servers
from tests.bus_servers import Ear, Server, running

own_redis = bus_servers.own_redis
own_postgres = bus_servers.own_postgres
nothing_left = bus_servers.nothing_left
server = bus_servers.server
url = bus_servers.url


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


def test_a_burst_goes_as_one_letter_that_can_be_put_back() -> None:
    outbox = Outbox("here")
    for workspace_id in range(250):
        outbox.put_wake(workspace_id - 1, 5)
        outbox.put_wake(workspace_id - 1, 4)
    first = outbox.take()
    assert first is not None
    assert len(msgspec.json.encode(first)) < 8_000
    assert msgspec.json.decode(msgspec.json.encode(first), type=Letter) == first
    assert first.wakes == dict.fromkeys(range(-1, 99), 5)
    outbox.put_wake(7, 6)
    outbox.put_back(first)  # it did not go out
    told: dict[int, int] = {}
    letters = 0
    while (letter := outbox.take()) is not None:
        told |= letter.wakes
        letters += 1
    assert told == {**dict.fromkeys(range(-1, 249), 5), 7: 6}
    assert letters == 3
