"""The doors through which channels bring what contacts write."""

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from resolvers.channel import MalformedWebhook, WebhookRefused, accept_webhook
from settings import get_settings

log = structlog.get_logger()


async def custom_channel(request: Request) -> Response:
    """Keep what a custom channel sends: 2xx only once it is committed (guarantee G4)."""
    try:
        body = await _body(request)
        if body is None:
            return _refused(413, "The body is too large.")
        accepted = await accept_webhook(body, dict(request.headers))
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


async def _body(request: Request) -> bytes | None:
    """Return the body, or None once it is longer than the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > get_settings().max_body_bytes:
            return None
    return bytes(body)


def _refused(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message}}, status_code=status)


def routes() -> list[BaseRoute]:
    """Return the routes of all channels."""
    return [
        Route("/custom/channel/webhook/", custom_channel, methods=["POST"]),
        Route("/custom/channel/webhook", custom_channel, methods=["POST"]),
    ]
