"""The doors of imports and exports: a file comes in, and reports and files go out, as they are."""

from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from models.engine.errors import TransientDatabaseError
from models.refusal import Code, Refused
from resolvers.client import Client, request_id_in
from resolvers.export_file import open_export
from resolvers.import_report import open_report
from resolvers.import_upload import receive_import
from resolvers.sentences import explain, pick_language

STATUS: Mapping[Code, int] = {
    Code.NOT_FOUND: 404,
    Code.WRONG_STATE: 409,
    Code.TOO_LONG: 413,
}
"""How refusals are answered; all others are 422."""
HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}

log = structlog.get_logger()


async def upload(request: Request) -> Response:
    """Take the file of an import, piece by piece."""
    try:
        lines = await receive_import(
            request.path_params["token"], request.stream(), client_of(request)
        )
    except ClientDisconnect:
        return problem(400, "INVALID", "The body did not arrive whole.")
    except Exception as error:
        return failed(request, error, STATUS)
    return JSONResponse({"lines": lines}, 202, HEADERS)


async def report(request: Request) -> Response:
    """Give the refused lines of an import as CSV."""
    language = request.headers.get("accept-language", "")
    try:
        name, parts = await open_report(request.path_params["token"], language, client_of(request))
    except Exception as error:
        return failed(request, error, STATUS)
    return _file(name, parts)


async def download(request: Request) -> Response:
    """Give the file of an export."""
    try:
        name, parts = await open_export(request.path_params["token"], client_of(request))
    except Exception as error:
        return failed(request, error, STATUS)
    return _file(name, parts)


def client_of(request: Request) -> Client:
    """Return from where a request comes."""
    address = request.client.host if request.client else None
    request_id = request_id_in(request.headers.get("x-request-id"))
    return Client(address, request.headers.get("user-agent", ""), request_id)


def _file(name: str, parts: AsyncIterator[str]) -> Response:
    """Return a file that goes out as it is read, to be kept and never shown in place."""
    headers = {**HEADERS, "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return StreamingResponse(parts, headers=headers, media_type="text/csv; charset=utf-8")


def failed(request: Request, error: Exception, statuses: Mapping[Code, int]) -> Response:
    """Answer what went wrong: a refusal in the language of who asks, or nothing of it."""
    if isinstance(error, Refused):
        language = pick_language(None, request.headers.get("accept-language", ""))
        status = statuses.get(error.code, 422)
        return problem(status, error.code.value, explain(error, language), *error.field)
    if not isinstance(error, TransientDatabaseError):
        log.error("transfer_failed", exc_info=error)
    return problem(503, "TRY_AGAIN", "Try again.")


def problem(status: int, code: str, message: str, *field: str) -> Response:
    """Answer a problem as JSON."""
    body = {"error": {"code": code, "message": message, "field": list(field)}}
    return JSONResponse(body, status, HEADERS)


def routes() -> list[BaseRoute]:
    """Return the routes of imports and exports."""
    return [
        Route("/imports/{token}", upload, methods=["POST"]),
        Route("/imports/{token}", report, methods=["GET"]),
        Route("/exports/{token}", download, methods=["GET"]),
    ]
