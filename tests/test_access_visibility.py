"""Visibility: the rule in SQL and the pure rule agree, for everybody and every assignment."""

from dataclasses import replace
from itertools import product

import pytest

from models.clock import now
from models.contact import Contact
from models.conversation import Conversation, ConversationStatus
from models.member import Member, Restriction, Role, Visibility
from models.refusal import Refused
from realtime.log import read_head
from resolvers.access import get_contact, get_conversation, sees
from resolvers.batches import conversations_by_id
from resolvers.contact_list import list_contacts
from resolvers.inbox_kinds import InboxKind, StandardInbox
from resolvers.inbox_pages import count_inboxes, list_conversations
from resolvers.node import find_nodes
from resolvers.page import MAX_PAGE, PageRequest
from resolvers.viewer import Membership, Viewer
from tests.world import Api, World, make_world

ALL = PageRequest(first=MAX_PAGE)


async def everybody(world: World) -> list[Member]:
    """Return members of each role, visibility and team that there can be, and without a team;
    of each, one who sees blocked contacts and one who does not."""
    teams = [None, await world.team("Sales"), await world.team("Support")]
    kinds = [*product([Role.AGENT], Visibility, teams), (Role.MANAGER, Visibility.OWN, None)]
    people = [
        await world.add(
            f"P{number}", role, visibility=visibility, team=team, restrictions=restrictions
        )
        for number, ((role, visibility, team), restrictions) in enumerate(
            product(kinds, [(), (Restriction.BLOCKED_CONTACTS,)])
        )
    ]
    return [person.member for person in people]


async def everything(world: World, members: list[Member]) -> None:
    """Add a conversation for each assignee, or none, and each team, or none; also blocked."""
    teams = sorted({member.team_id for member in members if member.team_id is not None})
    for assignee, team_id, blocked_at in product([None, *members], [None, *teams], [None, now()]):
        contact = await Contact.create(
            workspace_id=world.workspace.id, first_name="C", search_text="c", created_at=now()
        )
        await Conversation.create(
            workspace_id=world.workspace.id,
            contact_id=contact.id,
            status=ConversationStatus.OPEN,
            assignee_id=assignee.id if assignee else None,
            team_id=team_id,
            blocked_at=blocked_at,
            last_message_at=now(),
            created_at=now(),
        )


async def viewer_of(member: Member) -> Viewer:
    """Return a viewer with the rights of a member."""
    membership = Membership(
        workspace_id=member.workspace_id,
        member_id=member.id,
        role=member.role,
        visibility=member.visibility,
        team_id=member.team_id,
        restrictions=member.restrictions,
        head=await read_head(member.workspace_id),
    )
    return Viewer("session:1", member.user_id, {member.workspace_id: membership}, None, None)


async def listed(viewer: Viewer, workspace_id: int) -> set[int]:
    """Return the conversations of the inbox of all, page after page."""
    inbox, found = StandardInbox(workspace_id, InboxKind.ALL), set()
    request = ALL
    while True:
        page = await list_conversations(viewer, inbox, request)
        found |= {row.id for row in page.rows}
        if not page.has_next:
            return found
        request = PageRequest(first=MAX_PAGE, after=page.cursors[-1])


async def contacts_of(viewer: Viewer, workspace_id: int) -> set[int]:
    """Return the contacts in the list of all, page after page."""
    found, request = set(), ALL
    while True:
        page = await list_contacts(viewer, workspace_id, request)
        found |= {row.id for row in page.rows}
        if not page.has_next:
            return found
        request = PageRequest(first=MAX_PAGE, after=page.cursors[-1])


async def is_given(viewer: Viewer, conversation_id: int, contact_id: int) -> bool:
    """Tell whether a conversation and its contact are given by their ids."""
    try:
        await get_conversation(viewer, conversation_id)
    except Refused:
        with pytest.raises(Refused):
            await get_contact(viewer, contact_id)
        return False
    await get_contact(viewer, contact_id)
    return True


async def test_sql_and_the_pure_rule_agree(api: Api, world: World) -> None:
    members = await everybody(world)
    await everything(world, members)
    elsewhere = await make_world("Elsewhere")
    await everything(elsewhere, [elsewhere.owner.member])
    ids = [row.id for row in await Conversation.all()]
    rows = (await conversations_by_id(ids)).values()
    here = world.workspace.id
    counts = set()
    for member in members:
        viewer = await viewer_of(member)
        seen = {row.id for row in rows if sees(viewer, row)}
        free = {row.id for row in rows if row.id in seen and row.blocked_at is None}
        assert await listed(viewer, here) == free
        contacts = await contacts_of(viewer, here)
        assert contacts == {r.contact_id for r in rows if r.id in seen}
        found = await find_nodes(viewer, [("Conversation", str(key)) for key in ids])
        assert {row.id for row in found.values()} == seen
        inbox = StandardInbox(here, InboxKind.ALL)
        [counted] = await count_inboxes(viewer, here, [inbox])
        assert counted.open_count == len(free)
        assert viewer.memberships[here].sees_blocked or seen == free
        for row in list(rows)[:: len(members)]:
            assert await is_given(viewer, row.id, row.contact_id) is (row.id in seen)
        counts.add(len(seen))
    everything_here = 3 * (len(members) + 1)
    expected = {3, 6, everything_here, 2 * everything_here}
    assert counts >= expected, "some see their own only, some everything, some also what is blocked"


async def test_a_viewer_of_two_workspaces_has_the_rights_of_each(api: Api, world: World) -> None:
    other = await make_world("Other")
    own = (await world.add("Own", visibility=Visibility.OWN)).member
    for place, member in ((world, own), (other, other.owner.member)):
        await everything(place, [member])
    mine, theirs = await viewer_of(own), await viewer_of(other.owner.member)
    both = replace(mine, memberships={**mine.memberships, **theirs.memberships})
    rows = (await conversations_by_id([row.id for row in await Conversation.all()])).values()
    expected = {row.id for row in rows if sees(mine, row) or sees(theirs, row)}
    assert {row.id for row in rows if sees(both, row)} == expected
    assert {row.id for row in rows if await is_given(both, row.id, row.contact_id)} == expected
    assert len(expected) == (1 + 2) * 2
