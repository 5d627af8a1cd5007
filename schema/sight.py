"""Sight: which events a viewer may see, and after which their rights may be others."""

from dataclasses import dataclass

from models.member import Role, Visibility
from models.transfer import TransferKind
from realtime.comment_events import CommentFact
from realtime.contact_events import ContactDeleted, ContactMerged
from realtime.draft_events import DraftChanged
from realtime.events import (
    ABOUT_MESSAGES,
    ContactBlocked,
    ConversationAssigned,
    ConversationMarkedUnread,
    ConversationRead,
    ConversationTakenOver,
    ConversationUnassigned,
    CredentialRevoked,
    CustomInboxChanged,
    Fact,
    MaskingChanged,
    MemberChanged,
    MemberTeamChanged,
    TeamChanged,
    WorkspaceSettingsChanged,
)
from realtime.notification_events import NotificationFact, NotificationsArchived
from realtime.transfer_events import ImportProgressed, TransferFact
from resolvers.access import sees, sees_assignment
from resolvers.inbox_kinds import is_told_of
from resolvers.inbox_view import Moved
from resolvers.masking import Masking
from resolvers.transfer import sees_transfer
from resolvers.viewer import Membership, Viewer
from schema.hub import Told

OF_RIGHTS = (MemberChanged, MemberTeamChanged, MaskingChanged, CredentialRevoked)
"""The facts after which rights may be others."""

Rights = tuple[Role, Visibility, int | None, str, Masking]
PERSONAL = (ConversationRead, ConversationMarkedUnread, DraftChanged, NotificationFact)
"""The facts that are told to the devices of one member only."""

OF_THE_WHOLE = (TeamChanged, WorkspaceSettingsChanged, MaskingChanged, NotificationsArchived)
"""The facts that are about no row in particular."""

OF_THE_GONE = (ContactDeleted, ContactMerged)
"""The facts of which only ids are left, told to all who saw what is gone."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as this viewer may see it.

    Hidden: they have just lost sight of its rows or, where it tells of a member, no longer know
    what they may see.
    """

    told: Told
    is_hidden: bool
    part: object = None
    """What else its result depends on: the view of an inbox."""
    moved: Moved | None = None
    """What it has done to the inbox that is followed."""


def seen_by(viewer: Viewer, told: Told) -> Seen | None:
    """Return an event as the viewer may see it now, or None. No query."""
    delivery = told.delivery
    fact = delivery.logged.fact
    membership = viewer.memberships.get(fact.workspace_id)
    if membership is None or isinstance(fact, CredentialRevoked):
        return None
    if isinstance(fact, PERSONAL) and fact.member_id != membership.member_id:
        return None
    if isinstance(fact, MemberChanged | MemberTeamChanged):
        is_hidden = changes_sight(membership, fact)
        return Seen(told, is_hidden=is_hidden) if delivery.member is not None else None
    if isinstance(fact, CustomInboxChanged):
        return Seen(told, is_hidden=False) if is_told_of(membership, fact) else None
    if isinstance(fact, TransferFact):
        is_import = isinstance(fact, ImportProgressed)
        kind = TransferKind.IMPORT if is_import else TransferKind.EXPORT
        is_seen = sees_transfer(viewer, fact.workspace_id, kind, fact.actor)
        return Seen(told, is_hidden=False) if is_seen else None
    if isinstance(fact, OF_THE_WHOLE):
        return Seen(told, is_hidden=False)
    if isinstance(fact, ABOUT_MESSAGES) and delivery.message is None:
        return None
    if isinstance(fact, NotificationFact) and delivery.notification is None:
        return None
    if isinstance(fact, CommentFact) and delivery.comment is None:
        return None
    row, is_end = delivery.conversation, isinstance(fact, OF_THE_GONE)
    if row is not None and not is_end and sees(viewer, row):
        return Seen(told, is_hidden=False)
    if row is None and not is_end and membership.sees_all and membership.sees_blocked:
        return None  # it is no more: they saw it until its end, which is told
    return Seen(told, is_hidden=True) if saw_before(membership, fact) else None


def saw_before(membership: Membership, fact: Fact) -> bool:
    """Tell whether a conversation was visible until a fact took it away."""
    match fact:
        case ConversationAssigned() | ConversationUnassigned():
            person, persons_team = fact.previous_assignee_id, fact.previous_assignee_team_id
            team, seen = fact.previous_team_id, membership.sees_blocked or not fact.is_blocked
        case ConversationTakenOver():  # an AI agent had it, and its contact was not blocked
            person, persons_team, team, seen = None, None, fact.previous_team_id, True
        case ContactBlocked():
            person, persons_team = fact.assignee_id, fact.assignee_team_id
            team, seen = fact.team_id, not membership.sees_blocked
        case ContactDeleted() | ContactMerged():
            person, persons_team = fact.assignee_id, fact.assignee_team_id
            team, seen = fact.team_id, membership.sees_blocked or not fact.is_blocked
        case _:
            return False
    return seen and sees_assignment(
        membership, assignee_id=person, assignee_team_id=persons_team, team_id=team
    )


def changes_sight(membership: Membership, fact: Fact) -> bool:
    """Tell whether a member may see other conversations after a fact than they did before.

    Perhaps it is their own rights that have changed, or somebody has come to their team or left
    it, with any number of conversations.
    """
    if isinstance(fact, MemberChanged | MemberTeamChanged) and (
        fact.member_id == membership.member_id
    ):
        return True
    return (
        isinstance(fact, MemberTeamChanged)
        and not membership.sees_all
        and membership.visibility is Visibility.TEAM
        and membership.team_id is not None
        and membership.team_id in (fact.team_id, fact.previous_team_id)
    )


def touches_rights(viewer: Viewer, fact: Fact) -> bool:
    """Tell whether the viewer's rights must be looked at anew after a fact."""
    if isinstance(fact, CredentialRevoked):
        return fact.credential == viewer.credential
    membership = viewer.memberships.get(fact.workspace_id)
    if isinstance(fact, MaskingChanged):
        return membership is not None and membership.role is Role.AGENT
    return membership is not None and changes_sight(membership, fact)


def rights_in(viewer: Viewer, workspace_id: int) -> Rights | None:
    """Return what decides what the viewer may see and do in a workspace; None for nothing."""
    membership = viewer.memberships.get(workspace_id)
    if membership is None:
        return None
    return (
        membership.role,
        membership.visibility,
        membership.team_id,
        membership.restrictions,
        membership.masking,
    )
