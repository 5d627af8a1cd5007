"""The demo: seeded once and whole, its page always let in, its customers real and answering."""

import asyncio
import json
import socket
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pytest

from demo import seed as seeding
from demo.customer import ANSWERS
from demo.page import DemoPage
from demo.seed import Demo, seed
from demo.serve import local_url, prepare, serve_demo, welcome
from demo.shop import BY_HAND, COLLEAGUES, OWNER, THREADS, Thread
from models.channel import Channel
from models.conversation import Conversation, ConversationStatus
from models.database import connect, disconnect
from models.engine import sql
from models.member import Member
from models.message import Message, MessageStatus
from models.queries import read_conversations
from models.records import ConversationRecord
from realtime.log import read_page
from resolvers.access import visible_conversations
from resolvers.account import log_in
from resolvers.authentication import TokenProblem, authenticate
from resolvers.session import log_out
from resolvers.viewer import Viewer
from schema.ids import encode_id
from settings import Settings
from tests.conftest import ConnectedDatabase
from tests.demo_server import collect_until, demo_server, following
from tests.world import make_world, run_jobs, snapshot

DEADLINE_SECONDS = 60
PASSWORD = "parley-demo"
EVENTS = """
subscription Events($workspaceId: ID!, $after: String) {
  workspaceEvents(workspaceId: $workspaceId, after: $after) {
    ... on MessageAdded { message { direction text } }
    ... on MessageChanged { message { id status } }
  }
}
"""
CURSOR = "query Cursor($id: ID!) { workspace(id: $id) { eventCursor } }"


async def _seed() -> Demo:
    demo = await seed(PASSWORD)
    assert demo is not None
    return demo


async def test_seeding_again_changes_nothing(database: ConnectedDatabase) -> None:
    demo = await _seed()
    before = await snapshot()

    assert (await _seed()).channel.id == demo.channel.id

    assert await snapshot() == before


async def test_seeded_rows_agree_with_each_other(database: ConnectedDatabase) -> None:
    demo = await _seed()
    conversations = await Conversation.filter(workspace_id=demo.workspace_id)
    messages = await Message.all().order_by("conversation_id", "seq")

    assert {row.status for row in conversations} == set(ConversationStatus)
    assert {row.status for row in messages} == {
        MessageStatus.RECEIVED,
        MessageStatus.DELIVERED,
        MessageStatus.READ,
        MessageStatus.FAILED,
    }
    for row in conversations:
        own = [message for message in messages if message.conversation_id == row.id]
        incoming = [message for message in own if message.status is MessageStatus.RECEIVED]
        assert row.incoming_count == len(incoming)
        assert row.last_message_id == (own[-1].id if own else None)
    log = await read_page(demo.workspace_id, 0, 10_000)
    assert [logged.seq for logged in log] == list(range(1, len(log) + 1))


async def test_jobs_of_seeded_messages_find_nothing_to_do(database: ConnectedDatabase) -> None:
    await _seed()
    before = await snapshot("message", "conversation", "event")

    await run_jobs()

    assert await snapshot("message", "conversation", "event") == before
    assert [row["kind"] for row in await sql.rows("SELECT kind FROM job")] == ["expire_snooze"] * 2


