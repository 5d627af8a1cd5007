"""Inboxes: what each list holds, and counts that agree with the lists for every viewer."""

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from models.clock import now
from models.conversation import Conversation, ConversationStatus
from models.member import Role, Visibility
from models.team import Team
from schema.ids import encode_id
from tests.access_stage import make_inbox
from tests.acting import api_key, make_cast, succeed
from tests.test_snooze import snooze
from tests.world import Api, Person, World, make_world

INBOXES = """
query ($id: ID!) {
  workspace(id: $id) { inboxes { id kind group name openCount unreadCount unrepliedCount } }
}
"""
LIST = """
query ($id: ID!, $status: ConversationStatus, $unreplied: Boolean! = false,
       $sort: ConversationSort! = NEWEST_MESSAGE) {
  inbox(id: $id) {
    conversations(status: $status, unreplied: $unreplied, sort: $sort, first: 100) {
      nodes { contact { firstName } status unreadCount unrepliedSince }
    }
  }
}
"""
COUNTS = ("openCount", "unreadCount", "unrepliedCount")
TABS = ("OPEN", "CLOSED", "SNOOZED")


def inbox_id(world: World, kind: str) -> str:
    """Return the global id of a standard inbox."""
    return encode_id("StandardInbox", f"{world.workspace.id}.{kind}")


async def nodes(api: Api, who: Person | str, world: World, kind: str, **values: Any) -> Any:
    """Return the conversations of an inbox."""
    return await listed(api, who, inbox_id(world, kind), **values)


async def listed(api: Api, who: Person | str, key: str, **values: Any) -> Any:
    """Return the conversations of the inbox under an id."""
    data = await api.ask(who, LIST, id=key, **values)
    return data["inbox"]["conversations"]["nodes"]


async def names(api: Api, who: Person | str, world: World, kind: str, **values: Any) -> list[str]:
    """Return the contacts of an inbox's conversations, in its order."""
    found = await nodes(api, who, world, kind, **values)
    return [node["contact"]["firstName"] for node in found]


async def test_all_mine_and_unassigned(api: Api, world: World) -> None:
    ada = await world.add("Ada")
    for name in ("one", "two", "three"):
        await world.hear("Hello", sender=name)
    rows = await Conversation.all().order_by("id")
    await succeed(api, ada, "assignConversation", rows[0], assigneeId=ada.id)
    await succeed(api, ada, "assignConversation", rows[1], assigneeId=world.owner.id)

    assert await names(api, ada, world, "ALL") == ["Three", "Two", "One"]
    assert await names(api, ada, world, "MINE") == ["One"]
    assert await names(api, ada, world, "UNASSIGNED") == ["Three"]
    assert await names(api, world.owner, world, "MINE") == ["Two"]


async def test_what_an_ai_agent_has_is_not_unassigned_but_a_teams_is(
    api: Api, world: World
) -> None:
    for name in ("automatic", "team", "free"):
        await world.hear("Hello", sender=name)
    rows = await Conversation.all().order_by("id")
    robo, sales = await world.ai_agent(), await world.team()
    for row, target in (
        (rows[0], {"assigneeId": encode_id("AiAgent", robo.id)}),
        (rows[1], {"teamId": encode_id("Team", sales.id)}),
    ):
        await succeed(api, world.owner, "assignConversation", row, **target)

    assert await names(api, world.owner, world, "UNASSIGNED") == ["Free", "Team"]
    assert await names(api, world.owner, world, "MINE") == []
    data = await api.ask(world.owner, INBOXES, id=world.id)
    counts = {one["kind"]: one["openCount"] for one in data["workspace"]["inboxes"]}
    assert counts == {"ALL": 3, "MINE": 0, "UNASSIGNED": 2, "TEAM": 1}


async def test_tabs_divide_the_list(api: Api, world: World) -> None:
    opened, closed = await world.conversation("Opened"), await world.conversation("Closed")
    for_open = await world.conversation("For open")
    for_closed = await world.conversation("For closed")
    for row in (opened, for_open):
        await succeed(api, world.owner, "openConversation", row)
    for row in (for_open, for_closed):
        await snooze(api, world, row, hours=1)

    assert await names(api, world.owner, world, "ALL", status="OPEN") == ["Opened"]
    assert await names(api, world.owner, world, "ALL", status="CLOSED") == ["Closed"]
    snoozed = ["For closed", "For open"]
    assert await names(api, world.owner, world, "ALL", status="SNOOZED") == snoozed
    assert len(await names(api, world.owner, world, "ALL")) == 4
    assert closed.status is ConversationStatus.CLOSED


async def test_sorts_follow_the_last_message(api: Api, world: World) -> None:
    for name in ("one", "two", "three", "one"):
        await world.hear("Hello", sender=name)

    newest = ["One", "Three", "Two"]
    assert await names(api, world.owner, world, "ALL", sort="NEWEST_MESSAGE") == newest
    assert await names(api, world.owner, world, "ALL", sort="OLDEST_MESSAGE") == newest[::-1]


async def test_unreplied_is_who_waits(api: Api, world: World) -> None:
    for name in ("one", "two", "three"):
        await world.hear("Hello", sender=name)
    rows = await Conversation.all().order_by("id")
    await succeed(api, world.owner, "closeConversation", rows[0])
    await world.conversation("Silent")
    await succeed(api, world.owner, "markConversationRead", rows[1])

    assert await names(api, world.owner, world, "ALL", unreplied=True) == ["Three", "Two"]
    assert len(await names(api, world.owner, world, "ALL", unreplied=False)) == 4
    assert await names(api, world.owner, world, "ALL", unreplied=True, status="CLOSED") == []


