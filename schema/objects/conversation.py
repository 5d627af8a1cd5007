"""A conversation: the one lasting thread of a contact."""

from datetime import datetime
from typing import Any

import strawberry

from models.conversation import ConversationStatus
from models.layout import ACTIVITY, COMMENT, MESSAGE
from models.records import AiAgentRow, ContactRow, ConversationRow, MemberRow
from resolvers import batches, block, channel_choice, closing
from resolvers.access import is_frozen
from resolvers.draft import drafts_of_members
from resolvers.masking import MASKED
from resolvers.rights import Right
from resolvers.schedule import scheduled_of_conversations
from resolvers.search import Asked, search_conversations
from resolvers.timeline import Wanted, threads, timelines
from schema.columns import attribute, derived, joined, layouts_of
from schema.connection import Connection, connect, page_request
from schema.context import Info, viewer_of
from schema.objects.ai_agent import Assignee
from schema.objects.composer import Composer
from schema.objects.contact import Contact
from schema.objects.draft import Draft
from schema.objects.episode import Episode
from schema.objects.member import Member
from schema.objects.message import Message, TimelineItem
from schema.objects.node import Node, global_id
from schema.objects.scheduled_message import ScheduledMessage
from schema.objects.search import SearchResult, connect_finds
from schema.objects.team import Team
from schema.permalinks import permalink
from schema.relation import relation


@strawberry.type
class Snooze:
    """Why a conversation is out of the lists, and until when."""

    until: datetime
    """When it comes back by itself."""
    since: datetime
    """When it was snoozed."""
    wake_on_reply: bool
    """Whether a message of the contact ends it."""
    by_id: strawberry.Private[int | None]

    @relation(Member | None, batches.members_by_id)
    def by(self) -> int | None:
        """Who snoozed it; null for a program, or a member who is gone."""
        return self.by_id


def _may_change(root: ConversationRow, info: Info, right: Right) -> bool:
    """Tell whether the viewer may do what a blocked contact's conversation refuses."""
    return info.context.may(root.workspace_id, right) and not is_frozen(root)


