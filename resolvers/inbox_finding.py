"""Finding inboxes: which lists of conversations a viewer has."""

from collections.abc import Collection, Iterable

from tortoise.expressions import Q

from models.custom_inbox import CustomInbox as CustomInboxRow
from models.custom_inbox import InboxSharing
from models.engine import sql
from models.queries import Where
from models.team import Team
from resolvers.access import visible_conversations
from resolvers.batches import teams_by_id
from resolvers.inbox_filter import read_filter
from resolvers.inbox_kinds import (
    STANDARD,
    BlockedInbox,
    CustomInbox,
    Inbox,
    InboxKind,
    Sharing,
    StandardInbox,
    TeamInbox,
    has_custom,
)
from resolvers.rights import Right
from resolvers.viewer import Viewer, hidden, number_in, require
from resolvers.workspace import teams


def standard_kinds(viewer: Viewer, workspace_id: int) -> list[InboxKind]:
    """Return which standard inboxes the viewer has; who sees only some conversations has no list of
    Unassigned."""
    membership = require(viewer, workspace_id, Right.VIEW)
    kinds = list(STANDARD)
    if membership.member_id is None:
        kinds.remove(InboxKind.MINE)
    if not membership.sees_all:
        kinds.remove(InboxKind.UNASSIGNED)
    return kinds


def standard_inboxes(viewer: Viewer, workspace_id: int) -> list[StandardInbox]:
    """Return the standard inboxes that the viewer has."""
    return [StandardInbox(workspace_id, kind) for kind in standard_kinds(viewer, workspace_id)]


async def inboxes(viewer: Viewer, workspace_id: int) -> list[Inbox]:
    """Return every inbox of the viewer in the order in which they are shown; three statements."""
    custom = await custom_inboxes(viewer, workspace_id)
    member_id = viewer.member_id(workspace_id)
    mine = [inbox for inbox in custom if inbox.creator_id == member_id]
    others = [inbox for inbox in custom if inbox.creator_id != member_id]
    return [
        *standard_inboxes(viewer, workspace_id),
        *await team_inboxes(viewer, workspace_id),
        *mine,
        *others,
        *await blocked_inboxes(viewer, workspace_id),
    ]


async def team_inboxes(viewer: Viewer, workspace_id: int) -> list[TeamInbox]:
    """Return the inboxes of the teams whose conversations the viewer may see, by name."""
    require(viewer, workspace_id, Right.VIEW)
    return _theirs(viewer, await teams(workspace_id))


def _theirs(viewer: Viewer, teams: Iterable[Team]) -> list[TeamInbox]:
    return [
        TeamInbox(row.workspace_id, row.id, row.name)
        for row in teams
        if row.workspace_id in viewer.memberships
        and viewer.memberships[row.workspace_id].sees_team(row.id)
    ]


async def custom_inboxes(viewer: Viewer, workspace_id: int) -> list[CustomInbox]:
    """Return the custom inboxes that the viewer has, by name; two statements."""
    membership = require(viewer, workspace_id, Right.VIEW)
    theirs = Q(sharing=InboxSharing.WORKSPACE)
    if membership.member_id is not None:
        theirs |= Q(creator_id=membership.member_id)
        theirs |= Q(sharing=InboxSharing.SHARED, shares__member_id=membership.member_id)
    if membership.team_id is not None:
        theirs |= Q(sharing=InboxSharing.SHARED, shares__team_id=membership.team_id)
    found = CustomInboxRow.filter(theirs, workspace_id=workspace_id).distinct()
    rows = await found.order_by("name", "id").prefetch_related("shares")
    return [inbox for inbox in map(_read, rows) if has_custom(viewer, inbox)]


def _read(row: CustomInboxRow) -> CustomInbox:
    members = tuple(sorted(one.member_id for one in row.shares if one.member_id is not None))
    teams = tuple(sorted(one.team_id for one in row.shares if one.team_id is not None))
    return CustomInbox(
        row.workspace_id,
        row.id,
        row.name,
        row.creator_id,
        read_filter(row.conditions),
        Sharing(row.sharing, members, teams),
        row.version,
        row.created_at,
    )


async def blocked_inboxes(viewer: Viewer, workspace_id: int) -> list[BlockedInbox]:
    """Return the inbox of blocked contacts, if the viewer may see any (product rule 9)."""
    where = visible_conversations(viewer, workspace_id) & Where("c.blocked_at IS NOT NULL")
    if not viewer.memberships[workspace_id].sees_blocked:
        return []
    found = await sql.records(
        "SELECT 1 FROM conversation c LEFT JOIN member m ON m.id = c.assignee_id"
        f" WHERE {where.condition} LIMIT 1",
        *where.values,
    )
    return [BlockedInbox(workspace_id)] if found else []


async def find_inbox(viewer: Viewer, kind: str, key: str) -> Inbox:
    """Return the inbox under a type's name and a key; refuse one that the viewer does not have."""
    found = await find_inboxes(viewer, kind, [key])
    if key not in found:
        raise hidden()
    return found[key]


async def find_inboxes(viewer: Viewer, kind: str, keys: Collection[str]) -> dict[str, Inbox]:
    """Return those of the inboxes under a type's name and keys that the viewer has.

    The key of a standard inbox is as in `5.ALL`, that of the blocked one the workspace's number.
    """
    found: dict[str, Inbox] = {}
    if kind == "StandardInbox":
        for key in keys:
            if (standard := _standard_inbox(viewer, key)) is not None:
                found[key] = standard
        return found
    numbers = [number for key in keys if (number := number_in(key)) is not None]
    if kind == "TeamInbox" and numbers:
        known = await teams_by_id(numbers)
        found |= {str(inbox.id): inbox for inbox in _theirs(viewer, known.values())}
    elif kind == "CustomInbox" and numbers:
        rows = await CustomInboxRow.filter(id__in=numbers).prefetch_related("shares")
        custom = map(_read, rows)
        found |= {str(inbox.id): inbox for inbox in custom if has_custom(viewer, inbox)}
    elif kind == "BlockedInbox":
        for number in {number for number in numbers if number in viewer.memberships}:
            found |= {str(number): inbox for inbox in await blocked_inboxes(viewer, number)}
    return found


def _standard_inbox(viewer: Viewer, key: str) -> StandardInbox | None:
    number, _, kind = key.partition(".")
    workspace_id = number_in(number)
    if workspace_id is None or workspace_id not in viewer.memberships:
        return None
    own = standard_kinds(viewer, workspace_id)
    return next((StandardInbox(workspace_id, one) for one in own if one.value == kind), None)


async def inboxes_of_viewers(
    keys: Collection[tuple[Viewer, int]],
) -> dict[tuple[Viewer, int], CustomInbox]:
    """Return custom inboxes for pairs of a viewer who has it and its id; two statements."""
    rows = await CustomInboxRow.filter(id__in={key for _, key in keys}).prefetch_related("shares")
    found = {row.id: _read(row) for row in rows}
    return {
        (viewer, key): found[key]
        for viewer, key in keys
        if key in found and has_custom(viewer, found[key])
    }
