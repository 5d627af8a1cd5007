"""Small worlds at random: who may see what in them, said once more and as simply as possible."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from models.clock import now
from models.comment import Comment
from models.conversation import Conversation, ConversationStatus
from models.member import Member, Restriction, Role, Visibility
from models.message import Message
from models.team import Team
from resolvers.contact_deletion import delete_contact
from resolvers.rights import RESTRICTABLE
from resolvers.transfer import viewer_of_actor

WORD = "hello"
"""What is in every message, comment and name."""
WORKSPACES = TEAMS = 2
USERS = 3


@dataclass(frozen=True, slots=True)
class Person:
    """What a member is."""

    role: Role
    visibility: Visibility
    team: int | None
    restrictions: frozenset[Restriction]
    is_active: bool

    def columns(self, teams: list[int | None]) -> dict[str, Any]:
        """Return it as a row has it."""
        kept = self.restrictions & RESTRICTABLE[self.role]
        return {
            "role": self.role,
            "visibility": self.visibility,
            "team_id": None if self.team is None else teams[self.team],
            "restrictions": ",".join(sorted(one.value for one in kept)),
            "is_active": self.is_active,
        }


@dataclass(frozen=True, slots=True)
class Thread:
    """In whose hands a conversation is, and what it has."""

    hands: int | None
    """One of the members of its workspace; -1 is its AI agent."""
    team: int | None
    is_blocked: bool
    status: ConversationStatus
    lines: str
    """A message (`m`) or a comment (`c`), deleted (`d`), with a file (in capitals)."""

    def columns(self, members: list[Member], teams: list[int | None], ai: int) -> dict[str, Any]:
        """Return it as a row has it."""
        is_ai = self.hands == -1
        moment = now()
        snooze = moment if self.status is ConversationStatus.SNOOZED else None
        return {
            "assignee_id": None if self.hands is None or is_ai else members[self.hands].id,
            "ai_agent_id": ai if is_ai else None,
            "team_id": None if self.team is None else teams[self.team],
            "blocked_at": moment if self.is_blocked else None,
            "status": self.status,
            "snoozed_until": snooze,
            "status_before_snooze": snooze and ConversationStatus.OPEN,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to a place in a world, as far as there is one."""

    kind: str
    place: int
    person: Person
    thread: Thread


_TEAM = st.sampled_from([0, 1, 0, 1, None])
PEOPLE = st.builds(
    Person,
    st.sampled_from([Role.AGENT] * 6 + [Role.MANAGER, Role.OWNER]),
    st.sampled_from([Visibility.TEAM] * 3 + [Visibility.OWN, Visibility.OWN, Visibility.ALL]),
    _TEAM,
    st.sets(st.sampled_from(Restriction), max_size=3).map(frozenset),
    st.sampled_from([True] * 5 + [False]),
)
THREADS = st.builds(
    Thread,
    st.sampled_from([None, -1, 0, 1, 2]),
    _TEAM,
    st.booleans(),
    st.sampled_from(ConversationStatus),
    st.text("mcdMC", max_size=3),
)
CHANGES = st.builds(
    Change,
    st.sampled_from(["person", "person", "thread", "dissolve", "delete"]),
    st.integers(0, 9),
    PEOPLE,
    THREADS,
)
PLANS = st.tuples(
    st.lists(PEOPLE, min_size=WORKSPACES * USERS, max_size=WORKSPACES * USERS),
    st.lists(st.lists(THREADS, min_size=4, max_size=6), min_size=WORKSPACES, max_size=WORKSPACES),
)
Plan = tuple[list[Person], list[list[Thread]]]


@dataclass(slots=True)
class Place:
    """A workspace and what is in it."""

    key: int
    teams: list[int | None]
    ai: int
    channel: int
    members: list[Member] = field(default_factory=list)
    """Of each user one, and at last an owner who is always there."""
    conversations: list[Conversation] = field(default_factory=list)


@dataclass(slots=True)
class Worlds:
    """Workspaces with the same users; the rows are as those of the database."""

    places: list[Place] = field(default_factory=list)
    credentials: dict[str, int] = field(default_factory=dict)
    """The user of each session; 0 with a program's key."""
    lines: list[Message | Comment] = field(default_factory=list)
    files: dict[int, int] = field(default_factory=dict)
    """The conversation of each file."""

    def may_see(self, credential: str, row: Conversation) -> bool:
        """Tell whether a conversation is to be seen with a session or a key."""
        [place] = [one for one in self.places if one.key == row.workspace_id]
        user_id, team_of = self.credentials[credential], {m.id: m.team_id for m in place.members}
        if not user_id:
            return place is self.places[0]
        [member] = [one for one in place.members if one.user_id == user_id]
        if not member.is_active or (row.blocked_at and "BLOCKED" in member.restrictions):
            return False
        if member.role is not Role.AGENT or member.visibility is Visibility.ALL:
            return True
        if row.assignee_id == member.id:
            return True
        if member.visibility is Visibility.OWN or member.team_id is None:
            return False
        return member.team_id in (row.team_id, team_of.get(row.assignee_id or 0))

    async def change(self, change: Change) -> None:
        """Let something happen, in the database and here."""
        place = self.places[change.place % len(self.places)]
        member = place.members[change.place % USERS]
        if change.kind == "person":
            await _write(member, change.person.columns(place.teams))
        elif change.kind == "dissolve":
            await self._dissolve(place, change.place % TEAMS)
        elif place.conversations:
            row = place.conversations[change.place % len(place.conversations)]
            if change.kind == "thread":
                await _write(row, change.thread.columns(place.members, place.teams, place.ai))
            else:
                await self._delete(place, row)

    async def _dissolve(self, place: Place, which: int) -> None:
        gone, place.teams[which] = place.teams[which], None
        await Team.filter(id=gone or 0).delete()
        for member in place.members:
            member.team_id = None if member.team_id == gone else member.team_id
        for row in place.conversations:
            row.team_id = None if row.team_id == gone else row.team_id

    async def _delete(self, place: Place, row: Conversation) -> None:
        owner = await viewer_of_actor(f"member:{place.members[-1].id}", place.key)
        assert owner is not None
        await delete_contact(owner, row.contact_id)
        place.conversations.remove(row)
        self.lines = [one for one in self.lines if one.conversation_id != row.id]
        self.files = {key: where for key, where in self.files.items() if where != row.id}


async def _write(row: Member | Conversation, columns: dict[str, Any]) -> None:
    """Change a row, in the database and here."""
    row.update_from_dict(columns)
    await type(row).filter(id=row.id).update(**columns)
