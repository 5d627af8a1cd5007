"""Live views of inboxes: what is in one, kept up to date by events and counted without a query."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from pyroaring import BitMap64

from models.clock import now
from models.conversation import ConversationStatus
from models.engine import sql
from models.queries import Where
from realtime.events import (
    CustomInboxChanged,
    Fact,
    MemberTeamChanged,
    MessageStatusChanged,
    TeamChanged,
    WorkspaceSettingsChanged,
)
from realtime.log import read_head
from resolvers.access import sees
from resolvers.inbox_filter import (
    Choice,
    Condition,
    Filtered,
    conditions_in,
    holds,
)
from resolvers.inbox_kinds import CustomInbox, Inbox, InboxKind, TeamInbox
from resolvers.inbox_pages import conversations_of
from resolvers.viewer import Viewer

LOADED_AT_ONCE = 10_000
"""How many conversations one statement reads when a view is made."""
OF_THE_CONTACT = {Choice.TAG, Choice.CHANNEL, Choice.LAST_CHANNEL, Choice.CUSTOM_TEXT}
"""What a filter looks at beyond the conversation's own row and its contact's."""


UNTOUCHED = (MessageStatusChanged,)
"""The facts about a conversation that change nothing of it."""


class Move(Enum):
    """What an event has done to a conversation's place in an inbox."""

    ENTERED = "ENTERED"
    """It came in."""
    LEFT = "LEFT"
    """It is no longer there."""
    MOVED = "MOVED"
    """It is there and changed: its place may be another."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A move, and how many conversations of the inbox were open and waited after it."""

    move: Move
    open_count: int
    unreplied_count: int
    since: int = 0
    """The number of the event at which its conversation was first seen there or no longer."""


def is_in(inbox: Inbox, member_id: int | None, row: Filtered, moment: datetime) -> bool:
    """Tell whether a conversation is one of an inbox: the pure form of `belongs`."""
    conversation = row.conversation
    if (conversation.blocked_at is not None) is not (inbox.kind is InboxKind.BLOCKED):
        return False
    if isinstance(inbox, CustomInbox):
        return holds(inbox.conditions, row, moment)
    if isinstance(inbox, TeamInbox):
        assignee = conversation.assignee
        return inbox.id in (conversation.team_id, assignee.team_id if assignee else None)
    if inbox.kind is InboxKind.MINE:
        return conversation.assignee_id == member_id
    if inbox.kind is InboxKind.UNASSIGNED:
        return conversation.assignee_id is None and conversation.ai_agent_id is None
    return True


def view_key(viewer: Viewer, inbox: Inbox) -> object:
    """Return what two viewers have in common for whom an inbox holds the same conversations."""
    membership = viewer.memberships[inbox.workspace_id]
    sight: tuple[object, ...] = ()
    if not membership.sees_all:
        sight = (membership.member_id, membership.visibility, membership.team_id)
    elif inbox.kind is InboxKind.MINE:
        sight = (membership.member_id,)
    return (inbox, membership.sees_blocked, sight)


