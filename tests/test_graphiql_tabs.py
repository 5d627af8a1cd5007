"""The ready-made tabs: valid against the schema, and working in a browser on the demo's data."""

import json
from typing import Any

import pytest
from graphql import parse, validate
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from schema.root import build_schema
from tests.browser import ATTEMPT_MILLISECONDS, MOST_ATTEMPTS, Visit, need_files, visit
from tests.demo_server import DemoServer, demo_server
from web.graphiql import Tab, demo_tabs

TABS = demo_tabs(workspace_id="W", inbox_id="I", conversation_id="C")
CARLA = "+33639980101"


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.title)
def test_document_is_valid_and_takes_exactly_its_variables(tab: Tab) -> None:
    document = parse(tab.query)
    assert validate(build_schema()._schema, document) == []
    [operation] = document.definitions
    declared = {definition.variable.name.value for definition in operation.variable_definitions}  # type: ignore[attr-defined]
    given = set(json.loads(tab.variables))
    assert given <= declared
    assert declared - given <= {"conversationId"}


async def test_queries_of_the_tabs_answer_on_the_demo(sqlite_database_url: str) -> None:
    async with demo_server(sqlite_database_url) as served:
        inbox = await served.ask(*served.tab("InboxPage"))
        thread = await served.ask(*served.tab("Thread"))
        sent = await served.ask(*served.tab("Send"))
        again = await served.ask(*served.tab("Send"))
    names = [edge["node"]["contact"]["name"] for edge in inbox["inbox"]["conversations"]["edges"]]
    assert "Carla Rossi" in names
    assert thread["conversation"]["contact"]["name"] == "Carla Rossi"
    assert sent["sendMessage"]["userErrors"] == []
    assert again["sendMessage"]["message"]["id"] == sent["sendMessage"]["message"]["id"]


async def test_inbox_and_live_message_show_in_the_browser_with_the_network_cut(
    sqlite_database_url: str,
) -> None:
    executable = need_files()
    async with (
        demo_server(sqlite_database_url) as served,
        visit(f"{served.url}/graphql", executable=executable) as seen,
    ):
        assert await seen.tab_titles() == [tab.title for tab in TABS]
        answer: Any = await seen.run("Carla Rossi")
        assert answer["data"]["inbox"]["kind"] == "ALL"
        await seen.choose_tab("MessageAdded")
        await seen.press_run()
        live = await _hear_until_seen(served, seen, "Are you still there?")
        message = live["data"]["messageAdded"]["message"]
        assert (message["direction"], message["text"]) == ("INCOMING", "Are you still there?")
        assert (seen.outside, seen.complaints) == ([], [])


async def _hear_until_seen(served: DemoServer, seen: Visit, text: str) -> Any:
    """Let Carla write until the subscription shows it: it may begin after the first times."""
    for attempt in range(MOST_ATTEMPTS):
        await served.hear(CARLA, text, f"live-{attempt}")
        try:
            return json.loads(await seen.answer(text, deadline=ATTEMPT_MILLISECONDS))
        except PlaywrightTimeoutError:
            continue
    raise AssertionError("no message was shown")
