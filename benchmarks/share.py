"""Holds processes to a share of one core each, so that a small machine shows how many add up.

Each runs in a slot of its own in every period and is stopped for the rest of it: so long as the
slots, the database and who asks fit on the machine, more processes can do more.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from benchmarks.seeding import ROOT

SLOT_SECONDS = 0.004
SLOTS = 5
"""How many slots a period has: each process has a fifth of a core."""


@contextmanager
def held(pids: Sequence[int]) -> Iterator[None]:
    """Hold up to five processes to a fifth of a core each within the block."""
    command = [sys.executable, "-m", "benchmarks.share", *map(str, pids)]
    holder = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)
    try:
        yield
    finally:
        holder.communicate()  # it ends with its input, as it does when we are killed


def hold(pids: Sequence[int], has_ended: Callable[[float], bool]) -> None:
    """Let one process after another run, until `has_ended` says so within some seconds."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    due, ends = time.monotonic(), False
    while not ends:
        for slot in range(SLOTS):
            due += SLOT_SECONDS
            if slot < len(pids):
                os.kill(pids[slot], signal.SIGCONT)
            ends = ends or has_ended(max(0.0, due - time.monotonic()))
            if slot < len(pids):
                os.kill(pids[slot], signal.SIGSTOP)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


if __name__ == "__main__":
    hold(
        [int(pid) for pid in sys.argv[1:]],
        lambda seconds: bool(select.select([sys.stdin], [], [], seconds)[0]),
    )
