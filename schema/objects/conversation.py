"""A conversation: the one lasting thread of a contact."""

from datetime import datetime
from typing import Any

import strawberry

from models.contact import Contact as ContactRow
from models.conversation import Conversation as ConversationRow
from models.conversation import ConversationStatus
from models.episode import ChangeSource
from models.episode import Episode as EpisodeRow
from models.member import Member as MemberRow
from models.message import Message as MessageRow
from models.team import Team as TeamRow
from resolvers import closing
from resolvers.access import Right, may
from schema.connection import Connection, connect, page_request
from schema.context import Info, viewer_of
from schema.objects.contact import Contact
from schema.objects.member import Assignee, Member
from schema.objects.message import Message, TimelineItem
from schema.objects.node import Node, global_id
from schema.objects.team import Team


@strawberry.type
class Snooze:
    """Why a conversation is out of the lists, and until when."""

    until: datetime
    """When it comes back by itself."""
    since: datetime
    """When it was snoozed."""
    by_id: strawberry.Private[int | None]

    @strawberry.field(graphql_type=Member | None)
    async def by(self, info: Info) -> MemberRow | None:
        """Who snoozed it; null for a program, or a member who is gone."""
        if self.by_id is None:
            return None
        return await info.context.loaders.member.load(self.by_id)


@strawberry.type
class Episode(Node):
    """One stretch of a conversation from opened to closed."""

    id: strawberry.ID = global_id("Episode")
    opened_at: datetime
    """When it was opened."""
    opened_source: ChangeSource
    """Who or what opened it."""
    first_response_at: datetime | None
    """When the first answer to the contact reached the vendor; null if none has."""
    closed_at: datetime | None
    """When it was closed; null while it is open."""
    closed_source: ChangeSource | None
    """Who or what closed it; null while it is open."""

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, EpisodeRow)


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
    version: int
    """Counts the changes of status, assignee and snooze; give it as `expectedVersion`."""
    created_at: datetime
    """When the contact became known."""

    @strawberry.field(graphql_type=Contact)
    def contact(root: strawberry.Parent[ConversationRow]) -> ContactRow:
        """Whom it is with."""
        return root.contact

    @strawberry.field(graphql_type=Assignee | None)
    def assignee(root: strawberry.Parent[ConversationRow]) -> MemberRow | None:
        """Who looks after it; null in Unassigned."""
        return root.assignee

    @strawberry.field(graphql_type=Team | None)
    async def team(root: strawberry.Parent[ConversationRow], info: Info) -> TeamRow | None:
        """The team it is assigned to; null for none."""
        if root.team_id is None:
            return None
        return await info.context.loaders.team.load(root.team_id)

    @strawberry.field
    async def unread_count(root: strawberry.Parent[ConversationRow], info: Info) -> int:
        """How many messages of the contact this viewer has not read; 0 for a program."""
        member_id = viewer_of(info).member_id(root.workspace_id)
        if member_id is None or root.incoming_count == 0:
            return 0
        read = await info.context.loaders.read_count.load((member_id, root.id)) or 0
        return max(0, int(root.incoming_count) - read)

    @strawberry.field(graphql_type=Message | None)
    async def last_message(
        root: strawberry.Parent[ConversationRow], info: Info
    ) -> MessageRow | None:
        """The newest message; null if there is none."""
        if root.last_message_id is None:
            return None
        return await info.context.loaders.message.load(root.last_message_id)

    @strawberry.field
    def last_message_at(root: strawberry.Parent[ConversationRow]) -> datetime | None:
        """When the newest message came or was written; null if there is none."""
        return root.last_message_at if root.last_message_id is not None else None

    @strawberry.field
    def snooze(root: strawberry.Parent[ConversationRow]) -> Snooze | None:
        """The snooze; null unless the status is SNOOZED."""
        if root.snoozed_until is None or root.snoozed_at is None:
            return None
        return Snooze(until=root.snoozed_until, since=root.snoozed_at, by_id=root.snoozed_by_id)

    @strawberry.field(graphql_type=Connection[TimelineItem])
    async def timeline(
        root: strawberry.Parent[ConversationRow],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Any:
        """Messages and activities in one order, oldest first; `last: 25` is the newest page."""
        request = page_request(first, after, last, before)
        page = await info.context.loaders.timeline.load((root.id, request))
        assert page is not None  # noqa: S101 - the batch answers every key
        return connect(page)

    @strawberry.field(graphql_type=Connection[Message])
    async def messages(
        root: strawberry.Parent[ConversationRow],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Any:
        """The messages alone, oldest first; `last: 25` is the newest page."""
        request = page_request(first, after, last, before)
        page = await info.context.loaders.messages.load((root.id, request))
        assert page is not None  # noqa: S101 - the batch answers every key
        return connect(page)

    @strawberry.field(graphql_type=list[Episode])
    async def episodes(
        root: strawberry.Parent[ConversationRow], info: Info, first: int = 10
    ) -> list[EpisodeRow]:
        """The newest stretches from opened to closed, newest first."""
        limit = page_request(first, None, None, None).size
        return await info.context.loaders.episodes.load((root.id, limit)) or []

    @strawberry.field
    def viewer_can_reply(root: strawberry.Parent[ConversationRow], info: Info) -> bool:
        """Whether the viewer may use `sendMessage`."""
        return may(viewer_of(info), root.workspace_id, Right.REPLY)

    @strawberry.field
    def viewer_can_assign(root: strawberry.Parent[ConversationRow], info: Info) -> bool:
        """Whether the viewer may use `assignConversation` and `unassignConversation`."""
        return may(viewer_of(info), root.workspace_id, Right.ASSIGN)

    @strawberry.field
    def viewer_can_close(root: strawberry.Parent[ConversationRow], info: Info) -> bool:
        """Whether the viewer may use `closeConversation` and it would change something."""
        allowed = may(viewer_of(info), root.workspace_id, Right.CLOSE)
        return allowed and closing.can_be_closed(root)

    @strawberry.field
    def viewer_can_snooze(root: strawberry.Parent[ConversationRow], info: Info) -> bool:
        """Whether the viewer may use `snoozeConversation`."""
        return may(viewer_of(info), root.workspace_id, Right.SNOOZE)

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, ConversationRow)
