"""The wake-up bus over `broadcaster` (memory, Redis, PostgreSQL): a hint, never the truth.

One `Broadcast` and one channel per process, subscribed before anything is published; one task that
publishes; a heartbeat that rebuilds a silent bus. Whoever needs certainty reads the event log.
"""

import asyncio
import contextlib
import contextvars
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import cast

import msgspec
import structlog
from broadcaster import Broadcast, BroadcastBackend
from broadcaster._base import Subscriber

from realtime.bus_backends import CLOSE_TIMEOUT_SECONDS, CONNECT_TIMEOUT_SECONDS, wire_for
from realtime.bus_letters import EVERY_WORKSPACE, Letter, Outbox, Scalar

__all__ = ["EVERY_WORKSPACE", "Broker", "Scalar", "Signal", "Wake"]

HEARTBEAT_SECONDS = 1.0
HEARTBEATS_MISSED = 3
PUBLISH_TIMEOUT_SECONDS = 2.0
COALESCE_SECONDS = 0.005
"""How long after a burst of letters the next ones are gathered: one wake for each workspace."""
FLUSH_TIMEOUT_SECONDS = 0.3
CANCEL_TIMEOUT_SECONDS = 0.5
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0
SIGNAL_BYTES = 4_000

_DECODER = msgspec.json.Decoder(Letter)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wake:
    """The log of this workspace has grown to `seq`, or further."""

    workspace_id: int
    seq: int


@dataclass(frozen=True, slots=True)
class Signal:
    """Somebody types, comes or goes: told at most once, never stored."""

    workspace_id: int
    payload: Mapping[str, Scalar]


