"""`parley cluster`: PostgreSQL, Redis, two servers and a worker, for trying it out and tests."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx2

from demo.processes import START_SECONDS, Programs, leave_on_sigterm, need_port, url_of
from demo.serve import NOT_EMPTY, local_url, prepare, welcome, with_reach
from models.database import migrate
from settings import Settings

SERVERS = 2
READY_SECONDS = 5.0
POLL_SECONDS = 0.1


def run_cluster(settings: Settings) -> None:
    """Run everything until Ctrl-C or SIGTERM; nothing is left running, the data stays.

    The servers have `settings.port` and the next one. PostgreSQL and Redis come from development
    packages, with their data in `cluster` under the data directory.
    """
    sys.path.append(str(Path(__file__).parents[1]))  # tests are not installed
    from tests.servers import postgres_server, redis_server

    for number in range(SERVERS):
        need_port(settings.host, settings.port + number)
    leave_on_sigterm()
    directory = settings.data_directory.resolve() / "cluster"
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        shared = settings.model_copy(
            update={
                "database_url": stack.enter_context(postgres_server(directory / "postgres")),
                "bus_url": stack.enter_context(redis_server(directory / "redis")),
            }
        )
        programs = stack.enter_context(Programs())
        if (text := _start(shared, programs)) is not None:
            print(text, flush=True)
            _wait_for_ctrl_c()
    print("Stopped.", flush=True)


def _start(settings: Settings, programs: Programs) -> str | None:
    """Start the programs on a migrated and seeded database; return what to print."""
    asyncio.run(migrate(settings.database_url))
    listener = socket.create_server(("127.0.0.1", 0))
    prepared = asyncio.run(prepare(settings, url_of(listener)))
    if prepared is None:
        print(NOT_EMPTY, flush=True)
        return None
    servers = [
        settings.model_copy(update={"port": settings.port + number}) for number in range(SERVERS)
    ]
    urls = [local_url(server) for server in servers]
    programs.start_customers(urls[0], prepared.demo.channel, listener)
    reaching = with_reach(settings, prepared.demo.channel.base_url)
    started = [
        programs.start(
            f"The server at {url}",
            "demo.serve",
            environment=_environment(reaching, server.port),
        )
        for server, url in zip(servers, urls, strict=True)
    ]
    programs.start("The worker", "cli", "worker", environment=_environment(reaching, settings.port))
    _wait_until_ready(urls, started)
    return welcome(settings, urls, prepared, with_customers=True)


def _environment(settings: Settings, port: int) -> dict[str, str]:
    return {
        "PARLEY_PORT": str(port),
        "PARLEY_DATABASE_URL": settings.database_url,
        "PARLEY_BUS_URL": settings.bus_url,
        "PARLEY_EMBEDDED_WORKER": "false",
        "PARLEY_OUTBOUND_PRIVATE_HOSTS": settings.outbound_private_hosts,
    }


def _wait_until_ready(urls: Sequence[str], started: Sequence["subprocess.Popen[str]"]) -> None:
    """Wait until every server answers that all its parts do; raise if one ends before."""
    deadline = time.monotonic() + START_SECONDS
    for url, process in zip(urls, started, strict=True):
        while not _is_ready(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The server at {url} did not start.")
            time.sleep(POLL_SECONDS)


def _is_ready(url: str) -> bool:
    with suppress(httpx2.HTTPError):
        return httpx2.get(f"{url}/readyz", timeout=READY_SECONDS, trust_env=False).is_success
    return False


def _wait_for_ctrl_c() -> None:
    while True:
        time.sleep(3600)
