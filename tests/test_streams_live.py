"""Events past the library: in order, none missed or doubled, also where it must be asked again."""

import asyncio
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from graphql import ExecutionResult
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.streams import StreamReader

from realtime.log import Subscriber
from schema.errors import CloseSocket
from schema.hub import Told
from schema.live import WAITING_BYTES, Live, template_of
from schema.sharing import Answer
from tests import streaming
from tests.streaming import MESSAGES, Server, cursor_of, seq_of, served, visible_seqs
from tests.world import World, make_world
from web.websocket_protocol import WebSocketProtocol, text_frame

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world

UNREAD = """subscription($workspaceId: ID!, $after: String) {
  messageAdded(workspaceId: $workspaceId, after: $after) {
    cursor message { text } conversation { unreadCount }
  }
}"""
HIDDEN, RIGHTS = 5, 7
"""Every so manieth event cannot be seen, or is about the viewer's own rights."""


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_frame_is_read_as_it_was_written(size: int) -> None:
    payload = bytes(b"x" * size)
    reader = StreamReader()
    reader.feed_data(text_frame(payload))
    reading = Frame.parse(reader.read_exact, mask=False, max_size=None)
    with pytest.raises(StopIteration) as done:
        next(reading)
    frame = done.value.value
    assert (frame.opcode, bytes(frame.data), frame.fin, frame.rsv1) == (1, payload, True, False)
    assert next(reader.read_to_eof(10), None) is None


@dataclass
class Fake:
    """A follower, an execution and a socket under control."""

    subscriber: Subscriber[Any]
    answers: dict[int, Answer] = field(default_factory=dict)
    sent: list[int] = field(default_factory=list)
    looks: int = 0
    bytes_waiting: int = 0

    def must_look_anew(self, told: Any) -> bool:
        return seq(told) % RIGHTS == 0

    async def look_anew(self, _told: Any = None) -> None:
        self.looks += 1

    def see_now(self, told: Any) -> Any:
        return told if seq(told) % HIDDEN else None

    def answer(self, told: Any, _seen: Any) -> Answer:
        number = seq(told)
        if number not in self.answers:
            result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self.answers[number] = Answer("operation", result)
        return self.answers[number]

    def finish(self, number: int) -> None:
        result = self.answers[number].result
        if not result.done():
            result.set_result(ExecutionResult({"seq": number}))

    def write(self, payload: bytes) -> int:
        message = orjson.loads(payload)
        assert (message["id"], message["type"]) == ('a"b', "next")
        self.sent.append(message["payload"]["data"]["seq"])
        return self.bytes_waiting


def seq(told: Any) -> int:
    number: int = told.delivery.logged.seq
    return number


def event(number: int) -> Any:
    return Told(SimpleNamespace(logged=SimpleNamespace(seq=number)))  # type: ignore[arg-type]  # all that is looked at


def live_on(monkeypatch: pytest.MonkeyPatch, limit: int = 256) -> tuple[Fake, Live]:
    fake = Fake(Subscriber(limit, lambda _: True))
    monkeypatch.setattr(Live, "_answer", lambda _self, told, seen: fake.answer(told, seen))
    live = Live(fake, fake.subscriber, lambda seen: seen, 0, lambda: None)  # type: ignore[arg-type]  # see Fake
    none = SimpleNamespace(coerced={})
    live.executor = SimpleNamespace(operation=fake, variable_values=none, context_value=None)
    return fake, live