async def test_interrupted_seeding_goes_on_where_it_stopped(
    database: ConnectedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = seeding._tell

    async def fail_at_the_end_of_the_sixth(
        thread: Thread, channel: Channel, colleagues: Mapping[str, Member]
    ) -> None:
        await tell(thread, channel, colleagues)
        if thread is THREADS[5]:
            raise ConnectionError("the power failed")

    with monkeypatch.context() as patched:
        patched.setattr(seeding, "_tell", fail_at_the_end_of_the_sixth)
        with pytest.raises(ConnectionError):
            await _seed()
    assert await Conversation.filter(last_message_id__not_isnull=True).count() == 5

    await _seed()

    assert await Conversation.filter(last_message_id__not_isnull=True).count() == len(THREADS)
    told = [step for thread in THREADS for step in thread.steps if hasattr(step, "text")]
    assert await Message.all().count() == len(told)


async def test_database_of_others_is_left_alone(database: ConnectedDatabase) -> None:
    await make_world()
    before = await snapshot("workspace", "member", "account", "channel", "event")

    assert await seed(PASSWORD) is None

    assert await snapshot("workspace", "member", "account", "channel", "event") == before


async def _visible(viewer: Viewer, workspace_id: int) -> list[ConversationRecord]:
    where = visible_conversations(viewer, workspace_id)
    return await read_conversations(f"WHERE {where.condition}", *where.values)


async def test_each_colleague_logs_in_and_sees_what_they_may(database: ConnectedDatabase) -> None:
    demo = await _seed()
    seen = {}
    for colleague in COLLEAGUES:
        tokens = await log_in(colleague.email, PASSWORD)
        viewer = await authenticate(tokens.access_token)
        assert isinstance(viewer, Viewer)
        seen[colleague.key] = len(await _visible(viewer, demo.workspace_id))
    everything = len(THREADS) + len(BY_HAND)
    assert seen == {
        "olivia": everything,
        "marcus": everything,
        "amina": everything,
        "ben": 2,
        "chloe": 2,
    }


async def test_page_renews_a_token_that_was_logged_out_or_is_half_spent(
    database: ConnectedDatabase,
) -> None:
    page = DemoPage(await _seed())
    first = await page()
    assert await page() == first

    assert first.token is not None
    viewer = await authenticate(first.token)
    assert isinstance(viewer, Viewer)
    await log_out(viewer)
    second = await page()
    assert second.token != first.token
    assert second.tabs == first.tabs

    assert page._tokens is not None
    session = page._tokens.session
    session.created_at -= session.expires_at - session.created_at
    assert (await page()).token not in (first.token, second.token)


async def test_each_start_has_one_api_key_and_the_channel_of_its_customers(
    sqlite_database_url: str,
) -> None:
    settings = Settings(database_url=sqlite_database_url)
    first = await prepare(settings, "http://127.0.0.1:7001")
    second = await prepare(settings, "http://127.0.0.1:7002")
    assert first is not None and second is not None
    assert second.demo.channel.base_url == "http://127.0.0.1:7002"
    assert second.demo.channel.token == first.demo.channel.token
    text = welcome(settings, [local_url(settings)], second, with_customers=True)
    assert f"http://127.0.0.1:8000/graphql\n  Log in as  {OWNER.email}" in text
    assert second.api_key in text

    await connect(sqlite_database_url)
    try:
        assert await authenticate(first.api_key) is TokenProblem.UNKNOWN
        assert isinstance(await authenticate(second.api_key), Viewer)
    finally:
        await disconnect()


def test_start_on_a_taken_port_changes_nothing(sqlite_database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"Port {port}: .*PARLEY_PORT names another"):
            serve_demo(Settings(database_url=sqlite_database_url, port=port))
    path = sqlite_database_url.removeprefix("sqlite://").partition("?")[0]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM workspace").fetchone() == (0,)


async def test_customer_takes_a_message_tells_how_far_it_came_and_answers(
    sqlite_database_url: str,
) -> None:
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        demo_server(sqlite_database_url, customers=True) as served,
    ):
        workspace_id = encode_id("Workspace", served.demo.workspace_id)
        cursor = (await served.ask(CURSOR, {"id": workspace_id}))["workspace"]["eventCursor"]
        sent = (await served.ask(*served.tab("Send")))["sendMessage"]["message"]
        variables = {"workspaceId": workspace_id, "after": cursor}
        async with following(served.url, served.token, EVENTS, variables) as events:
            heard = await collect_until(events(), _is_read_and_answered)
    facts = [event["workspaceEvents"] for event in heard]
    messages = [fact["message"] for fact in facts if "direction" in fact.get("message", {})]
    assert messages == [
        {"direction": "OUTGOING", "text": "Hello!"},
        {"direction": "INCOMING", "text": ANSWERS["en"][0]},
    ]
    changes = [fact["message"] for fact in facts if "status" in fact.get("message", {})]
    assert changes == [
        {"id": sent["id"], "status": status} for status in ("SENT", "DELIVERED", "READ")
    ]


def _is_read_and_answered(heard: list[Any]) -> bool:
    text = json.dumps(heard)
    return '"READ"' in text and '"INCOMING"' in text
