"""Visibility in worlds at random: SQL, the pure rule and a plain one agree, also after changes."""

from collections.abc import Collection, Mapping
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.comment import Comment
from models.engine import sql
from models.message import Message
from models.queries import Where
from models.records import ConversationRecord
from models.refusal import Refused
from resolvers.access import get_comment, get_message, sees, visible_conversations
from resolvers.authentication import viewer_of_credential
from resolvers.batches import conversations_by_id
from resolvers.contact_list import list_contacts, visible_contacts
from resolvers.inbox_finding import blocked_inboxes
from resolvers.inbox_kinds import InboxKind, StandardInbox
from resolvers.inbox_pages import list_conversations
from resolvers.node import find_nodes
from resolvers.page import MAX_PAGE, PageRequest
from resolvers.search import search
from resolvers.viewer import Viewer
from tests.building_worlds import build
from tests.properties import hold
from tests.random_worlds import CHANGES, PLANS, WORD, Change, Plan, Worlds

EXAMPLES = 15
ALL = PageRequest(first=MAX_PAGE)
SOURCE = (
    "FROM conversation c JOIN contact ct ON ct.id = c.contact_id"
    " LEFT JOIN member m ON m.id = c.assignee_id"
)


async def compare(worlds: Worlds, ids: Mapping[str, Collection[int]]) -> set[int]:
    """Compare what everybody sees of everything; return how much they see."""
    rows = await conversations_by_id(ids["Conversation"])
    everything = [row for place in worlds.places for row in place.conversations]
    assert {row.id for row in everything} <= set(rows), "the deleted are there, but nowhere"
    counts = set()
    for credential in worlds.credentials:
        viewer = await viewer_of_credential(credential)
        assert isinstance(viewer, Viewer)
        seen = {row.id: row for row in rows.values() if sees(viewer, row)}
        assert set(seen) == {row.id for row in everything if worlds.may_see(credential, row)}
        for place in worlds.places:
            own = [row for row in seen.values() if row.workspace_id == place.key]
            if place.key in viewer.memberships:
                await compare_lists(viewer, worlds, place.key, own)
            else:
                assert own == []
                with pytest.raises(Refused):
                    visible_conversations(viewer, place.key)
        await compare_nodes(viewer, worlds, ids, seen)
        counts.add(len(seen))
    return counts


async def selected(column: str, where: Where) -> list[int]:
    """Return a column of what a condition leaves, in order."""
    found = await sql.records(
        f"SELECT {column} {SOURCE} WHERE {where.condition} ORDER BY 1", *where.values
    )
    return [row[0] for row in found]


async def compare_lists(
    viewer: Viewer, worlds: Worlds, workspace_id: int, seen: list[ConversationRecord]
) -> None:
    """Compare what SQL selects in a workspace with the conversations that are seen there."""
    contacts = sorted(row.contact_id for row in seen)
    blocked = {row.id for row in seen if row.blocked_at is not None}
    conversations = visible_conversations(viewer, workspace_id)
    assert await selected("c.id", conversations) == sorted(row.id for row in seen)
    assert await selected("ct.id", visible_contacts(viewer, workspace_id)) == contacts
    page = await list_contacts(viewer, workspace_id, ALL)
    assert sorted(row.id for row in page.rows) == contacts
    inbox = StandardInbox(workspace_id, InboxKind.ALL)
    free = await list_conversations(viewer, inbox, ALL)
    assert {row.id for row in free.rows} == {row.id for row in seen} - blocked
    assert bool(await blocked_inboxes(viewer, workspace_id)) is bool(blocked)
    with patch("resolvers.search.sees", lambda *_: True):  # what SQL finds by itself
        found = (await search(viewer, workspace_id, ALL, text=WORD)).rows
    lines = [one for one in worlds.lines if one.conversation_id in {row.id for row in seen}]
    assert sorted(
        (one.kind.value, one.conversation.contact_id if one.item is None else one.item.id)
        for one in found
    ) == sorted(
        [("CONTACT", key) for key in contacts]
        + [("MESSAGE", one.id) for one in lines if isinstance(one, Message)]
        + [("COMMENT", one.id) for one in lines if isinstance(one, Comment) and one.text]
    )


async def compare_nodes(
    viewer: Viewer,
    worlds: Worlds,
    ids: Mapping[str, Collection[int]],
    seen: Mapping[int, ConversationRecord],
) -> None:
    """Compare what is given by its id with the conversations that are seen."""
    asked = [(kind, str(key)) for kind, keys in ids.items() for key in keys]
    lines = [one for one in worlds.lines if one.conversation_id in seen]
    expected = {
        "Conversation": set(seen),
        "Contact": {row.contact_id for row in seen.values()},
        "Message": {one.id for one in lines if isinstance(one, Message)},
        "Comment": {one.id for one in lines if isinstance(one, Comment)},
        "Attachment": {key for key, where in worlds.files.items() if where in seen},
    }
    found = await find_nodes(viewer, asked)
    assert set(found) == {(kind, str(key)) for kind, keys in expected.items() for key in keys}
    for one in worlds.lines[:3]:
        get = get_message if isinstance(one, Message) else get_comment
        if one.conversation_id in seen:
            await get(viewer, one.id)
        else:
            with pytest.raises(Refused):
                await get(viewer, one.id)


def ids_in(worlds: Worlds) -> dict[str, Collection[int]]:
    """Return the ids of all there is, to be asked for also when it is gone."""
    rows = [row for place in worlds.places for row in place.conversations]
    return {
        "Conversation": [row.id for row in rows],
        "Contact": [row.contact_id for row in rows],
        "Message": [one.id for one in worlds.lines if isinstance(one, Message)],
        "Comment": [one.id for one in worlds.lines if isinstance(one, Comment)],
        "Attachment": list(worlds.files),
    }


async def test_everything_agrees_in_any_world(database: object) -> None:
    counts = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        database=None,
    )
    @given(PLANS, st.lists(CHANGES, min_size=1, max_size=2))
    async def check(plan: Plan, changes: list[Change]) -> None:
        worlds = await build(plan)
        ids = ids_in(worlds)
        counts.update(await compare(worlds, ids))
        for change in changes:
            await worlds.change(change)
            counts.update(await compare(worlds, ids))

    await hold(check)
    assert len(counts) > 3, "the examples tell too little"
