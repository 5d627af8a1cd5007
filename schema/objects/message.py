"""A message, and the other items of a conversation's timeline."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from models.activity import ActivityKind
from models.episode import ChangeSource
from models.message import Direction, MessageKind, MessageSource, MessageStatus
from models.records import ActivityRow, MessageRow
from resolvers import attached, batches
from resolvers import message as messages
from resolvers.email_message import emails_of_messages
from resolvers.masking import message_text
from resolvers.message_part import (
    PartsKey,
    deliveries_of,
    may_have_parts,
    parts_by_message,
)
from resolvers.reply_to import ParentKey, can_be_replied_to, replies_of_messages
from resolvers.rights import Right
from resolvers.sentences import say, unshown
from schema.columns import derived, filled
from schema.context import Info
from schema.ids import encode_id
from schema.objects.ai_agent import Assignee
from schema.objects.attachment import Attachment
from schema.objects.channel import Channel
from schema.objects.comment import Comment
from schema.objects.contact import Contact
from schema.objects.email_details import EmailDetails
from schema.objects.member import Member
from schema.objects.message_delivery import MessageDelivery, MessageFailure, failure_of
from schema.objects.node import Node, global_id
from schema.objects.reply_preview import ReplyPreview
from schema.objects.team import Team
from schema.permalinks import permalink_of
from schema.relation import relation

if TYPE_CHECKING:
    from schema.objects.conversation import Conversation

Actor = Annotated[
    Member | Contact,
    strawberry.union("Actor", description="Who did something: a member or the contact."),
]

STEPS = (
    (MessageStatus.PENDING, "created_at"),
    (MessageStatus.SENT, "sent_at"),
    (MessageStatus.DELIVERED, "delivered_at"),
    (MessageStatus.READ, "read_at"),
    (MessageStatus.FAILED, "failed_at"),
)
SENT_AS = (
    *("id", "workspace_id", "direction", "kind", "status", "external_id", "text"),
    *("failure_code", "failure_text", "sent_at", "delivered_at", "read_at"),
)
"""What a message knows of its delivery where there is one."""


@strawberry.type
class MessageStatusChange:
    """A step of an outgoing message on its way."""

    status: MessageStatus
    """What was reached."""
    at: datetime
    """When, as far as the vendor told."""


@strawberry.type
class Message(Node):
    """What a contact wrote, or what was sent to them."""

    id: strawberry.ID = global_id("Message")
    direction: Direction
    """Whether the contact wrote it or received it."""
    kind: MessageKind
    """What it consists of."""
    source: MessageSource
    """Who or what wrote it."""
    status: MessageStatus
    """How far it came; it never goes backwards."""
    seq: int
    """Its place in the conversation, the same for everybody; activities are numbered along."""
    is_quarantined: bool
    """Whether the contact was blocked when they sent it: it is neither unread nor unreplied, and
    goes after 30 days."""
    created_at: datetime
    """When it was accepted here."""

    @filled("text", "workspace_id", "kind", unless="full_text")
    def text(root: strawberry.Parent[MessageRow], info: Info) -> str:
        """The text; for a message that cannot be shown, a sentence that says so. Who does not see
        phone numbers or email addresses does not see those that variables have put into it."""
        text = message_text(root, info.context.masking(root.workspace_id))
        return say(unshown(root.kind), info.context.language) if text is None else text

    @derived("payload", "workspace_id")
    def payload(root: strawberry.Parent[MessageRow], info: Info) -> str | None:
        """The vendor's own JSON of a message that cannot be shown; null for all others, and for
        who does not see phone numbers or email addresses: vendors name the contact in it."""
        return None if info.context.masking(root.workspace_id).is_any else root.payload

    @relation(
        Actor | None,
        batches.authors,
        needs=("direction", "conversation_id", "author_id"),
        joined={"Member": "member", "Contact": "writer"},
    )
    def author(root: strawberry.Parent[MessageRow]) -> tuple[str, int] | None:
        """Who wrote it; null for a program, or a member who is gone."""
        if root.direction is Direction.INCOMING:
            return ("contact", root.conversation_id)
        return ("member", root.author_id) if root.author_id is not None else None

    @relation(list[Attachment], attached.attachments_of_messages, needs=("id",))
    def attachments(root: strawberry.Parent[MessageRow]) -> int:
        """Its files, in their order."""
        return root.id

    @relation(Channel, batches.channels_by_id, needs=("channel_id",))
    def channel(root: strawberry.Parent[MessageRow]) -> int:
        """The channel it passed through."""
        return root.channel_id

    @relation(
        Annotated["Conversation", strawberry.lazy("schema.objects.conversation")],
        batches.conversations_by_id,
        needs=("conversation_id",),
    )
    def conversation(root: strawberry.Parent[MessageRow]) -> int:
        """The conversation it belongs to."""
        return root.conversation_id

    @relation(
        str,
        batches.contacts_of_conversations,
        then=lambda row, contact_id: permalink_of("Message", row.id, row.workspace_id, contact_id),
        needs=("id", "workspace_id", "conversation_id"),
    )
    def permalink(root: strawberry.Parent[MessageRow]) -> int:
        """The lasting address of the message, for `resolveLink`; it lets in nobody."""
        return root.conversation_id

    @derived("direction", *(column for _, column in STEPS))
    def status_history(root: strawberry.Parent[MessageRow]) -> list[MessageStatusChange]:
        """Every status an outgoing message has reached, in their order; empty for an incoming."""
        if root.direction is Direction.INCOMING:
            return []
        reached = ((status, getattr(root, field)) for status, field in STEPS)
        return [MessageStatusChange(status=status, at=at) for status, at in reached if at]

    @derived("status", "failure_code", "failure_text", "workspace_id")
    def failure(root: strawberry.Parent[MessageRow], info: Info) -> MessageFailure | None:
        """Why it failed; null unless its status is FAILED."""
        return failure_of(root, root.workspace_id, info)

    @relation(list[MessageDelivery], parts_by_message, then=deliveries_of, absent=[], needs=SENT_AS)
    def deliveries(root: strawberry.Parent[MessageRow]) -> PartsKey | None:
        """What the calls to the vendor take of an outgoing message, in their order: one takes all
        of it unless the channel needs several; empty for an incoming."""
        return None if root.direction is Direction.INCOMING else (root.id, may_have_parts(root))

    @derived("retry_of_id")
    def retry_of_id(root: strawberry.Parent[MessageRow]) -> strawberry.ID | None:
        """The message that this one sends again; null if it is no retry."""
        return encode_id("Message", root.retry_of_id) if root.retry_of_id is not None else None

    @relation(
        EmailDetails | None,
        emails_of_messages,
        then=lambda row, found: (
            EmailDetails(row=found, workspace_id=row.workspace_id) if found else None
        ),
        needs=("id", "kind", "workspace_id"),
    )
    def email(root: strawberry.Parent[MessageRow]) -> int | None:
        """Subject, people and thread; null unless it is a mail."""
        return root.id if root.kind is MessageKind.EMAIL else None

    @relation(
        ReplyPreview | None,
        replies_of_messages,
        then=lambda _, found: ReplyPreview(found=found) if found else None,
        needs=("conversation_id", "channel_id", "reply_to_id", "reply_to_external_id"),
    )
    def reply_to(root: strawberry.Parent[MessageRow]) -> ParentKey | None:
        """The message that it answers; null if it answers none, or one that is not known here."""
        if root.reply_to_id is None and root.reply_to_external_id is None:
            return None
        parent = (root.reply_to_id, root.channel_id, root.reply_to_external_id)
        return (root.conversation_id, *parent)

    @relation(
        bool,
        batches.channels_by_id,
        then=lambda _, channel: channel is not None and channel.accepts_reply_to,
        absent=False,
        needs=("status", "external_id", "channel_id", "workspace_id"),
    )
    def can_reply_to(root: strawberry.Parent[MessageRow], info: Info) -> int | None:
        """Whether the viewer may send a message on its channel with it as `replyToMessageId`: the
        channel takes that, and the vendor knows the message."""
        allowed = info.context.may(root.workspace_id, Right.REPLY)
        return root.channel_id if allowed and can_be_replied_to(root) else None

    @relation(
        bool,
        batches.messages_beyond_retry,
        then=lambda _, beyond: not beyond,
        absent=False,
        needs=("id", "workspace_id", "status"),
    )
    def viewer_can_retry(root: strawberry.Parent[MessageRow], info: Info) -> int | None:
        """Whether the viewer may use `retryMessage` on it: no retry of it lives, and its contact
        is not blocked."""
        allowed = info.context.may(root.workspace_id, Right.REPLY)
        return root.id if allowed and messages.can_be_retried(root) else None

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, MessageRow)


@strawberry.type
class Activity(Node):
    """A change of the conversation's state, as a line of its timeline."""

    id: strawberry.ID = global_id("Activity")
    kind: ActivityKind
    """What was done."""
    source: ChangeSource
    """Who or what did it."""
    seq: int
    """Its place in the conversation; messages are numbered along."""
    until: datetime | None
    """When a snooze was to end; null for other kinds."""
    created_at: datetime
    """When it was done."""

    @relation(Member | None, batches.members_by_id, needs=("actor_id",), joined={"Member": "actor"})
    def actor(root: strawberry.Parent[ActivityRow]) -> int | None:
        """The member who did it; null for the contact, a program or the system."""
        return root.actor_id

    @relation(
        Assignee | None,
        batches.assignees,
        needs=("assignee_id", "ai_agent_id"),
        joined={"Member": "assignee", "AiAgent": "ai_agent"},
    )
    def assignee(root: strawberry.Parent[ActivityRow]) -> tuple[str, int] | None:
        """The member or the AI agent it was given to; null for a team, one that is gone, and other
        kinds."""
        if root.assignee_id is not None:
            return ("member", root.assignee_id)
        return ("ai_agent", root.ai_agent_id) if root.ai_agent_id is not None else None

    @relation(Team | None, batches.teams_by_id, needs=("team_id",))
    def team(root: strawberry.Parent[ActivityRow]) -> int | None:
        """The team it was given to; null for one that is gone, and for other kinds."""
        return root.team_id

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, ActivityRow)


TimelineItem = Annotated[
    Message | Comment | Activity,
    strawberry.union("TimelineItem", description="A line of a conversation's timeline."),
]