class InboxView:
    """The conversations of an inbox for all viewers who see the same of it."""

    def __init__(self, viewer: Viewer, inbox: Inbox) -> None:
        self.key = view_key(viewer, inbox)
        self.inbox = inbox
        self._viewer = viewer
        self._member_id = viewer.member_id(inbox.workspace_id)
        self._all = BitMap64()
        self._open = BitMap64()
        self._unreplied = BitMap64()
        self._touched: set[int] | None = None
        """While it is loaded: what events have told since the last statement was sent."""
        self._loaded_until = 0
        self._known_until = 0
        """The number of the last event of which the rows read so far may tell."""
        self._early: dict[int, Moved] = {}
        """What came or went by rows that may be newer than the event they were read for."""
        conditions: list[Condition] = []
        if isinstance(inbox, CustomInbox):
            conditions = list(conditions_in(inbox.conditions))
        self._looks_at = {condition.what for condition in conditions}
        self._has_fields = any(condition.field_id is not None for condition in conditions)

    @property
    def needs_contacts(self) -> bool:
        """Tell whether tags, channels or fields of contacts decide on what is in it."""
        return self._has_fields or bool(self._looks_at & OF_THE_CONTACT)

    def __contains__(self, conversation_id: int) -> bool:
        """Tell whether a conversation is in it by what is known."""
        return conversation_id in self._all

    def now(self, move: Move, since: int = 0) -> Moved:
        """Return a move with the counts of this moment."""
        return Moved(move, len(self._open), len(self._unreplied), since)

    def unread_count(self, unread: BitMap64) -> int:
        """Return how many of its open conversations are among the unread ones."""
        return self._open.intersection_cardinality(unread)

    async def load(self) -> None:
        """Read what is in it, part after part; what events tell meanwhile is newer or the same."""
        last, more = 0, True
        while more:
            where = conversations_of(self._viewer, self.inbox, now())
            where &= Where("c.id > ?", (last,))
            self._touched = set()
            rows = await sql.records(
                "SELECT c.id, c.status, c.unreplied_since IS NOT NULL FROM conversation c"
                " JOIN contact ct ON ct.id = c.contact_id LEFT JOIN member m ON m.id ="
                f" c.assignee_id WHERE {where.condition} ORDER BY c.id LIMIT {LOADED_AT_ONCE}",
                *where.values,
            )
            for key, status, is_unreplied in rows:
                if key in self._touched:
                    continue
                self._put(key, ConversationStatus(status), is_waiting=bool(is_unreplied))
            more = len(rows) == LOADED_AT_ONCE
            last = rows[-1][0] if rows else last
        self._touched = None
        self._loaded_until = (await read_head(self.inbox.workspace_id)).seq

    def know(self, first: int, until: int) -> None:
        """Note that events from a number on come with rows that may tell of all until another."""
        if first > self._known_until:
            self._early.clear()
        self._known_until = max(self._known_until, until)

    def apply(self, seq: int, key: int, row: Filtered | None, moment: datetime) -> Moved | None:
        """Take a conversation in or out after an event; return what that was, None for nothing.

        Its row may be newer than the event, and not everybody is told of each event: what came or
        went is said again with every event of which the row may have told.
        """
        was_in = key in self._all
        self.forget(key)
        is_seen = row is not None and sees(self._viewer, row.conversation)
        if row is not None and is_seen and is_in(self.inbox, self._member_id, row, moment):
            is_waiting = row.conversation.unreplied_since is not None
            self._put(key, row.conversation.status, is_waiting=is_waiting)
        is_now_in = key in self._all
        if is_now_in is not was_in:
            move = Move.ENTERED if is_now_in else Move.LEFT
            self._early[key] = self.now(move, seq)
        if early := self._early.get(key):
            return self.now(early.move, early.since)
        if is_now_in:
            return self.now(Move.MOVED)
        return self.now(Move.LEFT, seq) if seq <= self._loaded_until else None

    def forget(self, conversation_id: int) -> None:
        """Take a conversation out."""
        if self._touched is not None:
            self._touched.add(conversation_id)
        for part in (self._all, self._open, self._unreplied):
            part.discard(conversation_id)

    def _put(self, key: int, status: ConversationStatus, *, is_waiting: bool) -> None:
        self._all.add(key)
        if status is ConversationStatus.OPEN:
            self._open.add(key)
            if is_waiting:
                self._unreplied.add(key)

    def is_ended_by(self, fact: Fact) -> bool:
        """Tell whether a fact may have changed the inbox as a whole: it must be read anew."""
        if isinstance(fact, CustomInboxChanged):
            return isinstance(self.inbox, CustomInbox) and fact.inbox_id == self.inbox.id
        if isinstance(fact, MemberTeamChanged | TeamChanged):
            return isinstance(self.inbox, TeamInbox) or Choice.TEAM in self._looks_at
        return isinstance(fact, WorkspaceSettingsChanged) and (
            self.needs_contacts or Choice.LIFECYCLE in self._looks_at
        )


class Unread:
    """The open conversations with messages that a member has not read."""

    def __init__(self, workspace_id: int, member_id: int) -> None:
        self.workspace_id = workspace_id
        self.member_id = member_id
        self.conversations = BitMap64()
        self._touched: set[int] | None = set()

    async def load(self) -> None:
        """Read them; what events tell meanwhile is newer or the same."""
        rows = await sql.records(
            "SELECT c.id FROM conversation c LEFT JOIN read_mark r ON r.conversation_id = c.id"
            " AND r.member_id = ? WHERE c.workspace_id = ? AND c.status = 'OPEN'"
            " AND c.incoming_count > COALESCE(r.incoming_read, 0)",
            self.member_id,
            self.workspace_id,
        )
        touched, self._touched = self._touched or set(), None
        self.conversations.update(row[0] for row in rows if row[0] not in touched)

    def note(self, rows: Collection[Filtered], read: Mapping[tuple[int, int], int]) -> None:
        """Take changed conversations in or out by their rows and the member's read marks."""
        for row in rows:
            conversation = row.conversation
            is_open = conversation.status is ConversationStatus.OPEN
            if self._touched is not None:
                self._touched.add(conversation.id)
            if is_open and conversation.incoming_count > read.get(
                (self.member_id, conversation.id), 0
            ):
                self.conversations.add(conversation.id)
            else:
                self.conversations.discard(conversation.id)
