"""Every fact that can be announced: frozen dataclasses in the past tense, ids and scalars only."""

from dataclasses import dataclass
from datetime import datetime
from typing import get_args

import msgspec

from realtime.attachment_events import AttachmentChanged
from realtime.comment_events import CommentFact
from realtime.contact_events import ContactEndFact
from realtime.draft_events import DraftChanged
from realtime.notification_events import NotificationFact
from realtime.schedule_events import ScheduleFact
from realtime.transfer_events import TransferFact


@dataclass(frozen=True, slots=True)
class ContactCreated:
    """A contact and their conversation came into being."""

    workspace_id: int
    contact_id: int
    conversation_id: int


@dataclass(frozen=True, slots=True)
class ContactUpdated:
    """A contact's details were edited."""

    workspace_id: int
    contact_id: int
    conversation_id: int


@dataclass(frozen=True, slots=True)
class ContactBlocked:
    """A contact was blocked; who looks after them tells who may have lost sight of them."""

    workspace_id: int
    contact_id: int
    conversation_id: int
    assignee_id: int | None
    assignee_team_id: int | None
    team_id: int | None


@dataclass(frozen=True, slots=True)
class ContactUnblocked:
    """A contact is no longer blocked."""

    workspace_id: int
    contact_id: int
    conversation_id: int


@dataclass(frozen=True, slots=True)
class MessageAdded:
    """A message came in or was accepted for sending."""

    workspace_id: int
    conversation_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class MessageQuarantined:
    """A blocked contact wrote: their message has its place in the thread, and is no news."""

    workspace_id: int
    conversation_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class MessageStatusChanged:
    """An outgoing message went on, failed, or its outcome became unknown."""

    workspace_id: int
    conversation_id: int
    message_id: int
    status: str


@dataclass(frozen=True, slots=True)
class ConversationOpened:
    """A conversation moved to Open, and an episode began."""

    workspace_id: int
    conversation_id: int


@dataclass(frozen=True, slots=True)
class ConversationClosed:
    """A conversation moved to Closed, and its episode ended."""

    workspace_id: int
    conversation_id: int


@dataclass(frozen=True, slots=True)
class ConversationAssigned:
    """A conversation was given to whose id is set; the previous ones may have lost sight of it."""

    workspace_id: int
    conversation_id: int
    assignee_id: int | None
    previous_assignee_id: int | None
    previous_assignee_team_id: int | None
    previous_team_id: int | None
    ai_agent_id: int | None = None
    team_id: int | None = None
    is_blocked: bool = False
    """Whether its contact was blocked, so that some had lost sight of it before."""


@dataclass(frozen=True, slots=True)
class ConversationTakenOver:
    """A member took a conversation over from an AI agent, whose work was stopped."""

    workspace_id: int
    conversation_id: int
    assignee_id: int
    previous_ai_agent_id: int
    previous_team_id: int | None


@dataclass(frozen=True, slots=True)
class ConversationUnassigned:
    """A conversation moved to Unassigned; the previous ones tell who may have lost sight of it."""

    workspace_id: int
    conversation_id: int
    previous_assignee_id: int | None
    previous_assignee_team_id: int | None
    previous_team_id: int | None
    is_blocked: bool = False
    """Whether its contact was blocked, so that some had lost sight of it before."""


@dataclass(frozen=True, slots=True)
class ConversationSnoozed:
    """A conversation left the lists until a moment."""

    workspace_id: int
    conversation_id: int
    until: datetime


@dataclass(frozen=True, slots=True)
class ConversationUnsnoozed:
    """A snooze was ended by a person, or by a message of the contact."""

    workspace_id: int
    conversation_id: int


@dataclass(frozen=True, slots=True)
class SnoozeExpired:
    """A snooze came to its end by itself."""

    workspace_id: int
    conversation_id: int
    until: datetime


@dataclass(frozen=True, slots=True)
class UnrepliedCleared:
    """A reply reached the vendor: the conversation no longer waits for one."""

    workspace_id: int
    conversation_id: int


@dataclass(frozen=True, slots=True)
class ConversationRead:
    """A member read a conversation; told to that member's own devices only."""

    workspace_id: int
    conversation_id: int
    member_id: int


@dataclass(frozen=True, slots=True)
class ConversationMarkedUnread:
    """A member marked a conversation as unread; told to that member's own devices only."""

    workspace_id: int
    conversation_id: int
    member_id: int


@dataclass(frozen=True, slots=True)
class MemberChanged:
    """A member's role, team, visibility or activity changed: streams look at their rights anew."""

    workspace_id: int
    member_id: int


@dataclass(frozen=True, slots=True)
class MemberTeamChanged:
    """A member joined or left a team: who sees the conversations of a team sees others now."""

    workspace_id: int
    member_id: int
    team_id: int | None
    previous_team_id: int | None


@dataclass(frozen=True, slots=True)
class TeamChanged:
    """A team was made, renamed or deleted."""

    workspace_id: int
    team_id: int


@dataclass(frozen=True, slots=True)
class WorkspaceSettingsChanged:
    """A setting of the workspace changed, or what it offers to choose from."""

    workspace_id: int


@dataclass(frozen=True, slots=True)
class MaskingChanged:
    """The workspace hides other details of contacts from its agents, or no longer hides them."""

    workspace_id: int


@dataclass(frozen=True, slots=True)
class CustomInboxChanged:
    """A custom inbox was made, changed or deleted; told to all who have it or had it before."""

    workspace_id: int
    inbox_id: int
    creator_id: int
    is_for_all: bool
    member_ids: tuple[int, ...]
    team_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CredentialRevoked:
    """A session ended or an API key was revoked (`api_key:7`): streams opened with it close."""

    workspace_id: int
    credential: str


Fact = (
    ContactCreated
    | ContactUpdated
    | ContactBlocked
    | ContactUnblocked
    | ContactEndFact
    | MessageAdded
    | MessageQuarantined
    | MessageStatusChanged
    | AttachmentChanged
    | CommentFact
    | ConversationOpened
    | ConversationClosed
    | ConversationAssigned
    | ConversationTakenOver
    | ConversationUnassigned
    | ConversationSnoozed
    | ConversationUnsnoozed
    | SnoozeExpired
    | UnrepliedCleared
    | ConversationRead
    | ConversationMarkedUnread
    | DraftChanged
    | NotificationFact
    | ScheduleFact
    | MemberChanged
    | MemberTeamChanged
    | TeamChanged
    | WorkspaceSettingsChanged
    | MaskingChanged
    | CustomInboxChanged
    | TransferFact
    | CredentialRevoked
)

ABOUT_MESSAGES = (MessageAdded, MessageQuarantined, MessageStatusChanged, AttachmentChanged)
"""The facts that speak of a message."""
FACTS: dict[str, type[Fact]] = {fact.__name__: fact for fact in get_args(Fact)}


def encode(fact: Fact) -> str:
    """Return the JSON that the log keeps of a fact."""
    return msgspec.json.encode(fact).decode()


def decode(kind: str, payload: str) -> Fact:
    """Return the fact that the log keeps as `payload`; the inverse of `encode`."""
    return msgspec.json.decode(payload, type=FACTS[kind])
