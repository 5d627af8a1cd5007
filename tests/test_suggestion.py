"""Suggestions of a composer: what begins like what was typed, at most 20, for who may see it."""

from typing import Any

import pytest

from models.custom_field import CustomFieldKind
from models.engine import sql
from models.member import Role, Visibility
from resolvers.assignment import assign_conversation
from resolvers.custom_field import create_custom_field
from resolvers.snippet import create_snippet
from resolvers.suggestion import rank
from schema.ids import encode_id
from tests.acting import MISSING, NOT_FOUND_SENTENCE, api_key
from tests.world import Api, World, make_world

SUGGEST = """
query ($id: ID!, $trigger: SuggestionTrigger!, $text: String!) {
  composerSuggestions(conversationId: $id, trigger: $trigger, text: $text) {
    name ... on SnippetSuggestion { snippet { name text } }
    ... on VariableSuggestion { variable { name label } }
    ... on MentionSuggestion { member { name } }
  }
}
"""


async def suggested(api: Api, who: Any, row: Any, trigger: str, text: str = "") -> list[str]:
    """Return the names of what is offered."""
    key = encode_id("Conversation", row.id)
    data = await api.ask(who, SUGGEST, id=key, trigger=trigger, text=text)
    return [one["name"] for one in data["composerSuggestions"]]


@pytest.mark.parametrize(
    ("name", "typed", "place"),
    [
        ("opening hours", "open", 0),
        ("opening hours", "h", 1),
        ("opening", "pen", None),
        ("a", "", 0),
    ],
)
def test_names_are_told_by_where_a_word_begins(name: str, typed: str, place: int | None) -> None:
    assert rank(name, typed) == place


async def test_snippets_by_name_then_by_words(api: Api, world: World) -> None:
    owner, row = await world.owner.viewer(), await world.conversation()
    for name in ("Zoo hours", "Heures", "Été: héros", "100% hot", "her_", "herb"):
        await create_snippet(owner, world.workspace.id, name=name, text="x")
    other = await make_world("Other")
    await create_snippet(await other.owner.viewer(), other.workspace.id, name="Hers", text="x")
    for text, found in (
        ("HÉ", ["her_", "herb", "Heures", "Été: héros"]),
        ("her_", ["her_"]),
        ("100%", ["100% hot"]),
        ("h", ["her_", "herb", "Heures", "100% hot", "Été: héros", "Zoo hours"]),
        ("oo", []),
    ):
        for who in (world.owner, await api_key(world)):
            assert await suggested(api, who, row, "SNIPPET", text) == found, text
    for number in range(20):
        await create_snippet(owner, world.workspace.id, name=f"a{number:02}", text="x")
    offered = await suggested(api, world.owner, row, "SNIPPET")
    assert offered == ["100% hot", *(f"a{number:02}" for number in range(19))]


async def test_variables_by_name_and_by_what_they_are_called(api: Api, world: World) -> None:
    owner, row = await world.owner.viewer(), await world.conversation()
    for name, slug in (("Äpfel", "Apples"), ("Firma", "firm")):
        await create_custom_field(
            owner, world.workspace.id, name=name, slug=slug, kind=CustomFieldKind.TEXT
        )
    for text, found in (
        ("contact.f", ["$contact.firstname", "$contact.firm"]),
        ("CURRENT_T", ["$system.current_time"]),
        ("apf", ["$contact.Apples"]),
        ("first", ["$contact.firstname", "$assignee.firstname"]),
        ("téléphone", []),
    ):
        assert await suggested(api, world.owner, row, "VARIABLE", text) == found, text
    french = await world.add("Léa", language="fr")
    assert await suggested(api, french, row, "VARIABLE", "telephone") == ["$contact.phone"]
    assert len(await suggested(api, french, row, "VARIABLE")) == 18


async def test_members_who_may_see_the_contact(api: Api, world: World) -> None:
    row, sales = await world.conversation(), await world.team("Sales")
    await world.add("Ödön Nagy", Role.MANAGER, visibility=Visibility.OWN)
    await world.add("Anna Ott", team=sales, visibility=Visibility.TEAM)
    mine = await world.add("Otto", visibility=Visibility.OWN)
    gone = await world.add("Oskar")
    gone.member.is_active = False
    await gone.member.save(update_fields=["is_active"])
    await (await make_world("Other")).add("Oprah")
    assert await suggested(api, world.owner, row, "MENTION", "o") == ["Ödön Nagy", "Olga"]
    await assign_conversation(await world.owner.viewer(), row.id, assignee_id=mine.member.id)
    assert await suggested(api, mine, row, "MENTION", "OT") == ["Otto"]
    await assign_conversation(await world.owner.viewer(), row.id, team_id=sales.id)
    assert await suggested(api, world.owner, row, "MENTION", "ó") == [
        "Ödön Nagy",
        "Olga",
        "Anna Ott",
    ]


async def test_who_sees_nothing_is_offered_nothing(api: Api, world: World) -> None:
    row = await world.conversation()
    blind = await world.add("Ian", visibility=Visibility.OWN)
    stranger = (await make_world("Other")).owner
    key = encode_id("Conversation", row.id)
    for trigger in ("SNIPPET", "VARIABLE", "MENTION"):
        for who, asked in ((blind, key), (stranger, key), (world.owner, MISSING[0])):
            answer = await api.run(who, SUGGEST, id=asked, trigger=trigger, text="")
            [error] = answer["errors"]
            assert (error["message"], error["extensions"]["code"]) == (
                NOT_FOUND_SENTENCE,
                "NOT_FOUND",
            )


async def test_offers_cost_a_constant_number_of_statements(api: Api, world: World) -> None:
    row, owner = await world.conversation(), await world.owner.viewer()
    costs: dict[str, set[int]] = {}
    for number in range(3):
        await create_snippet(owner, world.workspace.id, name=f"S{number}", text="x")
        await world.add(f"M{number}")
        for trigger in ("SNIPPET", "VARIABLE", "MENTION"):
            with sql.count_statements() as counter:
                await suggested(api, world.owner, row, trigger)
            costs.setdefault(trigger, set()).add(counter.total)
    assert all(len(one) == 1 and max(one) <= 4 for one in costs.values()), costs
