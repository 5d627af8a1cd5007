"""The list of contacts under a filter of custom inboxes: it looks at contact and conversation."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from models.ai_agent import AiAgent
from models.clock import now
from models.conversation import Conversation
from models.engine.sql import count_statements
from models.member import Role, Visibility
from models.refusal import Refused
from models.tag import ContactTag, Tag
from resolvers.batches import conversations_by_id
from resolvers.contact_list import list_contacts
from resolvers.filtered import filtered
from resolvers.inbox_filter import Filter, holds
from resolvers.page import PageRequest
from schema.ids import encode_id
from tests.acting import api_key
from tests.properties import hold
from tests.test_contact_sorts import LIST
from tests.test_inbox_filter import filters, populate
from tests.world import Api, Person, World, make_world


async def listed(api: Api, who: Person | str, world: World, **given: Any) -> list[str]:
    """Return the first names of the contacts in a list."""
    data = await api.ask(who, LIST, id=world.id, **given)
    return [node["firstName"] for node in data["contacts"]["nodes"]]


async def fill(world: World) -> dict[str, Any]:
    """Add contacts of each kind; return conditions of which exactly one of them meets each."""
    tag = await Tag.create(
        workspace_id=world.workspace.id, name="VIP", folded_name="vip", created_at=now()
    )
    tagged = await world.contact("tagged")
    await ContactTag.create(contact_id=tagged.id, tag_id=tag.id)
    await world.contact("french", phone="+33612345678", language="fr")
    agent = await AiAgent.create(workspace_id=world.workspace.id, name="Robo", created_at=now())
    robots = await world.conversation("robots")
    await Conversation.filter(id=robots.id).update(ai_agent_id=agent.id)
    owned = await world.conversation("owned")
    await Conversation.filter(id=owned.id).update(assignee_id=world.owner.member.id)
    await world.hear(sender="wrote")
    known = {"operator": "HAS_ANY_OF"}
    return {
        "tagged": {"tag": {**known, "ids": [encode_id("Tag", tag.id)]}},
        "french": {"contactField": {**known, "field": "COUNTRY", "values": ["FR"]}},
        "robots": {"assignee": {**known, "ids": [encode_id("AiAgent", agent.id)]}},
        "owned": {"assignee": {**known, "ids": [world.owner.id]}},
        "Wrote": {"status": {**known, "statuses": ["OPEN"]}},
    }


async def test_a_filter_chooses_contacts(api: Api, world: World) -> None:
    conditions = await fill(world)
    for name, condition in conditions.items():
        assert await listed(api, world.owner, world, filter=condition) == [name]
    both = {"anyOf": [conditions["french"], conditions["owned"]]}
    assert await listed(api, world.owner, world, filter=both) == ["owned", "french"]
    by_name = await listed(api, world.owner, world, filter=both, sort="NAME_A_TO_Z")
    assert by_name == ["french", "owned"]
    assert await listed(api, world.owner, world, filter=both, search="06 12") == ["french"]
    none = {"allOf": [conditions["french"], conditions["owned"]]}
    assert await listed(api, world.owner, world, filter=none) == []


@pytest.mark.parametrize(
    ("role", "visibility", "sees"),
    [
        (Role.OWNER, Visibility.ALL, {"tagged", "owned", "mine", "team"}),
        (Role.MANAGER, Visibility.ALL, {"tagged", "owned", "mine", "team"}),
        (Role.AGENT, Visibility.ALL, {"tagged", "owned", "mine", "team"}),
        (Role.AGENT, Visibility.TEAM, {"mine", "team"}),
        (Role.AGENT, Visibility.OWN, {"mine"}),
    ],
)
async def test_a_filter_shows_only_what_is_visible(
    api: Api, world: World, role: Role, visibility: Visibility, sees: set[str]
) -> None:
    team = await world.team()
    who = await world.add("Ada", role, visibility=visibility, team=team)
    mine, of_team = await world.conversation("mine"), await world.conversation("team")
    await Conversation.filter(id=mine.id).update(assignee_id=who.member.id)
    await Conversation.filter(id=of_team.id).update(team_id=team.id)
    await world.conversation("tagged")
    owned = await world.conversation("owned")
    await Conversation.filter(id=owned.id).update(assignee_id=world.owner.member.id)
    named = {"field": "FIRST_NAME", "operator": "EXISTS"}
    assert set(await listed(api, who, world, filter={"contactField": named})) == sees


async def test_a_program_filters_too(api: Api, world: World) -> None:
    conditions = await fill(world)
    key = await api_key(world)
    assert await listed(api, key, world, filter=conditions["french"]) == ["french"]


async def test_what_the_workspace_does_not_have_is_not_found(api: Api, world: World) -> None:
    stranger = await make_world("Other")
    theirs = await Tag.create(
        workspace_id=stranger.workspace.id, name="VIP", folded_name="vip", created_at=now()
    )
    answers = []
    for tag_id in (theirs.id, 10**9):
        tag = {"operator": "HAS_ANY_OF", "ids": [encode_id("Tag", tag_id)]}
        answers.append(await api.run(world.owner, LIST, id=world.id, filter={"tag": tag}))
    assert answers[0] == answers[1]
    assert answers[0]["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    own = {"status": {"operator": "EXISTS", "statuses": []}}
    hidden = await api.run(stranger.owner, LIST, id=world.id, filter=own)
    assert hidden["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_what_is_no_filter_is_refused(api: Api, world: World) -> None:
    answer = await api.run(world.owner, LIST, id=world.id, filter={"allOf": []})
    [error] = answer["errors"]
    assert (answer["data"], error["message"], error["extensions"]["code"]) == (
        None,
        "A group needs at least one condition.",
        "BAD_USER_INPUT",
    )


async def test_a_page_costs_the_same_whatever_its_size(api: Api, world: World) -> None:
    conditions = await fill(world)
    either = {"anyOf": list(conditions.values())}
    counted = []
    for size in (1, 5):
        with count_statements() as counter:
            found = await listed(api, world.owner, world, filter=either, first=size)
        assert len(found) == size
        counted.append(len(counter.statements))
    assert counted[0] == counted[1] <= 7


async def test_list_and_pure_rule_agree(api: Api, world: World) -> None:
    await populate(world, random.Random(11))
    rows = await conversations_by_id([row.id for row in await Conversation.all()])
    everything = await filtered(list(rows.values()))
    sizes = set()

    @settings(
        max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
    )
    @given(filters())
    async def check(conditions: Filter) -> None:
        viewer = await world.owner.viewer()
        try:
            page = await list_contacts(
                viewer, world.workspace.id, PageRequest(first=100), conditions=conditions
            )
        except Refused:
            return  # it names what there is not
        moment = now()
        expected = {
            row.conversation.contact_id for row in everything if holds(conditions, row, moment)
        }
        assert {row.id for row in page.rows} == expected
        sizes.add(len(expected))

    await hold(check)
    assert len(sizes) > 3, "the examples tell too little"
