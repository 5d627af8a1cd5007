"""Links: lasting addresses, what they lead to and for whom, and the lines around one of them."""

from typing import Any

import orjson
import pytest

from models.engine import sql
from models.member import Visibility
from resolvers.block import block_contact
from resolvers.comment import add_comment, delete_comment
from resolvers.contact_deletion import delete_contact
from resolvers.contact_merge import merge_contacts
from schema.ids import encode_id
from schema.permalinks import Place, permalink, permalink_of, place_in
from settings import get_settings
from tests.acting import api_key, conversation_id
from tests.test_conversation_timeline import TIMELINE, hear_many, page_of, seqs
from tests.world import Api, Person, World, make_world, run_jobs

LINKS = """
query ($id: ID!) { conversation(id: $id) { permalink timeline(first: 100) { nodes {
  ... on Message { permalink } ... on Comment { permalink }
} } } }
"""
RESOLVE = """
query ($url: String!) { resolveLink(url: $url) {
  workspace { id } conversation { id } contact { id name }
  item { __typename ... on Message { id } ... on Comment { id text } }
} }
"""
AROUND = """
query ($id: ID!, $before: Int!, $after: Int!) {
  timelineAround(itemId: $id, before: $before, after: $after) {
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node {
      ... on Message { seq permalink author { ... on Member { name } ... on Contact { name } } }
      ... on Activity { seq actor { name } } ... on Comment { seq permalink author { name } }
    } }
  }
}
"""


async def links(api: Api, who: Person, row: Any) -> list[str]:
    """Return the addresses of a conversation and of all that has one in it."""
    found = (await api.ask(who, LINKS, id=conversation_id(row)))["conversation"]
    nodes = [node["permalink"] for node in found["timeline"]["nodes"] if node]
    return [found["permalink"], *nodes]


async def around(api: Api, who: Any, key: str, before: int, after: int) -> Any:
    """Return the lines around one."""
    return (await api.ask(who, AROUND, id=key, before=before, after=after))["timelineAround"]


def test_what_is_a_link() -> None:
    base = get_settings().public_url
    whole, line = permalink(3, 5), permalink_of("Comment", 7, 3, 5)
    assert whole.startswith(base + "/w/")
    path = whole.removeprefix(base)
    place = Place(3, 5, None)
    for url in (whole, path, f" {path}/ ", f"{path}?tab=1#top"):
        assert place_in(url) == place
    assert place_in(line) == Place(3, 5, ("Comment", 7))
    assert place_in(permalink_of("Message", 7, 3, 5)) == Place(3, 5, ("Message", 7))
    message, comment = encode_id("Message", 7), encode_id("Comment", 7)
    for url in (
        "",
        "x",
        base,
        "/w/x/c/y",
        path.replace("/c/", "/d/"),
        "/more" + path,
        path + "/more",
        "https://elsewhere.example" + path,
        "//elsewhere.example" + path,
        "http://[::1" + path,
        f"{path}?m={comment}",
        f"{path}?m={message}&k={comment}",
        f"{path}?m=x",
        f"{path}?" + "&".join(["a=b"] * 30),
        path + "?" + "x" * 2000,
    ):
        assert place_in(url) is None, url


async def test_a_link_leads_to_its_line(api: Api, world: World) -> None:
    heard = await world.hear()
    written = await add_comment(await world.owner.viewer(), heard.conversation_id, text="Note")
    urls = await links(api, world.owner, heard)
    contact = encode_id("Contact", heard.conversation.contact_id)
    item: list[Any] = [
        None,
        {"__typename": "Message", "id": encode_id("Message", heard.id)},
        {"__typename": "Comment", "id": encode_id("Comment", written.comment.id), "text": "Note"},
    ]
    assert len(urls) == 3
    for url, expected in zip(urls, item, strict=True):
        for given in (url, url.removeprefix(get_settings().public_url)):
            found = (await api.ask(world.owner, RESOLVE, url=given))["resolveLink"]
            assert found == {
                "workspace": {"id": world.id},
                "conversation": {"id": conversation_id(heard)},
                "contact": {"id": contact, "name": "Carla"},
                "item": expected,
            }
    await delete_comment(await world.owner.viewer(), written.comment.id)
    found = (await api.ask(world.owner, RESOLVE, url=urls[2]))["resolveLink"]
    assert found["item"] == item[2] | {"text": None}
    program = await api_key(world)
    assert (await api.ask(program, RESOLVE, url=urls[1]))["resolveLink"]["item"] == item[1]


def nothing_there(answers: list[dict[str, Any]]) -> None:
    """Show that answers are one, to the byte, and that it says NOT_FOUND."""
    given = {orjson.dumps(answer) for answer in answers}
    assert len(given) == 1, given
    assert b'"NOT_FOUND"' in given.pop()


