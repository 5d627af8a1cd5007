"""Answers: how results and refusals of operations become HTTP."""

from collections.abc import Mapping

import orjson
from starlette.responses import Response
from strawberry.types import ExecutionResult

from schema.errors import HTTP_STATUS, code_of
from schema.negotiation import JSON, RequestRefused
from schema.operation import is_request_error


def status_of(result: ExecutionResult, media: str) -> int:
    """Return the status of a result: plain JSON answers 200 to all that was well-formed."""
    if media == JSON or not is_request_error(result) or not result.errors:
        return 200
    return HTTP_STATUS.get(code_of(result.errors[0]), 400)


def json_answer(
    answer: Mapping[str, object],
    status: int,
    media: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an answer that nobody keeps."""
    headers = {"cache-control": "no-store", **(headers or {})}
    return Response(orjson.dumps(answer), status, headers, f"{media}; charset=utf-8")


def refused_answer(refused: RequestRefused) -> Response:
    """Return the answer to a request that is none of ours."""
    return json_answer(
        {"errors": [refused.error.formatted]}, refused.status, headers=refused.headers
    )
