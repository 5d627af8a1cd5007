"""Taking over: one member stops the AI agent, whoever is faster, and nothing of it comes late."""

import asyncio
from typing import Any

import pytest

from models.activity import Activity, ActivityKind
from models.conversation import Conversation
from models.engine import sql
from models.job import Job
from models.member import Restriction, Role, Visibility
from models.refusal import Code, Conflict, Refused
from models.team import Team
from realtime.events import ConversationTakenOver
from realtime.jobs import cancel
from realtime.log import encode_cursor, read_head
from realtime.transaction import transaction
from resolvers.assignment import ai_work_of, check_take_over
from schema.ids import encode_id
from tests.acting import (
    MISSING,
    NOT_FOUND,
    act,
    api_key,
    assigned_to,
    check_conflict,
    conversation_id,
    nothing_changes,
    refused,
    succeed,
)
from tests.world import Api, World, make_world

TAKE_OVER = "takeOverConversation"
EVENTS = """
query ($id: ID!, $after: String!) { events(workspaceId: $id, after: $after) { nodes {
  ... on ConversationChanged {
    change conversationId conversation { assignee { ... on Member { id } } }
  }
} } }
"""


async def automated(world: World, name: str = "Carla", team: Team | None = None) -> Conversation:
    """Add a conversation that an AI agent of its own looks after."""
    conversation, robo = await world.conversation(name), await world.ai_agent(f"Robo {name}")
    await Conversation.filter(id=conversation.id).update(
        ai_agent_id=robo.id, team_id=team.id if team is not None else None
    )
    return await Conversation.get(id=conversation.id)


async def enqueue(conversation_id: int, kind: str, ordering_key: str) -> None:
    """Enqueue a job about a conversation."""
    async with transaction() as announce:
        announce.job(kind, {"conversation_id": conversation_id}, ordering_key=ordering_key)


def test_the_rule() -> None:
    conversation = Conversation()
    conversation.assignee_id, conversation.ai_agent_id = None, 7
    assert check_take_over(conversation) == 7
    conversation.ai_agent_id = None
    with pytest.raises(Refused) as refusal:
        check_take_over(conversation)
    assert refusal.value.code is Code.WRONG_STATE
    conversation.assignee_id = 3
    with pytest.raises(Conflict):
        check_take_over(conversation)


async def test_taking_over(api: Api, world: World) -> None:
    sales, ada = await world.team(), await world.add("Ada")
    conversation = await automated(world, team=sales)

    mine = await succeed(api, ada, TAKE_OVER, conversation)

    assert (mine["assignee"], mine["team"], mine["version"]) == (
        {"id": ada.id},
        {"id": encode_id("Team", sales.id)},
        2,
    )
    row = await Conversation.get(id=conversation.id)
    assert (row.assignee_id, row.ai_agent_id, row.handling_epoch) == (ada.member.id, None, 1)
    [line] = await Activity.all()
    assert (line.kind, line.actor_id, line.assignee_id) == (
        ActivityKind.TAKEN_OVER,
        ada.member.id,
        ada.member.id,
    )
    assert (await world.facts())[-1] == ConversationTakenOver(
        world.workspace.id,
        conversation.id,
        assignee_id=ada.member.id,
        previous_ai_agent_id=conversation.ai_agent_id or 0,
        previous_team_id=sales.id,
    )


async def test_it_is_told_as_a_change_of_its_own(api: Api, world: World) -> None:
    ada, conversation = await world.add("Ada"), await automated(world)
    head = await read_head(world.workspace.id)
    await succeed(api, ada, TAKE_OVER, conversation)
    after = encode_cursor(head.epoch, head.seq)
    data = await api.ask(world.owner, EVENTS, id=world.id, after=after)
    assert data["events"]["nodes"] == [
        {
            "change": "TAKEN_OVER",
            "conversationId": conversation_id(conversation),
            "conversation": {"assignee": {"id": ada.id}},
        }
    ]


async def test_who_saw_it_before_is_told_that_it_is_gone(api: Api, world: World) -> None:
    sales = await world.team()
    tim = await world.add("Tim", visibility=Visibility.TEAM, team=sales)
    ian = await world.add("Ian", visibility=Visibility.OWN)
    conversation = await automated(world, team=sales)
    head = await read_head(world.workspace.id)
    await succeed(api, world.owner, TAKE_OVER, conversation)
    await succeed(api, world.owner, "unassignConversation", conversation)
    after = encode_cursor(head.epoch, head.seq)
    gone = {"change": "HIDDEN", "conversationId": conversation_id(conversation)}
    seen = await api.ask(tim, EVENTS, id=world.id, after=after)
    assert seen["events"]["nodes"] == [gone | {"conversation": None}] * 2
    blind = await api.ask(ian, EVENTS, id=world.id, after=after)
    assert blind["events"]["nodes"] == []


async def test_the_same_member_again_changes_nothing(api: Api, world: World) -> None:
    ada, conversation = await world.add("Ada"), await automated(world)
    first = await succeed(api, ada, TAKE_OVER, conversation, expectedVersion=1)
    async with nothing_changes():
        for values in ({}, {"expectedVersion": 1}):  # its answer was lost, and it is sent again
            assert await succeed(api, ada, TAKE_OVER, conversation, **values) == first


async def test_another_member_was_faster(api: Api, world: World) -> None:
    ada = await world.add("Ada")
    conversation = await assigned_to(world, ada)
    async with nothing_changes():
        late = await act(api, world.owner, TAKE_OVER, conversation)
    assert late["userErrors"] == [
        {
            "code": "CONFLICT",
            "message": "Somebody changed this in the meantime.",
            "field": ["conversationId"],
        }
    ]
    assert late["conversation"]["assignee"] == {"id": ada.id}


