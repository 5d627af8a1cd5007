"""Assignment: who looks after a conversation, one at a time, whoever is faster."""

import asyncio
from typing import Any

import pytest

from models.activity import Activity, ActivityKind
from models.conversation import Conversation
from models.member import Member, Visibility
from models.refusal import Code, Refused
from realtime.events import ConversationAssigned, ConversationUnassigned
from resolvers.assignment import check_assignee
from schema.ids import encode_id
from tests.acting import (
    act,
    assigned_to,
    check_conflict,
    check_rights,
    conversation_id,
    nothing_changes,
    refused,
    succeed,
)
from tests.world import Api, World, make_world

NO_MEMBER = refused("NOT_FOUND", "Nothing was found under this id.", "assigneeId")


@pytest.mark.parametrize(
    ("workspace_id", "is_active", "code"),
    [
        (5, True, None),
        (5, False, Code.INVALID),
        (6, True, Code.NOT_FOUND),
        (6, False, Code.NOT_FOUND),
        (None, True, Code.NOT_FOUND),
    ],
)
def test_the_rule(workspace_id: int | None, is_active: bool, code: Code | None) -> None:
    conversation, member = Conversation(), None
    conversation.workspace_id = 5
    if workspace_id is not None:
        member = Member(is_active=is_active)
        member.workspace_id = workspace_id
    if code is None:
        assert check_assignee(member, conversation) is member
        return
    with pytest.raises(Refused) as refusal:
        check_assignee(member, conversation)
    assert (refusal.value.code, refusal.value.field) == (code, ("assigneeId",))


async def test_assigning_and_giving_on(api: Api, world: World) -> None:
    conversation = await world.conversation()
    ada, bob = await world.add("Ada", team=await world.team()), await world.add("Bob")

    first = await succeed(api, world.owner, "assignConversation", conversation, assigneeId=ada.id)
    second = await succeed(api, ada, "assignConversation", conversation, assigneeId=bob.id)

    assert (first["assignee"], first["version"]) == ({"id": ada.id}, 2)
    assert (second["assignee"], second["version"], second["status"]) == (
        {"id": bob.id},
        3,
        "CLOSED",
    )
    workspace = world.workspace.id
    assert (await world.facts())[-2:] == [
        ConversationAssigned(workspace, conversation.id, ada.member.id, None, None, None),
        ConversationAssigned(
            workspace,
            conversation.id,
            bob.member.id,
            previous_assignee_id=ada.member.id,
            previous_assignee_team_id=ada.member.team_id,
            previous_team_id=None,
        ),
    ]
    lines = await Activity.all().order_by("seq")
    assert [(line.seq, line.kind, line.actor_id, line.assignee_id) for line in lines] == [
        (1, ActivityKind.ASSIGNED, world.owner.member.id, ada.member.id),
        (2, ActivityKind.ASSIGNED, ada.member.id, bob.member.id),
    ]


@pytest.mark.parametrize("values", [{}, {"ifUnassigned": True}])
async def test_assigning_to_the_assignee_changes_nothing(
    api: Api, world: World, values: dict[str, Any]
) -> None:
    ada = await world.add("Ada")
    conversation = await assigned_to(world, ada)
    async with nothing_changes():
        same = await succeed(
            api, world.owner, "assignConversation", conversation, assigneeId=ada.id, **values
        )
    assert (same["assignee"], same["version"]) == ({"id": ada.id}, 1)


async def test_inactive_foreign_and_missing_members_are_refused(api: Api, world: World) -> None:
    ada, stranger = await world.add("Ada"), (await make_world("Other")).owner
    await Member.filter(id=ada.member.id).update(is_active=False)
    conversation = await world.conversation()
    missing = [stranger.id, encode_id("Member", 999), encode_id("User", ada.user.id), "", "?"]
    async with nothing_changes():
        inactive = await act(
            api, world.owner, "assignConversation", conversation, assigneeId=ada.id
        )
        unknown = [
            await act(api, world.owner, "assignConversation", conversation, assigneeId=key)
            for key in missing
        ]
    assert inactive == refused("INVALID", "Only active members can be assigned.", "assigneeId")
    assert unknown == [NO_MEMBER] * len(missing)


