"""Server processes of our own, as an operator runs them, which a test may stop or kill."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from tests.nursery import Program
from tests.streaming import Server
from tests.waiting import until

ROOT = Path(__file__).parent.parent
START_SECONDS = 120.0
STOP_SECONDS = 20.0


def free_port() -> int:
    """Return a port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Process(Server):
    """`parley serve` in a process of its own; started again it has the same address."""

    def __init__(
        self,
        directory: Path,
        database_url: str,
        bus_url: str,
        presets: Mapping[str, float] | None = None,
    ) -> None:
        self.presets = presets
        self.port = free_port()
        super().__init__(f"http://127.0.0.1:{self.port}")
        self.directory = directory
        self.log = directory / f"server-{self.port}.log"
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PARLEY_PORT": str(self.port),
            "PARLEY_DATABASE_URL": database_url,
            "PARLEY_BUS_URL": bus_url,
            "PARLEY_OUTBOUND_PRIVATE_HOSTS": "127.0.0.1",
            "PARLEY_MAX_SOCKETS_PER_USER": "200",
            "PARLEY_LOG_FORMAT": "json",
            "PARLEY_LOG_LEVEL": "warning",
        }
        self.program: Program | None = None

    def start(self) -> None:
        """Start the program; `until_ready` waits for it."""
        self.program = Program(
            ["cli", "serve"], self.directory, self.environment, self.log, self.presets
        )

    async def is_ready(self) -> bool:
        """Tell whether `/readyz` says that every part answers."""
        assert self.program is not None
        assert self.program.poll() is None, self.log.read_text()
        async with httpx2.AsyncClient(trust_env=False, timeout=5) as client:
            try:
                return (await client.get(f"{self.url}/readyz")).status_code == 200
            except httpx2.HTTPError:
                return False

    async def until_ready(self, seconds: float = START_SECONDS) -> None:
        """Return once the server is ready."""
        await until(self.is_ready, seconds)

    def kill(self) -> None:
        """End the process as a power cut does: it can do nothing more."""
        assert self.program is not None
        self.program.kill()
        self.program.wait()

    def terminate(self) -> None:
        """Ask the process to end."""
        assert self.program is not None
        self.program.send_signal(signal.SIGTERM)

    async def ended(self, seconds: float = STOP_SECONDS) -> int:
        """Return the exit code once the process has ended by itself."""
        assert self.program is not None
        return await asyncio.to_thread(self.program.wait, seconds)


@asynccontextmanager
async def processes(
    directory: Path,
    database_url: str,
    bus_url: str,
    amount: int = 1,
    presets: Mapping[str, float] | None = None,
) -> AsyncIterator[list[Process]]:
    """Run servers on the same database and bus, ready; whatever is left of them is killed."""
    servers = [Process(directory, database_url, bus_url, presets) for _ in range(amount)]
    try:
        for server in servers:
            server.start()
        for server in servers:
            await server.until_ready()
        yield servers
    finally:
        for server in servers:
            if server.program is not None:
                server.kill()
