"""Duplicates: who came with a phone or an email that another contact has, as the viewer sees it."""

from datetime import timedelta
from typing import Any

import pytest

from models.clock import now
from models.contact import Contact
from models.conversation import Conversation
from models.engine import sql
from models.engine.sql import count_statements
from models.member import Restriction, Role, Visibility
from resolvers.contact_deletion import delete_contact
from resolvers.contact_duplicates import MAX_CLAIMS
from schema.ids import encode_id
from tests.acting import api_key
from tests.plans import Listening
from tests.world import Api, Person, World, make_world, run_jobs, webhook

PHONE = "+33612345678"
LIST = """
query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  duplicateContacts(workspaceId: $id, first: $first, after: $after, last: $last, before: $before) {
    nodes { firstName duplicates { firstName } } pageInfo { hasNextPage endCursor }
  }
}
"""
ONE = "query ($id: ID!) { contact(id: $id) { duplicates { firstName } } }"


async def come(world: World, name: str, **profile: str) -> Contact:
    """Let somebody write for the first time, with what the channel says of them."""
    if not world.channels:
        await world.connect()
    message = {"type": "message", "mId": f"m_{name}", "message": {"type": "text", "text": "Hi"}}
    await webhook(world.channels[0], name, message, contact={"firstName": name, **profile})
    await run_jobs()
    return await Contact.get(workspace_id=world.workspace.id, first_name=name)


async def suggested(
    api: Api, who: Person | str, world: World, **page: Any
) -> list[tuple[str, list[str]]]:
    """Return the names in the list of duplicates, each with those of its own."""
    data = await api.ask(who, LIST, id=world.id, **page)
    return [
        (node["firstName"], [one["firstName"] for one in node["duplicates"]])
        for node in data["duplicateContacts"]["nodes"]
    ]


async def duplicates(api: Api, who: Person | str, contact: Contact) -> list[str]:
    """Return the names of a contact's duplicates."""
    data = await api.ask(who, ONE, id=encode_id("Contact", contact.id))
    return [one["firstName"] for one in data["contact"]["duplicates"]]


async def fill(world: World) -> dict[str, Contact]:
    """Add owners of a phone and an email, who claims these, and who has nothing to do with it."""
    rows = [
        await world.contact("Phone", phone=PHONE),
        await world.contact("Mail", email="carla@example.com"),
        await world.contact("Nobody", phone="+33699999999", email="nobody@example.com"),
        await come(world, "Same", phone="+33 6 12 34 56 78"),
        await come(world, "Both", phone=PHONE, email="Carla@Example.com"),
    ]
    return {row.first_name: row for row in rows}


async def test_who_came_with_the_same_is_a_duplicate(api: Api, world: World) -> None:
    rows = await fill(world)
    expected = {
        "Phone": ["Same", "Both"],
        "Mail": ["Both"],
        "Nobody": [],
        "Same": ["Phone", "Both"],
        "Both": ["Phone", "Mail", "Same"],
    }
    for name, row in rows.items():
        assert await duplicates(api, world.owner, row) == expected[name]
    suggestions = [("Both", expected["Both"]), ("Same", expected["Same"])]
    assert await suggested(api, world.owner, world) == suggestions
    assert (rows["Both"].phone, rows["Both"].email) == (None, None)


async def test_what_nobody_has_any_more_is_claimed_in_vain(api: Api, world: World) -> None:
    await world.contact("Phone", phone=PHONE)
    same = await come(world, "Same", phone=PHONE)
    await Contact.filter(first_name="Phone").update(phone="+33699999999")
    assert await duplicates(api, world.owner, same) == []
    assert await suggested(api, world.owner, world) == []
    await Contact.filter(id=same.id).update(phone=PHONE)  # it has become theirs
    assert await duplicates(api, world.owner, same) == []
    assert await suggested(api, world.owner, world) == []


async def test_who_is_blocked_or_unseen_is_no_duplicate(api: Api, world: World) -> None:
    rows = await fill(world)
    ada = await world.add("Ada", visibility=Visibility.OWN)
    mia = await world.add("Mia", restrictions=[Restriction.BLOCKED_CONTACTS])
    own = Conversation.filter(contact_id__in=[rows["Phone"].id, rows["Both"].id])
    await own.update(assignee_id=ada.member.id)
    await Conversation.filter(contact_id=rows["Mail"].id).update(blocked_at=now())

    assert await duplicates(api, ada, rows["Phone"]) == ["Both"]
    assert await suggested(api, ada, world) == [("Both", ["Phone"])]
    await Conversation.filter(contact_id=rows["Phone"].id).update(assignee_id=None)
    assert await suggested(api, ada, world) == []
    assert await duplicates(api, mia, rows["Both"]) == ["Phone", "Same"]
    assert await duplicates(api, world.owner, rows["Both"]) == ["Phone", "Mail", "Same"]


