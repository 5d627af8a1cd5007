"""Notifications: one for each member whom a comment mentions, as long as they see its contact."""

import asyncio
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError

from models.conversation import Conversation
from models.engine import sql
from models.member import Member, Restriction, Role, Visibility
from models.notification import Notification
from realtime.notification_events import (
    NotificationAdded,
    NotificationChanged,
    NotificationFact,
    NotificationsArchived,
)
from resolvers.block import block_contact, unblock_contact
from resolvers.comment import add_comment
from resolvers.contact_deletion import delete_contact
from resolvers.contact_merge import merge_contacts
from resolvers.mention import MAX_MENTIONS
from schema.ids import encode_id
from tests.acting import api_key, conversation_id
from tests.test_comment import act, add
from tests.world import Api, Person, World, make_world, run_jobs, snapshot

SHOWN = """
  id kind isArchived actor { name } contact { name } conversation { id } comment { text }
"""
LIST = f"""
query ($id: ID!, $isArchived: Boolean, $first: Int, $after: String) {{
  workspace(id: $id) {{ unarchivedNotificationCount }}
  notifications(workspaceId: $id, isArchived: $isArchived, first: $first, after: $after) {{
    pageInfo {{ hasNextPage endCursor }} nodes {{ {SHOWN} }}
  }}
}}
"""
NODE = "query ($id: ID!) { node(id: $id) { id } }"
EVENTS = """
query ($id: ID!, $after: String!) { events(workspaceId: $id, after: $after, first: 100) { nodes {
  __typename
  ... on NotificationAdded { notification { id } }
  ... on NotificationChanged { notification { id } }
} } }
"""
CURSOR = "query ($id: ID!) { workspace(id: $id) { eventCursor } }"
TABLES = ("notification", "comment", "comment_mention", "event")


def document(name: str) -> str:
    """Return the operation of a mutation on notifications."""
    shown = "workspace { unarchivedNotificationCount }"
    if name != "archiveAllNotifications":
        shown = "notification { id isArchived }"
    return (
        f"mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input)"
        f" {{ {shown} userErrors {{ code message field }} }} }}"
    )


async def listed(api: Api, who: Any, world: World, **given: Any) -> Any:
    """Return somebody's notifications, of which as many are new as is counted."""
    data = await api.ask(who, LIST, id=world.id, **given)
    nodes = data["notifications"]["nodes"]
    if not given:
        new = [one for one in nodes if not one["isArchived"]]
        assert data["workspace"]["unarchivedNotificationCount"] == len(new)
    return nodes


async def noted(world: World) -> list[NotificationFact]:
    """Return what was told of notifications."""
    return [fact for fact in await world.facts() if isinstance(fact, NotificationFact)]


async def told(api: Api, who: Any, world: World, after: str) -> list[Any]:
    """Return what somebody is told of notifications after a cursor."""
    nodes = (await api.ask(who, EVENTS, id=world.id, after=after))["events"]["nodes"]
    return [one for one in nodes if "Notification" in one["__typename"]]


async def give(row: Conversation, person: Person | None) -> None:
    """Let a conversation be somebody's."""
    await Conversation.filter(id=row.id).update(assignee_id=person.member.id if person else None)


async def test_a_mention_notifies_once_who_sees_the_contact(api: Api, world: World) -> None:
    row = await world.conversation("Carla")
    ada, bob = await world.add("Ada"), await world.add("Bob")
    blind = await world.add("Ian", visibility=Visibility.OWN)
    gone = await world.add("Zoe")
    everybody: Any = {"mentionedMemberIds": [who.id for who in (ada, bob, blind, gone)]}
    calls = [add(api, ada, row, idempotencyKey="k", **everybody) for _ in range(4)]
    made = (await asyncio.gather(*calls))[-1]
    expected = {
        "kind": "MENTION",
        "isArchived": False,
        "actor": {"name": "Ada"},
        "contact": {"name": "Carla"},
        "conversation": {"id": conversation_id(row)},
        "comment": {"text": "Look"},
    }
    [mine] = await listed(api, bob, world)
    assert mine == expected | {"id": mine["id"]}
    assert len(await listed(api, gone, world)) == 1
    for who in (ada, blind, world.owner):  # who wrote it, who sees nothing, who is not mentioned
        assert await listed(api, who, world) == []
    # who comes to see it is not notified then, and who no longer is active is not, either
    await give(row, blind)
    await Member.filter(id=gone.member.id).update(is_active=False)
    change: dict[str, Any] = {"commentId": made["id"], "text": "Look again"}
    await act(api, ada, "updateComment", **change | everybody)
    assert await listed(api, blind, world) == []
    for ids in ([], [bob.id, blind.id]):
        await act(api, ada, "updateComment", **change, mentionedMemberIds=ids)
    [other] = await listed(api, blind, world)  # this mention is new, and they see it
    assert await listed(api, bob, world) == [mine | {"comment": {"text": "Look again"}}]
    assert [type(fact) for fact in await noted(world)] == [NotificationAdded] * 3
    await act(api, ada, "deleteComment", commentId=made["id"])
    for who, one in ((bob, mine), (blind, other)):
        assert await listed(api, who, world) == []
        answer = await api.run(who, NODE, id=one["id"])
        assert answer["errors"][0]["extensions"] == {"code": "NOT_FOUND"}
    assert await Notification.all().count() == 0


