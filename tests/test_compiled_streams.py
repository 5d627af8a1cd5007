"""Events by plans as by graphql-core, and the proof that plans answer what clients really ask."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
import strawberry

from models.clock import now
from realtime.log import encode_cursor, read_head
from resolvers.snooze import snooze_conversation
from resolvers.typing_indicator import start_typing
from schema.context import ContextMaker
from schema.ids import encode_id
from tests.streaming import CHANGES, MESSAGES, SNOOZES, WORKSPACE_EVENTS
from tests.twins import Twins, Who, as_json, counted_executions, make_stage
from tests.world import Api, Person, World, let_time_pass, run_jobs
from web.graphiql import demo_tabs

DEADLINE = 20.0
LOG = """query ($w: ID!, $after: String!) { events(workspaceId: $w, after: $after, first: 100) {
  nodes { __typename eventId cursor ... on MessageAdded { message { text author { __typename
    ... on Contact { name phone { display } } ... on Member { user { email } } } } } } } }"""


async def subscribe(
    twins: Twins, schema: strawberry.Schema, who: Who, document: str, **given: Any
) -> AsyncIterator[Any]:
    """Begin a subscription without a network."""
    token = who.token if isinstance(who, Person) else who
    context = await ContextMaker(twins.hub)(token, "")
    stream: Any = await schema.subscribe(document, variable_values=given, context_value=context)
    return stream  # type: ignore[no-any-return]  # what strawberry calls a result is a stream


async def take(count: int, stream: AsyncIterator[Any]) -> list[bytes]:
    """Return the first events as JSON."""
    heard: list[bytes] = []
    async with asyncio.timeout(DEADLINE):
        while len(heard) < count:
            heard.append(as_json(await anext(stream)))
    await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
    return heard


async def replay_both(twins: Twins, who: Who, document: str, count: int, **given: Any) -> Any:
    """Show that both ways tell the same events; return them."""
    told = [
        await take(count, await subscribe(twins, schema, who, document, **given))
        for schema in (twins.compiled, twins.core)
    ]
    assert told[0] == told[1]
    return [orjson.loads(event) for event in told[0]]


async def beginning(world: World) -> dict[str, str]:
    """Return the variables of a stream of everything."""
    head = await read_head(world.workspace.id)
    return {"workspaceId": world.id, "after": encode_cursor(head.epoch, 0)}


async def test_the_log_is_told_alike_to_everybody(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await make_stage(api, world)
    twins = Twins(api.hub)
    start = await beginning(world)
    given = {"w": world.id, "after": start["after"]}
    for name, who in stage.viewers.items():
        answer = await twins.compare(who, LOG, given)
        if answer["errors"]:
            assert name in ("stranger", "nobody", "bad token")
            continue
        seen = answer["data"]["events"]["nodes"]
        with counted_executions(monkeypatch) as counts:
            told = await replay_both(twins, who, WORKSPACE_EVENTS, len(seen), **start)
        assert [event["data"]["workspaceEvents"]["eventId"] for event in told] == [
            event["eventId"] for event in seen
        ]
        assert (counts.asked, counts.left) == (len(seen), 0)


async def test_every_stream_is_told_alike(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = await world.hear("Hello")
    owner = await world.owner.viewer()
    until = now() + timedelta(hours=1)
    await snooze_conversation(owner, heard.conversation_id, until=until)
    await let_time_pass(timedelta(hours=2).total_seconds())
    await run_jobs()
    start = await beginning(world)
    for document, count in ((MESSAGES, 1), (CHANGES, 4), (SNOOZES, 1)):
        with counted_executions(monkeypatch) as counts:
            told = await replay_both(Twins(api.hub), world.owner, document, count, **start)
        assert [event["errors"] for event in told] == [[]] * count
        assert (counts.asked, counts.left) == (count, 0)


async def test_an_event_that_cannot_be_told_is_an_error_of_its_own(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in ("one", "two", "three"):
        await world.hear(text)
    facts = await world.facts()
    broken = len(facts) - 1

    def cursor(epoch: str, seq: int) -> str:
        if seq == broken:
            raise RuntimeError("broken")
        return encode_cursor(epoch, seq)

    monkeypatch.setattr("schema.objects.workspace_event.encode_cursor", cursor)
    twins, start = Twins(api.hub), await beginning(world)
    with counted_executions(monkeypatch) as counts:
        told = await replay_both(twins, world.owner, WORKSPACE_EVENTS, len(facts), **start)
    assert [len(event["errors"]) for event in told] == [0] * (broken - 1) + [1, 0]
    assert told[broken - 1]["data"] is None
    assert (counts.asked, counts.left) == (len(facts), 1)


QUERIES = ("InboxPage", "Thread", "Send")


async def test_plans_answer_the_tabs(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await make_stage(api, world)
    tabs = demo_tabs(
        workspace_id=world.id,
        inbox_id=stage.ids["StandardInbox"][0],
        conversation_id=stage.ids["Conversation"][1],
    )
    for tab in tabs:
        if tab.title in QUERIES:
            with counted_executions(monkeypatch) as counts:
                given = orjson.loads(tab.variables)
                answer = await Twins(api.hub).compare(world.owner, tab.query, given)
            assert answer["errors"] == []
            assert (counts.answered, counts.left) == (1, 0), tab.title
    assert {tab.title for tab in tabs} == {*QUERIES, *TRIGGERS}


async def _hear(world: World) -> None:
    await world.hear("Hello")


async def _type(world: World) -> None:
    heard = await world.hear("Hello")
    typist = await (await world.add("Typist")).viewer()
    await start_typing(typist, heard.conversation_id, surface="MESSAGE")


async def _expire(world: World) -> None:
    heard = await world.hear("Hello")
    viewer = await world.owner.viewer()
    until = now() + timedelta(hours=1)
    await snooze_conversation(viewer, heard.conversation_id, until=until)
    await let_time_pass(timedelta(hours=2).total_seconds())
    await run_jobs()


TRIGGERS: dict[str, Callable[[World], Awaitable[None]]] = {
    "WorkspaceEvents": _hear,
    "MessageAdded": _hear,
    "ConversationChanged": _hear,
    "SnoozeExpired": _expire,
    "TypingChanged": _type,
}


@pytest.mark.parametrize("title", TRIGGERS)
async def test_plans_tell_the_events_of_the_tabs(
    api: Api, world: World, title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tabs = demo_tabs(workspace_id=world.id, inbox_id="", conversation_id=encode_id("X", 1))
    [tab] = [tab for tab in tabs if tab.title == title]
    twins, given = Twins(api.hub), orjson.loads(tab.variables)
    with counted_executions(monkeypatch) as counts:
        stream = await subscribe(twins, twins.compiled, world.owner, tab.query, **given)
        first = asyncio.create_task(take(1, stream))
        while not first.done():
            await TRIGGERS[title](world)
        [event] = await first
    assert orjson.loads(event)["errors"] == []
    assert counts.answered >= 1
    assert counts.left == 0
