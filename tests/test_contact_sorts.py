"""Sorts of contacts: each exact in both directions, with its index, its cursors its own."""

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from tortoise.connection import get_connections

from models.clock import now
from models.contact import Contact
from models.conversation import Conversation, ConversationStatus
from models.engine import sql
from models.folding import folded
from models.member import Restriction, Visibility
from resolvers.contact_details import fold_details
from tests.plans import Listening
from tests.world import Api, Person, World

LIST = """
query ($id: ID!, $sort: ContactSort, $search: String, $filter: InboxFilterInput, $first: Int,
       $after: String, $last: Int, $before: String) {
  contacts(workspaceId: $id, sort: $sort, search: $search, filter: $filter, first: $first,
           after: $after, last: $last, before: $before) {
    nodes { firstName lastName }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
SORTS = ("NEWEST", "OLDEST", "NAME_A_TO_Z", "NAME_Z_TO_A", "NEWEST_MESSAGE", "OLDEST_MESSAGE")
PEOPLE = (
    ("Zoë", ""),
    ("", ""),
    ("élodie", "Ünal"),
    ("Elodie", "Martin"),
    ("anna", ""),
    ("Łukasz", ""),
    ("Straße", ""),
    ("STRASSE", ""),
    ("Anna", "B"),
)
"""In the order in which they became known; they wrote in the order of `WROTE`."""
WROTE = (4, 0, 8, 2, 6, 1, 7, 3, 5)
BY_NAME = (1, 4, 8, 3, 2, 6, 7, 0, 5)
"""Nobody's name first, accents and case aside; a letter of its own follows z."""
ORDERS = {"NEWEST": tuple(range(9))[::-1], "NAME_A_TO_Z": BY_NAME, "NEWEST_MESSAGE": WROTE[::-1]}
REVERSED = {"NEWEST": "OLDEST", "NAME_A_TO_Z": "NAME_Z_TO_A", "NEWEST_MESSAGE": "OLDEST_MESSAGE"}


async def fill(world: World) -> None:
    """Add PEOPLE."""
    moment = now() - timedelta(days=1)
    for number, (first_name, last_name) in enumerate(PEOPLE):
        contact = await world.contact("X")
        contact.first_name, contact.last_name = first_name, last_name
        contact.created_at = moment + timedelta(seconds=number)
        fold_details(contact)
        await contact.save()
        wrote = moment + timedelta(seconds=WROTE.index(number))
        await Conversation.filter(contact_id=contact.id).update(last_message_at=wrote)


async def walk(
    api: Api, who: Person, world: World, size: int, *, backward: bool = False, **given: Any
) -> list[tuple[str, str]]:
    """Return the names of all contacts of a list, page by page."""
    seen: list[tuple[str, str]] = []
    cursor = None
    while True:
        page = {"last": size, "before": cursor} if backward else {"first": size, "after": cursor}
        data = (await api.ask(who, LIST, id=world.id, **page, **given))["contacts"]
        names = [(node["firstName"], node["lastName"]) for node in data["nodes"]]
        seen = names + seen if backward else seen + names
        info = data["pageInfo"]
        cursor = info["startCursor" if backward else "endCursor"]
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            return seen


@pytest.mark.parametrize("sort", ["NEWEST", "NAME_A_TO_Z", "NEWEST_MESSAGE"])
async def test_each_sort_is_exact_both_ways(api: Api, world: World, sort: str) -> None:
    await fill(world)
    expected = [PEOPLE[number] for number in ORDERS[sort]]
    for size in (2, 3, 100):
        assert await walk(api, world.owner, world, size, sort=sort) == expected
        assert await walk(api, world.owner, world, size, sort=sort, backward=True) == expected
        other = REVERSED[sort]
        assert await walk(api, world.owner, world, size, sort=other) == expected[::-1]
        reverse = await walk(api, world.owner, world, size, sort=other, backward=True)
        assert reverse == expected[::-1]


async def test_equal_names_follow_each_other_by_id(api: Api, world: World) -> None:
    for number in range(5):
        contact = await world.contact("Same")
        await Contact.filter(id=contact.id).update(last_name=str(number))
    names = [("Same", str(number)) for number in range(5)]
    assert await walk(api, world.owner, world, 2, sort="NAME_A_TO_Z") == names
    assert await walk(api, world.owner, world, 2, sort="NAME_Z_TO_A") == names[::-1]


async def test_without_a_sort_the_newest_come_first(api: Api, world: World) -> None:
    await fill(world)
    assert await walk(api, world.owner, world, 100) == [PEOPLE[n] for n in ORDERS["NEWEST"]]


async def test_a_name_of_odd_letters_fits_the_index(api: Api, world: World) -> None:
    contact = await world.contact("\ufdfa" * 100)
    assert len(folded(contact.first_name)) == 1800
    assert len(contact.folded_name) == 250
    assert len(await walk(api, world.owner, world, 1, sort="NAME_A_TO_Z")) == 1