async def test_names_are_in_the_viewers_language(api: Api, world: World) -> None:
    french = await world.add("Fleur", language="fr")
    data = await api.ask(french, INBOXES, id=world.id)
    shown = [inbox["name"] for inbox in data["workspace"]["inboxes"]]
    data = await api.ask(world.owner, INBOXES, id=world.id)
    assert [inbox["name"] for inbox in data["workspace"]["inboxes"]] == [
        "All",
        "Mine",
        "Unassigned",
    ]
    assert len(shown) == 3 and shown != ["All", "Mine", "Unassigned"]


async def _populate(world: World, people: list[Person | None], teams: list[Team | None]) -> None:
    """Add a conversation for each assignee, team and status, some with a message."""
    statuses = list(ConversationStatus)[:2]
    cases = list(itertools.product(people, teams, statuses))
    for number, (person, team, status) in enumerate(cases):
        conversation = await world.conversation(f"Contact{number}")
        await Conversation.filter(id=conversation.id).update(
            assignee_id=person.member.id if person else None,
            team_id=team.id if team else None,
            status=status,
            incoming_count=number // 3 % 2,
        )


async def test_counts_agree_with_lists_for_every_viewer(api: Api, world: World) -> None:
    cast = await make_cast(world)
    mine, other = cast.blind["agent who sees their own"], cast.blind["agent of another team"]
    await _populate(world, [None, cast.assignee, mine, other, world.owner], [None, cast.team])
    read = await Conversation.filter(
        incoming_count=1, status="OPEN", assignee_id=mine.member.id
    ).first()
    assert read is not None
    await succeed(api, mine, "markConversationRead", read)
    await Conversation.filter(id__in=[3, 6, 9, 12, 15]).update(unreplied_since=now())
    await make_inbox(world.owner)
    viewers: Mapping[str, Any] = {**cast.seers, **cast.blind}
    for kind, who in viewers.items():
        if kind == "owner of another workspace":
            continue
        inboxes = (await api.ask(who, INBOXES, id=world.id))["workspace"]["inboxes"]
        for inbox in inboxes:
            everything = await listed(api, who, inbox["id"])
            tabs = {tab: await listed(api, who, inbox["id"], status=tab) for tab in TABS}
            assert sum(len(tab) for tab in tabs.values()) == len(everything)
            unread = [node for node in tabs["OPEN"] if node["unreadCount"]]
            waiting = [node for node in tabs["OPEN"] if node["unrepliedSince"]]
            expected = (len(tabs["OPEN"]), len(unread), len(waiting))
            counts = tuple(inbox[name] for name in COUNTS)
            assert counts == expected, (kind, inbox["kind"])


async def test_who_sees_what(api: Api, world: World) -> None:
    cast = await make_cast(world)
    blind = cast.blind
    await _populate(world, [None, cast.assignee, world.owner], [None, cast.team])
    team = blind["agent of another team"]
    sees = {
        "owner": (12, 4, 4),
        "manager": (12, 0, 4),
        "agent who sees all": (12, 0, 4),
        "agent of the assignee's team": (8, 0, None),
        "assignee": (4, 4, None),
        "program": (12, None, 4),
    }
    for kind, expected in sees.items():
        assert await _sizes(api, cast.seers[kind], world) == expected, kind
    for who in (team, blind["agent without team"], blind["agent who sees their own"]):
        assert await _sizes(api, who, world) == (0, 0, None)


async def _sizes(api: Api, who: Any, world: World) -> tuple[int | None, ...]:
    """Return how many conversations All, Mine and Unassigned have; None without such an inbox."""
    inboxes = (await api.ask(who, INBOXES, id=world.id))["workspace"]["inboxes"]
    kinds = [inbox["kind"] for inbox in inboxes]
    sizes = [
        len(await nodes(api, who, world, kind)) if kind in kinds else None
        for kind in ("ALL", "MINE", "UNASSIGNED")
    ]
    return tuple(sizes)


async def test_an_inbox_that_one_does_not_have_never_existed(api: Api, world: World) -> None:
    own = await world.add("Own", Role.AGENT, visibility=Visibility.OWN)
    stranger = (await make_world("Other")).owner
    program = await api_key(world)
    missing = await api.run(world.owner, LIST, id=encode_id("StandardInbox", "999.ALL"))
    assert missing["data"] == {"inbox": None}
    assert [error["extensions"]["code"] for error in missing["errors"]] == ["NOT_FOUND"]
    number = world.workspace.id
    for who, key in (
        (own, f"{number}.UNASSIGNED"),
        (program, f"{number}.MINE"),
        (stranger, f"{number}.ALL"),
        (world.owner, f"{number}.BLOCKED"),
        (world.owner, f"0{number}.ALL"),
        (world.owner, "9" * 5000 + ".ALL"),
        (world.owner, "\N{ARABIC-INDIC DIGIT ONE}.ALL"),
        (world.owner, "ALL"),
    ):
        assert await api.run(who, LIST, id=encode_id("StandardInbox", key)) == missing


@pytest.mark.parametrize("arguments", ["first: 0", "first: 101", "last: 0", "first: 1, last: 1"])
async def test_a_page_size_out_of_range_is_a_typed_error(
    api: Api, world: World, arguments: str
) -> None:
    part = f"conversations({arguments}) {{ nodes {{ id }} }}"
    text = f"query ($id: ID!) {{ inbox(id: $id) {{ {part} }} }}"
    answer = await api.run(world.owner, text, id=inbox_id(world, "ALL"))
    assert answer["data"] == {"inbox": None}
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "BAD_USER_INPUT"}]
