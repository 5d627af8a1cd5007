"""The load: keep-alive connections that ask again as soon as they are answered, in rounds."""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from benchmarks.processes import Running

CONNECTIONS = 16
END_OF_HEAD = b"\r\n\r\n"


class Failed(Exception):  # noqa: N818 - what a server did, not a mistake here
    """A server answered with an error, or not at all."""


class Client(asyncio.Protocol):
    """One connection with one request on its way at a time."""

    def __init__(self, requests: Iterator[bytes], deadline: Callable[[], float]) -> None:
        self.requests = requests
        self.deadline = deadline
        self.latencies: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        self.transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        self.asked = time.perf_counter()
        self.transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        """Take an answer once it is whole, and ask again while there is time."""
        self.buffer += data
        head, found, body = self.buffer.partition(END_OF_HEAD)
        if not found or len(body) < _length(head):
            return
        moment = time.perf_counter()
        self.latencies.append(moment - self.asked)
        self.body, self.buffer = body, b""
        if not head.startswith(b"HTTP/1.1 200") or b'"errors":' in body:
            self._finish(Failed(f"{head.decode()} {body.decode()}"))
        elif moment < self.deadline():
            self._ask()
        else:
            self._finish(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the round if the server went away."""
        self._finish(Failed(f"The connection was lost: {exc}"))

    def _finish(self, error: Failed | None) -> None:
        if not self.done.done():
            self.done.set_exception(error) if error else self.done.set_result(None)
            self.transport.close()


def _length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.index(b"content-length:") + len(b"content-length:")
    return int(lowered[start:].split(b"\r\n", 1)[0])


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of load measured."""

    requests: int
    seconds: float
    cpu_seconds: float
    latencies: list[float]


async def drive(server: Running, requests: Iterator[bytes], seconds: float) -> Round:
    """Keep a server busy for so long."""
    loop = asyncio.get_running_loop()
    cpu, begin = server.cpu_seconds(), time.perf_counter()
    clients: list[Client] = []
    for _ in range(CONNECTIONS):
        _, client = await loop.create_connection(
            lambda: Client(requests, lambda: begin + seconds), "127.0.0.1", server.port
        )
        clients.append(client)
    async with asyncio.timeout(seconds + 30):
        await asyncio.gather(*(client.done for client in clients))
    latencies = [latency for client in clients for latency in client.latencies]
    took = time.perf_counter() - begin
    return Round(len(latencies), took, server.cpu_seconds() - cpu, latencies)


async def ask(port: int, request: bytes) -> Any:
    """Return the decoded answer to one request."""
    _, client = await asyncio.get_running_loop().create_connection(
        lambda: Client(iter([request]), lambda: 0.0), "127.0.0.1", port
    )
    async with asyncio.timeout(30):
        await client.done
    return orjson.loads(client.body)


@dataclass(slots=True)
class Figures:
    """The rounds of one server."""

    rounds: list[Round] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Return requests per second, the median of the rounds."""
        return statistics.median(one.requests / one.seconds for one in self.rounds)

    @property
    def cpu_microseconds(self) -> float:
        """Return the server's processor time per request, the median of the rounds."""
        return 1e6 * statistics.median(one.cpu_seconds / one.requests for one in self.rounds)

    def milliseconds(self, percentile: int) -> float:
        """Return a percentile of the time to the answer over all rounds."""
        return percentile_of([x for one in self.rounds for x in one.latencies], percentile) * 1e3


def percentile_of(values: list[float], percentile: int) -> float:
    """Return a percentile of values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percentile // 100)]


async def compare(
    servers: Mapping[str, Running],
    requests: Mapping[str, Iterator[bytes]],
    *,
    rounds: int,
    seconds: float,
) -> dict[str, Figures]:
    """Load the servers in turn, each for a warm-up and then `rounds` times."""
    figures = {name: Figures() for name in servers}
    for number in range(rounds + 1):
        for name, server in servers.items():
            done = await drive(server, requests[name], seconds if number else seconds / 2)
            if number:
                figures[name].rounds.append(done)
    return figures
