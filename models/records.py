"""Records: the rows of the hot lists as light slotted objects, read by plain SQL.

They have the attributes of the tables' models, so that whatever reads rows takes either.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from models.activity import Activity, ActivityKind
from models.ai_agent import AiAgent
from models.comment import Comment
from models.contact import Contact
from models.conversation import Conversation, ConversationStatus
from models.episode import ChangeSource
from models.member import Member, Role, Visibility
from models.message import Direction, Message, MessageKind, MessageSource, MessageStatus
from models.user import User

R = TypeVar("R")


@dataclass(slots=True, eq=False)
class UserRecord:
    """A row of `account`, without its secrets."""

    id: int
    email: str
    name: str
    language: str | None


@dataclass(slots=True, eq=False)
class MemberRecord:
    """A row of `member`, with its user."""

    id: int
    workspace_id: int
    user_id: int
    team_id: int | None
    role: Role
    visibility: Visibility
    restrictions: str
    is_active: bool
    created_at: datetime
    user: UserRecord


@dataclass(slots=True, eq=False)
class AiAgentRecord:
    """A row of `ai_agent`."""

    id: int
    workspace_id: int
    name: str
    is_active: bool
    created_at: datetime


@dataclass(slots=True, eq=False)
class ContactRecord:
    """A row of `contact`."""

    id: int
    workspace_id: int
    first_name: str
    last_name: str
    phone: str | None
    email: str | None
    given_phone: str | None
    given_email: str | None
    language: str | None
    country: str | None
    lifecycle_stage_id: int | None
    picture_url: str | None
    folded_name: str
    name_text: str
    version: int
    created_at: datetime


@dataclass(slots=True, eq=False)
class ThreadRecord:
    """What a list of contacts looks at of a row of `conversation`."""

    id: int
    last_message_at: datetime


@dataclass(slots=True, eq=False)
class ListedContactRecord(ContactRecord):
    """A row of `contact`, with its conversation."""

    conversation: ThreadRecord


@dataclass(slots=True, eq=False)
class ConversationRecord:
    """A row of `conversation`, with its contact and who looks after it."""

    id: int
    workspace_id: int
    contact_id: int
    status: ConversationStatus
    assignee_id: int | None
    ai_agent_id: int | None
    team_id: int | None
    last_seq: int
    incoming_count: int
    last_channel_id: int | None
    last_message_id: int | None
    last_message_at: datetime
    last_incoming_at: datetime | None
    unreplied_since: datetime | None
    opened_at: datetime | None
    closed_at: datetime | None
    status_since: datetime
    blocked_at: datetime | None
    blocked_by_id: int | None
    handling_epoch: int
    status_before_snooze: ConversationStatus | None
    snoozed_at: datetime | None
    snoozed_until: datetime | None
    snoozed_by_id: int | None
    wake_on_reply: bool
    idle_since: datetime | None
    auto_close_minutes: int | None
    version: int
    created_at: datetime
    contact: ContactRecord
    assignee: MemberRecord | None
    ai_agent: AiAgentRecord | None


@dataclass(slots=True, eq=False)
class MessageRecord:
    """A row of `message`."""

    id: int
    workspace_id: int
    conversation_id: int
    channel_id: int
    seq: int
    incoming_count: int
    direction: Direction
    kind: MessageKind
    source: MessageSource
    author_id: int | None
    text: str | None
    full_text: str | None
    payload: str | None
    external_id: str | None
    status: MessageStatus
    is_quarantined: bool
    retry_of_id: int | None
    reply_to_id: int | None
    reply_to_external_id: str | None
    failure_code: str | None
    failure_text: str | None
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    failed_at: datetime | None


@dataclass(slots=True, eq=False)
class ActivityRecord:
    """A row of `activity`."""

    id: int
    conversation_id: int
    seq: int
    kind: ActivityKind
    source: ChangeSource
    actor_id: int | None
    assignee_id: int | None
    ai_agent_id: int | None
    team_id: int | None
    until: datetime | None
    created_at: datetime


@dataclass(slots=True, eq=False)
class CommentRecord:
    """A row of `comment`."""

    id: int
    workspace_id: int
    conversation_id: int
    seq: int
    source: ChangeSource
    actor: str
    author_id: int | None
    text: str | None
    version: int
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None


ActivityRow = Activity | ActivityRecord
AiAgentRow = AiAgent | AiAgentRecord
CommentRow = Comment | CommentRecord
ContactRow = Contact | ContactRecord
ConversationRow = Conversation | ConversationRecord
MemberRow = Member | MemberRecord
MessageRow = Message | MessageRecord
UserRow = User | UserRecord
"""What is read is a record; what was just changed is a model's instance."""


