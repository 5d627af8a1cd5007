"""Answers: how results and refusals of operations become HTTP."""

from collections.abc import Mapping

import orjson
from starlette.responses import Response
from strawberry.types import ExecutionResult

from schema.errors import HTTP_STATUS, code_of
from schema.negotiation import JSON, RequestRefused
from schema.operation import is_request_error


class Answer(Response):
    """An answer in UTF-8, with the few headers that it has written at once."""

    def __init__(
        self, body: bytes, status: int, media: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.body = body
        self.status_code = status
        self.background = None
        self.raw_headers = [
            (b"cache-control", b"no-store"),
            (b"content-length", b"%d" % len(body)),
            (b"content-type", b"%b; charset=utf-8" % media.encode()),
            *((name.encode(), value.encode()) for name, value in (headers or {}).items()),
        ]


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
    return Answer(orjson.dumps(answer), status, media, headers)


def refused_answer(refused: RequestRefused) -> Response:
    """Return the answer to a request that is none of ours."""
    return json_answer(
        {"errors": [refused.error.formatted]}, refused.status, headers=refused.headers
    )
