"""A process that has imported the program, and forks servers: an import for each took seconds."""

import atexit
import functools
import gc
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent
NUMBER = struct.Struct("i")
MOST_BYTES = 1 << 16


class Program:
    """`python -m cli …` in a process of its own, with what a Popen has of it."""

    def __init__(
        self, arguments: list[str], directory: Path, environment: dict[str, str], log: Path
    ) -> None:
        order = json.dumps([arguments, str(directory), environment]).encode() + b"\n"
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
    import cli
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
            cli.cli(_forked(order, *files))
        for file in files:
            os.close(file)


def _forked(order: bytes, news: int, log: int) -> list[str]:
    """Fork once more: one tells of the other's end, which returns with its arguments."""
    if (child := os.fork()) != 0:
        with socket.socket(fileno=news) as teller, suppress(BrokenPipeError):
            teller.sendall(NUMBER.pack(child))
            os.close(log)
            _, status = os.waitpid(child, 0)
            teller.sendall(NUMBER.pack(os.waitstatus_to_exitcode(status)))
        os._exit(0)
    arguments, directory, environment = json.loads(order)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for file, place in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(file, place)
    for file in (news, log, nothing):
        os.close(file)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    given: list[str] = arguments
    return given


if __name__ == "__main__":
    main()
