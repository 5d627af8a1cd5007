"""Assignment to AI agents and teams: who can be given what, what stays, and what is told."""

import asyncio
from typing import Any

import pytest

from models.activity import Activity, ActivityKind
from models.ai_agent import AiAgent
from models.clock import now
from models.conversation import Conversation
from models.engine import sql
from models.member import Member, Restriction, Visibility
from models.refusal import Code, Refused
from models.team import Team
from realtime.events import ConversationAssigned, ConversationUnassigned, decode
from resolvers.assignment import Target, check_ai_agent, check_assignee, check_choice, is_with
from schema.ids import encode_id
from tests.acting import act, assigned_to, check_rights, nothing_changes, refused, succeed
from tests.world import Api, World, make_world

TIMELINE = """
query ($id: ID!) { conversation(id: $id) { timeline { nodes { ... on Activity {
  kind team { name } assignee { __typename ... on Member { name } ... on AiAgent { name } }
} } } } }
"""
ONE_OF_BOTH = refused("INVALID", "Give an assignee or a team, and only one of them.", "assigneeId")


def id_of(row: AiAgent | Team) -> str:
    """Return the global id of an AI agent or a team."""
    return encode_id(type(row).__name__, row.id)


@pytest.mark.parametrize("given", [(None, None, None), (1, 1, None), (1, None, 1), (1, 1, 1)])
def test_one_target_and_only_one(given: Any) -> None:
    with pytest.raises(Refused) as refusal:
        check_choice(*given)
    assert refusal.value.code is Code.INVALID
    for place in range(3):
        check_choice(*(1 if number == place else None for number in range(3)))


@pytest.mark.parametrize(
    ("workspace_id", "is_active", "code"),
    [
        (5, True, None),
        (5, False, Code.INVALID),
        (6, True, Code.NOT_FOUND),
        (None, True, Code.NOT_FOUND),
    ],
)
def test_the_rule_for_ai_agents(workspace_id: int | None, is_active: bool, code: Any) -> None:
    conversation, agent = Conversation(), None
    conversation.workspace_id = 5
    if workspace_id is not None:
        agent = AiAgent(is_active=is_active)
        agent.workspace_id = workspace_id
    if code is None:
        assert check_ai_agent(agent, conversation) is agent
        return
    with pytest.raises(Refused) as refusal:
        check_ai_agent(agent, conversation)
    assert (refusal.value.code, refusal.value.field) == (code, ("assigneeId",))


@pytest.mark.parametrize("is_blocked", [True, False])
@pytest.mark.parametrize("restrictions", ["", "BLOCKED_CONTACTS", "A,BLOCKED_CONTACTS", "X"])
def test_the_rule_for_blocked_contacts(is_blocked: bool, restrictions: str) -> None:
    conversation, member = Conversation(), Member(is_active=True, restrictions=restrictions)
    conversation.workspace_id = member.workspace_id = 5
    conversation.blocked_at = now() if is_blocked else None
    if is_blocked and "BLOCKED_CONTACTS" in restrictions:
        with pytest.raises(Refused) as refusal:
            check_assignee(member, conversation)
        assert (refusal.value.code, refusal.value.field) == (Code.INVALID, ("assigneeId",))
    else:
        assert check_assignee(member, conversation) is member


def test_nobody_is_a_target_of_its_own() -> None:
    conversation = Conversation()
    conversation.assignee_id = conversation.ai_agent_id = conversation.team_id = None
    assert is_with(conversation, Target())
    conversation.team_id = 7
    assert not is_with(conversation, Target())
    assert is_with(conversation, Target(team_id=7))
    conversation.ai_agent_id = 3
    assert not is_with(conversation, Target(team_id=7))


async def test_from_hand_to_hand(api: Api, world: World) -> None:
    conversation, robo, sales = (
        await world.conversation(),
        await world.ai_agent(),
        await world.team(),
    )
    ada = await world.add("Ada", team=await world.team("Support"))
    targets = ({"assigneeId": ada.id}, {"teamId": id_of(sales)}, {"assigneeId": id_of(robo)})
    found = []
    for values in (*targets, targets[0], targets[2], targets[1]):
        row = await succeed(api, world.owner, "assignConversation", conversation, **values)
        epoch = (await Conversation.get(id=conversation.id)).handling_epoch
        found.append((row["assignee"], row["team"], row["version"], epoch))
    person, agent, team = {"id": ada.id}, {"id": id_of(robo)}, {"id": id_of(sales)}
    assert found == [
        (person, None, 2, 0),
        (None, team, 3, 0),
        (agent, team, 4, 0),
        (person, team, 5, 1),
        (agent, team, 6, 1),
        (None, team, 7, 2),
    ]
    here = (world.workspace.id, conversation.id)
    left = (ada.member.id, ada.member.team_id)
    assert [fact for fact in await world.facts() if isinstance(fact, ConversationAssigned)] == [
        ConversationAssigned(*here, ada.member.id, None, None, None),
        ConversationAssigned(*here, None, *left, None, team_id=sales.id),
        ConversationAssigned(*here, None, None, None, sales.id, ai_agent_id=robo.id),
        ConversationAssigned(*here, ada.member.id, None, None, sales.id),
        ConversationAssigned(*here, None, *left, sales.id, ai_agent_id=robo.id),
        ConversationAssigned(*here, None, None, None, sales.id, team_id=sales.id),
    ]


