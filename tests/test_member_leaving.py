"""Members who left: what becomes of their conversations, and what others are told."""

import asyncio
from typing import Any

import pytest

from models.activity import Activity, ActivityKind
from models.conversation import Conversation
from models.episode import ChangeSource
from models.job import Job
from models.member import Member, Role
from realtime.events import ConversationUnassigned
from resolvers.assignment import assign_conversation
from resolvers.member import RELEASED_AT_ONCE, leave_workspace, remove_member
from tests.acting import assigned_to
from tests.world import Api, World, run_jobs, snapshot


async def test_their_conversations_are_unassigned_with_a_line_and_an_event(
    api: Api, world: World
) -> None:
    team = await world.team()
    ada, ben = await world.add("Ada", team=team), await world.add("Ben")
    mine = [await assigned_to(world, ada, f"C{number}") for number in range(3)]
    other = await assigned_to(world, ben)
    await Conversation.filter(id=mine[0].id).update(team_id=team.id)

    await remove_member(await world.owner.viewer(), ada.member.id)
    assert (await Conversation.get(id=mine[0].id)).assignee_id == ada.member.id
    assert await run_jobs() == 1

    rows = {row.id: row for row in await Conversation.all()}
    assert [rows[one.id].assignee_id for one in mine] == [None] * 3
    assert [rows[one.id].version for one in mine] == [one.version + 1 for one in mine]
    assert rows[mine[0].id].team_id == team.id
    assert rows[other.id].assignee_id == ben.member.id
    lines = await Activity.filter(kind=ActivityKind.UNASSIGNED).order_by("conversation_id")
    assert [(line.conversation_id, line.actor_id, line.source) for line in lines] == [
        (one.id, world.owner.member.id, ChangeSource.USER) for one in mine
    ]
    told = [fact for fact in await world.facts() if isinstance(fact, ConversationUnassigned)]
    assert told == [
        ConversationUnassigned(
            world.workspace.id,
            one.id,
            previous_assignee_id=ada.member.id,
            previous_assignee_team_id=team.id,
            previous_team_id=rows[one.id].team_id,
        )
        for one in mine
    ]


async def test_many_go_a_few_at_a_time(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert RELEASED_AT_ONCE == 50
    monkeypatch.setattr("resolvers.member.RELEASED_AT_ONCE", 2)
    ada = await world.add("Ada")
    for number in range(5):
        await assigned_to(world, ada, f"C{number}")
    await leave_workspace(await ada.viewer(), world.workspace.id)
    assert await run_jobs() == 3
    assert await Conversation.filter(assignee_id=ada.member.id).count() == 0
    assert await Activity.filter(actor_id=ada.member.id).count() == 5
    assert await Job.all().count() == 0


async def test_who_is_back_keeps_what_is_left(api: Api, world: World) -> None:
    ada = await world.add("Ada")
    conversation = await assigned_to(world, ada)
    await remove_member(await world.owner.viewer(), ada.member.id)
    await Member.filter(id=ada.member.id).update(is_active=True)
    before = await snapshot("conversation", "activity", "event")
    assert await run_jobs() == 1
    assert await snapshot("conversation", "activity", "event") == before
    assert (await Conversation.get(id=conversation.id)).assignee_id == ada.member.id


async def test_what_somebody_else_took_meanwhile_stays_theirs(api: Api, world: World) -> None:
    ada, ben = await world.add("Ada"), await world.add("Ben", Role.MANAGER)
    conversation = await assigned_to(world, ada)
    await remove_member(await world.owner.viewer(), ada.member.id)
    await assign_conversation(await ben.viewer(), conversation.id, assignee_id=ben.member.id)
    await run_jobs()
    assert (await Conversation.get(id=conversation.id)).assignee_id == ben.member.id


async def test_removing_again_changes_nothing(api: Api, world: World) -> None:
    ada: Any = await world.add("Ada")
    viewer = await world.owner.viewer()
    await remove_member(viewer, ada.member.id)
    await run_jobs()
    before = await snapshot("member", "event", "job")
    await remove_member(viewer, ada.member.id)
    assert await snapshot("member", "event", "job") == before


async def test_nothing_is_given_to_who_leaves_at_the_same_time(api: Api, world: World) -> None:
    """However they meet: either the assignment is refused, or the conversation is released."""
    viewer = await world.owner.viewer()
    for number in range(5):
        guest = await world.add(f"Guest {number}")
        conversation = await world.conversation(f"C{number}")
        await asyncio.gather(
            assign_conversation(viewer, conversation.id, assignee_id=guest.member.id),
            remove_member(viewer, guest.member.id),
            return_exceptions=True,
        )
        await run_jobs()
        assert (await Conversation.get(id=conversation.id)).assignee_id is None