class Broker:
    """This process's end of the bus: tells listeners here at once, other processes by the bus."""

    def __init__(self, url: str, *, channel: str = "parley") -> None:
        wire_for(url, channel)  # a wrong URL is refused now, not on every attempt
        self._url = url
        self._channel = channel
        self._origin = uuid.uuid4().hex
        self._outbox = Outbox(self._origin)
        self._listeners: dict[object, Callable[[Wake | Signal], None]] = {}
        self._context = contextvars.copy_context()
        self._supervisor: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._up = False
        self._interrupted = False
        self._unanswered = 0
        self._pause = FIRST_PAUSE_SECONDS
        self._checks: dict[asyncio.Future[None], int] = {}

    @property
    def healthy(self) -> bool:
        """Whether the bus carries our own heartbeat back to us."""
        return self._up

    async def start(self) -> None:
        """Connect if the bus is there; if not, go on trying behind the scenes."""
        self._context = contextvars.copy_context()
        self._tried.clear()
        self._interrupted = False
        self._supervisor = asyncio.create_task(self._supervise(), name="bus")
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                await self._tried.wait()
        except TimeoutError as error:
            self._fall(error)

    async def stop(self) -> None:
        """Send what waits if the bus is up, and end every task, in less than a second."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return
        if self._up:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_TIMEOUT_SECONDS):
                    await self._outbox.emptied.wait()
        while not supervisor.done():  # a client library may swallow a cancellation
            supervisor.cancel()
            await asyncio.wait({supervisor}, timeout=CANCEL_TIMEOUT_SECONDS)

    def wake(self, workspace_id: int, seq: int) -> None:
        """Tell that the log of a workspace has grown to `seq`; never blocks, never raises.

        While the bus is down the highest `seq` of each workspace waits.
        """
        self._outbox.put_wake(workspace_id, seq)
        self._tell_soon(Wake(workspace_id, seq))

    def signal(self, workspace_id: int, payload: Mapping[str, Scalar]) -> None:
        """Tell something ephemeral, at most once; other processes miss it while the bus is down.

        Raise ValueError when the payload is more than 4,000 bytes of JSON.
        """
        copy = dict(payload)
        if len(msgspec.json.encode(copy)) > SIGNAL_BYTES:
            raise ValueError(f"A signal holds at most {SIGNAL_BYTES} bytes.")
        if self._up:
            self._outbox.signals.append(Letter(self._origin, workspace_id, payload=copy))
            self._outbox.mark_filled()
        self._tell_soon(Signal(workspace_id, copy))

    def listen(self, callback: Callable[[Wake | Signal], None]) -> Callable[[], None]:
        """Call back in the event loop for each message; return what ends it.

        The callback must not block. It runs in the context of `start`, never in that of the
        caller of `wake`, whose transaction would leak into tasks it starts.
        """
        ticket = object()
        self._listeners[ticket] = callback

        def unlisten() -> None:
            self._listeners.pop(ticket, None)

        return unlisten

    async def check(self, timeout_seconds: float) -> bool:
        """Send a probe and return whether it comes back over the bus in time."""
        answered = asyncio.get_running_loop().create_future()
        self._checks[answered] = self._outbox.probes_sent + 1
        self._outbox.put_probe()
        try:
            async with asyncio.timeout(timeout_seconds):
                await answered
        except TimeoutError:
            return False
        finally:
            del self._checks[answered]
        return True

    def _tell_soon(self, told: Wake | Signal) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # nobody listens outside a loop
        loop.call_soon(self._tell, told, context=self._context)

    def _tell(self, told: Wake | Signal) -> None:
        for callback in tuple(self._listeners.values()):
            try:
                callback(told)
            except Exception:
                log.exception("bus.listener_failed", workspace_id=told.workspace_id)

    async def _supervise(self) -> None:
        while not _is_cancelled():
            try:
                await self._serve()
            except Exception as error:  # whatever went wrong, the bus is built again
                self._fall(error)
            self._tried.set()
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    async def _serve(self) -> None:
        try:
            async with (
                _subscribed(self._url, self._channel) as (bus, subscriber, lost),
                asyncio.TaskGroup() as tasks,
            ):
                tasks.create_task(self._read(subscriber))
                tasks.create_task(self._publish(bus))
                tasks.create_task(self._beat())
                await lost.wait()
                raise ConnectionError("The connection ended.")
        finally:
            self._up = False
            self._outbox.signals.clear()

    async def _read(self, subscriber: Subscriber) -> None:
        while True:
            event = await subscriber.get()
            try:
                letter = _DECODER.decode(event.message)
            except (ValueError, RecursionError):
                continue  # a stranger on our channel
            if letter.origin != self._origin:
                for workspace_id, seq in letter.wakes.items():
                    self._tell(Wake(workspace_id, seq))
                if letter.payload is not None:
                    self._tell(Signal(letter.workspace, letter.payload))
            elif letter.probe is not None:
                self._rise(letter.probe)

    async def _publish(self, bus: Broadcast) -> None:
        while not _is_cancelled():
            letter = self._outbox.take()
            if letter is None:
                await asyncio.sleep(COALESCE_SECONDS)  # what comes meanwhile goes as one
                await self._outbox.filled.wait()
                continue
            message = msgspec.json.encode(letter).decode()
            try:
                async with asyncio.timeout(PUBLISH_TIMEOUT_SECONDS):
                    await bus.publish(self._channel, message)
            except BaseException:
                self._outbox.put_back(letter)
                raise

    async def _beat(self) -> None:
        # Beats are counted, not timed: a stalled event loop is not a silent bus.
        self._unanswered = 0
        while self._unanswered < HEARTBEATS_MISSED:
            self._unanswered += 1
            self._outbox.put_probe()
            await asyncio.sleep(HEARTBEAT_SECONDS)
        raise TimeoutError("The heartbeat does not come back.")

    def _rise(self, probe: int) -> None:
        self._unanswered = 0
        for answered, first in self._checks.items():
            if first <= probe and not answered.done():
                answered.set_result(None)
        if self._up:
            return
        self._up = True
        self._pause = FIRST_PAUSE_SECONDS
        self._tried.set()
        if self._interrupted:
            self._interrupted = False
            log.info("bus.back")
            self._tell(Wake(EVERY_WORKSPACE, 0))

    def _fall(self, error: Exception) -> None:
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        if not self._interrupted:
            # Not the traceback: it may hold the URL, and the URL a password.
            log.warning("bus.lost", reason=f"{type(error).__name__}: {error}")
        self._interrupted = True


def _is_cancelled() -> bool:
    """Tell whether this task was cancelled, even if that was swallowed below.

    redis-py sends with `asyncio.wait_for`, which on Python 3.11 loses a cancellation that comes in
    the moment the sending ends (cpython issue 86296).
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@contextlib.asynccontextmanager
async def _subscribed(
    url: str, channel: str
) -> AsyncIterator[tuple[Broadcast, Subscriber, asyncio.Event]]:
    """Connect and subscribe; leave no task and no connection behind, whatever happens."""
    wire = wire_for(url, channel)
    bus = Broadcast(url) if wire is None else Broadcast(backend=cast(BroadcastBackend, wire))
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(_close_to_the_end, bus)
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            await bus.connect()
            subscriber = await stack.enter_async_context(bus.subscribe(channel))
        yield bus, subscriber, asyncio.Event() if wire is None else wire.lost


async def _close_to_the_end(bus: Broadcast) -> None:
    """Close, even while being cancelled."""
    closing = asyncio.ensure_future(_close(bus))
    try:
        await asyncio.shield(closing)
    except asyncio.CancelledError:
        await closing
        raise


async def _close(bus: Broadcast) -> None:
    # Not `bus.disconnect()`: it does not await its listener, and raises what killed it.
    listener: asyncio.Task[None] | None = getattr(bus, "_listener_task", None)
    if listener is not None:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
    with contextlib.suppress(Exception):  # a server that is gone cannot be left politely
        async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
            await bus._backend.disconnect()