async def test_who_is_too_late_gets_the_conversation_as_it_is(api: Api, world: World) -> None:
    ada = await world.add("Ada")
    conversation = await assigned_to(world, ada)
    async with nothing_changes():
        payload = await act(
            api,
            world.owner,
            "assignConversation",
            conversation,
            assigneeId=world.owner.id,
            ifUnassigned=True,
        )
    assert payload["userErrors"] == [
        {
            "code": "CONFLICT",
            "message": "Somebody changed this in the meantime.",
            "field": ["ifUnassigned"],
        }
    ]
    assert payload["conversation"]["assignee"] == {"id": ada.id}


async def test_a_race_for_an_unassigned_conversation_has_one_winner(api: Api, world: World) -> None:
    conversation = await world.conversation()
    people = [await world.add(f"Ada{number}") for number in range(5)]

    payloads = await asyncio.gather(
        *(
            act(
                api,
                person,
                "assignConversation",
                conversation,
                assigneeId=person.id,
                ifUnassigned=True,
            )
            for person in people
        )
    )

    codes = [[error["code"] for error in payload["userErrors"]] for payload in payloads]
    assert sorted(codes) == [[]] + [["CONFLICT"]] * 4
    winner = people[codes.index([])]
    assert [payload["conversation"]["assignee"] for payload in payloads] == [{"id": winner.id}] * 5
    assert (await Conversation.get(id=conversation.id)).assignee_id == winner.member.id
    assigned = [fact for fact in await world.facts() if isinstance(fact, ConversationAssigned)]
    assert [fact.assignee_id for fact in assigned] == [winner.member.id]


async def test_unassigning(api: Api, world: World) -> None:
    ada, team = await world.add("Ada", team=await world.team("Sales")), await world.team("Support")
    conversation = await assigned_to(world, ada)
    await Conversation.filter(id=conversation.id).update(team_id=team.id)

    free = await succeed(api, world.owner, "unassignConversation", conversation)

    assert (free["assignee"], free["team"], free["version"]) == (None, None, 2)
    assert (await world.facts())[-1] == ConversationUnassigned(
        world.workspace.id,
        conversation.id,
        previous_assignee_id=ada.member.id,
        previous_assignee_team_id=ada.member.team_id,
        previous_team_id=team.id,
    )
    [line] = await Activity.all()
    assert (line.kind, line.assignee_id) == (ActivityKind.UNASSIGNED, None)


async def test_unassigning_what_nobody_has_changes_nothing(api: Api, world: World) -> None:
    conversation = await world.conversation()
    async with nothing_changes():
        same = await succeed(api, world.owner, "unassignConversation", conversation)
    assert same["version"] == 1


@pytest.mark.parametrize("name", ["assignConversation", "unassignConversation"])
async def test_it_succeeds_also_where_the_viewer_loses_sight(
    api: Api, world: World, name: str
) -> None:
    ada = await world.add("Ada", visibility=Visibility.OWN)
    conversation = await assigned_to(world, ada)
    values = {"assigneeId": world.owner.id} if name == "assignConversation" else {}

    gone = await succeed(api, ada, name, conversation, **values)

    expected = {"id": world.owner.id} if values else None
    assert (gone["id"], gone["assignee"]) == (conversation_id(conversation), expected)
    again = await act(api, ada, name, conversation, **values)
    assert again == refused("NOT_FOUND", "Nothing was found under this id.", "conversationId")


async def test_another_version_is_a_conflict(api: Api, world: World) -> None:
    conversation = await world.conversation()
    await check_conflict(api, world, "assignConversation", conversation, assigneeId=world.owner.id)
    await check_conflict(api, world, "unassignConversation", conversation)


async def test_who_may_assign(api: Api, world: World) -> None:
    await check_rights(api, world, "assignConversation", assigneeId=world.owner.id)


async def test_who_may_unassign(api: Api, world: World) -> None:
    await check_rights(api, world, "unassignConversation")
