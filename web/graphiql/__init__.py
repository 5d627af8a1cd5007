"""The GraphiQL page at /graphql and its files: our own page, a strict policy, no internet."""

import hashlib
import html
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from web.graphiql.pins import ASSETS, HERE, assets_are_complete, checksum, packages
from web.graphiql.tabs import NEW_KEY, Tab, demo_tabs

__all__ = ["PageData", "Tab", "asset_routes", "demo_tabs", "graphiql_page"]

PREFIX = "/graphiql/assets/"
OUR_FILES = ("page.css", "page.js")
WHEN_MISSING = (
    "GraphiQL's files could not be loaded from the public CDN.\n"
    "To do without it, run `python -m web.graphiql.fetch_assets` where npm is installed,"
    " then start the server anew."
)


@dataclass(frozen=True)
class PageData:
    """What the page shows at first: the bearer token to fill in, and the ready-made tabs."""

    token: str | None
    tabs: tuple[Tab, ...]


@dataclass(frozen=True)
class Link:
    """One script or stylesheet of the page."""

    url: str
    integrity: str

    def tag(self) -> str:
        """Return the element that loads it, only if its bytes are the expected ones."""
        checks = f'integrity="{self.integrity}" crossorigin="anonymous"'
        url = html.escape(self.url)
        if self.url.partition("?")[0].endswith(".css"):
            return f'    <link rel="stylesheet" href="{url}" {checks}>'
        return f'    <script defer src="{url}" {checks}></script>'


def graphiql_page(
    data_provider: Callable[[], Awaitable[PageData]], *, assets: Path = ASSETS
) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of the page; `data_provider` is asked at every visit.

    The pinned files are taken from `assets` if they are all there when this is called, from
    the public CDN with the same checksums otherwise.
    """
    template = Template((HERE / "page.html").read_text())
    links = _links(assets)
    tags = [link.tag() for link in links]
    styles = "\n".join(tag for tag in tags if "<link" in tag)
    scripts = "\n".join(tag for tag in tags if "<script" in tag)

    async def page(_request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        data = _embedded(await data_provider(), nonce)
        body = template.substitute(styles=styles, scripts=scripts, data=data)
        return HTMLResponse(body, headers=_page_headers(links, nonce))

    return page


def asset_routes(*, assets: Path = ASSETS) -> list[BaseRoute]:
    """Return the routes that serve our own files and the fetched ones."""
    served = {name: HERE / name for name in OUR_FILES}
    for package in packages():
        served |= {file.name: assets / file.name for file in package.files}

    async def asset(request: Request) -> Response:
        path = served.get(request.path_params["name"])
        if path is None or not path.is_file():
            return PlainTextResponse("Not found", 404)
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        return FileResponse(path, headers=headers)

    return [Route(PREFIX + "{name}", asset, methods=["GET"])]


def _links(assets: Path) -> list[Link]:
    local = assets_are_complete(assets)
    links = [
        Link(
            _local_url(file.name, file.integrity) if local else package.cdn_url(file),
            file.integrity,
        )
        for package in packages()
        for file in package.files
    ]
    for name in OUR_FILES:
        integrity = checksum((HERE / name).read_bytes(), "sha384")
        links.append(Link(_local_url(name, integrity), integrity))
    return links


def _local_url(name: str, integrity: str) -> str:
    """Return an address that changes with the content, so that it may be cached for ever."""
    return f"{PREFIX}{name}?v={hashlib.sha256(integrity.encode()).hexdigest()[:12]}"


def _embedded(data: PageData, nonce: str) -> str:
    """Return the page's data as JSON that no HTML parser can mistake for markup."""
    tabs = [asdict(tab) for tab in data.tabs]
    text = json.dumps(
        {
            "token": data.token,
            "tabs": tabs,
            "fingerprint": hashlib.sha256(json.dumps(tabs).encode()).hexdigest()[:12],
            "newKey": NEW_KEY,
            "nonce": nonce,
            "whenMissing": WHEN_MISSING,
        }
    )
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _page_headers(links: list[Link], nonce: str) -> dict[str, str]:
    outside = " ".join(["'self'", *(link.url for link in links if not link.url.startswith("/"))])
    policy = {
        "default-src": "'none'",
        "script-src": outside,
        "style-src": f"{outside} 'nonce-{nonce}'",
        "font-src": "data:",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{key} {value}" for key, value in policy.items()),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
