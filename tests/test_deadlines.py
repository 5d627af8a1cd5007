"""One timer ends all that take too long, and only those."""

import asyncio

import pytest

from schema.deadlines import Deadlines


async def late(deadlines: Deadlines) -> str:
    try:
        with deadlines.limit() as limit:
            await asyncio.Event().wait()
    except TimeoutError:
        assert limit.is_over
        return "over"
    raise AssertionError


async def test_who_takes_too_long_is_ended_and_who_is_done_is_not() -> None:
    deadlines = Deadlines(0.02)
    with deadlines.limit() as done:
        pass
    assert await asyncio.gather(*(late(deadlines) for _ in range(3))) == ["over"] * 3
    assert (done.is_over, deadlines.running) == (False, {})
    assert await late(deadlines) == "over"  # the timer comes back when it is needed again


async def test_each_has_its_own_time() -> None:
    deadlines = Deadlines(0.05)
    first = asyncio.create_task(late(deadlines))
    await asyncio.sleep(0)
    assert (await asyncio.wait({first}, timeout=0.03))[0] == set()
    second = asyncio.create_task(late(deadlines))
    assert await first == "over"
    assert not second.done()
    assert await second == "over"


async def test_one_timer_serves_all(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, timers = asyncio.get_running_loop(), []
    monkeypatch.setattr(loop, "call_at", lambda *given: timers.append(given))
    deadlines = Deadlines(30.0)
    for _ in range(100):
        with deadlines.limit(), deadlines.limit():
            assert len(deadlines.running) == 2
    assert len(timers) == 1


async def test_a_cancellation_of_others_stays_one() -> None:
    deadlines = Deadlines(30.0)
    task = asyncio.create_task(late(deadlines))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert deadlines.running == {}


async def test_who_is_cancelled_as_its_time_ends_is_cancelled() -> None:
    deadlines = Deadlines(0.01)
    task = asyncio.create_task(late(deadlines))
    await asyncio.sleep(0)
    [limit] = deadlines.running
    both = asyncio.get_running_loop().call_at(limit.end, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (limit.is_over, both.cancelled()) == (True, False)


def test_a_new_loop_has_a_timer_of_its_own() -> None:
    deadlines = Deadlines(0.02)

    async def leave_one() -> None:
        deadlines.limit()

    asyncio.run(leave_one())
    assert len(deadlines.running) == 1
    assert asyncio.run(late(deadlines)) == "over"


async def test_only_a_task_has_a_deadline() -> None:
    loop, errors = asyncio.get_running_loop(), []

    def ask() -> None:
        try:
            Deadlines(1.0).limit()
        except RuntimeError as error:
            errors.append(str(error))

    loop.call_soon(ask)
    await asyncio.sleep(0)
    assert errors == ["Only a task can have a deadline."]
