"""Viewers: who asks, where they are members, and what their roles allow them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import lru_cache

from models.api_key import ApiKeyScope
from models.episode import ChangeSource
from models.member import Restriction, Role, Visibility
from models.records import MemberRow
from models.refusal import Code, Refused
from realtime.log import Head
from resolvers.deed import done_in
from resolvers.masking import MASKED, UNMASKED, Masking
from resolvers.proof import Proof


class Right(Enum):
    """What can be done with a workspace or one of its rows, once it can be seen."""

    VIEW = "VIEW"
    VIEW_PHONES = "VIEW_PHONES"
    VIEW_EMAILS = "VIEW_EMAILS"
    REPLY = "REPLY"
    COMMENT = "COMMENT"
    ASSIGN = "ASSIGN"
    CLOSE = "CLOSE"
    SNOOZE = "SNOOZE"
    BLOCK = "BLOCK"
    EDIT_CONTACTS = "EDIT_CONTACTS"
    DELETE_CONTACTS = "DELETE_CONTACTS"
    IMPORT_CONTACTS = "IMPORT_CONTACTS"
    EXPORT_DATA = "EXPORT_DATA"
    USE_SHORTCUTS = "USE_SHORTCUTS"
    MANAGE_MEMBERS = "MANAGE_MEMBERS"
    MANAGE_TEAMS = "MANAGE_TEAMS"
    DELETE_TEAMS = "DELETE_TEAMS"
    MANAGE_CHANNELS = "MANAGE_CHANNELS"
    MANAGE_INTEGRATIONS = "MANAGE_INTEGRATIONS"
    MANAGE_API_KEYS = "MANAGE_API_KEYS"
    MANAGE_SETTINGS = "MANAGE_SETTINGS"
    DELETE_CUSTOM_FIELDS = "DELETE_CUSTOM_FIELDS"
    VIEW_AUDIT_LOG = "VIEW_AUDIT_LOG"


@dataclass(frozen=True, slots=True)
class Grant:
    """Who has a right: some roles, unless a restriction takes it from the member."""

    roles: frozenset[Role]
    unless: Restriction | None = None
    masked_by: str | None = None
    """The switch of the workspace that takes it from agents, as `Masking` calls it."""


_EVERYBODY = Grant(frozenset(Role))
_LEADERS = Grant(frozenset({Role.OWNER, Role.MANAGER}))
_OWNERS = Grant(frozenset({Role.OWNER}))


def _but(grant: Grant, unless: Restriction) -> Grant:
    return Grant(grant.roles, unless)


RIGHTS: Mapping[Right, Grant] = {
    Right.VIEW: _EVERYBODY,
    Right.VIEW_PHONES: Grant(_EVERYBODY.roles, Restriction.PHONE_NUMBERS, "phones"),
    Right.VIEW_EMAILS: Grant(_EVERYBODY.roles, Restriction.EMAIL_ADDRESSES, "emails"),
    Right.REPLY: _EVERYBODY,
    Right.COMMENT: _EVERYBODY,
    Right.ASSIGN: _EVERYBODY,
    Right.CLOSE: _EVERYBODY,
    Right.SNOOZE: _EVERYBODY,
    Right.BLOCK: _EVERYBODY,
    Right.EDIT_CONTACTS: _EVERYBODY,
    Right.DELETE_CONTACTS: _but(_LEADERS, Restriction.CONTACT_DELETION),
    Right.IMPORT_CONTACTS: _LEADERS,
    Right.EXPORT_DATA: _but(_EVERYBODY, Restriction.DATA_EXPORT),
    Right.USE_SHORTCUTS: _but(_EVERYBODY, Restriction.SHORTCUTS),
    Right.MANAGE_MEMBERS: _LEADERS,
    Right.MANAGE_TEAMS: _LEADERS,
    Right.DELETE_TEAMS: _OWNERS,
    Right.MANAGE_CHANNELS: _LEADERS,
    Right.MANAGE_INTEGRATIONS: _but(_LEADERS, Restriction.INTEGRATIONS),
    Right.MANAGE_API_KEYS: _but(_LEADERS, Restriction.INTEGRATIONS),
    Right.MANAGE_SETTINGS: _but(_LEADERS, Restriction.WORKSPACE_SETTINGS),
    Right.DELETE_CUSTOM_FIELDS: _OWNERS,
    Right.VIEW_AUDIT_LOG: _OWNERS,
}
"""Which roles have which right, and what takes it away; `parley schema rights` prints it."""

SCOPES: Mapping[Right, ApiKeyScope] = {
    Right.VIEW: ApiKeyScope.READ,
    Right.VIEW_PHONES: ApiKeyScope.READ,
    Right.VIEW_EMAILS: ApiKeyScope.READ,
    Right.EXPORT_DATA: ApiKeyScope.READ,
    Right.REPLY: ApiKeyScope.WRITE_MESSAGES,
    Right.COMMENT: ApiKeyScope.WRITE_MESSAGES,
    Right.ASSIGN: ApiKeyScope.WRITE_CONVERSATIONS,
    Right.CLOSE: ApiKeyScope.WRITE_CONVERSATIONS,
    Right.SNOOZE: ApiKeyScope.WRITE_CONVERSATIONS,
    Right.USE_SHORTCUTS: ApiKeyScope.WRITE_CONVERSATIONS,
    Right.EDIT_CONTACTS: ApiKeyScope.WRITE_CONTACTS,
    Right.DELETE_CONTACTS: ApiKeyScope.WRITE_CONTACTS,
    Right.IMPORT_CONTACTS: ApiKeyScope.WRITE_CONTACTS,
    Right.BLOCK: ApiKeyScope.WRITE_CONTACTS,
}
"""The scope that an API key needs for a right; for all others it is MANAGE."""

RESTRICTABLE: Mapping[Role, frozenset[Restriction]] = {
    Role.OWNER: frozenset(),
    Role.MANAGER: frozenset(
        {
            Restriction.BLOCKED_CONTACTS,
            Restriction.CONTACT_DELETION,
            Restriction.DATA_EXPORT,
            Restriction.INTEGRATIONS,
            Restriction.WORKSPACE_SETTINGS,
        }
    ),
    Role.AGENT: frozenset(
        {
            Restriction.BLOCKED_CONTACTS,
            Restriction.DATA_EXPORT,
            Restriction.EMAIL_ADDRESSES,
            Restriction.PHONE_NUMBERS,
            Restriction.SHORTCUTS,
        }
    ),
}
"""Which restrictions a member of each role can have: what a role lacks cannot be taken from it."""


@lru_cache(maxsize=256)
def masking_of(role: Role, restrictions: str, switches: Masking) -> Masking:
    """Return what is hidden from who has a role and restrictions, by a workspace's switches."""
    phones, emails = (
        not _leaves(RIGHTS[right], role, restrictions, switches)
        for right in (Right.VIEW_PHONES, Right.VIEW_EMAILS)
    )
    return Masking(phones=phones, emails=emails)