@strawberry.type
class Conversation(Node):
    """A contact's one lasting thread, across all channels."""

    id: strawberry.ID = global_id("Conversation")
    status: ConversationStatus
    """The tab in which it is listed."""
    unreplied_since: datetime | None
    """Since when the contact waits for an answer; null if they do not."""
    opened_at: datetime | None
    """When it was last opened; null if never."""
    closed_at: datetime | None
    """When it was last closed; null while it is open, or if it never was."""
    blocked_at: datetime | None
    """Since when its contact is blocked; null unless they are."""
    status_since: datetime
    """Since when it is in its tab: the sort key of LONGEST and SHORTEST."""
    version: int
    """Counts the changes of status, assignee, snooze and block; give it as `expectedVersion`."""
    created_at: datetime
    """When the contact became known."""

    @joined(Contact, {"Contact": "contact"})
    def contact(root: strawberry.Parent[ConversationRow]) -> ContactRow:
        """Whom it is with."""
        return root.contact

    @joined(Assignee | None, {"Member": "assignee", "AiAgent": "ai_agent"})
    def assignee(root: strawberry.Parent[ConversationRow]) -> MemberRow | AiAgentRow | None:
        """The member or the AI agent who looks after it; null in Unassigned."""
        return root.assignee or root.ai_agent

    @relation(Team | None, batches.teams_by_id, needs=("team_id",))
    def team(root: strawberry.Parent[ConversationRow]) -> int | None:
        """The team it was given to, also where a member looks after it now; null for none."""
        return root.team_id

    @relation(
        int,
        batches.read_counts,
        then=lambda row, read: max(0, row.incoming_count - (read or 0)),
        absent=0,
        needs=("id", "workspace_id", "incoming_count"),
    )
    def unread_count(
        root: strawberry.Parent[ConversationRow], info: Info
    ) -> tuple[int, int] | None:
        """How many messages of the contact this viewer has not read; 0 for a program."""
        member_id = viewer_of(info).member_id(root.workspace_id)
        if member_id is None or root.incoming_count == 0:
            return None
        return (member_id, root.id)

    @relation(
        Message | None,
        batches.messages_by_id,
        needs=("last_message_id",),
        joined={"Message": "last_message"},
    )
    def last_message(root: strawberry.Parent[ConversationRow]) -> int | None:
        """The newest message, but for those in quarantine; null if there is none."""
        return root.last_message_id

    last_message_at: datetime | None = attribute(
        "last_message_at",
        "When `lastMessage` came or was written; null if there is none.",
        beside="last_message_id",
    )

    @derived("snoozed_until", "snoozed_at", "snoozed_by_id", "wake_on_reply")
    def snooze(root: strawberry.Parent[ConversationRow]) -> Snooze | None:
        """The snooze; null unless the status is SNOOZED."""
        if root.snoozed_until is None or root.snoozed_at is None:
            return None
        return Snooze(
            until=root.snoozed_until,
            since=root.snoozed_at,
            wake_on_reply=root.wake_on_reply,
            by_id=root.snoozed_by_id,
        )

    @relation(
        Connection[TimelineItem],
        timelines,
        then=lambda _, page: connect(page),
        needs=("id",),
        rows={"Message": MESSAGE, "Activity": ACTIVITY, "Comment": COMMENT},
    )
    def timeline(
        root: strawberry.Parent[ConversationRow],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Wanted:
        """Messages, comments and activities in one order, oldest first; `last: 25` is the newest
        page."""
        return (root.id, page_request(first, after, last, before), layouts_of(info))

    @relation(
        Connection[Message],
        threads,
        then=lambda _, page: connect(page),
        needs=("id",),
        rows={"Message": MESSAGE},
    )
    def messages(
        root: strawberry.Parent[ConversationRow],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Wanted:
        """The messages alone, oldest first; `last: 25` is the newest page."""
        return (root.id, page_request(first, after, last, before), layouts_of(info))

    @relation(
        Connection[SearchResult],
        search_conversations,
        then=lambda _, page: connect_finds(page, MASKED),
        needs=("id", "workspace_id"),
    )
    def search(
        root: strawberry.Parent[ConversationRow],
        text: str,
        first: int | None = None,
        after: str | None = None,
    ) -> Asked:
        """The messages and comments that have every word of `text`, newest first, as the query
        `search` finds them."""
        return (root.id, root.workspace_id, text, page_request(first, after, None, None))

    @relation(
        Composer,
        channel_choice.reaches,
        then=lambda row, reach: Composer(
            conversation_id=row.id,
            workspace_id=row.workspace_id,
            reach=reach,
            is_blocked=row.blocked_at is not None,
            is_ai_handled=row.ai_agent_id is not None,
        ),
        needs=("id", "workspace_id", "blocked_at", "ai_agent_id"),
    )
    def composer(root: strawberry.Parent[ConversationRow]) -> int:
        """Whether the viewer can write to the contact at the moment, and if not, why."""
        return root.id

    @derived("workspace_id", "contact_id")
    def permalink(root: strawberry.Parent[ConversationRow]) -> str:
        """The lasting address of the conversation, for `resolveLink`; it lets in nobody."""
        return permalink(root.workspace_id, root.contact_id)

    @relation(Draft | None, drafts_of_members, needs=("id", "workspace_id"))
    def draft(root: strawberry.Parent[ConversationRow], info: Info) -> tuple[int, int] | None:
        """What the viewer has begun to write, on any of their devices; null if nothing."""
        member_id = viewer_of(info).member_id(root.workspace_id)
        return (member_id, root.id) if member_id is not None else None

    @relation(list[ScheduledMessage], scheduled_of_conversations, needs=("id",))
    def scheduled_messages(
        root: strawberry.Parent[ConversationRow], first: int = 25
    ) -> tuple[int, int]:
        """Those that wait, the next one first; then what was sent, cancelled or failed, newest
        first."""
        return (root.id, page_request(first, None, None, None).size)

    @relation(list[Episode], batches.newest_episodes, needs=("id",))
    def episodes(root: strawberry.Parent[ConversationRow], first: int = 10) -> tuple[int, int]:
        """The newest stretches from opened to closed, newest first."""
        return (root.id, page_request(first, None, None, None).size)

    @derived("workspace_id")
    def viewer_can_reply(root: strawberry.Parent[ConversationRow], info: Info) -> bool:
        """Whether the viewer may use `sendMessage`; what is in the way at the moment is in
        `composer`."""
        return info.context.may(root.workspace_id, Right.REPLY)

    @derived("workspace_id")
    def viewer_can_comment(root: strawberry.Parent[ConversationRow], info: Info) -> bool:
        """Whether the viewer may use `addComment`."""
        return info.context.may(root.workspace_id, Right.COMMENT)

    @derived("workspace_id")
    def viewer_can_assign(root: strawberry.Parent[ConversationRow], info: Info) -> bool:
        """Whether the viewer may use `assignConversation` and `unassignConversation`; whether they
        can take over is in `composer`."""
        return info.context.may(root.workspace_id, Right.ASSIGN)

    @derived("workspace_id", "status", "blocked_at")
    def viewer_can_close(root: strawberry.Parent[ConversationRow], info: Info) -> bool:
        """Whether the viewer may use `closeConversation` and it would change something."""
        return _may_change(root, info, Right.CLOSE) and closing.can_be_closed(root)

    @derived("workspace_id", "status", "blocked_at")
    def viewer_can_open(root: strawberry.Parent[ConversationRow], info: Info) -> bool:
        """Whether the viewer may use `openConversation` and it would change something."""
        allowed = _may_change(root, info, Right.CLOSE)
        return allowed and root.status is not ConversationStatus.OPEN

    @derived("workspace_id", "status", "blocked_at")
    def viewer_can_reopen(root: strawberry.Parent[ConversationRow], info: Info) -> bool:
        """Whether the viewer may use `reopenConversation` and it would change something."""
        return _may_change(root, info, Right.CLOSE) and closing.can_be_reopened(root)

    @derived("workspace_id", "blocked_at")
    def viewer_can_snooze(root: strawberry.Parent[ConversationRow], info: Info) -> bool:
        """Whether the viewer may use `snoozeConversation`."""
        return _may_change(root, info, Right.SNOOZE)

    @derived("workspace_id", "status", "blocked_at")
    def viewer_can_unsnooze(root: strawberry.Parent[ConversationRow], info: Info) -> bool:
        """Whether the viewer may use `unsnoozeConversation` and it would change something."""
        allowed = _may_change(root, info, Right.SNOOZE)
        return allowed and root.status is ConversationStatus.SNOOZED

    @derived("workspace_id", "blocked_at")
    def viewer_can_block(root: strawberry.Parent[ConversationRow], info: Info) -> bool:
        """Whether the viewer may use `blockContact` and it would change something."""
        allowed = info.context.may(root.workspace_id, Right.BLOCK)
        return allowed and block.can_be_blocked(root)

    @derived("workspace_id", "blocked_at")
    def viewer_can_unblock(root: strawberry.Parent[ConversationRow], info: Info) -> bool:
        """Whether the viewer may use `unblockContact` and it would change something."""
        allowed = info.context.may(root.workspace_id, Right.BLOCK)
        return allowed and block.can_be_unblocked(root)

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, ConversationRow)
