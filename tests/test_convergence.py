"""Snapshot plus events equals later snapshot: for everybody, whatever happened in between."""

import asyncio
from contextlib import AbstractAsyncContextManager
from functools import partial

import pytest

from models.member import Restriction, Visibility
from schema.ids import encode_id, split_id
from tests.convergence import Client, Row
from tests.crowd import MUTATIONS, Crowd, vendor
from tests.serving import serving
from tests.streaming import repeating
from tests.world import Api, Person, World

SEEDS = (2, 5)
SNAPSHOT_AT = 12
DEADLINE_SECONDS = 60
THE_END = "Zoe"
VOCABULARY = ("Tag", "CustomField", "LifecycleStage")
DEEDS = {"hear", "createContact", "message_echo", "message_status", "expire", "restrict"}
DEEDS |= {f"{deed}{word}" for deed in ("create", "update", "delete") for word in VOCABULARY}
DEEDS |= {"quarantine", "deleteContact", "mergeContacts"}
DEEDS |= {"importContacts", "exportContacts"}
DEEDS |= {"archiveNotification", "unarchiveNotification", "archiveAllNotifications"}
DEEDS |= {"createTeam", "updateTeam", "deleteTeam", "updateMember", "removeMember"}
"""What must have happened beside the mutations, or the test proves less than it says."""


async def people_of(world: World) -> list[Person]:
    team = await world.team()
    return [
        world.owner,
        await world.add("Tim", visibility=Visibility.TEAM, team=team),
        await world.add("Ian", visibility=Visibility.OWN),
        await world.add("Kim", restrictions=[Restriction.BLOCKED_CONTACTS]),
        await world.add("Tia", visibility=Visibility.TEAM, team=team),
    ]


def counted(rows: list[Row]) -> dict[str, int]:
    opened = [row for row in rows if row["status"] == "OPEN"]
    unread = [row for row in opened if row["unreadCount"]]
    return {"openCount": len(opened), "unreadCount": len(unread)}


async def check(client: Client, how: str) -> None:
    """Compare what a client knows by events with what it reads now."""
    fresh = Client(client.api, client.world, client.person)
    inboxes = await fresh.refetch()
    name = client.person.user.name
    assert client.rows == fresh.rows, f"{name}, {how}"
    assert client.notifications == fresh.notifications, f"{name}, {how}"
    new = [one for one in fresh.notifications.values() if not one["isArchived"]]
    assert fresh.new_count == len(new), f"{name}, {how}"
    order = sorted(
        [row for row in client.rows.values() if not row["blockedAt"]],
        key=lambda row: row["lastMessageAt"] or row["createdAt"],
        reverse=True,
    )
    listed = [row["id"] for row in inboxes[0]["conversations"]["nodes"]]
    assert [row["id"] for row in order] == listed, f"{name}, {how}"
    for inbox in inboxes:
        rows = [row for row in client.rows.values() if belongs(row, inbox, client.person)]
        expected = {key: inbox[key] for key in ("openCount", "unreadCount")}
        assert counted(rows) == expected, f"{name}, {how}, {inbox['kind']}"


def belongs(row: Row, inbox: Row, person: Person) -> bool:
    assignee, kind = row["assignee"] or {}, inbox["kind"]
    if kind == "BLOCKED" or row["blockedAt"]:
        return kind == "BLOCKED" and bool(row["blockedAt"])
    if kind == "ALL":
        return True
    if kind == "TEAM":
        team = {"id": encode_id("Team", split_id(inbox["id"])[1])}
        return team in (row["team"], assignee.get("team"))
    if kind == "UNASSIGNED":
        return row["assignee"] is None
    return assignee.get("id") == person.id


@pytest.mark.parametrize("seed", SEEDS)
async def test_snapshot_plus_events_is_a_later_snapshot(api: Api, world: World, seed: int) -> None:
    people = await people_of(world)
    crowd = Crowd(api, world, people, seed)
    followers = [Client(api, world, person) for person in people]
    readers = [Client(api, world, person) for person in people]
    async with asyncio.timeout(DEADLINE_SECONDS), serving(vendor) as base_url:
        await world.connect(base_url)
        await crowd.hear()
        async with asyncio.TaskGroup() as tasks:
            following = []
            for follower in followers:
                await follower.refetch()
                following.append(tasks.create_task(follower.follow(is_the_end)))
            for step, deed in enumerate(crowd.deeds()):
                if step == SNAPSHOT_AT:
                    for reader in readers:
                        await reader.refetch()
                await deed()
            replayers = [reader.again() for reader in readers]
            async with ending(world):
                await asyncio.gather(*following)
        for reader, replayer in zip(readers, replayers, strict=True):
            await reader.catch_up()
            async with ending(world):
                await replayer.follow(is_the_end)
        for how, clients in (("live", followers), ("paged", readers), ("replayed", replayers)):
            for client in clients:
                await check(client, how)
            assert clients[0].hidden == 0
            assert any(client.hidden for client in clients[1:]), how
            assert not any(row["blockedAt"] for row in clients[3].rows.values())
    assert crowd.done == {*MUTATIONS, *DEEDS}


def ending(world: World) -> AbstractAsyncContextManager[None]:
    """Tell of the end over and over: who connects again and reads anew is behind the last one."""
    return repeating(partial(world.add, THE_END))


def is_the_end(event: Row) -> bool:
    member: Row = event.get("member") or {}
    return member.get("name") == THE_END