async def test_two_edits_at_once_never_notify_twice(api: Api, world: World) -> None:
    row, bob, eve = await world.conversation(), await world.add("Bob"), await world.add("Eve")
    made = await add(api, world.owner, row)
    for _ in range(3):
        change = {"commentId": made["id"], "mentionedMemberIds": [bob.id, eve.id]}
        edits = [
            act(api, world.owner, "updateComment", text=f"Text {number}", **change)
            for number in range(4)
        ]
        assert all(one["userErrors"] == [] for one in await asyncio.gather(*edits))
        await act(api, world.owner, "updateComment", commentId=made["id"], mentionedMemberIds=[])
    rows = await Notification.all().order_by("member_id")
    assert [one.member_id for one in rows] == [bob.member.id, eve.member.id]
    assert await noted(world) == [
        NotificationAdded(world.workspace.id, one.member_id, one.id) for one in rows
    ]
    names = "workspace_id, member_id, kind, conversation_id, created_at, comment_id"
    for comment in ("comment_id", "NULL"):  # no second one, and no mention without its comment
        copied = names.replace("comment_id", comment)
        copy = f"INSERT INTO notification ({names}) SELECT {copied} FROM notification"
        with pytest.raises(IntegrityError):
            await sql.affected(f"{copy} WHERE id = ?", rows[0].id)


async def test_archiving_is_told_to_the_own_devices_once(api: Api, world: World) -> None:
    row, bob, eve = await world.conversation(), await world.add("Bob"), await world.add("Eve")
    after = (await api.ask(bob, CURSOR, id=world.id))["workspace"]["eventCursor"]
    for text in ("one", "two", "three"):
        await add(api, world.owner, row, text, mentionedMemberIds=[bob.id, eve.id])
    three, two, one = await listed(api, bob, world)
    assert [each["comment"]["text"] for each in (three, two, one)] == ["three", "two", "one"]

    async def move(name: str, **given: Any) -> Any:
        answer = (await api.ask(bob, document(name), input=given))[name]
        assert answer.pop("userErrors") == []
        return answer

    for name, state in (("archiveNotification", True), ("unarchiveNotification", False)) * 2:
        for _ in range(2):
            changed = {"notification": {"id": two["id"], "isArchived": state}}
            assert await move(name, notificationId=two["id"]) == changed
    await move("archiveNotification", notificationId=one["id"])
    assert await listed(api, bob, world, isArchived=True) == [one | {"isArchived": True}]
    page: Any = (await api.ask(bob, LIST, id=world.id, isArchived=False, first=1))["notifications"]
    assert page["nodes"] == [three]
    rest = {"isArchived": False, "first": 1, "after": page["pageInfo"]["endCursor"]}
    assert await listed(api, bob, world, **rest) == [two]
    moves = [move("archiveAllNotifications", workspaceId=world.id) for _ in range(3)]
    done = {"workspace": {"unarchivedNotificationCount": 0}}
    assert await asyncio.gather(*moves) == [done] * 3
    assert len(await listed(api, bob, world, isArchived=True)) == 3
    again = {"__typename": "NotificationChanged", "notification": {"id": two["id"]}}
    assert (await told(api, bob, world, after))[3:] == [
        *[again] * 4,
        {"__typename": "NotificationChanged", "notification": {"id": one["id"]}},
        {"__typename": "NotificationsArchived"},
    ]
    assert [type(fact) for fact in (await noted(world))[6:]] == [
        *[NotificationChanged] * 5,
        NotificationsArchived,
    ]
    assert len(await told(api, eve, world, after)) == len(await listed(api, eve, world)) == 3
    assert await told(api, world.owner, world, after) == []


