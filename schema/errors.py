"""What a client is told when something fails: typed codes for refusals, an errorId for our bugs."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from traceback import format_exception
from uuid import uuid4

import structlog
from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from models.engine.errors import TransientDatabaseError
from models.refusal import Code, RateLimited, Refused, sentence
from resolvers.sentences import ENGLISH, explain, say

log = structlog.get_logger("parley.schema")


class ErrorCode(StrEnum):
    """Every `extensions.code` of a top-level error; codes never change with the language."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"  # noqa: S105 - a code, not a secret
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    RATE_LIMITED = "RATE_LIMITED"
    TOO_BROAD = "TOO_BROAD"
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    TRY_AGAIN = "TRY_AGAIN"
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_ONLY = "PERSISTED_QUERY_ONLY"
    INTERNAL = "INTERNAL"


SENTENCES = {
    ErrorCode.UNAUTHENTICATED: sentence("Log in first: this needs a valid token."),
    ErrorCode.TOKEN_EXPIRED: sentence("The token has expired: refresh the session and try again."),
    ErrorCode.TRY_AGAIN: sentence(
        "The server could not finish this now; try again with the same key."
    ),
    ErrorCode.RATE_LIMITED: sentence("Too many attempts: wait a little before the next one."),
    ErrorCode.CURSOR_EXPIRED: sentence(
        "The log does not reach back to this cursor: query again and subscribe from there."
    ),
    ErrorCode.PERSISTED_QUERY_NOT_FOUND: "PersistedQueryNotFound",  # clients look for the word
    ErrorCode.PERSISTED_QUERY_ONLY: sentence("Only registered documents are executed here."),
    ErrorCode.INTERNAL: sentence("Internal error"),
}
CLOSING = sentence("The server closes this connection; connect again to go on.")

HTTP_STATUS = {
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.TOKEN_EXPIRED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.PAYLOAD_TOO_LARGE: 413,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.INTERNAL: 500,
    ErrorCode.TRY_AGAIN: 503,
}
"""The status of a request error by its code; every other code is a 400."""


class ApiError(GraphQLError):
    """A failure that the client may know about: told as it is, with its code."""

    def __init__(self, code: ErrorCode, message: str, **extensions: object) -> None:
        super().__init__(message, extensions={"code": code.value, **extensions})


class CloseSocket(Exception):  # noqa: N818 - it asks for something, it is no error
    """Raised by a subscription to close its whole socket, after telling the operation why.

    `reason` is what the client reads in `extensions.code` and in the close frame, such as
    `CloseSocket(4413, "SLOW_CONSUMER")`.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


def refusal(code: ErrorCode) -> ApiError:
    """Return the error of a code that has a standing sentence."""
    return ApiError(code, SENTENCES[code])


def request_error(error: GraphQLError) -> GraphQLError:
    """Return a syntax, validation or coercion error with its code, keeping message and place."""
    code = ErrorCode.BAD_USER_INPUT
    if error.message.endswith(("Parsing aborted.", "Validation aborted.")):
        code = ErrorCode.QUERY_TOO_COMPLEX
    if isinstance(error, ApiError):
        return error
    return _located(error, error.message, {"code": code.value})


def public_error(
    error: GraphQLError, hidden: Collection[str] = (), language: str = ENGLISH
) -> GraphQLError:
    """Return what the client may read of an error, logging it under an errorId if it is a bug.

    `hidden` are the texts that the client sent: they stay out of the log. What people may come to
    read is in their language; what only programmers cause, such as a syntax error, in English.
    """
    cause, limited = root_cause(error), ErrorCode.RATE_LIMITED
    if isinstance(cause, ApiError):
        return _located(error, say(cause.message, language), cause.extensions)
    if isinstance(cause, CloseSocket):
        return _located(error, say(CLOSING, language), {"code": cause.reason}, cause)
    if isinstance(cause, Refused):
        code = _refused_code(cause).value
        return _located(error, explain(cause, language), {"code": code})
    if isinstance(cause, RateLimited):
        extensions = {"code": limited.value, "retryAfterSeconds": cause.retry_after_seconds}
        return _located(error, say(SENTENCES[limited], language), extensions)
    if isinstance(cause, TransientDatabaseError):
        again = ErrorCode.TRY_AGAIN
        return _located(error, say(SENTENCES[again], language), {"code": again.value})
    if _is_request_error(error, cause):
        return request_error(error)
    return _masked(error, cause, hidden, language)


def public_exception(error: Exception) -> GraphQLError:
    """Return what the client may read of an exception raised outside of any field."""
    if isinstance(error, GraphQLError):
        return public_error(error)
    return public_error(GraphQLError(str(error), original_error=error))


def root_cause(error: GraphQLError) -> Exception:
    """Return the exception that a resolver or graphql-core raised first."""
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def code_of(error: GraphQLError) -> ErrorCode:
    """Return the code of an error that is public already."""
    code = str((error.extensions or {}).get("code"))
    return ErrorCode(code) if code in ErrorCode.__members__ else ErrorCode.TRY_AGAIN


def _is_request_error(error: GraphQLError, cause: Exception) -> bool:
    if isinstance(cause, CannotGetOperationTypeError | InvalidOperationTypeError):
        return True
    if isinstance(cause, MissingQueryError):
        return True
    if not isinstance(cause, GraphQLError):
        return False
    # In a field, graphql-core's own errors are bad arguments or values that we failed to write out.
    return error.path is None or error.message.startswith("Argument ")


def _refused_code(refused: Refused) -> ErrorCode:
    if refused.code in (Code.NOT_FOUND, Code.FORBIDDEN, Code.TOO_BROAD):
        return ErrorCode(refused.code.value)
    return ErrorCode.BAD_USER_INPUT


def _masked(
    error: GraphQLError, cause: Exception, hidden: Collection[str], language: str
) -> GraphQLError:
    error_id = str(uuid4())
    path = ".".join(str(step) for step in error.path or ())
    # Text instead of exc_info: renderers print the local variables, with their tokens.
    trace = "".join(format_exception(cause))
    for text in sorted(hidden, key=len, reverse=True):
        trace = trace.replace(text, "[hidden]")
    log.error("operation failed", error_id=error_id, path=path, traceback=trace)
    extensions = {"code": ErrorCode.INTERNAL.value, "errorId": error_id}
    return _located(error, say(SENTENCES[ErrorCode.INTERNAL], language), extensions)


def _located(
    error: GraphQLError,
    message: str,
    extensions: Mapping[str, object] | None,
    cause: Exception | None = None,
) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        original_error=cause,
        extensions=dict(extensions or {}),
    )
