"""What the process counts for Prometheus: requests, sockets, operations and jobs."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PATHS = (
    "/graphql",
    "/custom/channel/webhook",
    "/custom/channel/webhook/",
    "/email/channel/webhook/",
)
"""The paths that are counted by name; all others are counted together."""


class Answers(Collector):
    """Counts the answers of each path and status, and the time until they began.

    The library's own counters are made for threads, and cost more than all else about a metric.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, int]] = Counter()
        self._sums: dict[str, float] = {}
        self._within: dict[str, list[int]] = {}
        """How many of a path began within each bucket, but not within the one before."""

    def add(self, path: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._counts[path, status] += 1
        self._sums[path] = self._sums.get(path, 0.0) + seconds
        within = self._within.get(path) or self._within.setdefault(path, [0] * (len(BUCKETS) + 1))
        within[bisect_left(BUCKETS, seconds)] += 1

    def collect(self) -> Iterator[Metric]:
        """Yield what was counted so far."""
        labels = ("path", "status")
        answers = CounterMetricFamily("parley_http_requests", "HTTP answers.", labels=labels)
        for (path, status), count in self._counts.items():
            answers.add_metric((path, str(status)), count)
        yield answers
        times = HistogramMetricFamily(
            "parley_http_request_seconds",
            "Time to the first byte of an HTTP answer.",
            labels=("path",),
        )
        bounds = [*map(str, BUCKETS), "+Inf"]
        for path, within in self._within.items():
            counts = list(zip(bounds, accumulate(within), strict=True))
            times.add_metric((path,), counts, self._sums[path])
        yield times


class Metrics:
    """The registry of one server process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.answers = Answers()
        self.registry.register(self.answers)
        self.jobs = Gauge(
            "parley_jobs", "Durable jobs in the table.", ("state",), registry=self.registry
        )

    def watch(self, name: str, description: str, read: Callable[[], int]) -> None:
        """Count something by asking for it at each visit."""
        Gauge(name, description, registry=self.registry).set_function(read)

    def set_jobs(self, counts: Mapping[str, int]) -> None:
        """Set how many jobs are in each state."""
        for state, count in counts.items():
            self.jobs.labels(state).set(count)


class CountRequests:
    """ASGI middleware that counts HTTP answers and times them."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, and count when the answer begins."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"] if scope["path"] in PATHS else "other"
        began = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.metrics.answers.add(path, message["status"], time.perf_counter() - began)
            await send(message)

        await self.app(scope, receive, counted)
