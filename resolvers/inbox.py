"""Inboxes: the lists in which agents find their conversations."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from models.conversation import ConversationStatus
from models.engine import sql
from models.layout import Layout
from models.queries import Records, Where, read_conversations
from models.records import ConversationRecord
from resolvers.access import visible_conversations
from resolvers.page import Page, PageRequest, keyset_page
from resolvers.proof import proved, proving
from resolvers.viewer import Right, Viewer, hidden, number_in, require

NOBODY = "c.assignee_id IS NULL AND c.ai_agent_id IS NULL"
"""What is unassigned, also where a team has it."""


class InboxKind(Enum):
    """The inboxes that every workspace has."""

    ALL = "ALL"
    """Every conversation that the viewer may see."""
    MINE = "MINE"
    """Those assigned to the viewer."""
    UNASSIGNED = "UNASSIGNED"
    """Those that neither a member nor an AI agent looks after, also where a team has them."""


class ConversationSort(Enum):
    """How a list of conversations is ordered."""

    NEWEST_MESSAGE = "NEWEST_MESSAGE"
    """The newest last message first."""
    OLDEST_MESSAGE = "OLDEST_MESSAGE"
    """The oldest last message first."""


@dataclass(frozen=True, slots=True)
class StandardInbox:
    """One of the standard inboxes, as this viewer sees it."""

    workspace_id: int
    kind: InboxKind


@dataclass(frozen=True, slots=True)
class InboxCounts:
    """How many visible conversations of an inbox are open, and how many of those are unread."""

    open_count: int
    unread_count: int


def standard_inboxes(viewer: Viewer, workspace_id: int) -> list[StandardInbox]:
    """Return the standard inboxes; who sees only some conversations has no list of Unassigned."""
    membership = require(viewer, workspace_id, Right.VIEW)
    kinds = list(InboxKind)
    if membership.member_id is None:
        kinds.remove(InboxKind.MINE)
    if not membership.sees_all:
        kinds.remove(InboxKind.UNASSIGNED)
    return [StandardInbox(workspace_id, kind) for kind in kinds]


def get_inbox(viewer: Viewer, workspace_id: int, kind: InboxKind) -> StandardInbox:
    """Return a standard inbox of the viewer; refuse one that they do not have."""
    for inbox in standard_inboxes(viewer, workspace_id):
        if inbox.kind is kind:
            return inbox
    raise hidden()


def find_inbox(viewer: Viewer, key: str) -> StandardInbox:
    """Return the inbox under a key such as `5.ALL`; refuse one that the viewer does not have."""
    number, _, kind = key.partition(".")
    workspace_id = number_in(number)
    if workspace_id is None or workspace_id not in viewer.memberships:
        raise hidden()
    if kind not in InboxKind.__members__:
        raise hidden()
    return get_inbox(viewer, workspace_id, InboxKind(kind))


def _conversations(viewer: Viewer, inbox: StandardInbox) -> Where:
    where = visible_conversations(viewer, inbox.workspace_id)
    if inbox.kind is InboxKind.MINE:
        where &= Where("c.assignee_id = ?", (viewer.member_id(inbox.workspace_id),))
    elif inbox.kind is InboxKind.UNASSIGNED:
        where &= Where(NOBODY)
    return where


async def list_conversations(
    viewer: Viewer,
    inbox: StandardInbox,
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
    where = proving(viewer, _conversations(viewer, inbox))
    if status is not None:
        where &= Where("c.status = ?", (status.value,))
    if unreplied:
        where &= Where("c.unreplied_since IS NOT NULL")
    page = await keyset_page(
        layout or Records(read_conversations),
        where,
        request,
        alias="c",
        key="last_message_at",
        descending=sort is ConversationSort.NEWEST_MESSAGE,
    )
    proved(viewer, page.rows)
    return page


async def counts_of_inboxes(
    keys: Collection[tuple[Viewer, int]],
) -> dict[tuple[Viewer, int], dict[InboxKind, InboxCounts]]:
    """Return the counts of all standard inboxes, for pairs of viewer and workspace."""
    return {key: await count_inboxes(*key) for key in set(keys)}


async def count_inboxes(viewer: Viewer, workspace_id: int) -> dict[InboxKind, InboxCounts]:
    """Return the counts of all standard inboxes of a workspace; one statement."""
    membership = require(viewer, workspace_id, Right.VIEW)
    member_id = membership.member_id
    unread = "c.incoming_count > COALESCE(r.incoming_read, 0)"
    if member_id is None:
        unread = "1 = 0"  # a program reads nothing, so that nothing is unread for it
    mine, unassigned = "c.assignee_id = ?", f"({NOBODY})"
    where = visible_conversations(viewer, workspace_id)
    [row] = await sql.rows(
        "SELECT COUNT(*) AS all_open,"
        f" SUM(CASE WHEN {unread} THEN 1 ELSE 0 END) AS all_unread,"
        f" SUM(CASE WHEN {mine} THEN 1 ELSE 0 END) AS mine_open,"
        f" SUM(CASE WHEN {mine} AND {unread} THEN 1 ELSE 0 END) AS mine_unread,"
        f" SUM(CASE WHEN {unassigned} THEN 1 ELSE 0 END) AS unassigned_open,"
        f" SUM(CASE WHEN {unassigned} AND {unread} THEN 1 ELSE 0 END) AS unassigned_unread"
        " FROM conversation c LEFT JOIN member m ON m.id = c.assignee_id"
        " LEFT JOIN read_mark r ON r.conversation_id = c.id AND r.member_id = ?"
        f" WHERE {where.condition} AND c.status = 'OPEN'",
        member_id,
        member_id,
        member_id,
        *where.values,
    )
    return {
        kind: InboxCounts(
            int(row[f"{kind.value.lower()}_open"] or 0),
            int(row[f"{kind.value.lower()}_unread"] or 0),
        )
        for kind in InboxKind
    }
