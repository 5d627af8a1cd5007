"""What HTTP asks of a request before it is read: host, origin, media types, size and shape."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope
from strawberry.http.parse_content_type import parse_content_type
from strawberry.http.websocket_origin import is_same_origin, normalize_origin

from schema.deadlines import Deadlines
from schema.errors import ApiError, ErrorCode
from schema.rules import NO_NUL

JSON = "application/json"
RESPONSE_JSON = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"
ANSWERS = (JSON, RESPONSE_JSON, EVENT_STREAM)

NUL = b"\\u0000"
"""The character NUL as JSON must write it."""
BODIES = Deadlines(30.0)
"""How long the body of a request may take to arrive."""
DOCUMENT_ID_CHARACTERS = 255
MEMBERS = (
    ("variables", dict, "an object"),
    ("operationName", str, "a text"),
    ("extensions", dict, "an object"),
)
"""What a request may have besides its document, each of a type or null."""


class RequestRefused(Exception):  # noqa: N818 - an expected refusal, like Refused
    """A request that is not executed, with the status and the error that say why."""

    def __init__(
        self, status: int, code: ErrorCode, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = ApiError(code, message)
        self.headers = dict(headers or {})


class OperationRequest(NamedTuple):
    """A well-formed GraphQL request."""

    query: str | None
    variables: dict[str, Any] | None
    operation_name: str | None
    extensions: dict[str, Any] | None
    document_id: str | None = None
    """The id of a registered document, in place of the text."""

    @property
    def digest(self) -> str | None:
        """Return the hash of an automatic persisted query."""
        persisted = (self.extensions or {}).get("persistedQuery")
        return persisted["sha256Hash"].lower() if persisted is not None else None


def host_allowed(scope: Scope, allowed: frozenset[str]) -> bool:
    """Tell whether the `Host` is one that we answer; `*.example.com` allows its subdomains."""
    if "*" in allowed:
        return True
    hosts = Headers(scope=scope).getlist("host")
    host = hosts[0].strip().lower() if len(hosts) == 1 else ""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    parent = "*." + name.partition(".")[2]
    return name in allowed or parent in allowed


def origin_allowed(headers: Mapping[str, str], allowed: frozenset[str]) -> bool:
    """Tell whether a browser page of that origin may ask; without `Origin` it is no browser."""
    origin = headers.get("origin")
    if origin is None or "*" in allowed or is_same_origin(origin, headers.get("host")):
        return True
    return normalize_origin(origin) in allowed


def wants_page(headers: Mapping[str, str]) -> bool:
    """Tell whether a browser asks for a page: it names `text/html`."""
    return "text/html" in headers.get("accept", "").lower()


def answer_type(accept: str | None) -> str:
    """Return the media type to answer in; without a wish it is plain JSON."""
    if not accept or not accept.strip():
        return JSON
    ranges = [_media_range(part) for part in accept.split(",")]
    best: tuple[float, int, int] = (0.0, 0, 0)
    chosen = None
    for media in ANSWERS:
        rank = _rank(media, ranges)
        if rank[0] > 0 and (chosen is None or rank > best):
            best, chosen = rank, media
    if chosen is None:
        message = f"Accept one of {', '.join(ANSWERS)}."
        raise RequestRefused(406, ErrorCode.BAD_USER_INPUT, message)
    return chosen


def check_content(headers: Mapping[str, str]) -> None:
    """Refuse all bodies but JSON in UTF-8: forms can be sent by any page without asking."""
    if headers.get("content-type") == JSON and "content-encoding" not in headers:
        return
    media, parameters = parse_content_type(headers.get("content-type") or "none/none")
    charset = parameters.get("charset", "utf-8").strip("\"'").lower()
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if media.lower() == JSON and charset in ("utf-8", "utf8") and encoding == "identity":
        return
    message = "Send Content-Type: application/json, in UTF-8 and not compressed."
    raise RequestRefused(415, ErrorCode.BAD_USER_INPUT, message, {"accept": JSON})


def first_headers(scope: Scope) -> dict[str, str]:
    """Return the headers by their names in small letters, of several the first: cheap to ask."""
    found = scope["headers"]
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(found)}


async def read_body(receive: Receive, headers: Mapping[str, str], maximum: int) -> bytes:
    """Read the body as it arrives and stop at `maximum` bytes; a body that hangs is refused."""
    if int(headers.get("content-length") or 0) > maximum:
        raise _too_large(maximum)
    body, is_whole = b"", False
    try:
        with BODIES.limit():
            while not is_whole:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                body += message.get("body", b"")
                if len(body) > maximum:
                    raise _too_large(maximum)
                is_whole = not message.get("more_body", False)
    except TimeoutError:
        sentence = "The body did not arrive in time."
        raise RequestRefused(408, ErrorCode.TRY_AGAIN, sentence) from None
    return body


def parse_operation(body: bytes) -> OperationRequest:
    """Return the request that a JSON body holds, or say which part is not what it must be."""
    try:
        parsed: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _malformed("The body must be JSON.") from None
    if isinstance(parsed, list):
        raise _malformed("Batches are not supported: send one operation per request.")
    fault = operation_fault(parsed, may_have_nul=NUL in body)
    if fault or not isinstance(parsed, dict):
        raise _malformed(fault or "The body must be a JSON object.")
    return operation_in(parsed)


def operation_in(parsed: Mapping[str, Any]) -> OperationRequest:
    """Return the operation of a request without a fault."""
    return OperationRequest(
        parsed.get("query"),
        parsed.get("variables"),
        parsed.get("operationName"),
        parsed.get("extensions"),
        parsed.get("documentId"),
    )


def operation_fault(request: object, *, may_have_nul: bool = True) -> str | None:
    """Say what is wrong with the members of a request, over HTTP or in a `subscribe` frame.

    What is known to hold no `NUL` need not be looked through for one.
    """
    if not isinstance(request, dict):
        return "The request must be a JSON object."
    if fault := _document_fault(request):
        return fault
    for name, kind, wanted in MEMBERS:
        value = request.get(name)
        if value is not None and not isinstance(value, kind):
            return f"`{name}` must be {wanted} or null."
    if may_have_nul and _has_nul(request):
        return NO_NUL
    return None


def _document_fault(request: Mapping[str, Any]) -> str | None:
    """Say what is wrong with how a request names its document: by text, by id or by hash."""
    query, document_id = request.get("query"), request.get("documentId")
    extensions = request.get("extensions")
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    if document_id is not None:
        if not isinstance(document_id, str) or not 0 < len(document_id) <= DOCUMENT_ID_CHARACTERS:
            return f"`documentId` must be a text of 1 to {DOCUMENT_ID_CHARACTERS} characters."
        if query is not None or persisted is not None:
            return "Send `documentId` or `query`, not both."
        return None
    if persisted is not None:
        digest = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
        if not isinstance(digest, str) or persisted.get("version") != 1:
            return "`persistedQuery` must have `version: 1` and `sha256Hash`."
        if query is None:
            return None
    if not isinstance(query, str) or not query.strip():
        return "`query` must be a text that is not empty."
    return None


def _has_nul(value: object) -> bool:
    """Tell whether a text in a decoded request holds NUL, which PostgreSQL cannot keep."""
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(inner) for key, inner in value.items())
    return isinstance(value, list) and any(_has_nul(inner) for inner in value)


def _media_range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return name, float(parameter[2:])
            except ValueError:
                return name, 0.0
    return name, 1.0


def _rank(media: str, ranges: list[tuple[str, float]]) -> tuple[float, int, int]:
    """Rank a media type by its quality, then by how exactly it was named, then by its place."""
    for specificity, name in ((2, media), (1, media.partition("/")[0] + "/*"), (0, "*/*")):
        if media == EVENT_STREAM and specificity < 2:
            break
        for place, (asked, quality) in enumerate(ranges):
            if asked == name:
                return quality, specificity, -place
    return 0.0, 0, 0


def _too_large(maximum: int) -> RequestRefused:
    message = f"The body may have at most {maximum} bytes."
    return RequestRefused(413, ErrorCode.PAYLOAD_TOO_LARGE, message, {"connection": "close"})


def _malformed(message: str) -> RequestRefused:
    return RequestRefused(400, ErrorCode.BAD_USER_INPUT, message)


def names_in(listed: str) -> list[str]:
    """Return the names of a comma-separated setting."""
    return [name.strip() for name in listed.split(",") if name.strip()]
