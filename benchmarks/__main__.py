"""`python -m benchmarks`: Parley, a bare program and a peer on both databases, in one run."""

import argparse
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import asyncpg
import uvloop

from benchmarks import fanout, importing, inboxes, load, peers, report, scale, search, seeding, work
from benchmarks.data import World
from benchmarks.processes import Running, server

ROUNDS, ROUND_SECONDS = 5, 3.0
SUBSCRIBERS = (100, 500, 1000)
DELIVERIES = 15_000
"""How many deliveries one fan-out measures, at least EVENTS events and at most MOST_EVENTS."""
EVENTS, MOST_EVENTS = 15, 60
PARTS: dict[str, tuple[work.Requests, work.Requests]] = {
    "inbox page": (work.inbox_graphql, work.inbox_bare),
    "thread page": (work.thread_graphql, work.thread_bare),
    "sendMessage": (work.send_graphql, work.send_bare),
}
"""The requests to everybody who speaks GraphQL, and to the bare program."""
PARTS_OF_A_RUN = (
    "pages",
    "send",
    "fanout",
    "inboxes",
    "search",
    "import",
    "growth",
    "idle",
    "scale",
)
"""The last three take longer, and are measured only when they are asked for."""
ALONE = {
    "inboxes": inboxes.measure,
    "search": search.measure,
    "import": importing.measure,
    "growth": scale.growth,
    "idle": scale.idle,
    "scale": scale.processes,
}
MakeDatabase = Callable[..., Awaitable[str]]
"""(a world, a name) -> the URL of a fresh database with the world's rows."""
READS = ("inbox page", "thread page")
FLOOR = "bare, no work"
"""The bare program when it reads a one from the database and answers nothing."""


def arguments() -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, short rounds")
    parser.add_argument("--database", choices=("sqlite", "postgres"), help="only this one")
    parser.add_argument("--part", choices=PARTS_OF_A_RUN, help="only this one")
    return parser.parse_args()


@contextmanager
def running(urls: str | Mapping[str, str], *names: str) -> Iterator[dict[str, Running]]:
    """Run servers: the bare program, Parley, and others by their names; on one database, or each
    on its own."""
    with ExitStack() as stack:
        wanted = ("bare", "parley", *names)
        own = {name: urls if isinstance(urls, str) else urls[name] for name in wanted}
        yield {name: stack.enter_context(server(name, url)) for name, url in own.items()}


def requests_of(part: str, name: str) -> work.Requests:
    """Return what a server is asked in a part."""
    if name == FLOOR:
        return work.floor
    speaks_graphql, bare = PARTS[part]
    return bare if name == "bare" else speaks_graphql


def others(database: str) -> list[str]:
    """Return the forms of the peer that can be run on a database."""
    return list(peers.FORMS) if peers.is_available(database) else []


async def check_agreement(servers: dict[str, Running], world: World) -> None:
    """Make sure that all servers give the same answers before their speed is compared."""
    for part in READS:
        answers = {
            name: await load.ask(one.port, next(requests_of(part, name)(world)))
            for name, one in servers.items()
        }
        for name, answer in answers.items():
            if answer != answers["parley"]:
                raise RuntimeError(f"{name} answers otherwise on the {part}: {answer}")


async def measure_load(
    database: str, url: str, world: World, options: argparse.Namespace
) -> list[report.Row]:
    """Measure the pages and sending."""
    rows = []
    rounds, seconds = (3, 1.0) if options.quick else (ROUNDS, ROUND_SECONDS)
    with running(url, *others(database)) as servers:
        await check_agreement(servers, world)
        for part in PARTS:
            if options.part and (options.part == "pages") != (part in READS):
                continue
            asked = servers | ({FLOOR: servers["bare"]} if part in READS else {})
            requests = {name: requests_of(part, name)(world, name) for name in asked}
            figures = await load.compare(asked, requests, rounds=rounds, seconds=seconds)
            rows.append(report.load_row(database, part, figures))
    return rows


async def measure_fanout(
    database: str, make: MakeDatabase, options: argparse.Namespace
) -> list[report.Row]:
    """Measure one event to 100, 500 and 1,000 subscribers, each on fresh servers.

    Each has a database of its own: else Parley would also tell its subscribers what others write.
    """
    rows, world, names = [], World(10_000), others(database)[:1]
    urls = {name: await make(world, name) for name in ("bare", "parley", *names)}
    for subscribers in SUBSCRIBERS:
        events = min(MOST_EVENTS, max(EVENTS, DELIVERIES // subscribers))
        with running(urls, *names) as servers:
            figures = await fanout.compare(
                servers,
                world,
                subscribers=subscribers,
                events=EVENTS if options.quick else events,
            )
        rows.append(report.fanout_row(database, subscribers, figures))
    return rows


async def measure(database: str, make: MakeDatabase, options: argparse.Namespace) -> dict[str, Any]:
    """Measure all parts on one kind of database."""
    world = World(10_000 if options.quick else 100_000)
    loads = fanouts = []
    if options.part != "fanout":
        loads = await measure_load(database, await make(world), world, options)
        report.print_table(f"{database}: requests of 16 connections", "part", loads, "part")
    if options.part in (None, "fanout"):
        fanouts = await measure_fanout(database, make, options)
        title = f"{database}: one event to all subscribers; 10,000 conversations, a database each"
        report.print_table(title, "subscribers", fanouts, "subscribers")
    return {"requests": loads, "fanout": fanouts}


async def run(options: argparse.Namespace) -> None:
    """Measure and print everything that was asked for."""
    conversations = 10_000 if options.quick else 100_000
    begin = datetime.now(UTC)
    result: dict[str, Any] = {"begin": begin.isoformat(timespec="seconds")}
    with seeding.postgres() as postgres_url:
        connection = await asyncpg.connect(postgres_url)
        version = str(connection.get_server_version().major)
        await connection.close()
        result["machine"] = report.machine(version)
        result["conversations"] = conversations
        result["messages"] = World(conversations).messages
        print(f"{result['machine']}\n{conversations:,} conversations,", end=" ")
        print(f"{result['messages']:,} messages; medians of interleaved rounds")
        if options.part in ALONE:
            result[options.part] = await ALONE[options.part](postgres_url, options)
        elif options.database != "sqlite":
            make = partial(seeding.postgres_database, postgres_url)
            result["postgres"] = await measure("postgres", make, options)
        if options.part not in ALONE and options.database != "postgres":
            result["sqlite"] = await measure("sqlite", seeding.sqlite_database, options)
        if options.part is None:
            result["inboxes"] = await inboxes.measure(postgres_url, options)
            result["search"] = await search.measure(postgres_url, options)
            result["import"] = await importing.measure(postgres_url, options)
    seconds = (datetime.now(UTC) - begin).total_seconds()
    result["seconds"] = round(seconds)
    report.keep(seeding.DIRECTORY / "last.json", result)
    print(f"\n{seconds:.0f} s; the same as JSON: {seeding.DIRECTORY / 'last.json'}")


if __name__ == "__main__":
    uvloop.run(run(arguments()))
