"""Waiting for a fact that only the database can tell, with a deadline."""

import asyncio
from collections.abc import Awaitable, Callable

LOOK_AGAIN_SECONDS = 0.02


async def until(happened: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    """Return once it has happened; raise TimeoutError if it does not in time."""
    async with asyncio.timeout(seconds):
        while not await happened():  # noqa: ASYNC110 - a database rings no asyncio.Event
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