async def test_what_is_not_there_for_the_viewer_never_was(api: Api, world: World) -> None:
    heard, other = await world.hear(), await world.hear(sender="kim")
    elsewhere = await make_world("Elsewhere")
    foreign = await elsewhere.hear()
    url = (await links(api, world.owner, heard))[1]
    theirs = (await links(api, elsewhere.owner, foreign))[1]
    never = permalink_of("Message", 10**9, world.workspace.id, heard.conversation.contact_id)
    blind = await world.add("Ian", visibility=Visibility.OWN)
    whole = url.partition("?")[0]
    asked = [
        (world.owner, never),
        (world.owner, theirs),
        (elsewhere.owner, url),
        (blind, url),
        (blind, never),
        (world.owner, permalink(world.workspace.id, 10**9)),
        (world.owner, url.replace(world.id, elsewhere.id)),
        (world.owner, url.replace("?m=", "?k=")),
        (world.owner, "https://elsewhere.example/w/x"),
        (world.owner, f"{whole}?m={encode_id('Message', other.id)}"),
        (world.owner, f"{whole}?m={encode_id('Message', foreign.id)}"),
    ]
    nothing_there([await api.run(who, RESOLVE, url=given) for who, given in asked])
    nobody = await api.run(None, RESOLVE, url=url)
    assert nobody["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    item = encode_id("Message", heard.id)
    near = [
        (world.owner, encode_id("Message", 10**9)),
        (world.owner, encode_id("Contact", heard.conversation.contact_id)),
        (world.owner, "x"),
        (elsewhere.owner, item),
        (blind, item),
    ]
    nothing_there([await api.run(who, AROUND, id=key, before=1, after=1) for who, key in near])


async def test_who_is_deleted_has_no_links(api: Api, world: World) -> None:
    heard, viewer = await world.hear(), await world.owner.viewer()
    url, item = (await links(api, world.owner, heard))[1], encode_id("Message", heard.id)
    await block_contact(viewer, heard.conversation.contact_id)
    assert (await api.ask(world.owner, RESOLVE, url=url))["resolveLink"]["item"]["id"] == item
    await delete_contact(viewer, heard.conversation.contact_id)
    resolved, around_it = [await api.run(world.owner, RESOLVE, url="x")], []
    for _ in range(2):
        resolved.append(await api.run(world.owner, RESOLVE, url=url))
        around_it.append(await api.run(world.owner, AROUND, id=item, before=1, after=1))
        await run_jobs()
    nothing_there(resolved)
    nothing_there(around_it)


async def test_after_a_merge_old_links_lead_to_who_is_left(api: Api, world: World) -> None:
    viewer = await world.owner.viewer()
    rows = [await world.hear(sender=name) for name in ("carla", "karla", "karola")]
    first, second, third = (row.conversation.contact_id for row in rows)
    old = await links(api, world.owner, rows[2])
    await merge_contacts(viewer, second, third)
    await run_jobs()
    await merge_contacts(viewer, first, second)
    await run_jobs()
    item: Any
    for url, item in zip(old, (None, encode_id("Message", rows[2].id)), strict=True):
        found = (await api.ask(world.owner, RESOLVE, url=url))["resolveLink"]
        assert found["contact"]["id"] == encode_id("Contact", first)
        assert found["conversation"]["id"] == conversation_id(rows[0])
        assert (found["item"] and found["item"]["id"]) == item
    await delete_contact(viewer, first)
    await run_jobs()
    assert await sql.rows("SELECT * FROM merged_contact") == []
    for url in old:
        answer = await api.run(world.owner, RESOLVE, url=url)
        assert answer["errors"][0]["extensions"] == {"code": "NOT_FOUND"}


async def test_the_lines_around_one(api: Api, world: World) -> None:
    last = await hear_many(world, 50)
    viewer = await world.owner.viewer()
    for number in range(10):
        await add_comment(viewer, last.conversation_id, text=str(number))
    [opened] = await sql.rows("SELECT id FROM activity")
    [comment] = await sql.rows("SELECT id FROM comment WHERE seq = 53")
    [message] = await sql.rows("SELECT id FROM message WHERE seq = 20")
    assert last.seq == 51
    key = encode_id("Message", message["id"])
    for wanted, before, after, first, end in (
        (key, 3, 2, 17, 22),
        (key, 0, 0, 20, 20),
        (key, 100, 1, 1, 21),
        (encode_id("Activity", opened["id"]), 5, 5, 1, 6),
        (encode_id("Comment", comment["id"]), 4, 8, 49, 61),
    ):
        page = await around(api, world.owner, wanted, before, after)
        assert seqs(page) == list(range(first, end + 1))
        info = page["pageInfo"]
        assert (info["hasPreviousPage"], info["hasNextPage"]) == (first > 1, end < 61)
        assert info["startCursor"] == page["edges"][0]["cursor"]
        earlier = await page_of(
            api, world, last, TIMELINE, last=100, before=page["edges"][0]["cursor"]
        )
        later = await page_of(api, world, last, TIMELINE, first=100, after=info["endCursor"])
        everything = [*range(1, first), *range(end + 1, 62)]
        listed = [edge["node"].get("seq") for edge in earlier["edges"] + later["edges"]]
        assert len(listed) == len(everything)
        assert [seq for seq in listed if seq] == [seq for seq in everything if seq < 52]

    async def cost(before: int, after: int) -> int:
        with sql.count_statements() as counter:
            await around(api, world.owner, encode_id("Message", last.id), before, after)
        return counter.total

    assert await cost(49, 10) == await cost(3, 3) <= 13
    for before, after in ((-1, 5), (5, 101)):
        answer = await api.run(world.owner, AROUND, id=key, before=before, after=after)
        assert answer["errors"][0]["message"] == "At most 100 items on either side."


@pytest.mark.parametrize("size", [5, 50])
async def test_a_page_of_mixed_lines_costs_a_constant_number_of_statements(
    api: Api, world: World, size: int
) -> None:
    last = await hear_many(world, 25)
    viewer = await world.owner.viewer()
    for number in range(25):
        await add_comment(viewer, last.conversation_id, text=str(number))
    page = TIMELINE.replace("... on Message {", "... on Message { permalink").replace(
        "... on Activity", "... on Comment { permalink author { name } } ... on Activity"
    )
    with sql.count_statements() as counter:
        found = await page_of(api, world, last, page, last=size)
    assert len(found["edges"]) == size
    assert counter.total == 6, counter.statements
