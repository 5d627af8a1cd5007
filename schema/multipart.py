"""Multipart: operations with files in their variables, by the GraphQL multipart request spec."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from schema.errors import ErrorCode
from schema.negotiation import OperationRequest, RequestRefused, parse_operation
from settings import Settings

MAX_FILES = 5
"""How many files one request brings; more are brought by PUT."""


def is_multipart(headers: Mapping[str, str]) -> bool:
    """Tell whether a request has files in it."""
    return headers.get("content-type", "").lower().startswith("multipart/form-data")


async def read_multipart(request: Request, settings: Settings) -> tuple[OperationRequest, FormData]:
    """Return the operation of a request with its files in their places, and what is to be closed.

    Files beyond a mebibyte wait on the disk. Raises RequestRefused.
    """
    most = settings.max_body_bytes + MAX_FILES * settings.file_max_bytes
    if int(request.headers.get("content-length") or 0) > most:
        raise _too_large(most)
    bounded = Request(request.scope, _bounded(request.receive, most))
    try:
        async with asyncio.timeout(settings.upload_seconds):
            form = await bounded.form(
                max_files=MAX_FILES, max_fields=2, max_part_size=settings.max_body_bytes
            )
    except TimeoutError:
        late = "The body did not arrive in time."
        raise RequestRefused(408, ErrorCode.TRY_AGAIN, late) from None
    except HTTPException as error:
        raise _malformed(str(error.detail)) from None
    try:
        return _operation(form), form
    except BaseException:
        await form.close()
        raise


def _bounded(receive: Receive, most: int) -> Receive:
    """Return how a body is received that has at most so many bytes."""
    count = 0

    async def counted() -> Message:
        nonlocal count
        message = await receive()
        count += len(message.get("body", b""))
        if count > most:
            raise _too_large(most)
        return message

    return counted


def _too_large(most: int) -> RequestRefused:
    sentence = f"The body may have at most {most} bytes."
    closing = {"connection": "close"}
    return RequestRefused(413, ErrorCode.PAYLOAD_TOO_LARGE, sentence, closing)


def _operation(form: FormData) -> OperationRequest:
    said, places = form.get("operations"), form.get("map")
    if not isinstance(said, str) or not isinstance(places, str):
        raise _malformed("A multipart request has `operations`, `map`, then files.")
    operation = parse_operation(said.encode())
    try:
        known: object = orjson.loads(places)
    except orjson.JSONDecodeError:
        raise _malformed("`map` must be JSON.") from None
    if not isinstance(known, dict) or set(known) != set(form) - {"operations", "map"}:
        raise _malformed("`map` must name every file of the request.")
    variables = dict(operation.variables or {})
    for name, paths in known.items():
        file = form[name]
        if not isinstance(file, UploadFile) or not isinstance(paths, list):
            raise _malformed("`map` must say in which variables each file is.")
        for path in paths:
            _put(variables, str(path), file)
    return operation._replace(variables=variables)


def _put(variables: Mapping[str, Any], path: str, file: UploadFile) -> None:
    """Put a file in place of the null at a path such as `variables.input.file`."""
    first, *steps, last = path.split(".") if path.count(".") else ["", path]
    place: Any = variables
    for step in steps:
        place = place.get(step) if isinstance(place, dict) else None
    if first != "variables" or not isinstance(place, dict) or place.get(last, 0) is not None:
        raise _malformed("`map` must name variables that are null.")
    place[last] = file


def _malformed(message: str) -> RequestRefused:
    return RequestRefused(400, ErrorCode.BAD_USER_INPUT, message)
