"""Viewers: who asks, where they are members, and what their roles allow them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from models.episode import ChangeSource
from models.member import Restriction, Role, Visibility
from models.records import MemberRow
from models.refusal import Code, Refused
from realtime.log import Head
from resolvers.deed import done_in
from resolvers.masking import MASKED, UNMASKED, Masking
from resolvers.proof import Proof
from resolvers.rights import RIGHTS, Right, has_scope, masking_of, rights_of


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
    rights: frozenset[Right] = field(init=False, compare=False)
    """What role, restrictions and scopes leave."""

    def __post_init__(self) -> None:
        hidden = masking_of(self.role, self.restrictions, self.switches)
        object.__setattr__(self, "masking", hidden)
        left = rights_of(self.role, self.restrictions, self.switches, self.scopes)
        object.__setattr__(self, "rights", left)

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

    def to_prove(self, proof: Proof) -> "Viewer":
        """Return the same viewer, remembered; `dataclasses.replace` costs ten times as much."""
        return Viewer(
            self.credential, self.user_id, self.memberships, self.language, self.expires_at, proof
        )

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
    return membership is not None and right in membership.rights


def require(viewer: Viewer, workspace_id: int, right: Right) -> Membership:
    """Return the viewer's membership; refuse with NOT_FOUND or FORBIDDEN."""
    membership = viewer.memberships.get(workspace_id)
    if membership is None:
        raise hidden(("workspaceId",))
    done_in(workspace_id)
    if right in membership.rights:
        return membership
    if membership.role not in RIGHTS[right].roles:
        raise Refused(Code.FORBIDDEN, "Your role does not allow this.")
    if not has_scope(membership.scopes, right):
        raise Refused(Code.FORBIDDEN, "The scopes of this API key do not allow this.")
    raise Refused(Code.FORBIDDEN, "Your access is restricted: this is not part of it.")