def _leaves(grant: Grant, role: Role, restrictions: str, switches: Masking) -> bool:
    """Tell whether role, restrictions and the workspace's switches leave a right."""
    if role not in grant.roles:
        return False
    if grant.masked_by and role is Role.AGENT and getattr(switches, grant.masked_by):
        return False
    return grant.unless is None or grant.unless.value not in restrictions.split(",")


@dataclass(frozen=True, slots=True)
class Membership:
    """The viewer's place in one workspace, and where its log stood when the operation began."""

    workspace_id: int
    member_id: int | None
    """None for an API key."""
    role: Role
    visibility: Visibility
    team_id: int | None
    restrictions: str
    """As `member.restrictions` has them."""
    head: Head | None
    """None where the viewer is only remembered."""
    scopes: str = ""
    """As `api_key.scopes` has them; empty for people."""
    switches: Masking = UNMASKED
    """What the workspace hides from its agents."""
    masking: Masking = field(init=False, compare=False)
    """What is hidden from the viewer (product rule 79)."""

    def __post_init__(self) -> None:
        hidden = masking_of(self.role, self.restrictions, self.switches)
        object.__setattr__(self, "masking", hidden)

    @property
    def sees_all(self) -> bool:
        """Only agents can be restricted in what they see."""
        return self.role is not Role.AGENT or self.visibility is Visibility.ALL

    def sees_team(self, team_id: int) -> bool:
        """Tell whether the viewer has a team's inbox (product rule 5).

        Those who lead and programs have all, an agent their own team's, and who sees only what is
        theirs none.
        """
        if self.role is not Role.AGENT or self.member_id is None:
            return True
        return self.visibility is not Visibility.OWN and team_id == self.team_id

    @property
    def sees_blocked(self) -> bool:
        """Blocked contacts are seen unless the member is restricted."""
        return not self.is_restricted(Restriction.BLOCKED_CONTACTS)

    def is_restricted(self, restriction: Restriction) -> bool:
        """Tell whether a restriction lies on the member."""
        return restriction.value in self.restrictions.split(",")

    def has_scope(self, right: Right) -> bool:
        """Tell whether the scopes of an API key, if it has any, contain a right."""
        needed = SCOPES.get(right, ApiKeyScope.MANAGE)
        return not self.scopes or needed.value in self.scopes.split(",")

    def has(self, right: Right) -> bool:
        """Tell whether role, restrictions and scopes leave a right."""
        is_left = _leaves(RIGHTS[right], self.role, self.restrictions, self.switches)
        return is_left and self.has_scope(right)


