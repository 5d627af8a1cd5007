"""Live inboxes: what is told of an inbox, and that a list kept by it alone is the list."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from models.clock import now
from models.conversation import Conversation
from models.custom_inbox import InboxSharing
from models.engine import sql
from models.member import Visibility
from models.records import ConversationRecord
from realtime.log import read_head
from resolvers.assignment import assign_conversation
from resolvers.batches import conversations_by_id
from resolvers.inbox import create_inbox, update_inbox
from resolvers.inbox_filter import (
    AnyOf,
    Choice,
    ChoiceCondition,
    ChoiceOperator,
    Filter,
    Filtered,
)
from resolvers.inbox_finding import find_inbox
from resolvers.inbox_kinds import Sharing
from resolvers.inbox_view import InboxView, Move, Moved
from resolvers.workspace import change_member
from schema.ids import encode_id
from tests.acting import succeed
from tests.crowd import Crowd, vendor
from tests.serving import serving
from tests.test_inbox import inbox_id
from tests.waiting import until
from tests.watcher import LISTED, Watcher, changes
from tests.world import Api, Person, World, make_world

DEADLINE_SECONDS = 60
OPEN = ChoiceCondition(Choice.STATUS, ChoiceOperator.HAS_ANY_OF, ("OPEN",))
TAGGED = ChoiceCondition(Choice.TAG, ChoiceOperator.EXISTS)


async def custom(person: Person, conditions: Filter, **options: Any) -> str:
    """Make a custom inbox for everybody; return its id."""
    made = await create_inbox(
        await person.viewer(),
        person.member.workspace_id,
        name="Own",
        conditions=conditions,
        sharing=Sharing(InboxSharing.WORKSPACE),
        **options,
    )
    return encode_id("CustomInbox", made.id)


async def fact(happened: Callable[[], bool]) -> None:
    """Return once something holds in this process."""

    async def look() -> bool:
        return happened()

    await until(look)


@asynccontextmanager
async def following(watchers: list[Watcher]) -> AsyncIterator[None]:
    """Let watchers follow while the block runs, and end them."""
    tasks = [asyncio.create_task(watcher.follow()) for watcher in watchers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_list_kept_by_events_is_the_list(api: Api, world: World) -> None:
    team = await world.team()
    people = [
        world.owner,
        await world.add("Ada"),
        await world.add("Tim", visibility=Visibility.TEAM, team=team),
        await world.add("Ian", visibility=Visibility.OWN),
    ]
    crowd = Crowd(api, world, people, 3)
    async with asyncio.timeout(DEADLINE_SECONDS), serving(vendor) as base_url:
        await world.connect(base_url)
        await crowd.hear()
        keys = [inbox_id(world, "ALL"), inbox_id(world, "MINE")]
        keys.append(await custom(world.owner, AnyOf((OPEN, TAGGED))))
        everybody = [
            Watcher(api, person, key, world.id)
            for person in people
            for key in [*keys, *([encode_id("TeamInbox", team.id)] if person is people[0] else [])]
        ]
        live = [await watcher.begin() for watcher in everybody]
        later = [await Watcher(api, w.person, w.key, world.id).begin() for w in everybody]
        async with following(live):
            for deed in crowd.deeds():
                await deed()
            for watcher in live:
                await until(watcher.is_true)
        async with following(later):
            for watcher in later:
                await until(watcher.is_true)


async def heard(results: Any) -> tuple[str, str | None, tuple[int, int, int]]:
    """Return what is told next: the change, whose it is, and the counts."""
    result = await anext(results)
    assert not result.errors, result.errors
    event = result.data["inboxChanged"]
    row = event["conversation"]
    counts = tuple(event["counts"][name] for name in ("open", "unread", "unreplied"))
    return event["change"], row and row["contact"]["firstName"], counts


async def test_entering_moving_and_leaving(api: Api, world: World) -> None:
    ada = await world.add("Ada")
    await world.connect()
    async with asyncio.timeout(DEADLINE_SECONDS):
        cursor = (await api.ask(ada, LISTED, id=inbox_id(world, "MINE"), workspaceId=world.id))[
            "workspace"
        ]["eventCursor"]
        mine = await changes(api, ada, inbox_id(world, "MINE"), cursor)
        everything = await changes(api, ada, inbox_id(world, "ALL"), cursor)
        async with aclosing(mine), aclosing(everything):
            told = asyncio.ensure_future(heard(mine))
            first = asyncio.ensure_future(heard(everything))
            await fact(lambda: len(api.hub.inbox_views._workspaces) == 1)
            message = await world.hear("Hello")
            assert await first == ("ENTERED", "Carla", (1, 1, 1))
            row = await Conversation.get(id=message.conversation_id)
            await succeed(api, world.owner, "assignConversation", row, assigneeId=ada.id)
            assert await told == ("ENTERED", "Carla", (1, 1, 1))
            await succeed(api, ada, "markConversationRead", row)
            assert await heard(mine) == ("MOVED", "Carla", (1, 0, 1))
            await succeed(api, ada, "closeConversation", row)
            assert await heard(mine) == ("MOVED", "Carla", (0, 0, 0))
            await succeed(api, ada, "unassignConversation", row)
            assert await heard(mine) == ("LEFT", "Carla", (0, 0, 0))
    await fact(lambda: not api.hub.inbox_views._workspaces)


async def test_who_loses_sight_is_told_the_id_only(api: Api, world: World) -> None:
    ian = await world.add("Ian", visibility=Visibility.OWN)
    message = await world.hear("Hello")
    row = await Conversation.get(id=message.conversation_id)
    await succeed(api, world.owner, "assignConversation", row, assigneeId=ian.id)
    async with asyncio.timeout(DEADLINE_SECONDS):
        results = await changes(api, ian, inbox_id(world, "ALL"))
        async with aclosing(results):
            told = asyncio.ensure_future(heard(results))
            await fact(lambda: len(api.hub.inbox_views._of_subscribers) == 1)
            await succeed(api, world.owner, "unassignConversation", row)
            assert await told == ("LEFT", None, (0, 0, 0))


async def test_the_stream_ends_when_the_inbox_changes(api: Api, world: World) -> None:
    ada = await world.add("Ada")
    key = await custom(world.owner, OPEN)
    kept = await api.ask(ada, LISTED, id=key, workspaceId=world.id)
    async with asyncio.timeout(DEADLINE_SECONDS):
        results = await changes(api, ada, key)
        async with aclosing(results):
            told = asyncio.ensure_future(anext(results))
            await fact(lambda: len(api.hub.inbox_views._of_subscribers) == 1)
            await update_inbox(await world.owner.viewer(), 1, conditions=TAGGED)
            assert [error.extensions["code"] for error in (await told).errors] == ["ACCESS_REVOKED"]
        late = await changes(api, ada, key, kept["workspace"]["eventCursor"])
        async with aclosing(late):
            codes = [error.extensions["code"] for error in (await anext(late)).errors]
            assert codes == ["CURSOR_EXPIRED"]


async def test_a_list_of_other_rights_is_read_anew(api: Api, world: World) -> None:
    ian = await world.add("Ian", visibility=Visibility.OWN)
    await world.hear("Hello")
    key = inbox_id(world, "ALL")
    kept = await api.ask(ian, LISTED, id=key, workspaceId=world.id)
    assert kept["inbox"]["conversations"]["nodes"] == []
    await change_member(ian.member.id, visibility=Visibility.ALL)
    async with asyncio.timeout(DEADLINE_SECONDS):
        late = await changes(api, ian, key, kept["workspace"]["eventCursor"])
        async with aclosing(late):
            codes = [error.extensions["code"] for error in (await anext(late)).errors]
            assert codes == ["CURSOR_EXPIRED"]


async def test_one_event_is_worked_out_once_for_all_who_see_the_same(
    api: Api, world: World
) -> None:
    people = [await world.add(f"P{number}") for number in range(20)]
    await world.connect()
    key = await custom(world.owner, AnyOf((OPEN, TAGGED)))
    async with asyncio.timeout(DEADLINE_SECONDS):
        streams = [await changes(api, person, key) for person in people]
        told = [asyncio.ensure_future(heard(stream)) for stream in streams]
        await fact(lambda: len(api.hub.inbox_views._of_subscribers) == len(people))
        [workspace] = api.hub.inbox_views._workspaces.values()
        assert len(workspace.views) == 1
        with sql.count_statements(everywhere=True) as counter:
            await world.hear("Hello")
            await fact(lambda: all(one.done() for one in told))
        assert {one.result() for one in told} == {("ENTERED", "Carla", (1, 1, 1))}
        of_filters = [text for text in counter.statements if "FROM contact_tag" in text]
        assert len(of_filters) <= 3
        counted = [text for text in counter.statements if "COUNT(" in text.upper()]
        assert not [text for text in counted if "FROM conversation" in text]
        for stream in streams:
            await stream.aclose()


async def test_an_inbox_that_one_does_not_have_is_not_followed(api: Api, world: World) -> None:
    stranger = (await make_world("Other")).owner
    private = await create_inbox(
        await world.owner.viewer(),
        world.workspace.id,
        name="Own",
        conditions=OPEN,
        sharing=Sharing(),
    )
    ada = await world.add("Ada")
    for who, key in (
        (stranger, inbox_id(world, "ALL")),
        (ada, encode_id("CustomInbox", private.id)),
        (ada, encode_id("CustomInbox", 999_999)),
        (ada, "no id"),
    ):
        results = await changes(api, who, key)
        async with aclosing(results):
            [error] = (await anext(results)).errors
            assert error.extensions["code"] == "NOT_FOUND"


async def test_what_a_row_tells_early_is_told_with_its_own_event_too(world: World) -> None:
    ian = await world.add("Ian", visibility=Visibility.OWN)
    key = (await world.hear("Hello")).conversation_id
    inbox = await find_inbox(await ian.viewer(), "StandardInbox", f"{world.workspace.id}.ALL")
    view = InboxView(await ian.viewer(), inbox)
    await view.load()
    [elsewhere] = (await conversations_by_id([key])).values()
    await assign_conversation(await world.owner.viewer(), key, assignee_id=ian.member.id)
    [theirs] = (await conversations_by_id([key])).values()
    head = (await read_head(world.workspace.id)).seq

    def told(seq: int, row: ConversationRecord | None) -> tuple[Move, int] | None:
        moved = view.apply(seq, key, Filtered(row) if row else None, now())
        return (moved.move, moved.since) if moved else None

    assert told(1, elsewhere) == (Move.LEFT, 1)  # the view was read later: perhaps it was there
    view.know(head, head + 2)
    assert told(head, theirs) == (Move.ENTERED, head)
    assert told(head + 1, theirs) == (Move.ENTERED, head)
    view.know(head + 2, head + 2)
    assert told(head + 2, theirs) == (Move.ENTERED, head)
    view.know(head + 3, head + 4)
    assert told(head + 3, theirs) == (Move.MOVED, 0)
    assert told(head + 4, elsewhere) == (Move.LEFT, head + 4)
    view.know(head + 5, head + 5)
    assert told(head + 5, None) is None


@pytest.mark.parametrize("size", [0, 1, 25])
async def test_a_view_is_loaded_part_after_part(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr("resolvers.inbox_view.LOADED_AT_ONCE", 5)
    for number in range(size):
        row = await world.conversation(f"C{number}")
        await Conversation.filter(id=row.id).update(status="OPEN", opened_at=now())
    views = api.hub.inbox_views
    viewer = await world.owner.viewer()
    inbox = await find_inbox(viewer, "StandardInbox", f"{world.workspace.id}.ALL")
    async with views.watched(viewer, inbox) as view:
        assert view.now(Move.MOVED) == Moved(Move.MOVED, size, 0)
