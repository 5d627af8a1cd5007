"""Search: the best first, as far as rights go, current with every change, and bounded."""

from typing import Any

import pytest

from models.contact import Contact
from models.conversation import Conversation
from models.engine import sql
from models.member import Restriction, Visibility
from models.queries import Where
from models.refusal import RateLimited
from resolvers import search as searches
from schema.ids import encode_id
from tests.acting import NOT_FOUND_SENTENCE, api_key, assigned_to, conversation_id
from tests.test_comment import act, add
from tests.test_masking import switch
from tests.world import Api, World, make_world, run_jobs

MARKS = "highlights { field start length }"
FOUND = f"""
  __typename
  ... on ContactResult {{ contact {{ firstName lastName email phone {{ value }} }} {MARKS} }}
  ... on MessageResult {{ message {{ text }} contact {{ firstName }} {MARKS} }}
  ... on CommentResult {{ comment {{ text }} conversation {{ id }} {MARKS} }}"""
SEARCH = f"""query ($id: ID!, $text: String!, $kinds: [SearchKind!], $first: Int, $after: String) {{
  search(workspaceId: $id, text: $text, kinds: $kinds, first: $first, after: $after) {{
    nodes {{ {FOUND} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
WITHIN = f"""query ($id: ID!, $text: String!, $first: Int, $after: String) {{
  conversation(id: $id) {{ search(text: $text, first: $first, after: $after) {{
    nodes {{ {FOUND} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"""


def mutation(name: str) -> str:
    """Return the operation of a mutation on contacts."""
    kind = f"{name[0].upper()}{name[1:]}Input!"
    return f"mutation ($input: {kind}) {{ {name}(input: $input) {{ userErrors {{ code }} }} }}"


def marked(node: dict[str, Any]) -> str:
    """Return what was found, what has it in brackets."""
    if "contact" in node and "message" not in node:
        contact = node["contact"]
        texts = {
            "FIRST_NAME": contact["firstName"],
            "LAST_NAME": contact["lastName"],
            "PHONE": (contact["phone"] or {}).get("value") or "",
            "EMAIL": contact["email"] or "",
        }
    else:
        texts = {"TEXT": (node.get("message") or node["comment"])["text"]}
    for mark in reversed(node["highlights"]):
        text, end = texts[mark["field"]], mark["start"] + mark["length"]
        begin = mark["start"]
        texts[mark["field"]] = f"{text[:begin]}[{text[begin:end]}]{text[end:]}"
    return " ".join(text for text in texts.values() if text)


async def found(api: Api, who: Any, world: World, text: str, **values: Any) -> list[str]:
    """Return everything that is found in a workspace, with what has it in brackets."""
    data = await api.ask(who, SEARCH, id=world.id, text=text, **values)
    return [marked(node) for node in data["search"]["nodes"]]


async def found_in(api: Api, who: Any, row: Any, text: str) -> list[str]:
    """Return what is found in one conversation."""
    data = await api.ask(who, WITHIN, id=conversation_id(row), text=text)
    return [marked(node) for node in data["conversation"]["search"]["nodes"]]


async def test_contacts_messages_and_comments_come_the_best_first(api: Api, world: World) -> None:
    carla = await world.hear("The orders came, thank you", sender="carla")
    await world.hear("Where is my order?", sender="carla")
    await world.hear("Some other disorder", sender="bob")
    await add(api, world.owner, carla.conversation, "Order her a refund")
    await world.contact("Zoë", last_name="Order", phone="+33612345678", email="o.rder@x.test")
    await world.contact("Border", last_name="Collie")
    assert await found(api, world.owner, world, "order") == [
        "Zoë [Order] +33612345678 o.rder@x.test",
        "[Order] her a refund",
        "Where is my [order]?",
        "The [order]s came, thank you",
        "B[order] Collie",
    ]
    only = {"kinds": ["COMMENT"]}
    assert await found(api, world.owner, world, "ord", **only) == ["[Ord]er her a refund"]
    assert await found(api, world.owner, world, "order", kinds=[]) == []
    for text in ("345 67", "06 12 34 56 78", "zoe rder@x", "+33612345678"):
        [line] = await found(api, world.owner, world, text)
        assert line.replace("[", "").replace("]", "").startswith("Zoë Order +33612345678"), text
    seen, after = list[str](), None
    while True:
        given = {"id": world.id, "text": "order", "first": 2, "after": after}
        page = (await api.ask(world.owner, SEARCH, **given))["search"]
        seen += [marked(node) for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        await world.hear(f"A later order {len(seen)}", sender="dan")  # it stands before the cursor
    assert seen == [
        "Zoë [Order] +33612345678 o.rder@x.test",
        "[Order] her a refund",
        "Where is my [order]?",
        "The [order]s came, thank you",
        "B[order] Collie",
    ]
    bad = await api.run(world.owner, SEARCH, id=world.id, text="order", after="nonsense")
    assert bad["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}


async def test_pages_within_a_conversation_and_the_number_of_statements(
    api: Api, world: World
) -> None:
    for number in range(7):
        message = await world.hear(f"Order {number}", sender="carla")
    await world.hear("Order of another", sender="bob")
    row = message.conversation
    await add(api, world.owner, row, "About the order")
    seen, after = list[str](), None
    for _ in range(3):
        given = {"id": conversation_id(row), "text": "order", "first": 3, "after": after}
        page = (await api.ask(world.owner, WITHIN, **given))["conversation"]["search"]
        seen += [marked(node) for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert not page["pageInfo"]["hasNextPage"]
    assert seen == ["About the [order]", *(f"[Order] {number}" for number in range(6, -1, -1))]
    many = f"""query ($id: ID!) {{ inbox(id: $id) {{ conversations {{ nodes {{
      search(text: "order", first: 2) {{ nodes {{ {FOUND} }} }} }} }} }} }}"""
    inbox = encode_id("StandardInbox", f"{world.workspace.id}.ALL")
    counts = []
    for _ in range(2):
        with sql.count_statements() as counter:
            data = await api.ask(world.owner, many, id=inbox)
        counts.append(counter.total)
        nodes = data["inbox"]["conversations"]["nodes"]
        assert [[marked(one) for one in node["search"]["nodes"]] for node in nodes][-2:] == [
            ["[Order] of another"],
            ["About the [order]", "[Order] 6"],
        ]
        for sender in ("dan", "eve"):
            await world.hear("My order", sender=sender)
    assert counts[0] == counts[1]
    counts = []
    for size in (1, 12):
        with sql.count_statements() as counter:
            given = {"id": world.id, "text": "order", "first": size}
            page = (await api.ask(world.owner, SEARCH, **given))["search"]
        assert len(page["nodes"]) == size
        counts.append(counter.total)
    assert counts[1] - counts[0] <= 1  # the comment, which is not on the first page


async def test_everybody_finds_what_they_may_see(api: Api, world: World) -> None:
    agent = await world.add("Ada", visibility=Visibility.OWN)
    unblocked = await world.add("Bea", restrictions=[Restriction.BLOCKED_CONTACTS])
    mine = await assigned_to(world, agent, "Needle")
    await add(api, agent, mine, "needle of mine")
    theirs = await world.hear("needle of others", sender="bob")
    await add(api, world.owner, theirs.conversation, "needle, note")
    everything = ["[Needle]", "[needle], note", "[needle] of others", "[needle] of mine"]
    assert await found(api, world.owner, world, "needle") == everything
    assert await found(api, await api_key(world), world, "needle") == everything
    assert await found(api, agent, world, "needle") == ["[Needle]", "[needle] of mine"]
    answer = await api.run(agent, WITHIN, id=conversation_id(theirs.conversation), text="needle")
    assert answer["errors"][0]["message"] == NOT_FOUND_SENTENCE
    block = mutation("blockContact")
    contact = encode_id("Contact", theirs.conversation.contact_id)
    await api.ask(world.owner, block, input={"contactId": contact})
    assert await found(api, unblocked, world, "needle") == ["[Needle]", "[needle] of mine"]
    assert await found(api, world.owner, world, "needle") == everything
    other = await make_world("Other")
    assert await found(api, other.owner, other, "needle") == []
    for document, key in ((SEARCH, world.id), (WITHIN, conversation_id(mine))):
        answer = await api.run(other.owner, document, id=key, text="needle")
        assert answer["errors"][0]["message"] == NOT_FOUND_SENTENCE
        assert answer["errors"][0]["extensions"] == {"code": "NOT_FOUND"}
        answer = await api.run(None, document, id=key, text="needle")
        assert answer["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_who_is_masked_finds_nothing_by_what_is_hidden(api: Api, world: World) -> None:
    agent = await world.add("Ada")
    await world.contact("Zoë", last_name="612345678", phone="+33612345678", email="zoe@x.test")
    await world.contact("Zoë", last_name="Twelve 12", phone="+33699999999")
    assert await found(api, agent, world, "zoe 345678") == [
        "[Zoë] 612[345678] +33612[345678] [zoe]@x.test"
    ]
    await switch(api, world, phones=True)
    for text in ("345678", "zoe 6123", "zoe@x", "33", "x.test", "•"):
        assert await found(api, agent, world, text) == [], text
    assert await found(api, agent, world, "zoe") == ["[Zoë] Twelve 12", "[Zoë] •••••• zoe@x.test"]
    assert await found(api, agent, world, "twelve 12 zo") == ["[Zo]ë [Twelve] [12]"]


async def test_the_index_follows_what_happens(api: Api, world: World) -> None:
    message = await world.hear("zebra stripes", sender="carla")
    row = message.conversation
    comment = await add(api, world.owner, row, "giraffe")
    await act(api, world.owner, "updateComment", commentId=comment["id"], text="antelope")
    assert await found(api, world.owner, world, "giraffe") == []
    assert await found(api, world.owner, world, "antel") == ["[antel]ope"]
    await act(api, world.owner, "deleteComment", commentId=comment["id"])
    assert await found(api, world.owner, world, "antelope") == []
    kept = await world.contact("Rhino", phone="+33612345678")
    change = mutation("updateContact")
    rename = {"contactId": encode_id("Contact", kept.id), "firstName": "Hippo"}
    await api.ask(world.owner, change, input=rename)
    assert await found(api, world.owner, world, "rhino") == []
    assert await found(api, world.owner, world, "ippo") == ["H[ippo] +33612345678"]
    merge = mutation("mergeContacts")
    both = {
        "contactId": encode_id("Contact", kept.id),
        "mergedContactId": encode_id("Contact", row.contact_id),
    }
    assert (await api.ask(world.owner, merge, input=both))["mergeContacts"]["userErrors"] == []
    thread = await Conversation.get(contact_id=kept.id)
    assert await found_in(api, world.owner, thread, "zebra") == ["[zebra] stripes"]
    assert await found(api, world.owner, world, "zebra") == ["[zebra] stripes"]
    erase = mutation("deleteContact")
    given = {"contactId": encode_id("Contact", kept.id)}
    assert (await api.ask(world.owner, erase, input=given))["deleteContact"]["userErrors"] == []
    for text in ("zebra", "hippo", "612345"):
        assert await found(api, world.owner, world, text) == []
    await run_jobs()
    assert not await Contact.filter(id=kept.id).exists()
    for table in ("message_entry", "comment_entry"):
        assert await sql.records(f"SELECT * FROM {table}") == []
    if sql.dialect() == "sqlite":
        for table in ("message_entry_index", "comment_entry_index", "contact_index"):
            check = f"INSERT INTO {table} ({table}) VALUES ('integrity-check')"
            await sql.affected(check)
        rows = "SELECT rowid FROM message_entry_index WHERE message_entry_index MATCH ?"
        assert await sql.records(rows, f'"{world.workspace.id}·zebra"') == []


async def test_a_search_is_bounded_in_time_and_number(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        await world.hear(f"Order {number}")
    monkeypatch.setattr(searches, "WAIT_SECONDS", 0.01)
    async with searches.turn(), searches.turn(), searches.turn():
        with pytest.raises(RateLimited):
            async with searches.turn():
                pass
        answer = await api.run(world.owner, SEARCH, id=world.id, text="order")
    limited = {"code": "RATE_LIMITED", "retryAfterSeconds": 1}
    assert [one["extensions"] for one in answer["errors"]] == [limited]
    assert len(await found(api, world.owner, world, "order")) == 3
    slow = (
        "SELECT pg_sleep(5)"
        if sql.dialect() == "postgres"
        else "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    )
    monkeypatch.setattr(searches, "SECONDS", 0.05)
    monkeypatch.setattr(searches, "_ranked", lambda *_: Where(f"SELECT * FROM ({slow}) x"))
    answer = await api.run(world.owner, SEARCH, id=world.id, text="order")
    assert [one["extensions"] for one in answer["errors"]] == [{"code": "TOO_BROAD"}]
    assert "add a word" in answer["errors"][0]["message"]
    monkeypatch.undo()
    assert len(await found(api, world.owner, world, "order")) == 3
