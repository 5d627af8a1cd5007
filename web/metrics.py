"""What the process counts for Prometheus: requests, sockets, operations and jobs."""

import time
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PATHS = (
    "/graphql",
    "/custom/channel/webhook",
    "/custom/channel/webhook/",
    "/email/channel/webhook/",
)
"""The paths that are counted by name; all others are counted together."""


class Metrics:
    """The registry of one server process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "parley_http_requests", "HTTP answers.", ("path", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "parley_http_request_seconds",
            "Time to the first byte of an HTTP answer.",
            ("path",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.counters: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        """What counts the answers of a path and a status, found once."""
        self.jobs = Gauge(
            "parley_jobs", "Durable jobs in the table.", ("state",), registry=self.registry
        )

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count an answer, and the time until it began."""
        counters = self.counters.get((path, status))
        if counters is None:
            counters = self.requests.labels(path, str(status)), self.seconds.labels(path)
            self.counters[path, status] = counters
        counters[0].inc()
        counters[1].observe(seconds)

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
                self.metrics.answered(path, message["status"], time.perf_counter() - began)
            await send(message)

        await self.app(scope, receive, counted)
