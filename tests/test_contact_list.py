"""Finding contacts: every word somewhere, page by page, and only those one may see."""

from typing import Any

import pytest

from models.engine.sql import count_statements
from models.member import Visibility
from schema.ids import encode_id
from tests.world import Api, World, make_world

LIST = """
query($workspaceId: ID!, $search: String, $first: Int, $after: String, $last: Int,
      $before: String) {
  contacts(workspaceId: $workspaceId, search: $search, first: $first, after: $after, last: $last,
           before: $before) {
    nodes { firstName }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


async def find(api: Api, who: Any, world: World, **given: Any) -> list[str]:
    """Return the first names of the contacts that are found."""
    answer = await api.ask(who, LIST, workspaceId=world.id, **given)
    return [node["firstName"] for node in answer["contacts"]["nodes"]]


async def people(world: World) -> None:
    await world.contact("Zoë", last_name="Martin", phone="+33612345678")
    await world.contact("Carla", last_name="Rossi", email="carla_100%@example.com")
    await world.contact("Straße", last_name="O'Neil")


SEARCHES = [
    (None, ["Straße", "Carla", "Zoë"]),
    ("", ["Straße", "Carla", "Zoë"]),
    ("martin", ["Zoë"]),
    ("MARTIN zoë", ["Zoë"]),
    ("ZOË", ["Zoë"]),
    ("martin carla", []),
    ("art", ["Zoë"]),
    ("+336", ["Zoë"]),
    ("612345", ["Zoë"]),
    ("EXAMPLE.com", ["Carla"]),
    ("STRASSE", ["Straße"]),
    ("o'neil", ["Straße"]),
    ("100%", ["Carla"]),
    ("%", ["Carla"]),
    ("a_1", ["Carla"]),
    ("_", ["Carla"]),
    ("\\", []),
    ("nobody", []),
]


async def test_every_word_must_be_somewhere(api: Api, world: World) -> None:
    await people(world)
    found = {search: await find(api, world.owner, world, search=search) for search, _ in SEARCHES}
    assert found == dict(SEARCHES)


async def test_pages_follow_each_other_both_ways(api: Api, world: World) -> None:
    for number in range(7):
        await world.contact(f"C{number}")
    names = [f"C{number}" for number in reversed(range(7))]

    async def page(**given: Any) -> Any:
        answer = await api.ask(world.owner, LIST, workspaceId=world.id, **given)
        return answer["contacts"]

    forward: list[str] = []
    after = None
    for more in (True, True, False):
        part = await page(first=3, after=after)
        forward += [node["firstName"] for node in part["nodes"]]
        after = part["pageInfo"]["endCursor"]
        assert part["pageInfo"]["hasNextPage"] is more
        await world.contact("New")  # what arrives does not shift what follows
    assert forward == names
    nearest = await page(last=2, before=after)
    assert [node["firstName"] for node in nearest["nodes"]] == ["C2", "C1"]
    before = nearest["pageInfo"]["startCursor"]
    furthest = await page(last=100, before=before)
    assert [node["firstName"] for node in furthest["nodes"]] == ["New"] * 3 + names[:4]
    assert (nearest["pageInfo"]["hasPreviousPage"], furthest["pageInfo"]["hasPreviousPage"]) == (
        True,
        False,
    )


async def test_a_page_costs_a_constant_number_of_statements(api: Api, world: World) -> None:
    counted = []
    for size in (2, 20):
        for number in range(size):
            await world.contact(f"C{number}")
        with count_statements() as counter:
            await find(api, world.owner, world, first=50)
        counted.append(len(counter.statements))
    assert counted[0] == counted[1] <= 3


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"first": 0}, "BAD_USER_INPUT"),
        ({"first": 101}, "BAD_USER_INPUT"),
        ({"first": 1, "last": 1}, "BAD_USER_INPUT"),
        ({"after": "nonsense"}, "BAD_USER_INPUT"),
    ],
)
async def test_a_page_that_is_none_is_refused(
    api: Api, world: World, given: dict[str, Any], code: str
) -> None:
    answer = await api.run(world.owner, LIST, workspaceId=world.id, **given)
    assert (answer["data"], answer["errors"][0]["extensions"]["code"]) == (None, code)


async def test_contacts_of_hidden_conversations_are_not_listed(api: Api, world: World) -> None:
    await people(world)
    stranger = await make_world("Other")
    await stranger.contact("Hidden")
    agent = await world.add("Ada", visibility=Visibility.OWN)
    assert await find(api, agent, world) == []
    assert await find(api, stranger.owner, stranger) == ["Hidden"]
    answer = await api.run(stranger.owner, LIST, workspaceId=world.id)
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_one_contact_by_its_id(api: Api, world: World) -> None:
    contact = await world.contact("Carla")
    stranger = await make_world("Other")
    document = "query($id: ID!) { contact(id: $id) { firstName } }"
    contact_id = encode_id("Contact", contact.id)
    assert await api.ask(world.owner, document, id=contact_id) == {
        "contact": {"firstName": "Carla"}
    }
    hidden = await api.run(stranger.owner, document, id=contact_id)
    never = await api.run(stranger.owner, document, id=encode_id("Contact", 10**9))
    assert hidden == never
    assert hidden["errors"][0]["extensions"]["code"] == "NOT_FOUND"
