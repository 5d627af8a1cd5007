"""The doors of files: each comes up by PUT and goes down by GET, whole or in ranges."""

import re
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from models.refusal import Code
from resolvers.download import OpenFile, open_file
from resolvers.upload import receive_upload
from web.transfers import HEADERS, client_of, failed, problem

STATUS: Mapping[Code, int] = {
    Code.NOT_FOUND: 404,
    Code.TOO_SLOW: 408,
    Code.WRONG_STATE: 409,
    Code.TOO_LARGE: 413,
    Code.TYPE_NOT_ACCEPTED: 415,
}
"""How refusals are answered; all others are 422."""
FILE_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "cross-origin",
    "cache-control": "private, no-cache",
    "accept-ranges": "bytes",
}
"""A file is kept, never run; who shows it again asks whether they still may."""
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")

log = structlog.get_logger()


async def upload(request: Request) -> Response:
    """Take the content of a file, piece by piece."""
    said = request.headers.get("content-length", "")
    length = int(said) if said.isascii() and said.isdecimal() and len(said) <= 18 else None
    token = request.path_params["token"]
    try:
        row = await receive_upload(
            token, request.stream(), length=length, client=client_of(request)
        )
    except ClientDisconnect:
        return problem(400, "INVALID", "The body did not arrive whole.")
    except Exception as error:
        return failed(request, error, STATUS)
    answer = {"state": row.state.value, "contentType": row.content_type, "byteSize": row.byte_size}
    return JSONResponse(answer, 201, HEADERS)


async def download(request: Request) -> Response:
    """Give a file, or the part of it that is asked for."""
    try:
        file = await open_file(request.path_params["token"], client_of(request))
    except Exception as error:
        return failed(request, error, STATUS)
    tag = f'"{file.tag}"'
    headers = {**FILE_HEADERS, "etag": tag, "content-disposition": disposition(file.file_name)}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    asked = request.headers.get("range", "")
    if request.headers.get("if-range", tag) != tag:
        asked = ""
    place = part_of(asked, file.byte_size)
    if place is None:
        headers |= {"content-range": f"bytes */{file.byte_size}"}
        return Response(status_code=416, headers=headers)
    start, end = place
    is_part = (start, end) != (0, file.byte_size) or bool(asked and _RANGE.fullmatch(asked))
    if is_part:
        headers["content-range"] = f"bytes {start}-{end - 1}/{file.byte_size}"
    headers |= {"content-length": str(end - start), "content-type": file.content_type}
    body = _nothing() if request.method == "HEAD" else _content(file, start, end)
    return StreamingResponse(body, 206 if is_part else 200, headers)


def part_of(asked: str, size: int) -> tuple[int, int] | None:
    """Return from where up to where a `Range` asks for a file; None if it has nothing there.

    One that asks for several parts, or in other units, is answered with the whole file.
    """
    found = _RANGE.fullmatch(asked)
    if found is None or found.groups() == ("", ""):
        return 0, size
    first, last = found.groups()
    if not first:
        return (max(size - int(last), 0), size) if int(last) else None
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return 0, size
    return (start, end) if start < size else None


def disposition(name: str) -> str:
    """Return how a browser keeps a file: under its name, also in old ones (RFC 6266)."""
    plain = "".join(one if one.isascii() and one not in '"\\%;' else "_" for one in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def _content(file: OpenFile, start: int, end: int) -> AsyncIterator[bytes]:
    """Yield a file; where it breaks off, the connection does, and nobody takes it for whole."""
    async for piece in file.read(start, end):
        yield piece


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def routes() -> list[BaseRoute]:
    """Return the routes of files."""
    return [
        Route("/uploads/{token}", upload, methods=["PUT"]),
        Route("/files/{token}", download, methods=["GET"]),
    ]
