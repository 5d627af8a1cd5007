"""How cost grows: with data, with idle and active subscribers, with processes and workspaces."""

import argparse
import asyncio
import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from benchmarks import fanout, load, seeding, work
from benchmarks.data import World
from benchmarks.processes import Running, server
from benchmarks.share import held
from tests.servers import redis_server

SIZES = (10_000, 100_000, 1_000_000)
SHORT = 2
"""Messages of a short conversation here: four on average."""
ROUNDS, SECONDS = 5, 2.0
IDLE = (100, 1_000, 10_000)
ACTIVE = 1_000
EVENTS = 30
RATE_PER_SECOND = 3_000
PROCESSES = (1, 2, 4)
WORKSPACES = (1, 10, 50)
Requests = Iterator[bytes]
PARTS: dict[str, work.Requests] = {
    "inbox page": work.inbox_graphql,
    "thread page": work.thread_graphql,
    "sendMessage": work.send_graphql,
}
Rows = list[dict[str, Any]]


def show(title: str, rows: Rows) -> Rows:
    """Print a table of what was measured, and return it."""
    print(f"\n{title}")
    keys = list(rows[0])
    widths = [max(len(key), *(len(f"{row[key]}") for row in rows)) for key in keys]
    print("  ".join(key.rjust(width) for key, width in zip(keys, widths, strict=True)))
    for row in rows:
        values = zip(row.values(), widths, strict=True)
        print("  ".join(f"{value}".rjust(width) for value, width in values))
    return rows


async def growth(postgres_url: str, options: argparse.Namespace) -> Rows:
    """Measure the same operations on databases of three sizes, in turn."""
    rows: Rows = []
    sizes = SIZES[:2] if options.quick else SIZES
    for database in ("postgres", "sqlite"):
        if options.database not in (None, database):
            continue
        worlds = {f"{size:,}": World(size, SHORT) for size in sizes}
        with ExitStack() as stack:
            servers = {}
            for name, world in worlds.items():
                copy = f"run_{world.conversations}"
                url = await (
                    seeding.postgres_database(postgres_url, world, copy)
                    if database == "postgres"
                    else seeding.sqlite_database(world, copy)
                )
                servers[name] = stack.enter_context(server("parley", url, name))
            for part, requests in PARTS.items():
                asked = {name: requests(worlds[name], name) for name in servers}
                found = await load.compare(servers, asked, rounds=ROUNDS, seconds=SECONDS)
                rows += _grown(database, part, found)
    return show("The same operations on more data", rows)


def _grown(database: str, part: str, found: dict[str, load.Figures]) -> Rows:
    first = next(iter(found.values()))
    return [
        {
            "database": database,
            "part": part,
            "conversations": name,
            "cpu_us": round(one.cpu_microseconds),
            "p50_ms": round(one.milliseconds(50), 2),
            "cpu": round(one.cpu_microseconds / first.cpu_microseconds, 2),
            "p50": round(one.milliseconds(50) / first.milliseconds(50), 2),
        }
        for name, one in found.items()
    ]


async def idle(postgres_url: str, options: argparse.Namespace) -> Rows:
    """Measure the memory of idle subscriptions, and deliveries to a thousand beside them."""
    world = World(10_000)
    url = await seeding.postgres_database(postgres_url, world)
    rows: Rows = []
    for count in IDLE[:2] if options.quick else IDLE:
        with server("parley", url, MAX_SOCKETS_PER_USER="1000") as running:
            audience = fanout.Audience(running, world, sockets_per_user=200)
            try:
                await audience.gather(count)
                figures = await _told(audience)
            finally:
                audience.close()
        rows.append({"subscribers": f"{count:,}", **figures})
    return show("One event to all subscribers, flat out and at a fixed rate", rows)


async def _told(audience: fanout.Audience) -> dict[str, float]:
    events = max(3, EVENTS * ACTIVE // max(ACTIVE, len(audience.subscribers)))
    for _ in range(events):
        await audience.measure()
    flat = fanout.figures_of(audience)
    audience.latencies.clear()
    pause = len(audience.subscribers) / RATE_PER_SECOND
    for _ in range(events):
        began = asyncio.get_running_loop().time()
        await audience.measure()
        took = asyncio.get_running_loop().time() - began
        await asyncio.sleep(max(0.0, pause - took))
    return {
        "deliveries_per_second": round(flat.per_second),
        "cpu_us_per_delivery": round(flat.cpu_microseconds, 1),
        "p99_ms": round(flat.p99_milliseconds, 1),
        f"p99_ms_at_{RATE_PER_SECOND}": round(load.percentile_of(audience.latencies, 99) * 1e3, 1),
        "kib_per_connection": round(flat.kib_per_connection, 1),
    }


async def processes(postgres_url: str, options: argparse.Namespace) -> Rows:
    """Measure one, two and four server processes on one database, by either bus.

    Each has a fifth of a core: on a machine of few cores they would else only share what one of
    them uses alone.
    """
    world = World(10_000 if options.quick else 100_000)
    rows: Rows = []
    with redis_server(seeding.DIRECTORY / "redis") as redis_url:
        for bus, bus_url in (("redis", redis_url), ("postgres", postgres_url)):
            for count in PROCESSES:
                url = await seeding.postgres_database(postgres_url, world)
                with ExitStack() as stack:
                    servers = [
                        stack.enter_context(
                            server("parley", url, f"{bus}-{count}-{number}", BUS_URL=bus_url)
                        )
                        for number in range(count)
                    ]
                    stack.enter_context(held([one.process.pid for one in servers]))
                    rows += [
                        {"bus": bus, "processes": count, "part": part}
                        | await _together(servers, world, requests)
                        for part, requests in PARTS.items()
                    ]
    alone = {(row["bus"], row["part"]): row for row in rows if row["processes"] == 1}
    for row in rows:
        first = alone[row["bus"], row["part"]]
        row["times"] = round(row["requests_per_second"] / first["requests_per_second"], 2)
    show("Several server processes on one PostgreSQL, each with a fifth of a core", rows)
    return rows + await workspaces(postgres_url, world)


async def workspaces(postgres_url: str, world: World) -> Rows:
    """Measure sending in one workspace and in many: the events of each are numbered in turn."""
    rows: Rows = []
    for count in WORKSPACES:
        url = await seeding.postgres_database(postgres_url, world)
        places = await seeding.add_workspaces(url, count)
        with server("parley", url, f"of {count}") as running:
            asked = {running.name: work.send_in(places)}
            found = await load.compare({running.name: running}, asked, rounds=5, seconds=SECONDS)
        [one] = found.values()
        rows.append(
            {
                "workspaces": count,
                "requests_per_second": round(one.per_second),
                "cpu_us_per_request": round(one.cpu_microseconds),
                "p99_ms": round(one.milliseconds(99), 1),
            }
        )
    return show("sendMessage in one workspace and in many", rows)


async def _together(servers: list[Running], world: World, requests: Any) -> dict[str, Any]:
    """Load all servers at once; return requests per second of all, and the cost of one."""
    asked = [requests(world, one.name) for one in servers]
    speeds, costs = [], []
    for number in range(ROUNDS + 1):
        rounds = await asyncio.gather(
            *(load.drive(one, own, SECONDS) for one, own in zip(servers, asked, strict=True))
        )
        if number:  # the first one warms up
            total = sum(one.requests for one in rounds)
            speeds.append(sum(one.requests / one.seconds for one in rounds))
            costs.append(1e6 * sum(one.cpu_seconds for one in rounds) / total)
    return {
        "requests_per_second": round(statistics.median(speeds)),
        "cpu_us_per_request": round(statistics.median(costs)),
    }
