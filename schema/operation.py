"""What the wire needs to know of who asks: one fresh context per operation, and how to get it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol, cast, runtime_checkable

from graphql import GraphQLError
from starlette.types import Scope
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from schema.errors import ApiError, ErrorCode, refusal


class Identity(Protocol):
    """Who was recognised by a token."""

    @property
    def subject(self) -> str:
        """Name the person or key for the limits, such as `user:5` or `api_key:7`."""

    @property
    def expires_at(self) -> datetime | None:
        """Say when the token stops being good; None: never."""


class OperationContext(Protocol):
    """The context of ONE operation; it is never shared between operations of a socket."""

    @property
    def identity(self) -> Identity | None:
        """Say who asks; None when no good token was given."""

    @property
    def problem(self) -> str | None:
        """Say why a given token is not good: `UNAUTHENTICATED` or `TOKEN_EXPIRED`."""


@runtime_checkable
class TakesFrames(Protocol):
    """A context whose subscription may go on without the library, once it has caught up."""

    frames: Callable[[bytes], int] | None
    """Writes a ready text frame to the socket; returns how many bytes wait for the client."""
    place: int | None
    """The number of the event behind which the subscription goes on; None: as it says itself."""
    live: Any
    """What asks to be handed over, a `schema.live.Live`."""


class TakesScope(Protocol):
    """A context that may ask from where its operation came."""

    scope: Scope | None
    """The ASGI scope of the request or the socket."""


def place(context: OperationContext, scope: Scope) -> OperationContext:
    """Return a context that knows from where its operation came, if it asks."""
    if hasattr(context, "scope"):  # to ask isinstance of a protocol is slow
        cast(TakesScope, context).scope = scope
    return context


Authenticate = Callable[[str | None, str], Awaitable[OperationContext]]
"""(bearer token or None, `Accept-Language` or "") -> a fresh context for one operation."""


Recall = Callable[[str, str], Any]
"""(bearer token, `Accept-Language`) -> a context whose viewer has yet to be proved, or None."""


Watch = Callable[[Any], Awaitable[None]]
"""(the context that opened a socket) -> returns once its rights have ended or changed."""


def bearer(value: object) -> str | None:
    """Return the token of an `Authorization` value, None when it carries no bearer token."""
    if not isinstance(value, str):
        return None
    scheme, _, token = value.strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def init_token(payload: Mapping[str, object], headers: Mapping[str, str]) -> str | None:
    """Return the token of a `connection_init`, else that of the handshake's header."""
    for key, value in payload.items():
        if key.lower() == "authorization":
            return bearer(value)
    return bearer(headers.get("authorization"))


def identity_problem(context: OperationContext) -> ApiError | None:
    """Return why a context may not use a socket, or nothing."""
    if context.problem == ErrorCode.TOKEN_EXPIRED.value:
        return refusal(ErrorCode.TOKEN_EXPIRED)
    if context.problem or context.identity is None:
        return refusal(ErrorCode.UNAUTHENTICATED)
    return None


def is_request_error(result: ExecutionResult) -> bool:
    """Tell whether nothing was executed, or all of it given up: then there is no `data` at all."""
    if isinstance(result, PreExecutionError):
        return True
    errors: list[GraphQLError] = result.errors or []
    return bool(errors) and result.data is None and all(not error.path for error in errors)
