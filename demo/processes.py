"""The demo's programs beside this one: started with it, watched, and ended with it."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from types import FrameType

from demo.customer import HANDLE_VARIABLE, TOKEN_VARIABLE
from models.channel import Channel

START_SECONDS = 60.0
STOP_SECONDS = 11.0
"""A server closes its sockets and ends its jobs in less; what takes longer is killed."""


class Programs:
    """Programs of ours, each a process of its own; leaving the block ends them all."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[str]] = []
        self._stopping = False

    def __enter__(self) -> "Programs":
        return self

    def __exit__(self, *_reason: object) -> None:
        self.stop()

    def start(
        self,
        name: str,
        *arguments: str,
        environment: Mapping[str, str],
        handed_over: Sequence[socket.socket] = (),
    ) -> subprocess.Popen[str]:
        """Start `python -m …` with settings of its own; should it end by itself, say so."""
        process = subprocess.Popen(  # noqa: S603 - our own modules, no shell
            [sys.executable, "-m", *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno() for listener in handed_over],
            text=True,
            start_new_session=True,  # Ctrl-C reaches this process alone, which ends the others
        )
        self._running.append(process)
        threading.Thread(target=self._watch, args=(name, process), daemon=True).start()
        return process

    def start_customers(
        self, server_url: str, channel: Channel, listener: socket.socket, *options: str
    ) -> None:
        """Start the simulated customers, who take messages at `listener`; it is closed here."""
        self.start(
            "The program of the simulated customers",
            "demo.customer",
            f"--server={server_url}",
            f"--listener={listener.fileno()}",
            *options,
            environment={HANDLE_VARIABLE: channel.handle, TOKEN_VARIABLE: channel.token},
            handed_over=[listener],
        )
        listener.close()

    def stop(self) -> None:
        """Ask every program to stop, all at once, and kill what does not in time."""
        self._stopping = True
        for process in self._running:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin is not None:
                process.stdin.close()

    def _watch(self, name: str, process: subprocess.Popen[str]) -> None:
        code = process.wait()
        if not self._stopping:
            print(f"{name} ended ({code}); everything else goes on.", flush=True)


def need_port(host: str, port: int) -> None:
    """End this program with a sentence if a port is taken, before anything is changed."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise SystemExit(f"Port {port}: {error.strerror}. PARLEY_PORT names another.") from error


def url_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket of this machine."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def leave_on_sigterm() -> None:
    """Let SIGTERM end this process like Ctrl-C, so that everything it started ends first."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)
