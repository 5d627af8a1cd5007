"""Properties that touch the database: hypothesis gives the examples, the test's loop runs them."""

import asyncio
from collections.abc import Callable
from typing import Any

EXAMPLE_SECONDS = 60


async def hold(check: Callable[..., None]) -> None:
    """Run a `@given` coroutine function over its examples, one at a time, in this loop."""
    loop = asyncio.get_running_loop()
    hypothesis: Any = check.hypothesis  # type: ignore[attr-defined]  # `@given` puts it there
    example = hypothesis.inner_test

    def in_this_loop(*values: Any, **named: Any) -> None:
        running = asyncio.run_coroutine_threadsafe(example(*values, **named), loop)
        running.result(EXAMPLE_SECONDS)

    hypothesis.inner_test = in_this_loop
    await asyncio.to_thread(check)
