"""Snippets: kept, found, changed by one at a time, and what is refused."""

import asyncio
from typing import Any

import pytest

from models.clock import now
from models.member import Role
from models.refusal import Code, Refused
from models.snippet import Snippet
from realtime.events import WorkspaceSettingsChanged
from resolvers.snippet import MAX_SNIPPETS, Content, check_content, pattern
from tests.acting import NOT_FOUND_SENTENCE, api_key
from tests.world import Api, World, make_world, snapshot

FIELDS = "snippet { id name topic text version } userErrors { code message field }"
LIST = """
query ($id: ID!, $search: String, $prefix: String, $topic: String, $first: Int, $after: String) {
  workspace(id: $id) {
    snippets(search: $search, prefix: $prefix, topic: $topic, first: $first, after: $after) {
      nodes { name createdBy { id } } pageInfo { hasNextPage endCursor }
    }
  }
}
"""
TABLES = ("snippet", "event", "idempotency_key")


async def do(api: Api, who: Any, deed: str, /, **values: Any) -> Any:
    """Use a mutation on snippets; return the payload."""
    fields = "deletedSnippetId userErrors { code message field }"
    document = (
        f"mutation ($input: {deed.title()}SnippetInput!) {{ {deed}Snippet(input: $input)"
        f" {{ {fields if deed == 'delete' else FIELDS} }} }}"
    )
    return (await api.ask(who, document, input=values))[f"{deed}Snippet"]


async def listed(api: Api, world: World, **values: Any) -> list[str]:
    """Return the names of a page of the workspace's snippets."""
    data = await api.ask(world.owner, LIST, id=world.id, **values)
    return [row["name"] for row in data["workspace"]["snippets"]["nodes"]]


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ((" Hours ", " Shop ", " 9 to 5"), Content("Hours", "Shop", " 9 to 5")),
        (("x" * 100, " ", "x" * 7000), Content("x" * 100, None, "x" * 7000)),
        ((None, None, "x"), (Code.BLANK, "name")),
        (("x" * 101, None, "x"), (Code.TOO_LONG, "name")),
        (
            ("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 20, None, "x"),
            (Code.TOO_LONG, "name"),
        ),
        (("x", "x" * 101, "x"), (Code.TOO_LONG, "topic")),
        (("x", None, " \n"), (Code.BLANK, "text")),
        (("x", None, "x" * 7001), (Code.TOO_LONG, "text")),
    ],
)
def test_the_rule_at_its_edges(given: Any, outcome: Any) -> None:
    try:
        assert check_content(*given) == outcome
    except Refused as refusal:
        assert (refusal.code, *refusal.field) == outcome


def test_what_is_typed_is_no_pattern() -> None:
    assert pattern("  É%_! ") == "e!%!_!! "


async def test_a_snippet_from_its_making_to_its_end(api: Api, world: World) -> None:
    given = {"workspaceId": world.id, "name": " Été ", "text": "$contact.name!", "topic": "Shop"}
    made = await do(api, world.owner, "create", **given, idempotencyKey="one")
    key = made["snippet"]["id"]
    shown = {"id": key, "name": "Été", "topic": "Shop", "text": "$contact.name!", "version": 1}
    assert made == {"snippet": shown, "userErrors": []}
    assert await do(api, world.owner, "create", **given, idempotencyKey="one") == made
    changed = await do(api, world.owner, "update", snippetId=key, name="ETE", expectedVersion=1)
    assert changed["snippet"] == shown | {"name": "ETE", "version": 2}  # its own name is free
    cleared = await do(api, world.owner, "update", snippetId=key, topic=None, text="Bye")
    assert cleared["snippet"] == shown | {"name": "ETE", "text": "Bye", "topic": None, "version": 3}
    before = await snapshot(*TABLES)
    assert await do(api, world.owner, "update", snippetId=key, name=" ETE ") == cleared
    stale = await do(api, world.owner, "update", snippetId=key, text="No", expectedVersion=2)
    assert stale["snippet"] == cleared["snippet"]
    assert [error["code"] for error in stale["userErrors"]] == ["CONFLICT"]
    assert await snapshot(*TABLES) == before
    gone = await do(api, world.owner, "delete", snippetId=key)
    assert gone == {"deletedSnippetId": key, "userErrors": []}
    assert await listed(api, world) == []
    told = WorkspaceSettingsChanged(world.workspace.id)
    assert (await world.facts()).count(told) == 4