class Table(Generic[R]):
    """A record's columns, and how to read it off the values of a row from a place on."""

    def __init__(self, kind: type[R], name: str) -> None:
        self.kind = kind
        self.name = name
        hints = get_type_hints(kind)
        self.hints: dict[str, Any] = {
            field.name: hints[field.name]
            for field in fields(kind)  # type: ignore[arg-type]  # every record is a dataclass
            if not _is_record(hints[field.name])
        }
        """The columns with their types."""

    @property
    def width(self) -> int:
        """Return how many columns it has."""
        return len(self.hints)

    def columns(self, alias: str) -> str:
        """Return its columns for a SELECT."""
        return ", ".join(f"{alias}.{name}" for name in self.hints)

    def decoder(self, dialect: str) -> "Callable[..., R]":
        """Return (values, place of the first column, inner records) -> the record."""
        return _decoder(self, dialect)

    def source(self, dialect: str) -> tuple[str, dict[str, Any]]:
        """Return the source of the decoder, and the names in it."""
        names: dict[str, Any] = {"kind": self.kind, "moment": datetime.fromisoformat}
        parts = [
            _expression(f"v[o+{place}]", hint, place, dialect, names)
            for place, hint in enumerate(self.hints.values())
        ]
        return f"lambda v, o, *inner: kind({', '.join(parts)}, *inner)", names


@cache
def _decoder(table: Table[Any], dialect: str) -> Callable[..., Any]:
    source, names = table.source(dialect)
    decode: Callable[..., Any] = eval(source, names)  # noqa: S307 - made of field names alone
    return decode


def _is_record(hint: Any) -> bool:
    return any(name.endswith("Record") for name in _names(hint))


def _names(hint: Any) -> Sequence[str]:
    return [getattr(kind, "__name__", "") for kind in (hint, *get_args(hint))]


def _expression(value: str, hint: Any, place: int, dialect: str, names: dict[str, Any]) -> str:
    """Return how one column is decoded: SQLite keeps moments as text and booleans as numbers."""
    kinds = [kind for kind in (get_args(hint) or (hint,)) if kind is not NoneType]
    kind = kinds[0]
    nullable = NoneType in get_args(hint)
    if isinstance(kind, type) and issubclass(kind, Enum):
        names[f"e{place}"] = {member.value: member for member in kind} | {None: None}
        return f"e{place}[{value}]"
    if dialect == "sqlite" and kind is datetime:
        return f"{value} and moment({value})" if nullable else f"moment({value})"
    if dialect == "sqlite" and kind is bool:
        return f"bool({value})"
    return value


USERS = Table(UserRecord, "account")
MEMBERS = Table(MemberRecord, "member")
AI_AGENTS = Table(AiAgentRecord, "ai_agent")
CONTACTS = Table(ContactRecord, "contact")
LISTED_CONTACTS = Table(ListedContactRecord, "contact")
THREADS = Table(ThreadRecord, "conversation")
CONVERSATIONS = Table(ConversationRecord, "conversation")
MESSAGES = Table(MessageRecord, "message")
ACTIVITIES = Table(ActivityRecord, "activity")
COMMENTS = Table(CommentRecord, "comment")
