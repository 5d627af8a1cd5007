"""Pages of an inbox: nothing twice and nothing missed while conversations move, at one price."""

from typing import Any

import pytest

from models.conversation import Conversation
from models.engine import sql
from tests.acting import succeed
from tests.test_inbox import inbox_id
from tests.world import Api, World

PAGE = """
query ($id: ID!, $sort: ConversationSort! = NEWEST_MESSAGE,
       $first: Int, $after: String, $last: Int, $before: String) {
  inbox(id: $id) {
    conversations(sort: $sort, first: $first, after: $after, last: $last, before: $before) {
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      edges { cursor node { contact { firstName } } }
    }
  }
}
"""
FULL_PAGE = """
query ($id: ID!, $first: Int) {
  inbox(id: $id) {
    name openCount unreadCount
    conversations(first: $first) {
      nodes {
        id status unreadCount unrepliedSince viewerCanClose
        contact { name phone { display } channels { channel { name } } }
        assignee { ... on Member { name user { name } team { name } } }
        lastMessage { text status author { ... on Member { name } ... on Contact { name } } }
        snooze { until by { name } }
        timeline(last: 3) {
          nodes { ... on Message { text } ... on Activity { kind actor { name } } }
        }
        episodes { openedAt }
      }
    }
  }
}
"""


async def page_of(api: Api, world: World, **values: Any) -> Any:
    """Return a page of All."""
    data = await api.ask(world.owner, PAGE, id=inbox_id(world, "ALL"), **values)
    return data["inbox"]["conversations"]


def names(page: Any) -> list[str]:
    """Return the contacts of a page."""
    return [edge["node"]["contact"]["firstName"] for edge in page["edges"]]


async def populate(world: World, count: int) -> None:
    """Let as many contacts write, one after another."""
    for number in range(count):
        await world.hear("Hello", sender=f"c{number:02}")


@pytest.mark.parametrize("sort", ["NEWEST_MESSAGE", "OLDEST_MESSAGE"])
async def test_walking_while_conversations_move(api: Api, world: World, sort: str) -> None:
    await populate(world, 10)
    await world.hear("Hello", sender="c05")
    moved = {"C03", "C05", "C08"}
    seen: list[str] = []
    cursor = None
    movers = ["c03", "c08", "c05"]
    while True:
        page = await page_of(api, world, sort=sort, first=3, after=cursor)
        seen += names(page)
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        if movers:
            await world.hear("Again", sender=movers.pop())

    still = sorted(name for name in seen if name not in moved)
    assert still == sorted(f"C{number:02}" for number in range(10) if f"C{number:02}" not in moved)
    if sort == "NEWEST_MESSAGE":
        assert len(seen) == len(set(seen))
    else:
        assert set(seen) == {f"C{number:02}" for number in range(10)}


@pytest.mark.parametrize("sort", ["NEWEST_MESSAGE", "OLDEST_MESSAGE"])
async def test_backward_is_forward_read_from_its_end(api: Api, world: World, sort: str) -> None:
    await populate(world, 7)
    whole = names(await page_of(api, world, sort=sort))
    seen: list[str] = []
    cursor = None
    while True:
        page = await page_of(api, world, sort=sort, last=3, before=cursor)
        seen = names(page) + seen
        assert page["pageInfo"]["hasNextPage"] is (cursor is not None)
        cursor = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert seen == whole
    assert len(whole) == 7


async def test_between_two_cursors(api: Api, world: World) -> None:
    await populate(world, 6)
    edges = (await page_of(api, world))["edges"]
    between = await page_of(
        api, world, after=edges[1]["cursor"], before=edges[4]["cursor"], first=10
    )
    assert names(between) == ["C03", "C02"]
    assert between["pageInfo"]["hasPreviousPage"] is True


async def test_an_empty_inbox(api: Api, world: World) -> None:
    assert await page_of(api, world) == {
        "pageInfo": {
            "hasNextPage": False,
            "hasPreviousPage": False,
            "startCursor": None,
            "endCursor": None,
        },
        "edges": [],
    }


@pytest.mark.parametrize("cursor", ["", "x", "WzFd", "WyIyMDI2LTExLTIyVDEyOjAwOjAwIiwxXQ"])
async def test_a_foreign_cursor_is_a_typed_error(api: Api, world: World, cursor: str) -> None:
    for side in ("after", "before"):
        answer = await api.run(world.owner, PAGE, id=inbox_id(world, "ALL"), **{side: cursor})
        assert answer["data"] == {"inbox": None}
        assert [error["extensions"] for error in answer["errors"]] == [{"code": "BAD_USER_INPUT"}]


async def test_a_page_costs_the_same_whatever_its_size(api: Api, world: World) -> None:
    await populate(world, 25)
    team = await world.team()
    ada = await world.add("Ada", team=team)
    for row in await Conversation.all():
        await succeed(api, world.owner, "assignConversation", row, assigneeId=ada.id)
        await succeed(api, ada, "markConversationRead", row)
    totals = {}
    for size in (1, 2, 25):
        with sql.count_statements() as counter:
            data = await api.ask(ada, FULL_PAGE, id=inbox_id(world, "ALL"), first=size)
        found = data["inbox"]["conversations"]["nodes"]
        assert len(found) == size
        assert {len(node["timeline"]["nodes"]) for node in found} == {3}
        totals[size] = counter.total
    assert totals == {1: 12, 2: 12, 25: 12}