@pytest.mark.parametrize("has_team", [True, False])
async def test_what_no_ai_agent_has_is_not_taken_over(
    api: Api, world: World, has_team: bool
) -> None:
    conversation = await world.conversation()
    if has_team:
        await Conversation.filter(id=conversation.id).update(team_id=(await world.team()).id)
    async with nothing_changes():
        payload = await act(api, world.owner, TAKE_OVER, conversation)
    sentence = "No AI agent looks after this conversation."
    assert payload == refused("WRONG_STATE", sentence, "conversationId")


async def test_another_version_is_a_conflict(api: Api, world: World) -> None:
    await check_conflict(api, world, TAKE_OVER, await automated(world))


async def test_of_twenty_at_once_one_has_it(api: Api, world: World) -> None:
    conversation = await automated(world)
    people = [await world.add(f"Ada{number}") for number in range(20)]
    await enqueue(conversation.id, "ai_reply", ai_work_of(conversation.id))

    payloads = await asyncio.gather(
        *(act(api, person, TAKE_OVER, conversation) for person in people)
    )

    codes = [[error["code"] for error in payload["userErrors"]] for payload in payloads]
    assert sorted(codes) == [[]] + [["CONFLICT"]] * 19
    winner = people[codes.index([])]
    assert [payload["conversation"]["assignee"] for payload in payloads] == [{"id": winner.id}] * 20
    row = await Conversation.get(id=conversation.id)
    assert (row.assignee_id, row.handling_epoch, row.version) == (winner.member.id, 1, 2)
    told = [fact for fact in await world.facts() if isinstance(fact, ConversationTakenOver)]
    assert [fact.assignee_id for fact in told] == [winner.member.id]
    assert (await Activity.all().count(), await Job.filter(kind="ai_reply").count()) == (1, 0)


async def test_given_back_it_can_be_taken_over_again(api: Api, world: World) -> None:
    ada, conversation = await world.add("Ada"), await automated(world)
    robo = encode_id("AiAgent", conversation.ai_agent_id or 0)
    await succeed(api, world.owner, TAKE_OVER, conversation)
    await succeed(api, ada, "assignConversation", conversation, assigneeId=robo)
    assert (await Conversation.get(id=conversation.id)).handling_epoch == 1
    await succeed(api, ada, TAKE_OVER, conversation)
    assert (await Conversation.get(id=conversation.id)).handling_epoch == 2


WAYS: dict[str, dict[str, Any] | None] = {
    TAKE_OVER: {},
    "assignConversation": None,
    "unassignConversation": {},
}


@pytest.mark.parametrize("name", WAYS)
async def test_what_the_ai_agent_was_about_to_do_is_gone(api: Api, world: World, name: str) -> None:
    conversation, other = await automated(world), await automated(world, "Bob")
    values = WAYS[name] if WAYS[name] is not None else {"assigneeId": world.owner.id}
    for kind in ("ai_reply", "ai_follow_up"):
        await enqueue(conversation.id, kind, ai_work_of(conversation.id))
    await enqueue(other.id, "ai_reply", ai_work_of(other.id))
    await enqueue(conversation.id, "deliver_message", f"conversation:{conversation.id}")
    await sql.affected("UPDATE job SET state = 'RUNNING' WHERE kind = 'ai_reply'")

    await succeed(api, world.owner, name, conversation, **(values or {}))

    left = [(job.kind, job.ordering_key) for job in await Job.all().order_by("id")]
    assert left == [
        ("ai_reply", ai_work_of(conversation.id)),  # it runs, and looks at the epoch
        ("ai_reply", ai_work_of(other.id)),
        ("deliver_message", f"conversation:{conversation.id}"),
    ]


async def test_jobs_come_back_where_the_transaction_does_not_end_well(world: World) -> None:
    conversation = await automated(world)
    await enqueue(conversation.id, "ai_reply", ai_work_of(conversation.id))
    with pytest.raises(RuntimeError):
        async with transaction():
            assert await cancel(ai_work_of(conversation.id)) == 1
            raise RuntimeError
    assert await Job.filter(kind="ai_reply").count() == 1


async def test_who_may_take_over(api: Api, world: World) -> None:
    sales, support = await world.team("Sales"), await world.team("Support")
    seers = [
        world.owner,
        await world.add("Mia", Role.MANAGER, visibility=Visibility.OWN),
        await world.add("All", restrictions=[Restriction.BLOCKED_CONTACTS]),
        await world.add("Tim", visibility=Visibility.TEAM, team=sales),
    ]
    for number, person in enumerate(seers):
        conversation = await automated(world, f"N{number}", sales)
        assert (await succeed(api, person, TAKE_OVER, conversation))["assignee"] == {
            "id": person.id
        }
    hidden = await automated(world, "Hidden", sales)
    blind = [
        await world.add("Sue", visibility=Visibility.TEAM, team=support),
        await world.add("Own", visibility=Visibility.OWN, team=sales),
        (await make_world("Other")).owner,
    ]
    programs = [await api_key(world), await api_key(world, Role.OWNER)]
    async with nothing_changes():
        for one in blind:
            assert await act(api, one, TAKE_OVER, hidden) == NOT_FOUND
        for missing in MISSING:
            assert await act(api, world.owner, TAKE_OVER, missing) == NOT_FOUND
        for program in programs:
            payload = await act(api, program, TAKE_OVER, hidden)
            assert payload == refused("FORBIDDEN", "Only members take over conversations.")