async def test_the_timeline_tells_who_got_it(api: Api, world: World) -> None:
    conversation, robo = await world.conversation(), await world.ai_agent()
    ada, sales = await world.add("Ada"), await world.team()
    for values in ({"teamId": id_of(sales)}, {"assigneeId": id_of(robo)}, {"assigneeId": ada.id}):
        await succeed(api, world.owner, "assignConversation", conversation, **values)
    data = await api.ask(world.owner, TIMELINE, id=encode_id("Conversation", conversation.id))
    assert data["conversation"]["timeline"]["nodes"] == [
        {"kind": "ASSIGNED", "assignee": None, "team": {"name": "Sales"}},
        {"kind": "ASSIGNED", "assignee": {"__typename": "AiAgent", "name": "Robo"}, "team": None},
        {"kind": "ASSIGNED", "assignee": {"__typename": "Member", "name": "Ada"}, "team": None},
    ]


async def test_unassigning_takes_it_from_all(api: Api, world: World) -> None:
    conversation, robo, sales = (
        await world.conversation(),
        await world.ai_agent(),
        await world.team(),
    )
    for values in ({"teamId": id_of(sales)}, {"assigneeId": id_of(robo)}):
        await succeed(api, world.owner, "assignConversation", conversation, **values)
    free = await succeed(api, world.owner, "unassignConversation", conversation)
    assert (free["assignee"], free["team"]) == (None, None)
    row = await Conversation.get(id=conversation.id)
    assert (row.ai_agent_id, row.team_id, row.handling_epoch) == (None, None, 1)
    assert (await world.facts())[-1] == ConversationUnassigned(
        world.workspace.id, conversation.id, None, None, previous_team_id=sales.id
    )
    line = await Activity.all().order_by("-seq").first()
    assert line is not None
    assert (line.kind, line.ai_agent_id, line.team_id) == (ActivityKind.UNASSIGNED, None, None)


async def test_giving_it_to_who_has_it_changes_nothing(api: Api, world: World) -> None:
    for name, row in (("assigneeId", await world.ai_agent()), ("teamId", await world.team())):
        conversation = await world.conversation()
        values = {name: id_of(row)}
        await succeed(api, world.owner, "assignConversation", conversation, **values)
        async with nothing_changes():
            for options in ({}, {"ifUnassigned": True}):
                await succeed(
                    api, world.owner, "assignConversation", conversation, **values, **options
                )


async def test_neither_nor_both(api: Api, world: World) -> None:
    conversation, sales = await world.conversation(), await world.team()
    async with nothing_changes():
        for values in (
            {},
            {"assigneeId": None, "teamId": None},
            {"assigneeId": world.owner.id, "teamId": id_of(sales)},
        ):
            payload = await act(api, world.owner, "assignConversation", conversation, **values)
            assert payload == ONE_OF_BOTH


async def test_inactive_foreign_and_missing_targets_are_refused(api: Api, world: World) -> None:
    other, conversation = await make_world("Other"), await world.conversation()
    robo = await world.ai_agent()
    await AiAgent.filter(id=robo.id).update(is_active=False)
    sales = await world.team()
    missing = {
        "assigneeId": [id_of(await other.ai_agent()), encode_id("AiAgent", 999), id_of(sales)],
        "teamId": [id_of(await other.team()), encode_id("Team", 999), world.owner.id, "", "?"],
    }
    async with nothing_changes():
        values = {"assigneeId": id_of(robo)}
        inactive = await act(api, world.owner, "assignConversation", conversation, **values)
        assert inactive == refused(
            "INVALID", "Only active AI agents can be assigned.", "assigneeId"
        )
        for name, keys in missing.items():
            unknown = refused("NOT_FOUND", "Nothing was found under this id.", name)
            for key in keys:
                given = {name: key}
                payload = await act(api, world.owner, "assignConversation", conversation, **given)
                assert payload == unknown


