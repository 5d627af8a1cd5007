"""The cluster: what is sent to one server is heard at the other, and nothing is left running."""

import asyncio
import os
import random
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it has no stubs

from tests.conftest import DIRECTORY, WORKER
from tests.demo_server import ask, collect_until, following

START_SECONDS = 120
PORTS = (20_000, 30_000)
STOP_SECONDS = 15
MINE = "query Mine { workspaces { id eventCursor inboxes { conversations { nodes { id } } } } }"
SEND = """
mutation Send($input: SendMessageInput!) {
  sendMessage(input: $input) { message { id } userErrors { code } }
}
"""
ADDED = """
subscription Added($workspaceId: ID!, $after: String) {
  messageAdded(workspaceId: $workspaceId, after: $after) { message { id text } }
}
"""


def _two_free_ports() -> int:
    """Return a port that is free with its successor, and that no outgoing connection is given."""
    while True:
        port = random.randrange(*PORTS, 2)
        with socket.socket() as first, socket.socket() as second, suppress(OSError):
            first.bind(("127.0.0.1", port))
            second.bind(("127.0.0.1", port + 1))
            return port


@asynccontextmanager
async def _cluster(directory: Path, port: int) -> AsyncIterator[tuple[Any, str]]:
    """Run `parley cluster`; give its process and what it printed when it was ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli",
        "cluster",
        env={**os.environ, "PARLEY_DATA_DIRECTORY": str(directory), "PARLEY_PORT": str(port)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        printed = (await process.stdout.readuntil(b"Ctrl-C stops.")).decode()
        yield process, printed
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_sent_to_one_server_heard_at_the_other_and_all_ends() -> None:
    # not tmp_path: as root, PostgreSQL runs as another user, whom pytest locks out of it
    directory = Path(os.environ[DIRECTORY]) / f"cluster-{WORKER}"
    port = _two_free_ports()
    here, there = (f"http://127.0.0.1:{number}" for number in (port, port + 1))
    async with asyncio.timeout(START_SECONDS), _cluster(directory, port) as (process, printed):
        assert f"{here}/graphql" in printed
        assert f"{there}/graphql" in printed
        token = printed.partition("API key")[2].split()[0]
        [workspace] = (await ask(here, token, MINE, {}))["workspaces"]
        conversation = workspace["inboxes"][0]["conversations"]["nodes"][0]
        sent = {"conversationId": conversation["id"], "text": "From the other side"}
        variables = {"workspaceId": workspace["id"], "after": workspace["eventCursor"]}
        async with following(there, token, ADDED, variables) as events:
            answer = (await ask(here, token, SEND, {"input": sent}))["sendMessage"]
            heard = await collect_until(events(), lambda heard: _tells(heard, answer))
        assert heard[-1]["messageAdded"]["message"]["text"] == sent["text"]

        programs = psutil.Process(process.pid).children(recursive=True)
        assert len(programs) >= 4  # customers, two servers, the worker
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        assert time.monotonic() - started < STOP_SECONDS
        assert psutil.wait_procs(programs, timeout=0)[1] == []
    assert not (directory / "cluster" / "postgres" / "postmaster.pid").exists()
    assert not (directory / "cluster" / "redis" / "redis.pid").exists()


def _tells(heard: list[Any], answer: Any) -> bool:
    return bool(heard[-1]["messageAdded"]["message"]["id"] == answer["message"]["id"])
