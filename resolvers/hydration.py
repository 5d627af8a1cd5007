"""Hydration: events with the rows that they speak of, each read once for all who get it."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.notification import NotificationRecord
from models.records import CommentRecord, ConversationRecord, MemberRecord, MessageRecord
from models.workspace import NOWHERE
from realtime.comment_events import CommentFact
from realtime.events import (
    ABOUT_MESSAGES,
    CredentialRevoked,
    CustomInboxChanged,
    MaskingChanged,
    MemberChanged,
    MemberTeamChanged,
    TeamChanged,
    WorkspaceSettingsChanged,
)
from realtime.log import Logged
from realtime.notification_events import (
    NotificationAdded,
    NotificationChanged,
    NotificationsArchived,
)
from realtime.transfer_events import ExportProgressed, ImportProgressed
from resolvers.batches import (
    comments_by_id,
    conversations_by_id,
    members_by_id,
    messages_by_id,
)
from resolvers.notification import notifications_by_id

OF_MEMBERS = (MemberChanged, MemberTeamChanged)
"""The facts that are told with a member."""
ABOUT_NOTIFICATIONS = (NotificationAdded, NotificationChanged)
"""The facts that are told with a notification, and the conversation that it is about."""
OF_THE_WORKSPACE = (
    TeamChanged,
    WorkspaceSettingsChanged,
    MaskingChanged,
    CustomInboxChanged,
    NotificationsArchived,
    ImportProgressed,
    ExportProgressed,
    CredentialRevoked,
)
"""The facts that are told without a row."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event with the rows that it speaks of, read once for all who get it; None where erased."""

    logged: Logged
    conversation: ConversationRecord | None
    message: MessageRecord | None
    comment: CommentRecord | None
    notification: NotificationRecord | None
    member: MemberRecord | None


async def hydrate(events: Sequence[Logged]) -> list[Delivery]:
    """Return events with their rows: each row is read once, however many follow."""
    facts = [event.fact for event in events]
    conversation_ids = {
        fact.conversation_id
        for fact in facts
        if not isinstance(fact, (*OF_MEMBERS, *ABOUT_NOTIFICATIONS, *OF_THE_WORKSPACE))
    }
    message_ids = {fact.message_id for fact in facts if isinstance(fact, ABOUT_MESSAGES)}
    member_ids = {fact.member_id for fact in facts if isinstance(fact, OF_MEMBERS)}
    comment_ids = {fact.comment_id for fact in facts if isinstance(fact, CommentFact)}
    notified = {one.notification_id for one in facts if isinstance(one, ABOUT_NOTIFICATIONS)}
    messages = await messages_by_id(message_ids) if message_ids else {}
    comments = await comments_by_id(comment_ids) if comment_ids else {}
    notifications = await notifications_by_id(notified) if notified else {}
    members = await members_by_id(member_ids) if member_ids else {}
    for rows in (messages, comments, notifications):
        conversation_ids |= {row.conversation_id for row in rows.values()}
    found = await conversations_by_id(conversation_ids) if conversation_ids else {}
    conversations = {  # one that is not erased yet is no more, either
        key: row for key, row in found.items() if row.workspace_id != NOWHERE
    }

    def delivery_of(event: Logged) -> Delivery:
        message = messages.get(getattr(event.fact, "message_id", 0))
        comment = comments.get(getattr(event.fact, "comment_id", 0))
        notification = notifications.get(getattr(event.fact, "notification_id", 0))
        moved = (
            message or comment or notification
        )  # perhaps into the conversation of another contact
        known = moved.conversation_id if moved else getattr(event.fact, "conversation_id", 0)
        member = members.get(event.fact.member_id) if isinstance(event.fact, OF_MEMBERS) else None
        row = conversations.get(known)
        return Delivery(event, row, message, comment, notification, member)

    return [delivery_of(event) for event in events]