async def test_an_inactive_ai_agent_keeps_what_it_has(api: Api, world: World) -> None:
    conversation, robo = await world.conversation(), await world.ai_agent()
    await Conversation.filter(id=conversation.id).update(ai_agent_id=robo.id)
    await AiAgent.filter(id=robo.id).update(is_active=False)
    sales = await world.team()
    row = await succeed(api, world.owner, "assignConversation", conversation, teamId=id_of(sales))
    assert (row["assignee"], row["team"]) == (None, {"id": id_of(sales)})


async def test_who_does_not_see_blocked_contacts_is_given_none(api: Api, world: World) -> None:
    conversation = await world.conversation()
    barred = await world.add("Ada", restrictions=[Restriction.BLOCKED_CONTACTS])
    bob, values = await world.add("Bob"), {"assigneeId": barred.id}
    await Conversation.filter(id=conversation.id).update(blocked_at=now())
    async with nothing_changes():
        payload = await act(api, world.owner, "assignConversation", conversation, **values)
    assert payload == refused("INVALID", "This member does not see blocked contacts.", "assigneeId")
    await succeed(api, world.owner, "assignConversation", conversation, assigneeId=bob.id)
    await Conversation.filter(id=conversation.id).update(blocked_at=None)
    await succeed(api, world.owner, "assignConversation", conversation, **values)


@pytest.mark.parametrize("holder", ["member", "AI agent"])
async def test_if_unassigned_settles_for_who_was_first(api: Api, world: World, holder: str) -> None:
    ada, robo, sales = await world.add("Ada"), await world.ai_agent(), await world.team()
    key = ada.id if holder == "member" else id_of(robo)
    other = id_of(robo) if holder == "member" else ada.id
    conversation = await world.conversation()
    name, first = "assignConversation", {"teamId": id_of(sales)}
    await succeed(api, world.owner, name, conversation, **first)
    await succeed(api, world.owner, name, conversation, assigneeId=key, ifUnassigned=True)
    async with nothing_changes():
        for values in ({"assigneeId": other}, first):
            late = await act(api, world.owner, name, conversation, ifUnassigned=True, **values)
            assert [error["code"] for error in late["userErrors"]] == ["CONFLICT"]
            assert late["conversation"]["assignee"] == {"id": key}


async def test_a_race_of_people_and_ai_agents_has_one_winner(api: Api, world: World) -> None:
    conversation = await world.conversation()
    keys: list[str] = [(await world.add(f"A{number}")).id for number in range(3)]
    keys += [id_of(await world.ai_agent(f"R{number}")) for number in range(3)]
    payloads = await asyncio.gather(
        *(
            act(
                api,
                world.owner,
                "assignConversation",
                conversation,
                ifUnassigned=True,
                assigneeId=key,
            )
            for key in keys
        )
    )
    codes = [[error["code"] for error in payload["userErrors"]] for payload in payloads]
    assert sorted(codes) == [[]] + [["CONFLICT"]] * 5
    winner = keys[codes.index([])]
    assert [one["conversation"]["assignee"] for one in payloads] == [{"id": winner}] * 6
    facts = [fact for fact in await world.facts() if isinstance(fact, ConversationAssigned)]
    assert len(facts) == await Activity.all().count() == 1


async def test_given_to_an_ai_agent_it_is_out_of_sight_for_who_sees_their_own(
    api: Api, world: World
) -> None:
    ada = await world.add("Ada", visibility=Visibility.OWN)
    conversation, robo = await assigned_to(world, ada), await world.ai_agent()
    gone = await succeed(api, ada, "assignConversation", conversation, assigneeId=id_of(robo))
    assert gone["assignee"] == {"id": id_of(robo)}
    again = await act(api, ada, "unassignConversation", conversation)
    assert again == refused("NOT_FOUND", "Nothing was found under this id.", "conversationId")


async def test_who_may_assign_to_ai_agents_and_teams(api: Api, world: World) -> None:
    await check_rights(api, world, "assignConversation", assigneeId=id_of(await world.ai_agent()))


async def test_of_both_handlers_the_database_keeps_one(world: World) -> None:
    conversation, robo = await assigned_to(world, world.owner), await world.ai_agent()
    with pytest.raises(Exception, match=r"(?i)check"):
        await sql.affected(
            "UPDATE conversation SET ai_agent_id = ? WHERE id = ?", robo.id, conversation.id
        )


def test_what_was_told_before_there_were_ai_agents_can_be_read() -> None:
    old = (
        '{"workspace_id":1,"conversation_id":2,"assignee_id":3,"previous_assignee_id":null,'
        '"previous_assignee_team_id":null,"previous_team_id":4}'
    )
    assert decode("ConversationAssigned", old) == ConversationAssigned(1, 2, 3, None, None, 4)