@dataclass(frozen=True, slots=True, eq=False)
class Viewer:
    """Who asks: a person with their memberships, or a program with the one of its key."""

    credential: str
    """`session:5` or `api_key:7`."""
    user_id: int | None
    memberships: Mapping[int, Membership]
    language: str | None
    expires_at: datetime | None
    proof: Proof | None = None
    """What the next statement must prove of a viewer who is only remembered."""

    @property
    def actor(self) -> str:
        """Return who acts, the same for all sessions of a person: `user:5` or `api_key:7`."""
        return f"user:{self.user_id}" if self.user_id is not None else self.credential

    @property
    def subject(self) -> str:
        """Return whose sockets are counted together: the actor's."""
        return self.actor

    @property
    def source(self) -> ChangeSource:
        """Return what a change made by this viewer is marked with."""
        return ChangeSource.USER if self.user_id is not None else ChangeSource.API

    def member_id(self, workspace_id: int) -> int | None:
        """Return the viewer's member in the workspace, None for a program or a stranger."""
        membership = self.memberships.get(workspace_id)
        return membership.member_id if membership is not None else None


def as_viewer(member: MemberRow, switches: Masking = MASKED) -> Viewer:
    """Return a member as the one who would ask; unless said, all is hidden that can be."""
    membership = Membership(
        workspace_id=member.workspace_id,
        member_id=member.id,
        role=member.role,
        visibility=member.visibility,
        team_id=member.team_id,
        restrictions=member.restrictions,
        head=None,
        switches=switches,
    )
    return Viewer(
        credential=f"member:{member.id}",
        user_id=member.user_id,
        memberships={member.workspace_id: membership},
        language=None,
        expires_at=None,
    )


def number_in(key: str) -> int | None:
    """Return the number of a row that a key names in the one way in which we write it, or None."""
    if key.isascii() and key.isdecimal() and len(key) <= 18 and str(int(key)) == key:
        return int(key)
    return None


def hidden(field: tuple[str, ...] = ("id",)) -> Refused:
    """Return the refusal of an id that the viewer cannot see, or that never existed."""
    return Refused(Code.NOT_FOUND, "Nothing was found under this id.", field=field)


def may(viewer: Viewer, workspace_id: int, right: Right) -> bool:
    """Tell whether the viewer has a right in a workspace."""
    membership = viewer.memberships.get(workspace_id)
    return membership is not None and membership.has(right)


def require(viewer: Viewer, workspace_id: int, right: Right) -> Membership:
    """Return the viewer's membership; refuse with NOT_FOUND or FORBIDDEN."""
    membership = viewer.memberships.get(workspace_id)
    if membership is None:
        raise hidden(("workspaceId",))
    done_in(workspace_id)
    if membership.has(right):
        return membership
    if membership.role not in RIGHTS[right].roles:
        raise Refused(Code.FORBIDDEN, "Your role does not allow this.")
    if not membership.has_scope(right):
        raise Refused(Code.FORBIDDEN, "The scopes of this API key do not allow this.")
    raise Refused(Code.FORBIDDEN, "Your access is restricted: this is not part of it.")
