"""The doors through which channels bring what contacts write."""

from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from resolvers.channel import MalformedWebhook, WebhookRefused, accept_webhook
from resolvers.email_channel import accept_mail
from settings import get_settings

log = structlog.get_logger()


async def custom_channel(request: Request) -> Response:
    """Keep what a custom channel sends: 2xx only once it is committed (guarantee G4)."""
    return await _kept(request, get_settings().max_body_bytes, accept_webhook)


async def _kept(
    request: Request, limit: int, accept: Callable[[bytes, dict[str, str]], Awaitable[int]]
) -> Response:
    try:
        body = await _body(request, limit)
        if body is None:
            return _refused(413, "The body is too large.")
        accepted = await accept(body, dict(request.headers))
    except MalformedWebhook as error:
        return _refused(400, str(error))
    except WebhookRefused:
        return _refused(401, "The token or the signature is not that of the channel.")
    except ClientDisconnect:
        return _refused(400, "The body did not arrive whole.")
    except Exception:
        log.exception("webhook_not_committed")
        return _refused(503, "Try again.")
    return JSONResponse({"accepted": accepted})


async def email_channel(request: Request) -> Response:
    """Keep a raw mail that somebody's mail server hands on: 2xx only once it is committed."""
    return await _kept(
        request,
        get_settings().email_max_bytes,
        lambda body, headers: accept_mail(request.query_params.get("channelId", ""), body, headers),
    )


async def _body(request: Request, limit: int) -> bytes | None:
    """Return the body, or None once it is longer than the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


def _refused(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message}}, status_code=status)


def routes() -> list[BaseRoute]:
    """Return the routes of all channels."""
    return [
        Route("/custom/channel/webhook/", custom_channel, methods=["POST"]),
        Route("/custom/channel/webhook", custom_channel, methods=["POST"]),
        Route("/email/channel/webhook/", email_channel, methods=["POST"]),
    ]