async def test_what_is_not_ones_own_never_existed(api: Api, world: World) -> None:
    row, bob = await world.conversation(), await world.add("Bob")
    await add(api, world.owner, row, mentionedMemberIds=[bob.id])
    [mine] = await listed(api, bob, world)
    program, stranger = await api_key(world, Role.OWNER), (await make_world("Other")).owner
    before = await snapshot(*TABLES)
    for name in ("archiveNotification", "unarchiveNotification"):
        never = {"notificationId": encode_id("Notification", 999_999)}
        nothing = await api.run(bob, document(name), input=never)
        [error] = nothing["data"][name]["userErrors"]
        assert (error["code"], error["field"]) == ("NOT_FOUND", ["notificationId"])
        for who in (world.owner, program, stranger):
            answer = await api.run(who, document(name), input={"notificationId": mine["id"]})
            assert answer == nothing
    for who, code in ((program, "FORBIDDEN"), (stranger, "NOT_FOUND")):
        answer = await api.ask(
            who, document("archiveAllNotifications"), input={"workspaceId": world.id}
        )
        [error] = answer["archiveAllNotifications"]["userErrors"]
        assert error["code"] == code
        listing = "query ($id: ID!) { notifications(workspaceId: $id) { nodes { id } } }"
        answer = await api.run(who, listing, id=world.id)
        assert answer["errors"][0]["extensions"]["code"] == code
    counted = "query ($id: ID!) { workspace(id: $id) { unarchivedNotificationCount } }"
    data = await api.ask(program, counted, id=world.id)
    assert data == {"workspace": {"unarchivedNotificationCount": 0}}
    assert await snapshot(*TABLES) == before


async def test_it_is_there_as_long_as_the_contact_is_seen(api: Api, world: World) -> None:
    row, hidden = await world.conversation(), await world.conversation("Kim")
    own = await world.add("Own", visibility=Visibility.OWN)
    wary = await world.add("Wary", restrictions=[Restriction.BLOCKED_CONTACTS])
    after = (await api.ask(own, CURSOR, id=world.id))["workspace"]["eventCursor"]
    await give(row, own)
    await add(api, world.owner, row, mentionedMemberIds=[own.id, wary.id])
    await add(api, world.owner, hidden, mentionedMemberIds=[own.id])
    owner = await world.owner.viewer()

    async def check(who: Person, key: str, *, is_there: bool) -> None:
        assert [one["id"] for one in await listed(api, who, world)] == [key] * is_there
        events = await told(api, who, world, after)
        assert [one["notification"]["id"] for one in events] == [key] * is_there
        assert ("errors" in await api.run(who, NODE, id=key)) is not is_there
        before = await snapshot(*TABLES)
        for name in ("unarchiveNotification", "archiveNotification")[: 1 if is_there else 2]:
            answer = await api.ask(who, document(name), input={"notificationId": key})
            codes = [error["code"] for error in answer[name]["userErrors"]]
            assert codes == ([] if is_there else ["NOT_FOUND"])
        everything = {"input": {"workspaceId": world.id}}
        if not is_there:
            await api.ask(who, document("archiveAllNotifications"), **everything)
        assert await snapshot(*TABLES) == before

    [mine], [other] = await listed(api, own, world), await listed(api, wary, world)
    for person in (own, None, own):
        await give(row, person)
        await check(own, mine["id"], is_there=person is own)
    for change in (block_contact, unblock_contact):
        await change(owner, row.contact_id)
        await check(wary, other["id"], is_there=change is unblock_contact)
    await give(hidden, own)  # they came to see it too late
    await check(own, mine["id"], is_there=True)
    await add(api, await api_key(world), row, mentionedMemberIds=[own.id])
    assert [one["actor"] for one in await listed(api, own, world)] == [None, {"name": "Olga"}]


async def test_a_merge_keeps_them_and_a_deletion_none(api: Api, world: World) -> None:
    kept, merged = await world.conversation("Carla"), await world.conversation("Karla")
    bob = await world.add("Bob")
    for row in (kept, merged):
        await add(api, world.owner, row, mentionedMemberIds=[bob.id])
    viewer = await world.owner.viewer()
    await merge_contacts(viewer, kept.contact_id, merged.contact_id)
    await run_jobs()
    found = await listed(api, bob, world)
    assert [one["contact"] for one in found] == [{"name": "Carla"}] * 2
    assert [one["conversation"] for one in found] == [{"id": conversation_id(kept)}] * 2
    await delete_contact(viewer, kept.contact_id)
    assert await listed(api, bob, world) == []
    await run_jobs()
    assert await Notification.all().count() == 0


async def test_they_cost_as_much_however_many_there_are(api: Api, world: World) -> None:
    row = await world.conversation()
    people = [await world.add(f"Agent {number}") for number in range(MAX_MENTIONS)]
    viewer, ids = await world.owner.viewer(), [person.member.id for person in people]
    costs = []
    for count in (0, 1, MAX_MENTIONS):
        with sql.count_statements() as counter:
            await add_comment(viewer, row.id, text="Look", mentioned_member_ids=ids[:count])
        costs.append(counter.total)
    assert costs[1] == costs[2] <= costs[0] + 4  # members, numbers; on SQLite also two inserts
    assert await Notification.all().count() == MAX_MENTIONS + 1
    for number in range(4):
        other = await world.conversation(f"Contact {number}")
        await add_comment(viewer, other.id, text="Look", mentioned_member_ids=ids[1:2])
    reads = []
    for person in people[:2]:
        with sql.count_statements(everywhere=True) as counter:
            found = await listed(api, person, world)
        reads.append((len(found), counter.total))
    assert [count for count, _ in reads] == [2, 5]
    assert reads[0][1] == reads[1][1]