async def test_an_edit_moves_a_contact(api: Api, world: World) -> None:
    await world.contact("Bea")
    contact = await world.contact("Ann")
    document = "mutation ($input: UpdateContactInput!) { updateContact(input: $input) {\
        contact { id } userErrors { code } } }"
    found = await api.ask(
        world.owner,
        'query ($id: ID!) { contacts(workspaceId: $id, search: "ann") { nodes { id } } }',
        id=world.id,
    )
    [node] = found["contacts"]["nodes"]
    await api.ask(world.owner, document, input={"contactId": node["id"], "firstName": "Çem"})
    assert (await Contact.get(id=contact.id)).folded_name == "cem"
    names = [("Bea", ""), ("Çem", "")]
    assert await walk(api, world.owner, world, 100, sort="NAME_A_TO_Z") == names


@pytest.mark.parametrize("sort", SORTS)
async def test_a_cursor_is_of_one_sort(api: Api, world: World, sort: str) -> None:
    await world.contact()
    data = await api.ask(world.owner, LIST, id=world.id, sort=sort)
    cursor = data["contacts"]["pageInfo"]["endCursor"]
    for other in SORTS:
        answer = await api.run(world.owner, LIST, id=world.id, sort=other, after=cursor)
        if other in (sort, REVERSED.get(sort)) or sort == REVERSED.get(other):
            assert "errors" not in answer
            continue
        [error] = answer["errors"]
        assert (error["message"], error["extensions"]["code"]) == (
            "This cursor is not one of this list.",
            "BAD_USER_INPUT",
        )


@pytest.mark.parametrize("visibility", [Visibility.ALL, Visibility.TEAM, Visibility.OWN])
@pytest.mark.parametrize("sort", ["NAME_A_TO_Z", "NEWEST_MESSAGE"])
async def test_a_sort_shows_what_is_visible(
    api: Api, world: World, visibility: Visibility, sort: str
) -> None:
    team = await world.team()
    agent = await world.add("Ada", visibility=visibility, team=team)
    for name, change in (
        ("mine", {"assignee_id": agent.member.id}),
        ("team", {"team_id": team.id}),
        ("other", {"assignee_id": world.owner.member.id}),
        ("blocked", {"blocked_at": now()}),
    ):
        row = await world.conversation(name)
        await Conversation.filter(id=row.id).update(**change)
    seen = {
        Visibility.ALL: {"mine", "team", "other", "blocked"},
        Visibility.TEAM: {"mine", "team"},
        Visibility.OWN: {"mine"},
    }[visibility]
    assert {name for name, _ in await walk(api, agent, world, 1, sort=sort)} == seen


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize(("search", "is_masked"), [(None, False), ("b", False), ("b", True)])
async def test_each_sort_reads_along_its_index(
    api: Api,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    sort: str,
    search: str | None,
    is_masked: bool,
) -> None:
    """With many rows the plan walks an index in the wanted order: nothing is sorted."""
    await _multiply(world, 2000)
    hidden = [Restriction.PHONE_NUMBERS] if is_masked else []
    agent = await world.add("Ada", restrictions=hidden)
    heard = Listening(monkeypatch)
    data = await api.ask(agent, LIST, id=world.id, sort=sort, search=search, first=100)
    assert len(data["contacts"]["nodes"]) == 100
    [one] = [one for one in heard.sent if "ORDER BY c" in one[0]]
    plan = await heard.plan(one)
    assert ("idx_conversatio" if "MESSAGE" in sort else "idx_contact_") in plan, plan
    assert "Sort" not in plan and "TEMP B-TREE" not in plan, plan


async def _multiply(world: World, count: int) -> None:
    """Add many contacts, known, named and heard of in three different orders."""
    moment, own = now(), world.workspace.id
    await Contact.bulk_create(
        Contact(
            workspace_id=own,
            first_name=f"B{number}",
            search_text=f"b{number}",
            folded_name=f"b{number * 7 % count}",
            name_text=f"b{number * 7 % count}",
            created_at=moment - timedelta(seconds=number),
        )
        for number in range(count)
    )
    await Conversation.bulk_create(
        Conversation(
            workspace_id=own,
            contact_id=row.id,
            status=ConversationStatus.CLOSED,
            last_message_at=moment - timedelta(seconds=number * 11 % count),
            status_since=moment,
            created_at=moment,
        )
        for number, row in enumerate(await Contact.filter(workspace_id=own).order_by("id"))
    )
    await sql.affected("ANALYZE")


async def test_what_was_there_before_is_folded_by_the_migration(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = import_module("models.migrations.0011_contacts")
    contact = await world.contact("Zoë", last_name="Martin", phone="+33612345678")
    others = [await world.contact(f"C{number}") for number in range(3)]
    before = await Contact.filter(workspace_id=world.workspace.id).order_by("id").values()
    await Contact.all().update(folded_name="", search_text="zoë")
    [alias] = get_connections().db_config
    monkeypatch.setattr(migration, "AT_ONCE", 2)
    await migration.fold(None, SimpleNamespace(client=get_connections().get(alias)))
    assert await Contact.filter(id__gte=contact.id).order_by("id").values() == before
    assert before[0]["search_text"] == "zoe martin +33612345678"
    assert len(before) == 1 + len(others)