async def test_lists_are_in_order_and_find_what_is_meant(api: Api, world: World) -> None:
    for name, topic, text in (
        ("Zoo", None, "Come and see"),
        ("été", "Saison", "Sun"),
        ("Étage", "saison", "Up"),
        ("100% sure", None, "Yes"),
        ("1000 thanks", None, "Étage"),
    ):
        given = {"workspaceId": world.id, "name": name, "topic": topic, "text": text}
        assert (await do(api, world.owner, "create", **given))["userErrors"] == []
    await do(
        api,
        (other := await make_world()).owner,
        "create",
        workspaceId=other.id,
        name="Zoo",
        text="x",
    )
    assert await listed(api, world) == ["100% sure", "1000 thanks", "Étage", "été", "Zoo"]
    for looked_for, found in (
        ({"prefix": "ÉT"}, ["Étage", "été"]),
        ({"prefix": "100%"}, ["100% sure"]),
        ({"prefix": "ta"}, []),
        ({"topic": "SAISON"}, ["Étage", "été"]),
        ({"search": "sure 100%"}, ["100% sure"]),
        ({"search": "etage"}, ["1000 thanks", "Étage"]),
        ({"search": "see come", "prefix": "z", "topic": "x"}, []),
    ):
        assert await listed(api, world, **looked_for) == found, looked_for
    seen: list[str] = []
    page: Any = {"pageInfo": {"hasNextPage": True, "endCursor": None}}
    while page["pageInfo"]["hasNextPage"]:
        after = page["pageInfo"]["endCursor"]
        data = await api.ask(
            await world.add(f"A{len(seen)}"), LIST, id=world.id, first=2, after=after
        )
        page = data["workspace"]["snippets"]
        assert {row["createdBy"]["id"] for row in page["nodes"]} == {world.owner.id}
        seen += [row["name"] for row in page["nodes"]]
    assert seen == await listed(api, world)


async def test_refusals_change_nothing(api: Api, world: World) -> None:
    create = {"workspaceId": world.id, "name": "Été", "text": "x"}
    key = (await do(api, world.owner, "create", **create))["snippet"]["id"]
    await do(api, world.owner, "create", **create | {"name": "Zoo"})
    agent, program, stranger = await world.add(), await api_key(world), (await make_world()).owner
    blind = ("NOT_FOUND", NOT_FOUND_SENTENCE)
    before = await snapshot("snippet", "event")
    for who, name, values, code in (
        (world.owner, "create", create | {"name": "ETE"}, "TAKEN"),
        (world.owner, "create", create | {"name": " "}, "BLANK"),
        (world.owner, "update", {"snippetId": key, "name": "zôo"}, "TAKEN"),
        (world.owner, "update", {"snippetId": key, "text": None}, "BLANK"),
        (agent, "create", create | {"name": "New"}, "FORBIDDEN"),
        (program, "update", {"snippetId": key, "text": "y"}, "FORBIDDEN"),
        (agent, "delete", {"snippetId": key}, "FORBIDDEN"),
        (stranger, "create", create | {"name": "New"}, blind),
        (stranger, "update", {"snippetId": key, "text": "y"}, blind),
        (stranger, "delete", {"snippetId": key}, blind),
    ):
        [error] = (await do(api, who, name, **values))["userErrors"]
        assert error["code"] == code or (error["code"], error["message"]) == code
    assert await snapshot("snippet", "event") == before
    by_program = await do(
        api, await api_key(world, Role.MANAGER), "create", **create | {"name": "Bot's"}
    )
    assert by_program["userErrors"] == []


async def test_of_many_at_once_there_is_one(api: Api, world: World) -> None:
    create = {"workspaceId": world.id, "text": "x"}
    await Snippet.bulk_create(
        Snippet(
            workspace_id=world.workspace.id,
            created_at=now(),
            updated_at=now(),
            **check_content(f"n{number}", None, "x").columns(),
        )
        for number in range(MAX_SNIPPETS - 1)
    )
    made = await asyncio.gather(
        *(do(api, world.owner, "create", name=name, **create) for name in ("été", "Ete", "ÉTÉ"))
    )
    codes = sorted(str([error["code"] for error in one["userErrors"]]) for one in made)
    assert codes == ["['TAKEN']"] * 2 + ["[]"]
    [error] = (await do(api, world.owner, "create", name="Full", **create))["userErrors"]
    assert error["message"] == "A workspace has at most 5000 snippets."
    [key] = [one["snippet"]["id"] for one in made if one["snippet"]]
    changed = await asyncio.gather(
        *(
            do(api, world.owner, "update", snippetId=key, text=text, expectedVersion=1)
            for text in ("a", "b", "c")
        )
    )
    assert sum(not one["userErrors"] for one in changed) == 1
    assert {one["snippet"]["version"] for one in changed} == {2}
