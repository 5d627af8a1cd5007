"""Pages of inboxes: their conversations in an order, and how many there are."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from models.clock import now
from models.conversation import ConversationStatus
from models.engine import sql
from models.layout import Layout
from models.queries import Records, Where, read_conversations
from models.records import ConversationRecord, MemberRecord
from models.refusal import Code, Refused
from models.team import Team
from resolvers.access import visible_conversations
from resolvers.batches import members_by_id, teams_by_id
from resolvers.inbox_kinds import CustomInbox, Inbox, InboxKind, TeamInbox
from resolvers.inbox_sql import filter_where
from resolvers.page import Page, PageRequest, keyset_page
from resolvers.proof import proved, proving
from resolvers.viewer import Viewer


class ConversationSort(Enum):
    """How a list of conversations is ordered."""

    NEWEST_MESSAGE = "NEWEST_MESSAGE"
    """The newest last message first."""
    OLDEST_MESSAGE = "OLDEST_MESSAGE"
    """The oldest last message first."""
    LONGEST = "LONGEST"
    """Those first that have been longest in the tab's status; it needs a `status`."""
    SHORTEST = "SHORTEST"
    """Those first that came last into the tab's status; it needs a `status`."""


SORT_KEYS: Mapping[ConversationSort, tuple[str, bool]] = {
    ConversationSort.NEWEST_MESSAGE: ("last_message_at", True),
    ConversationSort.OLDEST_MESSAGE: ("last_message_at", False),
    ConversationSort.LONGEST: ("status_since", False),
    ConversationSort.SHORTEST: ("status_since", True),
}
"""The moment by which each orders, and whether the latest comes first."""


@dataclass(frozen=True, slots=True)
class InboxCounts:
    """How many visible conversations of an inbox are open, and how many of those wait."""

    open_count: int
    unread_count: int
    unreplied_count: int


def check_sort(sort: ConversationSort, status: ConversationStatus | None) -> None:
    """Refuse to order all tabs at once by the time in the tab's status (product rule 75)."""
    if status is None and SORT_KEYS[sort][0] == "status_since":
        raise Refused(
            Code.INVALID,
            "Longest and shortest are about one tab: say which `status`.",
            field=("sort",),
        )


def belongs(inbox: Inbox, member_id: int | None, moment: datetime) -> Where:
    """Return what makes a conversation (alias c) one of an inbox, whoever may see it."""
    where = Where("c.blocked_at IS NULL")
    if isinstance(inbox, TeamInbox):
        return where & Where("(m.team_id = ? OR c.team_id = ?)", (inbox.id, inbox.id))
    if isinstance(inbox, CustomInbox):
        return where & filter_where(inbox.conditions, moment)
    if inbox.kind is InboxKind.BLOCKED:
        return Where("c.blocked_at IS NOT NULL")
    if inbox.kind is InboxKind.MINE:
        return where & Where("c.assignee_id = ?", (member_id,))
    if inbox.kind is InboxKind.UNASSIGNED:
        return where & Where("c.assignee_id IS NULL AND c.ai_agent_id IS NULL")
    return where


def conversations_of(viewer: Viewer, inbox: Inbox, moment: datetime) -> Where:
    """Return which conversations an inbox has for the viewer."""
    where = visible_conversations(viewer, inbox.workspace_id)
    return where & belongs(inbox, viewer.member_id(inbox.workspace_id), moment)


async def list_conversations(
    viewer: Viewer,
    inbox: Inbox,
    request: PageRequest,
    *,
    status: ConversationStatus | None = None,
    unreplied: bool = False,
    sort: ConversationSort = ConversationSort.NEWEST_MESSAGE,
    layout: Layout | None = None,
) -> Page[ConversationRecord]:
    """Return one page of an inbox; without a status, of all its tabs. One statement.

    With a layout its rows have only what that asks for.
    """
    check_sort(sort, status)
    key, descending = SORT_KEYS[sort]
    where = proving(viewer, conversations_of(viewer, inbox, now()))
    if status is not None:
        where &= Where("c.status = ?", (status.value,))
    if unreplied:
        where &= Where("c.unreplied_since IS NOT NULL")
    page = await keyset_page(
        layout or Records(read_conversations),
        where,
        request,
        alias="c",
        key=key,
        descending=descending,
    )
    proved(viewer, page.rows)
    return page


async def counts_of_inboxes(
    keys: Collection[tuple[Viewer, Inbox]],
) -> dict[tuple[Viewer, Inbox], InboxCounts]:
    """Return the counts of inboxes, for pairs of viewer and inbox; a statement per workspace."""
    found: dict[tuple[Viewer, Inbox], InboxCounts] = {}
    for viewer, workspace_id in {(viewer, inbox.workspace_id) for viewer, inbox in keys}:
        inboxes = [
            inbox for one, inbox in keys if (one, inbox.workspace_id) == (viewer, workspace_id)
        ]
        counts = await count_inboxes(viewer, workspace_id, inboxes)
        found |= {(viewer, inbox): one for inbox, one in zip(inboxes, counts, strict=True)}
    return found


async def count_inboxes(
    viewer: Viewer, workspace_id: int, inboxes: Collection[Inbox]
) -> list[InboxCounts]:
    """Return the counts of some inboxes of a workspace; one statement."""
    member_id, moment = viewer.member_id(workspace_id), now()
    unread = "c.incoming_count > COALESCE(r.incoming_read, 0)"
    if member_id is None:
        unread = "1 = 0"  # a program reads nothing, so that nothing is unread for it
    where = visible_conversations(viewer, workspace_id)
    sums: list[str] = []
    values: list[object] = []
    for inbox in inboxes:
        own = belongs(inbox, member_id, moment)
        for waits in ("1 = 1", unread, "c.unreplied_since IS NOT NULL"):
            sums.append(f"SUM(CASE WHEN {own.condition} AND {waits} THEN 1 ELSE 0 END)")
            values += own.values
    asked = ", ".join(sums)
    contact = " JOIN contact ct ON ct.id = c.contact_id" if "ct." in asked else ""
    [row] = await sql.records(
        f"SELECT {asked} FROM conversation c{contact}"
        " LEFT JOIN member m ON m.id = c.assignee_id"
        " LEFT JOIN read_mark r ON r.conversation_id = c.id AND r.member_id = ?"
        f" WHERE {where.condition} AND c.status = 'OPEN'",
        *values,
        member_id,
        *where.values,
    )
    sizes = [int(size or 0) for size in row]
    return [InboxCounts(*sizes[place : place + 3]) for place in range(0, len(sizes), 3)]


async def members_of(
    keys: Collection[tuple[int, ...]],
) -> dict[tuple[int, ...], list[MemberRecord]]:
    """Return the members under some ids, in the order of these."""
    found = await members_by_id({one for key in keys for one in key})
    return {key: [found[one] for one in key if one in found] for key in keys}


async def teams_of(keys: Collection[tuple[int, ...]]) -> dict[tuple[int, ...], list[Team]]:
    """Return the teams under some ids, in the order of these."""
    found = await teams_by_id({one for key in keys for one in key})
    return {key: [found[one] for one in key if one in found] for key in keys}
