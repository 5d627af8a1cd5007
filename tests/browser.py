"""A headless Chromium without internet, driving the GraphiQL page."""

import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Locator, Page, Route, async_playwright
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from web.graphiql.pins import assets_are_complete

DEADLINE_MILLISECONDS = 20_000
ATTEMPT_MILLISECONDS = 2_000
MOST_ATTEMPTS = 10
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
VARIABLES_PANE = ".graphiql-editor-tool > :nth-child(1)"
HEADERS_PANE = ".graphiql-editor-tool > :nth-child(2)"
EDITOR_TEXT = "editor => editor.CodeMirror.getValue()"


@dataclass
class Visit:
    """One browser window on one GraphiQL page, and what happened in it."""

    page: Page
    outside: list[str] = field(default_factory=list)
    """Addresses outside this machine that were asked for, HTTP and WebSocket."""
    complaints: list[str] = field(default_factory=list)
    """Errors and warnings of the console, refusals by the content policy among them."""

    async def tab_titles(self) -> list[str]:
        """Return the titles of the tabs, from left to right."""
        return await self.page.locator(".graphiql-tab").all_inner_texts()

    async def choose_tab(self, title: str) -> None:
        """Bring a tab to the front and wait until GraphiQL has parsed what is in it."""
        await self.page.get_by_role("tab", name=title, exact=True).click()
        await self.page.wait_for_function(
            "title => document.querySelector('.graphiql-query-editor .CodeMirror')"
            ".CodeMirror.operationName === title",
            arg=title,
        )

    async def show_headers(self) -> None:
        """Open the headers editor."""
        await self.page.get_by_role("button", name="Headers", exact=True).click()

    async def run(self, containing: str) -> object:
        """Run the operation and return the answer that contains a text, read as JSON."""
        await self.press_run()
        return json.loads(await self.answer(containing))

    async def press_run(self) -> None:
        """Press the button that runs the operation, or stops the running subscription."""
        await self.page.locator(".graphiql-execute-button").click()

    async def answer(self, containing: str, *, deadline: int = DEADLINE_MILLISECONDS) -> str:
        """Wait until the response pane contains a text; return the whole answer."""
        await self.page.wait_for_function(
            "text => [...document.querySelectorAll('.result-window .CodeMirror')]"
            ".some(editor => editor.CodeMirror.getValue().includes(text))",
            arg=containing,
            timeout=deadline,
        )
        return await self.text(".result-window")

    async def text(self, pane: str) -> str:
        """Return the whole text of one editor."""
        return str(await self.editor(pane).evaluate(EDITOR_TEXT))

    def editor(self, pane: str) -> Locator:
        """Return the text editor of one pane, named by its CSS selector."""
        return self.page.locator(f"{pane} .CodeMirror").first

    async def write(self, pane: str, text: str) -> None:
        """Replace the text of one editor, as if it were typed."""
        await self.editor(pane).evaluate("(editor, text) => editor.CodeMirror.setValue(text)", text)


def need_files() -> str:
    """Return the path of Chromium; skip the test where it or GraphiQL's files are missing.

    With PARLEY_REQUIRE_BROWSER=1 their absence is a failure.
    """
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    executable = next((path for path in found if path is not None), None)
    if executable is None:
        missing = "no Chromium on this machine (Debian: apt-get install chromium)"
    elif not assets_are_complete():
        missing = "GraphiQL's files were not fetched (python -m web.graphiql.fetch_assets)"
    else:
        return executable
    if os.environ.get("PARLEY_REQUIRE_BROWSER") == "1":
        pytest.fail(missing)
    pytest.skip(missing)


@asynccontextmanager
async def visit(
    url: str,
    *,
    executable: str,
    outside_answers: Mapping[str, Path] | None = None,
    theme: Literal["light", "dark"] = "light",
    size: tuple[int, int] = (1440, 900),
) -> AsyncIterator[Visit]:
    """Open the page at `url` in a fresh browser that reaches nothing but 127.0.0.1.

    `outside_answers` stands in for the internet: a file for each address that may be asked for.
    """
    answers = outside_answers or {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable, args=list(CHROMIUM_ARGUMENTS)
        )
        try:
            context = await browser.new_context(
                viewport={"width": size[0], "height": size[1]}, color_scheme=theme
            )
            context.set_default_timeout(DEADLINE_MILLISECONDS)
            seen = Visit(await context.new_page())
            await _watch(seen, answers)
            await seen.page.goto(url)
            yield seen
        finally:
            await browser.close()


async def _watch(seen: Visit, answers: Mapping[str, Path]) -> None:
    async def judge(route: Route) -> None:
        address = route.request.url
        if _is_here(address):
            await route.continue_()
            return
        seen.outside.append(address)
        if address in answers:
            allow = {"Access-Control-Allow-Origin": "*"}
            await route.fulfill(path=answers[address], headers=allow)
        else:
            await route.abort()

    def note_socket(address: str) -> None:
        if not _is_here(address):
            seen.outside.append(address)

    await seen.page.context.route("**/*", judge)
    seen.page.on("websocket", lambda socket: note_socket(socket.url))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on(
        "console",
        lambda message: (
            seen.complaints.append(message.text) if message.type in ("error", "warning") else None
        ),
    )


def _is_here(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme in ("data", "blob") or parts.hostname == "127.0.0.1"


async def take_picture(
    url: str,
    path: Path,
    *,
    tab: str,
    wait_for: str,
    meanwhile: Callable[[], Awaitable[object]] | None = None,
    theme: Literal["light", "dark"] = "light",
    size: tuple[int, int] = (1440, 900),
) -> None:
    """Run one tab of the page at `url` and write what is then seen to `path`.

    `meanwhile` causes the event that a subscription shows. It is called again, a few times, until
    the response contains `wait_for`: the first events may come before the subscription stands.
    """
    async with visit(url, executable=need_files(), theme=theme, size=size) as seen:
        await seen.choose_tab(tab)
        await seen.press_run()
        if meanwhile is not None:
            await _repeat(meanwhile, seen, wait_for)
        await seen.answer(wait_for)
        await seen.page.screenshot(path=path)


async def _repeat(deed: Callable[[], Awaitable[object]], seen: Visit, wait_for: str) -> None:
    for _attempt in range(MOST_ATTEMPTS):
        await deed()
        with suppress(PlaywrightTimeoutError):
            await seen.answer(wait_for, deadline=ATTEMPT_MILLISECONDS)
            return