@pytest.mark.parametrize(
    ("role", "visibility", "sees"),
    [
        (Role.MANAGER, Visibility.ALL, True),
        (Role.AGENT, Visibility.ALL, True),
        (Role.AGENT, Visibility.TEAM, True),
        (Role.AGENT, Visibility.OWN, False),
    ],
)
async def test_the_list_is_that_of_the_visible(
    api: Api, world: World, role: Role, visibility: Visibility, sees: bool
) -> None:
    team = await world.team()
    who = await world.add("Ada", role, visibility=visibility, team=team)
    await fill(world)
    await Conversation.filter(workspace_id=world.workspace.id).update(team_id=team.id)
    assert bool(await suggested(api, who, world)) is sees


async def test_other_workspaces_have_nothing_to_do_with_it(api: Api, world: World) -> None:
    stranger = await make_world("Other")
    await stranger.contact("Theirs", phone=PHONE)
    await fill(world)
    same = await Contact.get(first_name="Same")
    assert await duplicates(api, world.owner, same) == ["Phone", "Both"]
    assert await suggested(api, stranger.owner, stranger) == []
    key = await api_key(world)
    assert len(await suggested(api, key, world)) == 2
    answer = await api.run(stranger.owner, LIST, id=world.id)
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_number_of_many_people_is_nobodys_own(api: Api, world: World) -> None:
    phone = await world.contact("Phone", phone=PHONE)
    for number in range(MAX_CLAIMS + 2):
        await come(world, f"C{number}", phone=PHONE)
    claims = await Contact.filter(claimed_phone=PHONE).count()
    assert claims == MAX_CLAIMS == len(await duplicates(api, world.owner, phone))


async def test_pages_cost_the_same_whatever_their_size(api: Api, world: World) -> None:
    for number in range(5):
        await world.contact(f"P{number}", phone=f"+3361234560{number}")
        await come(world, f"C{number}", phone=f"+3361234560{number}")
    expected = [(f"C{number}", [f"P{number}"]) for number in reversed(range(5))]
    counted = []
    for size in (1, 5):
        with count_statements() as counter:
            assert await suggested(api, world.owner, world, first=size) == expected[:size]
        counted.append(len(counter.statements))
    assert counted[0] == counted[1] <= 5
    assert await suggested(api, world.owner, world, last=2) == expected[-2:]
    data = await api.ask(world.owner, LIST, id=world.id, first=2)
    cursor = data["duplicateContacts"]["pageInfo"]["endCursor"]
    assert await suggested(api, world.owner, world, after=cursor) == expected[2:]
    assert await suggested(api, world.owner, world, last=2, before=cursor) == expected[:1]


async def test_duplicates_are_found_along_indexes(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _multiply(world, 3000)
    heard = Listening(monkeypatch)
    assert len(await suggested(api, world.owner, world, first=2)) == 2
    queries = [one for one in heard.sent if " ct" in one[0] and "claimed_phone" in one[0]]
    assert len(queries) == 2
    for one in queries:
        plan = await heard.plan(one)
        scans = [line for line in plan.splitlines() if "SCAN ct" in line or "SCAN o" in line]
        assert all("contact_claims" in line for line in scans), plan
        assert "Seq Scan on contact" not in plan, plan


async def _multiply(world: World, count: int) -> None:
    """Add many contacts, of whom ten claim the phone of another."""
    moment, own = now(), world.workspace.id
    await Contact.bulk_create(
        Contact(
            workspace_id=own,
            first_name=f"B{number}",
            phone=f"+336{number:08}",
            claimed_phone=f"+336{number + 1:08}" if number < 10 else None,
            created_at=moment - timedelta(seconds=number),
        )
        for number in range(count)
    )
    await Conversation.bulk_create(
        Conversation(
            workspace_id=own,
            contact_id=row.id,
            status="CLOSED",
            last_message_at=moment,
            status_since=moment,
            created_at=moment,
        )
        for row in await Contact.filter(workspace_id=own)
    )
    await sql.affected("ANALYZE")


async def test_nothing_is_left_of_the_claims_of_who_is_deleted(api: Api, world: World) -> None:
    rows = await fill(world)
    await delete_contact(await world.owner.viewer(), rows["Both"].id)
    left = await Contact.get(id=rows["Both"].id)
    assert (left.folded_name, left.claimed_phone, left.claimed_email) == ("", None, None)
    assert await duplicates(api, world.owner, rows["Phone"]) == ["Same"]
    assert await suggested(api, world.owner, world) == [("Same", ["Phone"])]
