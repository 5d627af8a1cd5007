"""A process that has imported the program, and forks servers: an import for each took seconds."""

import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent
NUMBER = struct.Struct("i")
MOST_BYTES = 1 << 16


class Program:
    """`python -m …` in a process of its own, with what a Popen has of it.

    `presets` names constants of the program, each "module:NAME", and gives them values.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        directory: Path,
        environment: Mapping[str, str],
        log: Path,
        presets: Mapping[str, float] | None = None,
    ) -> None:
        what = [arguments, str(directory), environment, presets or {}]
        order = json.dumps(what).encode() + b"\n"
        self._news, theirs = socket.socketpair()
        self.returncode: int | None = None
        with theirs, log.open("ab") as out:
            socket.send_fds(_nursery()[0], [order], [theirs.fileno(), out.fileno()])
        self.pid = self._next_number()

    def _next_number(self) -> int:
        told = self._news.recv(NUMBER.size)
        assert told, "the nursery has ended: its complaint is above"
        number: int = NUMBER.unpack(told)[0]
        return number

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, seconds: float | None = None) -> int:
        """Return the exit code once it has ended."""
        if self.returncode is None:
            self._news.settimeout(seconds)
            try:
                self.returncode = self._next_number()
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired("cli", seconds or 0) from None
            self._news.close()
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut does."""
        self.send_signal(signal.SIGKILL)


@functools.cache
def _nursery() -> tuple[socket.socket, "subprocess.Popen[bytes]"]:
    """Start the nursery of this process, which ends with it; give the socket to ask it by."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "tests.nursery"]
    with theirs:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=theirs.fileno(), stdout=subprocess.DEVNULL
        )
    atexit.register(_end, ours, process)
    return ours, process


def _end(orders: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    orders.close()
    process.wait()


def main() -> None:
    """Prepare what each server needs, then fork one for each order until nobody can give any."""
    import cli  # noqa: F401
    from schema.root import build_schema
    from settings import Settings

    build_schema(Settings())  # the first takes ten times as long as another
    assert threading.active_count() == 1  # a thread would be missing in what is forked
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever keeps a server tells of its end
    orders = socket.socket(fileno=os.dup(0))
    while True:
        order, (*files,), _, _ = socket.recv_fds(orders, MOST_BYTES, 2)
        if not order:
            return
        while not order.endswith(b"\n"):
            order += orders.recv(MOST_BYTES)
        if os.fork() == 0:
            orders.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _run(*_forked(order, *files))
            return
        for file in files:
            os.close(file)


def _run(arguments: list[str], presets: dict[str, float]) -> None:
    """Be `python -m` with these arguments."""
    for place, value in presets.items():
        module, _, name = place.partition(":")
        setattr(importlib.import_module(module), name, value)
    sys.argv[1:] = arguments[1:]
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def _forked(order: bytes, news: int, log: int) -> tuple[list[str], dict[str, float]]:
    """Fork once more: one tells of the other's end, which returns with what it is to run."""
    if (child := os.fork()) != 0:
        with socket.socket(fileno=news) as teller, suppress(BrokenPipeError):
            teller.sendall(NUMBER.pack(child))
            os.close(log)
            _, status = os.waitpid(child, 0)
            teller.sendall(NUMBER.pack(os.waitstatus_to_exitcode(status)))
        os._exit(0)
    arguments, directory, environment, presets = json.loads(order)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for file, place in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(file, place)
    for file in (news, log, nothing):
        os.close(file)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    return arguments, presets


if __name__ == "__main__":
    main()
