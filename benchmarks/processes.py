"""The servers, each a process of its own on 127.0.0.1: Parley, the bare program, the peer."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]  # it brings no types

from benchmarks import peers
from benchmarks.seeding import DIRECTORY, ROOT

START_SECONDS = 30
POOL = 10
PROGRAMS = {"parley": ("-m", "cli", "serve"), "bare": ("-m", "benchmarks.bare")}


def command_of(name: str) -> list[str]:
    """Return the command that runs a program."""
    if name in peers.FORMS:
        return ["node", str(peers.install())]
    return [sys.executable, *PROGRAMS[name]]


@dataclass(frozen=True, slots=True)
class Running:
    """A server process."""

    name: str
    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Return the processor time of the process and its children so far."""
        family = [self.process, *self.process.children(recursive=True)]
        times = [one.cpu_times() for one in family]
        return float(sum(one.user + one.system for one in times))

    def resident_bytes(self) -> int:
        """Return the memory of the process and its children."""
        family = [self.process, *self.process.children(recursive=True)]
        return int(sum(one.memory_info().rss for one in family))


@contextmanager
def server(
    name: str, database_url: str, label: str | None = None, **changes: str
) -> Iterator[Running]:
    """Run a program, with changed settings, on a free port until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    settings = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATABASE_URL": database_url,
        "DATABASE_POOL_SIZE": str(POOL),
        "EMBEDDED_WORKER": "false",
        "LOG_LEVEL": "warning",
        **changes,
    }
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PARLEY_")}
    environment = clean | {f"PARLEY_{key}": value for key, value in settings.items()}
    environment |= {"PYTHONPATH": str(ROOT), "PORT": str(port), "DATABASE_URL": database_url}
    environment |= peers.FORMS.get(name, {})
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    started = subprocess.Popen(
        command_of(name), cwd=DIRECTORY, env=environment, start_new_session=True
    )
    try:
        _wait_until_listening(started, port)
        yield Running(label or name, port, psutil.Process(started.pid))
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def _wait_until_listening(started: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if started.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("The server did not start: see its output above.") from None
            time.sleep(0.05)
