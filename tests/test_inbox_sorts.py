"""Sorts of a tab: by message and by time in it, each with its index, exact while rows move."""

from datetime import timedelta

import pytest

from models.clock import now
from models.contact import Contact
from models.conversation import Conversation, ConversationStatus
from models.engine import sql
from tests.acting import succeed
from tests.plans import Listening
from tests.test_inbox import inbox_id, names
from tests.test_snooze import snooze
from tests.world import Api, World

WALK = """
query ($id: ID!, $status: ConversationStatus, $sort: ConversationSort!, $after: String) {
  inbox(id: $id) {
    conversations(status: $status, sort: $sort, first: 2, after: $after) {
      pageInfo { hasNextPage endCursor } nodes { statusSince contact { firstName } }
    }
  }
}
"""


async def fill(api: Api, world: World) -> None:
    """Open, close and snooze three conversations each, one after another."""
    for name in ("one", "two", "three"):
        await world.hear("Hello", sender=f"open_{name}")
        await world.hear("Hello", sender=f"closed_{name}")
        await world.hear("Hello", sender=f"snoozed_{name}")
    rows = {row.id: row for row in await Conversation.all().select_related("contact")}
    for row in rows.values():
        if row.contact.first_name.startswith("Closed"):
            await succeed(api, world.owner, "closeConversation", row)
        if row.contact.first_name.startswith("Snoozed"):
            await snooze(api, world, row, hours=1)


@pytest.mark.parametrize("status", ["OPEN", "CLOSED", "SNOOZED"])
async def test_longest_and_shortest_in_a_tab(api: Api, world: World, status: str) -> None:
    await fill(api, world)
    await world.hear("Again", sender="open_one")
    title = status.title()
    longest = [f"{title}_{name}" for name in ("One", "Two", "Three")]
    by_time = {"status": status, "sort": "LONGEST"}
    assert await names(api, world.owner, world, "ALL", **by_time) == longest
    by_time["sort"] = "SHORTEST"
    assert await names(api, world.owner, world, "ALL", **by_time) == longest[::-1]


async def test_the_time_of_a_tab_is_that_of_its_state(api: Api, world: World) -> None:
    born = await world.conversation("Born")
    assert born.status_since == born.created_at
    await succeed(api, world.owner, "openConversation", born)
    opened = await Conversation.get(id=born.id)
    assert opened.status_since == opened.opened_at
    await snooze(api, world, born, hours=1)
    snoozed = await Conversation.get(id=born.id)
    assert snoozed.status_since == snoozed.snoozed_at
    await succeed(api, world.owner, "unsnoozeConversation", born)
    assert (await Conversation.get(id=born.id)).status_since == opened.opened_at
    await succeed(api, world.owner, "closeConversation", born)
    closed = await Conversation.get(id=born.id)
    assert closed.status_since == closed.closed_at


@pytest.mark.parametrize("sort", ["LONGEST", "SHORTEST"])
async def test_in_all_there_is_no_such_order(api: Api, world: World, sort: str) -> None:
    answer = await api.run(world.owner, WALK, id=inbox_id(world, "ALL"), sort=sort)
    assert answer["data"] == {"inbox": None}
    [error] = answer["errors"]
    assert error["message"] == "Longest and shortest are about one tab: say which `status`."
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_walk_by_time_while_others_move(api: Api, world: World) -> None:
    for number in range(6):
        await world.hear("Hello", sender=f"c{number}")
    seen: list[str] = []
    cursor = None
    while True:
        variables = {"id": inbox_id(world, "ALL"), "status": "OPEN", "sort": "LONGEST"}
        data = await api.ask(world.owner, WALK, **variables, after=cursor)
        page = data["inbox"]["conversations"]
        seen += [node["contact"]["firstName"] for node in page["nodes"]]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        await world.hear("Again", sender="c5")
        first = await Conversation.all().order_by("id").first()
        await succeed(api, world.owner, "closeConversation", first)
    assert seen == [f"C{number}" for number in range(6)]


async def test_a_cursor_is_of_one_sort(api: Api, world: World) -> None:
    await world.hear("Hello")
    variables = {"id": inbox_id(world, "ALL"), "status": "OPEN"}
    data = await api.ask(world.owner, WALK, **variables, sort="LONGEST")
    cursor = data["inbox"]["conversations"]["pageInfo"]["endCursor"]
    answer = await api.run(world.owner, WALK, **variables, sort="NEWEST_MESSAGE", after=cursor)
    [error] = answer["errors"]
    assert (error["message"], error["extensions"]["code"]) == (
        "This cursor is not one of this list.",
        "BAD_USER_INPUT",
    )


@pytest.mark.parametrize("sort", ["NEWEST_MESSAGE", "OLDEST_MESSAGE", "LONGEST", "SHORTEST"])
@pytest.mark.parametrize("kind", ["ALL", "MINE"])
async def test_each_sort_reads_along_its_index(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch, sort: str, kind: str
) -> None:
    """With many rows the plan walks an index in the wanted order: nothing is sorted."""
    await _multiply(world, 2000)
    heard = Listening(monkeypatch)
    assert len(await names(api, world.owner, world, kind, status="OPEN", sort=sort)) == 100
    [one] = [one for one in heard.sent if "ORDER BY c." in one[0]]
    plan = await heard.plan(one)
    assert "idx_conversatio" in plan, plan
    assert "Sort" not in plan and "TEMP B-TREE" not in plan, plan


async def _multiply(world: World, count: int) -> None:
    """Add many conversations: half of them open, and half of these the owner's."""
    moment, own = now(), world.workspace.id
    await Contact.bulk_create(
        Contact(workspace_id=own, first_name=f"B{number}", created_at=moment)
        for number in range(count)
    )
    await Conversation.bulk_create(
        Conversation(
            workspace_id=own,
            contact_id=row.id,
            status=(ConversationStatus.OPEN, ConversationStatus.CLOSED)[number % 2],
            assignee_id=world.owner.member.id if number % 4 < 2 else None,
            last_message_at=moment - timedelta(seconds=number),
            status_since=moment - timedelta(seconds=count - number),
            opened_at=moment,
            created_at=moment,
        )
        for number, row in enumerate(await Contact.filter(workspace_id=own).order_by("id"))
    )
    await sql.affected("ANALYZE")