async def settle(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not check():  # noqa: ASYNC110 - a fact of several parts
            await asyncio.sleep(0)


@given(st.permutations(range(1, 31)), st.lists(st.integers(0, 30), max_size=8))
async def test_results_in_any_order_are_sent_in_the_order_of_the_log(
    finishing: list[int], before: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        fake, live = live_on(monkeypatch)
        early = max(before, default=0)
        for number in range(1, early + 1):
            fake.subscriber.offer(event(number))  # while it is handed over
        live.start('a"b', fake.write)
        running = asyncio.create_task(live.run())
        for number in range(early + 1, 31):
            fake.subscriber.offer(event(number))
            if number in before:
                await asyncio.sleep(0)
        seen = [number for number in range(1, 31) if number % HIDDEN]
        left = [number for number in finishing if number in seen]
        while left:
            for number in left:
                if number in fake.answers:
                    fake.finish(number)
            await asyncio.sleep(0)
            left = [number for number in left if number not in fake.sent]
        await settle(lambda: live.place == 30)
        running.cancel()
        live.stop()
        assert fake.sent == seen
        assert fake.looks == 30 // RIGHTS


async def test_who_lets_more_wait_than_may_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    fake, live = live_on(monkeypatch, limit=3)
    live.start('a"b', fake.write)
    running = asyncio.create_task(live.run())
    for number in (1, 2, 3, 4):
        fake.subscriber.offer(event(number))
    with pytest.raises(CloseSocket, match="SLOW_CONSUMER"):
        await running
    assert fake.sent == []


async def test_who_lets_more_bytes_wait_than_may_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    fake, live = live_on(monkeypatch)
    fake.bytes_waiting = WAITING_BYTES + 1
    live.start('a"b', fake.write)
    running = asyncio.create_task(live.run())
    fake.subscriber.offer(event(1))
    fake.finish(1)
    with pytest.raises(CloseSocket, match="SLOW_CONSUMER"):
        await running
    assert fake.sent == [1]


async def test_what_is_personal_goes_on_with_the_library_and_misses_nothing(
    server: Server, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: list[int] = []
    run = Live.run

    async def noted(self: Live) -> None:
        await run(self)
        places.append(self.place)

    monkeypatch.setattr(Live, "run", noted)
    await world.hear("zero")
    start = await cursor_of(world)
    texts = [f"message {number}" for number in range(12)]
    async with server.client(world.owner) as client:
        await client.subscribe(UNREAD, workspaceId=world.id, after=start)
        for text in texts[:6]:
            await world.hear(text)
        heard = [await client.hear() for _ in texts[:6]]
        for text in texts[6:]:
            await world.hear(text)
        heard += [await client.hear() for _ in texts[6:]]
    assert [one["message"]["text"] for one in heard] == texts
    assert [one["conversation"]["unreadCount"] for one in heard][-1] == 13
    assert len(places) <= 1  # it is tried once


async def test_a_server_without_our_protocol_tells_the_same(
    database_url: str, stack_bus_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {}
    for protocol in ("ours", "uvicorn's"):
        with monkeypatch.context() as patched:
            if protocol != "ours":
                patched.setattr("schema.sockets.FRAMES", "none.such")
            async with served(database_url, stack_bus_url) as server:
                world = await make_world()
                async with server.client(world.owner) as client:
                    await client.subscribe(MESSAGES, workspaceId=world.id)
                    start = seq_of(await _first(world, client))
                    for number in range(5):
                        await world.hear(f"message {number}")
                    heard = await client.until((await visible_seqs(world))[-1])
                    told[protocol] = [
                        one["message"]["text"] for one in heard if seq_of(one) > start
                    ]
    assert told["ours"][-5:] == told["uvicorn's"][-5:] == [f"message {n}" for n in range(5)]


async def _first(world: World, client: Any) -> Any:
    async with streaming.repeating(lambda: world.hear("hello")):
        return await client.hear()


class Wire:
    """A transport that notes what is written to it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closing = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def get_write_buffer_size(self) -> int:
        return 100

    def is_closing(self) -> bool:
        return self.closing


def connection() -> tuple[WebSocketProtocol, Wire]:
    protocol = WebSocketProtocol.__new__(WebSocketProtocol)
    wire = Wire()
    protocol.loop, protocol.transport = asyncio.get_running_loop(), wire  # type: ignore[assignment]  # see Wire
    protocol.ready, protocol.ready_bytes = [], 0
    protocol.close_sent = protocol.disconnected = False
    return protocol, wire


async def test_frames_of_one_turn_are_one_write_for_each_socket() -> None:
    (one, first), (two, second) = connection(), connection()
    waits = [one.write_text(b"a"), one.write_text(b"bb"), two.write_text(b"c")]
    assert (first.written, waits) == ([], [103, 107, 103])
    await asyncio.sleep(0)
    assert first.written == [text_frame(b"a") + text_frame(b"bb")]
    assert second.written == [text_frame(b"c")]
    one.write_text(b"d")
    one.flush()
    one.write_text(b"e")
    second.closing = True
    assert two.write_text(b"f") == 0
    await asyncio.sleep(0)
    assert first.written[1:] == [text_frame(b"d"), text_frame(b"e")]
    assert len(second.written) == 1


def test_subscriptions_with_the_same_operation_and_variables_share_what_executes_them() -> None:
    def executor(operation: object, **variables: object) -> Any:
        values = SimpleNamespace(coerced=variables)
        return SimpleNamespace(
            operation=operation, variable_values=values, context_value="a viewer", root_value=1
        )

    one, two = object(), object()
    first = template_of(executor(one, id="1"))
    assert template_of(executor(one, id="1")) is first
    assert first.executor.context_value is None
    assert first.executor.root_value is None
    others = [template_of(executor(one, id="2")), template_of(executor(two, id="1"))]
    assert len({id(each) for each in (first, *others)}) == 3
    left = weakref.ref(first)
    del first, others
    assert left() is None
