"""Bulk with many: what it costs, what runs at once, and what breaks on the way."""

import asyncio
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse

from models.conversation import Conversation
from models.engine import sql
from realtime.events import ConversationClosed
from resolvers import closing
from resolvers.bulk import MAX_ITEMS
from schema.ids import encode_id
from schema.limits import measure
from schema.root import build_schema
from tests.acting import conversation_id
from tests.test_bulk import act
from tests.world import Api, World

LISTED = "{conversationIds: $ids}"
OPEN = "openConversations(input: {input}) {{ results {{ conversationId }} }}"
VARIABLE = f"mutation ($input: OpenConversationsInput!) {{ {OPEN.format(input='$input')} }}"


@pytest.mark.parametrize(
    ("text", "variables", "cost"),
    [
        (f"mutation {{ {OPEN.format(input='{conversationIds: [1, 2, 3]}')} }}", {}, 37),
        (f"mutation {{ {OPEN.format(input='{conversationIds: 1}')} }}", {}, 13),
        (f"mutation {{ {OPEN.format(input='{conversationIds: []}')} }}", {}, 13),
        (
            f"mutation ($ids: [ID!]!) {{ {OPEN.format(input=LISTED)} }}",
            {"ids": ["1"] * 4},
            49,
        ),
        (
            f"mutation ($ids: [ID!]! = [1, 2]) {{ {OPEN.format(input=LISTED)} }}",
            {},
            25,
        ),
        (VARIABLE, {"input": {"conversationIds": ["1"] * 5}}, 61),
        (VARIABLE, {"input": {"conversationIds": ["1"] * 5000}}, 1201),
        (VARIABLE, {"input": {"conversationIds": "1"}}, 13),
        (VARIABLE, {"input": None}, 3),
        (VARIABLE.replace("!)", "! = {conversationIds: [1, 2]})"), {}, 25),
    ],
)
def test_each_item_is_counted(text: str, variables: dict[str, Any], cost: int) -> None:
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    assert measure(build_schema()._schema, document, operation, variables).cost == cost


async def test_a_list_that_comes_as_a_variable_is_counted_each_time(api: Api, world: World) -> None:
    fields = " ".join(f"f{number}: id" for number in range(15))
    document = (
        "mutation ($input: OpenConversationsInput!) { openConversations(input: $input)"
        f" {{ results {{ conversation {{ {fields} contact {{ ...C ...C }} }} }} }} }}"
        f" fragment C on Contact {{ {'id ' * 12} }}"
    )
    codes = []
    for size in (1, 100, 1):
        ids = [encode_id("Conversation", 900 + number) for number in range(size)]
        answer = await api.run(world.owner, document, input={"conversationIds": ids})
        codes.append([error["extensions"]["limit"] for error in answer.get("errors", [])])
    assert codes == [[], ["cost"], []]


async def test_two_at_once_change_each_conversation_once(api: Api, world: World) -> None:
    rows = [await world.hear("Hello", sender=f"c{number}") for number in range(4)]
    other = await world.add("Ada")
    payloads = await asyncio.gather(
        act(api, world.owner, "closeConversations", rows),
        act(api, other, "closeConversations", rows[::-1]),
    )
    for payload in payloads:
        assert [one["userErrors"] for one in payload["results"]] == [[]] * 4
        assert {one["conversation"]["status"] for one in payload["results"]} == {"CLOSED"}
    closed = [fact for fact in await world.facts() if isinstance(fact, ConversationClosed)]
    assert len(closed) == len(rows)


async def test_answering_costs_the_same_however_many(api: Api, world: World) -> None:
    rows = [await world.hear("Hello", sender=f"c{number}") for number in range(12)]
    full = "conversation { id unreadCount contact { name } lastMessage { text } team { id }"
    full += " assignee { ... on Member { name user { email } } } }"
    extra = {}
    for size in (1, 2, 12):
        totals = []
        for selection in ("conversationId", full):
            document = (
                "mutation ($input: MarkConversationsReadInput!) { markConversationsRead("
                f"input: $input) {{ results {{ {selection} userErrors {{ code }} }} }} }}"
            )
            ids = [conversation_id(row) for row in rows[:size]]
            given = {"input": {"conversationIds": ids}}
            await api.ask(world.owner, document, **given)  # from now on it changes nothing
            with sql.count_statements() as counter:
                await api.ask(world.owner, document, **given)
            totals.append(counter.total)
        extra[size] = totals[1] - totals[0]
    assert len(set(extra.values())) == 1
    assert extra[1] <= 3


async def test_a_full_list_is_done(api: Api, world: World) -> None:
    rows = [await world.conversation(f"N{number}") for number in range(MAX_ITEMS)]
    payload = await act(api, world.owner, "openConversations", rows)
    assert [one["conversation"]["id"] for one in payload["results"]] == [
        conversation_id(row) for row in rows
    ]
    assert {one["conversation"]["status"] for one in payload["results"]} == {"OPEN"}


async def test_what_was_done_before_something_breaks_stays_done(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [await world.hear("Hello", sender=f"c{number}") for number in range(3)]
    real = closing.close_now

    async def breaking(conversation: Any, *rest: Any) -> None:
        if conversation.id == rows[1].conversation_id:
            raise RuntimeError("a bug")
        await real(conversation, *rest)

    monkeypatch.setattr(closing, "close_now", breaking)
    ids = [conversation_id(row) for row in rows]
    document = (
        "mutation ($input: CloseConversationsInput!) { closeConversations(input: $input)"
        " { results { conversationId } } }"
    )
    answer = await api.run(world.owner, document, input={"conversationIds": ids})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["INTERNAL"]
    found = [(await Conversation.get(id=row.conversation_id)).status.value for row in rows]
    assert found == ["CLOSED", "OPEN", "OPEN"]
