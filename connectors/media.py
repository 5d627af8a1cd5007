"""Media: what pictures, sound and videos are like, found out in processes of their own."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

import msgspec

WALL_SECONDS = 60.0
"""How long one file is looked at."""
PROCESSES = 2
"""How many files are looked at at once."""
_PROGRAM = str(Path(__file__).with_name("media_process.py"))
_rooms: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class _Found(msgspec.Struct):
    problem: str | None = None
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    waveform: list[int] | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out about a file; None and empty for what was not."""

    problem: str | None
    """TOO_MANY_PIXELS or UNREADABLE: why it cannot be shown."""
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    waveform: Sequence[int] | None = None
    thumbnail: bytes = b""
    """WebP."""


async def examine(path: Path, kind: str) -> Findings:
    """Look at a file that is IMAGE, AUDIO, VOICE or VIDEO; never raises for what is in it.

    A process that takes too long or too much, or breaks, is ended: the file is UNREADABLE then.
    """
    loop = asyncio.get_running_loop()
    async with _rooms.setdefault(loop, asyncio.Semaphore(PROCESSES)):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            _PROGRAM,
            str(path),
            kind,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
        )
        try:
            async with asyncio.timeout(WALL_SECONDS):
                said, _ = await process.communicate()
        except TimeoutError:
            return Findings("UNREADABLE")
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return _read(said) if process.returncode == 0 else Findings("UNREADABLE")


def _read(said: bytes) -> Findings:
    line, _, thumbnail = said.partition(b"\n")
    try:
        found = msgspec.json.decode(line, type=_Found)
    except msgspec.MsgspecError:
        return Findings("UNREADABLE")
    return Findings(
        found.problem,
        found.width,
        found.height,
        found.duration_ms,
        found.waveform,
        thumbnail,
    )
