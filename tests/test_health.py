"""What an operator asks a server: whether it lives, whether it is ready, and what it counts."""

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app import Application, create_app
from settings import Settings
from tests import streaming
from tests.serving import serving
from tests.streaming import Server
from tests.world import World
from web import health
from web.metrics import CountRequests, Metrics

stack_bus_url = streaming.stack_bus_url
server = streaming.server
world = streaming.world


async def test_a_running_server_lives_is_ready_and_counts(server: Server, world: World) -> None:
    await server.ask(world.owner, "{ viewer { name } }")
    async with httpx2.AsyncClient(base_url=server.url) as client:
        alive, ready = await client.get("/healthz"), await client.get("/readyz")
        text = (await client.get("/metrics")).text
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (200, {"database": "ok", "bus": "ok"})
    found = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    asked = ("parley_http_requests_total", ("path", "/graphql"), ("status", "200"))
    assert found[asked] == found["parley_http_request_seconds_count", ("path", "/graphql")] == 1
    assert found["parley_http_requests_total", ("path", "other"), ("status", "200")] == 2
    assert found[("parley_open_sockets",)] == found[("parley_running_operations",)] == 0
    jobs = {state: found["parley_jobs", ("state", state)] for state in ("READY", "RUNNING", "DEAD")}
    assert jobs == {"READY": 0, "RUNNING": 0, "DEAD": 0}


async def test_a_part_that_does_not_answer_is_named() -> None:
    async def works() -> bool:
        return True

    async def does_not() -> bool:
        return False

    async def fails() -> bool:
        raise ConnectionError

    async def measure() -> None:
        return None

    checks: dict[str, health.Check] = {"database": works, "bus": does_not, "disk": fails}
    app = Starlette(routes=health.routes(checks, Metrics().registry, measure))
    async with serving(app) as url, httpx2.AsyncClient(base_url=url) as client:
        ready, alive = await client.get("/readyz"), await client.get("/healthz")
    assert ready.status_code == 503
    assert ready.json() == {"database": "ok", "bus": "failing", "disk": "failing"}
    assert alive.status_code == 200


def test_times_are_counted_in_buckets_with_their_bounds() -> None:
    metrics = Metrics()
    for seconds in (0.0005, 0.001, 0.002, 10.0, 20.0):
        metrics.answers.add("/graphql", 200, seconds)
    name = "parley_http_request_seconds"
    bounds = ("0.001", "0.0025", "5.0", "10.0", "+Inf")
    found = [
        metrics.registry.get_sample_value(f"{name}_bucket", {"path": "/graphql", "le": bound})
        for bound in bounds
    ]
    assert found == [2, 3, 3, 4, 5]
    values = [
        metrics.registry.get_sample_value(f"{name}_{one}", {"path": "/graphql"})
        for one in ("count", "sum")
    ]
    assert values == [5, pytest.approx(30.0035)]


async def test_what_failed_unforeseen_is_counted() -> None:
    async def broken(_request: Request) -> Response:
        raise ZeroDivisionError

    metrics = Metrics()
    app = Application(
        routes=[Route("/broken", broken)], around=[Middleware(CountRequests, metrics)]
    )
    async with serving(app) as url, httpx2.AsyncClient(base_url=url) as client:
        assert (await client.get("/broken")).status_code == 500
    labels = {"path": "other", "status": "500"}
    assert metrics.registry.get_sample_value("parley_http_requests_total", labels) == 1


def test_an_app_has_the_three_doors() -> None:
    paths = {getattr(route, "path", "") for route in create_app(Settings(graphiql=False)).routes}
    assert {"/healthz", "/readyz", "/metrics", "/graphql", "/custom/channel/webhook/"} <= paths
