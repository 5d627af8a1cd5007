"""The doors of log-in by an OpenID provider: out to it, and back in with a code for our tokens."""

from collections.abc import Awaitable, Callable
from secrets import compare_digest

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from models.refusal import RateLimited
from resolvers.client import Client
from resolvers.openid import ATTEMPT_SECONDS, LogInFailed, Problem

PATH = "/auth/oidc"
COOKIE = "parley_oidc"
Start = Callable[[Client], Awaitable[tuple[str, str]]]
Finish = Callable[..., Awaitable[str]]


def routes(start: Start, finish: Finish, public_url: str) -> list[BaseRoute]:
    """Return `/auth/oidc/start` and `/auth/oidc/callback`."""
    home = f"{public_url.rstrip('/')}/log-in#"

    async def leave(request: Request) -> Response:
        """Send the browser to the provider; it keeps the state in a cookie of ours."""
        address = request.client.host if request.client else None
        try:
            url, state = await start(Client(address, request.headers.get("user-agent", "")))
        except RateLimited as limited:
            headers = {"retry-after": str(limited.retry_after_seconds)}
            return JSONResponse({"error": {"message": "Too many attempts."}}, 429, headers)
        except LogInFailed as failed:
            return _bring(f"{home}error={failed.problem.value}")
        return _with_cookie(_bring(url), state, is_secure=public_url.startswith("https:"))

    async def come_back(request: Request) -> Response:
        """Bring the browser home with a code, or with the reason why there is none."""
        given = request.query_params
        state, kept = given.get("state", ""), request.cookies.get(COOKIE, "")
        try:
            if not state or not compare_digest(state.encode(), kept.encode()):
                raise LogInFailed(Problem.EXPIRED)
            if "code" not in given:
                raise LogInFailed(Problem.DENIED)
            response = _bring(f"{home}code={await finish(state=state, code=given['code'])}")
        except LogInFailed as failed:
            response = _bring(f"{home}error={failed.problem.value}")
        response.delete_cookie(COOKIE, path=PATH)
        return response

    return [Route(f"{PATH}/start", leave), Route(f"{PATH}/callback", come_back)]


def _bring(url: str) -> RedirectResponse:
    headers = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
    return RedirectResponse(url, 303, headers)


def _with_cookie(response: Response, state: str, *, is_secure: bool) -> Response:
    response.set_cookie(
        COOKIE,
        state,
        max_age=ATTEMPT_SECONDS,
        path=PATH,
        secure=is_secure,
        httponly=True,
        samesite="lax",
    )
    return response
