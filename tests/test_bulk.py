"""Bulk: what is done to many is what is done to one, whatever becomes of the others."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.conversation import Conversation
from models.engine import sql
from models.message import Message
from models.refusal import Code, Refused
from models.workspace import ClosingNoteMode, Workspace
from realtime.events import Fact
from resolvers.bulk import MAX_ITEMS, check_conversations
from resolvers.closing import create_closing_note_category
from schema.ids import encode_id
from tests.acting import (
    MISSING,
    NOT_FOUND_SENTENCE,
    STATE,
    api_key,
    assigned_to,
    conversation_id,
    make_cast,
    nothing_changes,
    succeed,
)
from tests.world import Api, Person, World, make_world

UNTIL = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0).isoformat()
TWINS = {
    "openConversations": "openConversation",
    "assignConversations": "assignConversation",
    "unassignConversations": "unassignConversation",
    "closeConversations": "closeConversation",
    "snoozeConversations": "snoozeConversation",
    "unsnoozeConversations": "unsnoozeConversation",
    "markConversationsRead": "markConversationRead",
    "markConversationsUnread": "markConversationUnread",
}
"""Each bulk mutation, and the single one that it does to each."""
BEFORE = {
    "openConversations": "closeConversation",
    "unassignConversations": "assignConversation",
    "unsnoozeConversations": "snoozeConversation",
    "markConversationsUnread": "markConversationRead",
}
"""What is to be done first, so that the mutation has something to change."""
READING = ("markConversationsRead", "markConversationsUnread")


def values_for(name: str, who: Person) -> dict[str, Any]:
    """Return what a mutation takes beside the conversations."""
    if name.startswith("assign"):
        return {"assigneeId": who.id}
    return {"until": UNTIL} if name.startswith("snooze") else {}


async def act(api: Api, who: Person | str, name: str, rows: Any, **values: Any) -> Any:
    """Use a bulk mutation on conversations or ids; return its payload."""
    kind = name[0].upper() + name[1:]
    ids = [row if isinstance(row, str) else conversation_id(row) for row in rows]
    document = (
        f"mutation ($input: {kind}Input!) {{ {name}(input: $input) {{ results {{"
        f" conversationId conversation {{ {STATE} }} userErrors {{ code message field }} }}"
        " userErrors { code message field } } }"
    )
    data = await api.ask(who, document, input={"conversationIds": ids, **values})
    return data[name]


def refused(key: str, code: str, message: str, *field: str, conversation: Any = None) -> Any:
    """Return the result of an item that was refused."""
    error = {"code": code, "message": message, "field": list(field)}
    return {"conversationId": key, "conversation": conversation, "userErrors": [error]}


def missing(key: str, place: int) -> Any:
    """Return the result of an id under which nothing is seen."""
    return refused(key, "NOT_FOUND", NOT_FOUND_SENTENCE, "conversationIds", str(place))


def telling(state: dict[str, Any]) -> dict[str, Any]:
    """Return what does not differ between conversations that the same was done to."""
    alike = {key: state[key] for key in ("status", "version", "unreadCount", "assignee")}
    alike["snooze"] = state["snooze"] and state["snooze"]["until"]
    return alike | {"waits": state["unrepliedSince"] is not None}


def kinds(facts: list[Fact], row: Message) -> list[type]:
    """Return what was told of a conversation."""
    return [type(one) for one in facts if getattr(one, "conversation_id", 0) == row.conversation_id]


@pytest.mark.parametrize(
    ("count", "fits"), [(0, False), (1, True), (MAX_ITEMS, True), (MAX_ITEMS + 1, False)]
)
def test_how_many_a_list_holds(count: int, fits: bool) -> None:
    keys = list(range(1, count + 1))
    if fits:
        check_conversations(keys)
    else:
        with pytest.raises(Refused) as refusal:
            check_conversations(keys)
        assert (refusal.value.code, refusal.value.field) == (Code.INVALID, ("conversationIds",))


@pytest.mark.parametrize("name", TWINS)
async def test_each_is_as_after_the_single_action(api: Api, world: World, name: str) -> None:
    values = values_for(name, world.owner)
    rows = [await world.hear("Hello", sender=f"c{number}") for number in range(4)]
    if first := BEFORE.get(name):
        for row in rows:
            await succeed(api, world.owner, first, row, **values_for(first, world.owner))
    single = await succeed(api, world.owner, TWINS[name], rows[0], **values)

    payload = await act(api, world.owner, name, [rows[2], rows[1], rows[3]], **values)

    assert payload["userErrors"] == []
    results = payload["results"]
    assert [one["conversationId"] for one in results] == [
        conversation_id(rows[place]) for place in (2, 1, 3)
    ]
    for one in results:
        assert one["userErrors"] == []
        assert one["conversation"]["id"] == one["conversationId"]
        assert telling(one["conversation"]) == telling(single)
    facts = await world.facts()
    assert [kinds(facts, row) for row in rows] == [kinds(facts, rows[0])] * 4


@pytest.mark.parametrize("name", [name for name in TWINS if name != "snoozeConversations"])
async def test_again_changes_nothing(api: Api, world: World, name: str) -> None:
    values = values_for(name, world.owner)
    rows = [await world.hear("Hello", sender=f"c{number}") for number in range(2)]
    await act(api, world.owner, name, rows, **values)
    async with nothing_changes():
        payload = await act(api, world.owner, name, rows, **values)
    assert [one["userErrors"] for one in payload["results"]] == [[], []]


@pytest.mark.parametrize("name", TWINS)
async def test_a_bad_list_is_refused_as_a_whole(api: Api, world: World, name: str) -> None:
    row = await world.conversation()
    padded = conversation_id(row) + "=" * (-len(conversation_id(row)) % 4)
    many = [encode_id("Conversation", 1000 + number) for number in range(MAX_ITEMS + 1)]
    size = "A list holds 1 to 100 conversations."
    twice = "A list names each conversation once."
    async with nothing_changes():
        for rows, sentence in (
            ([], size),
            (many, size),
            ([row, many[0], row], twice),
            ([padded, row], twice),
        ):
            values = values_for(name, world.owner)
            assert await act(api, world.owner, name, rows, **values) == {
                "results": [],
                "userErrors": [
                    {"code": "INVALID", "message": sentence, "field": ["conversationIds"]}
                ],
            }


async def test_a_refusal_is_of_that_one_alone(api: Api, world: World) -> None:
    foreign = await (await make_world("Other")).conversation()
    rows = [await world.hear("Hello", sender=f"c{number}") for number in range(3)]
    await succeed(api, world.owner, "assignConversation", rows[1], assigneeId=world.owner.id)
    ada = await world.add("Ada")
    listed = [rows[0], foreign, rows[1], MISSING[0], rows[2]]

    payload = await act(
        api, world.owner, "assignConversations", listed, assigneeId=ada.id, ifUnassigned=True
    )

    given, hidden, taken, never, last = payload["results"]
    assert payload["userErrors"] == []
    assert [given["userErrors"], last["userErrors"]] == [[], []]
    assert hidden == missing(conversation_id(foreign), 1)
    assert never == missing(MISSING[0], 3)
    assert taken["userErrors"] == [
        {
            "code": "CONFLICT",
            "message": "Somebody changed this in the meantime.",
            "field": ["ifUnassigned"],
        }
    ]
    assert taken["conversation"]["assignee"] == {"id": world.owner.id}
    holders = [(await Conversation.get(id=row.conversation_id)).assignee_id for row in rows]
    assert holders == [ada.member.id, world.owner.member.id, ada.member.id]


async def test_each_value_is_refused_as_by_the_single_action(api: Api, world: World) -> None:
    rows = [await world.hear("Hello", sender=f"c{number}") for number in range(2)]
    past = datetime(2020, 1, 1, tzinfo=UTC).isoformat()
    for name, field, value, code in (
        ("assignConversations", "assigneeId", encode_id("Member", 999), "NOT_FOUND"),
        ("assignConversations", "assigneeId", "?", "NOT_FOUND"),
        ("closeConversations", "categoryId", encode_id("ClosingNoteCategory", 9), "NOT_FOUND"),
        ("closeConversations", "categoryId", encode_id("Member", 1), "NOT_FOUND"),
        ("closeConversations", "summary", "x" * 2001, "TOO_LONG"),
        ("snoozeConversations", "until", past, "TIME_IN_PAST"),
    ):
        async with nothing_changes():
            payload = await act(api, world.owner, name, rows, **{field: value})
        found = [
            (one["conversation"], error["code"], error["field"])
            for one in payload["results"]
            for error in one["userErrors"]
        ]
        assert found == [(None, code, [field])] * 2, name


async def test_a_closing_note_is_kept_with_each(api: Api, world: World) -> None:
    required = {"closing_note_mode": ClosingNoteMode.CATEGORY_REQUIRED}
    await Workspace.filter(id=world.workspace.id).update(**required)
    viewer = await world.owner.viewer()
    category = await create_closing_note_category(viewer, world.workspace.id, name="Solved")
    rows = [await world.hear("Hello", sender=f"c{number}") for number in range(2)]
    note = {"categoryId": encode_id("ClosingNoteCategory", category.id), "summary": "Spam"}
    async with nothing_changes():
        without = await act(api, world.owner, "closeConversations", rows)
    assert {one["userErrors"][0]["code"] for one in without["results"]} == {"NOTE_REQUIRED"}

    await act(api, world.owner, "closeConversations", rows, **note)

    kept = await sql.rows("SELECT note_category, note_summary FROM episode")
    assert [tuple(row.values()) for row in kept] == [("Solved", "Spam")] * 2


@pytest.mark.parametrize("name", TWINS)
async def test_who_may(api: Api, world: World, name: str) -> None:
    cast = await make_cast(world)
    values = values_for(name, cast.assignee)
    for kind, who in cast.seers.items():
        row = await assigned_to(world, cast.assignee, kind)
        [one] = (await act(api, who or "", name, [row], **values))["results"]
        if kind == "program" and name in READING:
            forbidden = refused(conversation_id(row), "FORBIDDEN", "Only members have read marks.")
            assert one == forbidden
        else:
            assert (one["userErrors"], one["conversation"]["id"]) == ([], conversation_id(row))
    hidden = conversation_id(await assigned_to(world, cast.assignee))
    listed = [*MISSING, hidden]
    async with nothing_changes():
        for blind in cast.blind.values():
            payload = await act(api, blind, name, listed, **values)
            assert payload["userErrors"] == []
            assert payload["results"] == [missing(key, place) for place, key in enumerate(listed)]


async def test_a_program_changes_many(api: Api, world: World) -> None:
    rows = [await world.hear("Hello", sender=f"c{number}") for number in range(2)]
    payload = await act(api, await api_key(world), "closeConversations", rows)
    assert [one["conversation"]["status"] for one in payload["results"]] == ["CLOSED"] * 2
    sources = await sql.rows("SELECT closed_source FROM episode")
    assert [row["closed_source"] for row in sources] == ["API", "API"]
