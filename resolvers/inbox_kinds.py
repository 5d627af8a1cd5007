"""The kinds of inboxes, and who has which."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from models.custom_inbox import InboxSharing
from realtime.events import CustomInboxChanged
from resolvers.inbox_filter import Filter
from resolvers.masking import looks_at_hidden
from resolvers.viewer import Membership, Viewer


class InboxKind(Enum):
    """What an inbox holds."""

    ALL = "ALL"
    """Every conversation that the viewer may see."""
    MINE = "MINE"
    """Those assigned to the viewer."""
    UNASSIGNED = "UNASSIGNED"
    """Those that nobody looks after."""
    TEAM = "TEAM"
    """Those assigned to a team, or to one of its members."""
    CUSTOM = "CUSTOM"
    """Those that meet a filter."""
    BLOCKED = "BLOCKED"
    """Those of blocked contacts, which are in no other inbox."""


STANDARD = (InboxKind.ALL, InboxKind.MINE, InboxKind.UNASSIGNED)


class InboxGroup(Enum):
    """Where an inbox stands among the others."""

    STANDARD = "STANDARD"
    """The ones that everybody has."""
    TEAM = "TEAM"
    """Those of teams."""
    CREATED_BY_ME = "CREATED_BY_ME"
    """Those that the viewer made."""
    CREATED_BY_OTHERS = "CREATED_BY_OTHERS"
    """Those that others made and share with the viewer."""
    BLOCKED = "BLOCKED"
    """That of blocked contacts."""


@dataclass(frozen=True, slots=True)
class StandardInbox:
    """One of the standard inboxes, as this viewer sees it."""

    workspace_id: int
    kind: InboxKind


@dataclass(frozen=True, slots=True)
class TeamInbox:
    """The inbox of a team."""

    workspace_id: int
    id: int
    name: str
    kind: InboxKind = InboxKind.TEAM


@dataclass(frozen=True, slots=True)
class BlockedInbox:
    """The inbox of blocked contacts."""

    workspace_id: int
    kind: InboxKind = InboxKind.BLOCKED


@dataclass(frozen=True, slots=True)
class Sharing:
    """With whom a custom inbox is shared, besides its creator."""

    mode: InboxSharing = InboxSharing.PRIVATE
    member_ids: tuple[int, ...] = ()
    team_ids: tuple[int, ...] = ()

    def reaches(self, membership: Membership) -> bool:
        """Tell whether somebody other than the creator has the inbox."""
        if self.mode is not InboxSharing.SHARED:
            return self.mode is InboxSharing.WORKSPACE
        return membership.member_id in self.member_ids or membership.team_id in self.team_ids


@dataclass(frozen=True, slots=True)
class CustomInbox:
    """A saved filter of a member, with whom it is shared."""

    workspace_id: int
    id: int
    name: str
    creator_id: int
    conditions: Filter
    sharing: Sharing
    version: int
    created_at: datetime
    kind: InboxKind = InboxKind.CUSTOM


Inbox = StandardInbox | TeamInbox | CustomInbox | BlockedInbox


def has_custom(viewer: Viewer, inbox: CustomInbox) -> bool:
    """Tell whether the viewer has a custom inbox among theirs.

    Nobody has one that would show by what it holds what is hidden from them, not even their own.
    """
    membership = viewer.memberships.get(inbox.workspace_id)
    if membership is None or looks_at_hidden(inbox.conditions, membership.masking):
        return False
    return membership.member_id == inbox.creator_id or inbox.sharing.reaches(membership)


def group_of(viewer: Viewer, inbox: Inbox) -> InboxGroup:
    """Return where an inbox stands in the viewer's list."""
    if isinstance(inbox, CustomInbox):
        mine = viewer.member_id(inbox.workspace_id) == inbox.creator_id
        return InboxGroup.CREATED_BY_ME if mine else InboxGroup.CREATED_BY_OTHERS
    if isinstance(inbox, StandardInbox):
        return InboxGroup.STANDARD
    return InboxGroup.TEAM if isinstance(inbox, TeamInbox) else InboxGroup.BLOCKED


def is_told_of(membership: Membership, fact: CustomInboxChanged) -> bool:
    """Tell whether somebody has, or had, the inbox of which a change is told."""
    member_id, team_id = membership.member_id, membership.team_id
    if fact.is_for_all or (member_id is not None and member_id == fact.creator_id):
        return True
    return member_id in fact.member_ids or team_id in fact.team_ids
