"""The GraphiQL page: its policy, and how it works without internet."""

import asyncio
import json
import re
import struct
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from tests.browser import HEADERS_PANE, VARIABLES_PANE, need_files, take_picture, visit
from tests.toy_graphql import INBOX_TAB, MESSAGES_TAB, TOKEN, Toy, toy_server
from web.graphiql import PageData, Tab, demo_tabs
from web.graphiql.pins import ASSETS, assets_are_complete, packages
from web.graphiql.tabs import NEW_KEY

DEADLINE_SECONDS = 60
HOSTILE = "</script><script>alert('&\u2028')</script>"


def embedded(body: str) -> dict[str, object]:
    """Return the data in the page, read as a browser would: up to the first closing tag."""
    found = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', body)
    assert found is not None
    data: dict[str, object] = json.loads(found[1])
    return data


async def get(app: Starlette, path: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://here") as client:
        return await client.get(path)


def policy_of(response: httpx2.Response) -> str:
    nonce = str(embedded(response.text)["nonce"])
    return response.headers["content-security-policy"].replace(nonce, "NONCE")


async def test_page_carries_token_and_tabs_whatever_they_contain(tmp_path: Path) -> None:
    tab = Tab("Hostile", f"# {HOSTILE}\nquery Hostile {{ a }}", json.dumps({"text": HOSTILE}))
    response = await get(Toy().app(PageData(HOSTILE, (tab,)), tmp_path), "/graphql")
    data = embedded(response.text)
    assert data["token"] == HOSTILE
    assert data["tabs"] == [{"title": tab.title, "query": tab.query, "variables": tab.variables}]
    assert "alert(" not in re.sub(r'id="page-data">.*?</script>', "", response.text)
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-frame-options"] == "DENY"


async def test_policy_lists_nothing_but_this_server_or_the_pinned_addresses(
    tmp_path: Path,
) -> None:
    toy, data = Toy(), PageData(None, ())
    rest = (
        "font-src data:; img-src 'self' data:; connect-src 'self'; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    )
    outside = " ".join(cdn_addresses())
    fallback = await get(toy.app(data, tmp_path), "/graphql")
    assert policy_of(fallback) == (
        f"default-src 'none'; script-src 'self' {outside};"
        f" style-src 'self' {outside} 'nonce-NONCE'; {rest}"
    )
    for package in packages():
        for file in package.files:
            assert f'{package.cdn_url(file)}" integrity="{file.integrity}"' in fallback.text
    if not assets_are_complete():
        pytest.skip("GraphiQL's files were not fetched; the fallback was checked")
    local = await get(toy.app(data, ASSETS), "/graphql")
    assert policy_of(local) == (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-NONCE'; {rest}"
    )
    assert "//" not in re.sub(r"<!doctype html>", "", local.text.partition("page-data")[0])


def cdn_addresses() -> list[str]:
    return [package.cdn_url(file) for package in packages() for file in package.files]


async def test_files_are_cached_for_ever_and_only_pinned_names_are_served(tmp_path: Path) -> None:
    (tmp_path / "react.js").write_text("react")
    (tmp_path / "secret.txt").write_text("secret")
    app = Toy().app(PageData(None, ()), tmp_path)
    found = await get(app, "/graphiql/assets/react.js?v=1")
    assert (found.status_code, found.text) == (200, "react")
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["content-type"].startswith("text/javascript")
    assert (await get(app, "/graphiql/assets/page.js")).status_code == 200
    for path in ("secret.txt", "react-dom.js", "..%2Fassets.json", "%2Fetc%2Fpasswd"):
        assert (await get(app, f"/graphiql/assets/{path}")).status_code == 404


def test_every_ready_made_tab_is_titled_like_its_operation() -> None:
    tabs = demo_tabs(workspace_id="W", inbox_id="I", conversation_id="C")
    found = [re.findall(r"^(?:query|mutation|subscription) (\w+)", tab.query, re.M) for tab in tabs]
    assert found == [[tab.title] for tab in tabs]
    assert [json.loads(tab.variables) for tab in tabs] == [
        {"inboxId": "I"},
        {"conversationId": "C"},
        {"input": {"conversationId": "C", "text": "Hello!", "idempotencyKey": NEW_KEY}},
        *[{"workspaceId": "W"}] * 5,
    ]


async def test_query_and_subscription_run_with_the_network_cut() -> None:
    executable = need_files()
    async with toy_server() as toy, visit(toy.url, executable=executable) as seen:
        assert await seen.run("Ada") == {"data": {"inbox": f"Ada asks with Bearer {TOKEN}"}}
        await seen.choose_tab("MessageAdded")
        await seen.press_run()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await toy.subscribed.wait()
        for text in ("first", "second"):
            toy.messages.put_nowait(text)
            event = f"{text} for Bearer {TOKEN}"
            assert json.loads(await seen.answer(text)) == {"data": {"messageAdded": event}}
        await seen.press_run()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await toy.left.wait()
        assert (seen.outside, seen.complaints) == ([], [])


async def test_header_editor_counts_for_http_and_for_websocket() -> None:
    executable = need_files()
    async with toy_server() as toy, visit(toy.url, executable=executable) as seen:
        await seen.show_headers()
        await seen.write(HEADERS_PANE, '{"Authorization": "Bearer mine"}')
        assert await seen.run("Ada") == {"data": {"inbox": "Ada asks with Bearer mine"}}
        await seen.choose_tab("MessageAdded")
        await seen.write(HEADERS_PANE, '{"Authorization": "Bearer other"}')
        await seen.press_run()
        toy.messages.put_nowait("news")
        answer = json.loads(await seen.answer("news"))
        assert answer == {"data": {"messageAdded": "news for Bearer other"}}


async def test_explorer_docs_and_settings_open_under_the_policy() -> None:
    executable = need_files()
    async with toy_server() as toy, visit(toy.url, executable=executable) as seen:
        await seen.page.get_by_label("Show GraphiQL Explorer").click()
        await seen.page.locator(".graphiql-explorer-root").get_by_text("inbox").wait_for()
        await seen.page.get_by_label("Show Documentation Explorer").click()
        await seen.page.get_by_role("link", name="Subscription", exact=True).click()
        await seen.page.get_by_role("link", name="messageAdded", exact=True).wait_for()
        await seen.page.get_by_label("Open settings dialog").click()
        await seen.page.get_by_text("Adjust how the interface appears.").wait_for()
        assert [text for text in seen.complaints if "Content Security Policy" in text] == []
        assert seen.outside == []


async def test_typed_text_outlives_a_reload_and_the_token_is_not_stored() -> None:
    executable = need_files()
    tabs = (replace(INBOX_TAB, variables=json.dumps({"name": NEW_KEY})), MESSAGES_TAB)
    async with toy_server(tabs) as toy, visit(toy.url, executable=executable) as seen:
        key = str(json.loads(await seen.text(VARIABLES_PANE))["name"])
        assert re.fullmatch(r"graphiql-[0-9a-f]{16}", key)
        assert await seen.run(key) == {"data": {"inbox": f"{key} asks with Bearer {TOKEN}"}}
        await seen.write(VARIABLES_PANE, '{"name": "Grace"}')
        await seen.page.wait_for_function(
            "() => Object.values(localStorage).filter(text => text.includes('Grace')).length === 2"
        )
        await seen.page.reload()
        assert await seen.run("Grace") == {"data": {"inbox": f"Grace asks with Bearer {TOKEN}"}}
        assert await seen.tab_titles() == ["InboxPage", "MessageAdded"]
        assert TOKEN not in await seen.page.evaluate("JSON.stringify(localStorage)")


async def test_without_fetched_files_the_cdn_serves_the_same_bytes(tmp_path: Path) -> None:
    executable = need_files()
    files = [ASSETS / file.name for package in packages() for file in package.files]
    internet = dict(zip(cdn_addresses(), files, strict=True))
    async with (
        toy_server(assets=tmp_path) as toy,
        visit(toy.url, executable=executable, outside_answers=internet) as seen,
    ):
        assert await seen.run("Ada") == {"data": {"inbox": f"Ada asks with Bearer {TOKEN}"}}
        assert sorted(seen.outside) == sorted(cdn_addresses())
        assert seen.complaints == []


async def test_altered_file_from_the_cdn_is_refused_and_the_page_says_so(tmp_path: Path) -> None:
    executable = need_files()
    files = [ASSETS / file.name for package in packages() for file in package.files]
    altered = tmp_path / "graphiql.js"
    altered.write_bytes((ASSETS / "graphiql.js").read_bytes() + b"\n")
    files = [altered if file.name == altered.name else file for file in files]
    internet = dict(zip(cdn_addresses(), files, strict=True))
    async with (
        toy_server(assets=tmp_path / "none") as toy,
        visit(toy.url, executable=executable, outside_answers=internet) as seen,
    ):
        await seen.page.get_by_text("GraphiQL's files could not be loaded").wait_for()
        assert [text for text in seen.complaints if "integrity" in text] != []


async def test_picture_shows_a_live_subscription(tmp_path: Path) -> None:
    need_files()
    async with toy_server() as toy:

        async def tell() -> None:
            toy.messages.put_nowait("news")

        picture = tmp_path / "graphiql.png"
        await take_picture(
            toy.url, picture, tab="MessageAdded", wait_for="news", meanwhile=tell, size=(800, 600)
        )
    header = picture.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", header[16:24]) == (800, 600)
