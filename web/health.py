"""Whether the process lives, whether it is ready, and what it counts."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

CHECK_SECONDS = 3.0
Check = Callable[[], Awaitable[bool]]


async def healthz(_request: Request) -> Response:
    """Say that the process lives."""
    return JSONResponse({"status": "ok"})


def routes(
    checks: Mapping[str, Check],
    registry: CollectorRegistry,
    measure: Callable[[], Awaitable[None]],
) -> list[BaseRoute]:
    """Return `/healthz`, `/readyz` with the given checks, and `/metrics` measured at each visit."""

    async def readyz(_request: Request) -> Response:
        """Say whether every part answers; 503 names those that do not."""
        answers = await asyncio.gather(*(_answer(check) for check in checks.values()))
        parts = dict(zip(checks, answers, strict=True))
        return JSONResponse(
            {name: "ok" if good else "failing" for name, good in parts.items()},
            status_code=200 if all(answers) else 503,
        )

    async def metrics(_request: Request) -> Response:
        """Give the counts in Prometheus' text format."""
        async with asyncio.timeout(CHECK_SECONDS):
            await measure()
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
    ]


async def _answer(check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except Exception:
        return False
