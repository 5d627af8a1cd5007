"""Inboxes: the lists in which agents find their conversations."""

from datetime import datetime
from typing import Any

import strawberry

from models.conversation import ConversationStatus
from models.custom_inbox import InboxSharing
from models.layout import CONVERSATION
from models.refusal import sentence
from resolvers import inbox_kinds as kinds
from resolvers import inbox_pages
from resolvers.batches import members_by_id, teams_by_id
from resolvers.inbox_kinds import InboxGroup, InboxKind
from resolvers.inbox_pages import ConversationSort
from resolvers.sentences import say
from resolvers.viewer import Viewer
from schema.columns import layout_of, sourced
from schema.connection import Connection, connect, page_request
from schema.context import Info, viewer_of
from schema.ids import encode_id
from schema.objects.conversation import Conversation
from schema.objects.inbox_filter import InboxFilter, shown
from schema.objects.member import Member
from schema.objects.node import Node, global_id
from schema.objects.team import Team
from schema.relation import relation

INBOX_NAMES = {
    InboxKind.ALL: sentence("All"),
    InboxKind.MINE: sentence("Mine"),
    InboxKind.UNASSIGNED: sentence("Unassigned"),
    InboxKind.BLOCKED: sentence("Blocked contacts"),
}


@strawberry.interface
class Inbox(Node):
    """A list of conversations, as this viewer sees it."""

    kind: InboxKind
    """What it holds."""
    group: InboxGroup
    """Where it stands among the viewer's inboxes."""
    name: str
    """The name to show; that of a standard inbox in the viewer's language."""
    open_count: int
    """How many of its conversations are open."""
    unread_count: int
    """How many of its open conversations have messages that the viewer has not read."""
    unreplied_count: int
    """How many of its open conversations wait for an answer."""

    @sourced(Connection[Conversation], {"Conversation": CONVERSATION})
    async def conversations(
        root: strawberry.Parent[kinds.Inbox],
        info: Info,
        status: ConversationStatus | None = None,
        unreplied: bool = False,
        sort: ConversationSort = ConversationSort.NEWEST_MESSAGE,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Any:
        """Its conversations; without a status those of all tabs, and replied ones unless asked."""
        page = await inbox_pages.list_conversations(
            viewer_of(info),
            root,
            page_request(first, after, last, before),
            status=status,
            unreplied=unreplied,
            sort=sort,
            layout=layout_of(info),
        )
        return connect(page)


def _group(root: strawberry.Parent[kinds.Inbox], info: Info) -> InboxGroup:
    return kinds.group_of(viewer_of(info), root)


def _counted(root: strawberry.Parent[kinds.Inbox], info: Info) -> tuple[Viewer, kinds.Inbox]:
    return (viewer_of(info), root)


def _count(name: str) -> Any:
    """Declare one of the counts, which are read together."""
    batch = inbox_pages.counts_of_inboxes
    return relation(int, batch, then=lambda _, found: getattr(found, name))(_counted)


def _standard_id(root: strawberry.Parent[kinds.StandardInbox]) -> strawberry.ID:
    return encode_id("StandardInbox", f"{root.workspace_id}.{root.kind.value}")


def _standard_name(
    root: strawberry.Parent[kinds.StandardInbox | kinds.BlockedInbox], info: Info
) -> str:
    return say(INBOX_NAMES[root.kind], info.context.language)


@strawberry.type
class StandardInbox(Inbox):
    """One of the inboxes that every workspace has."""

    id: strawberry.ID = strawberry.field(resolver=_standard_id)
    group: InboxGroup = strawberry.field(resolver=_group)
    name: str = strawberry.field(resolver=_standard_name)
    open_count: int = _count("open_count")
    unread_count: int = _count("unread_count")
    unreplied_count: int = _count("unreplied_count")

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, kinds.StandardInbox)


@strawberry.type
class TeamInbox(Inbox):
    """The inbox of a team: what is assigned to it, or to one of its members."""

    id: strawberry.ID = global_id("TeamInbox")
    group: InboxGroup = strawberry.field(resolver=_group)
    open_count: int = _count("open_count")
    unread_count: int = _count("unread_count")
    unreplied_count: int = _count("unreplied_count")

    @relation(Team, teams_by_id)
    def team(root: strawberry.Parent[kinds.TeamInbox]) -> int:
        """The team."""
        return root.id

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, kinds.TeamInbox)


@strawberry.type
class CustomInbox(Inbox):
    """A filter that a member saved, for themselves or for others; each sees in it only what they
    may see anyway."""

    id: strawberry.ID = global_id("CustomInbox")
    group: InboxGroup = strawberry.field(resolver=_group)
    open_count: int = _count("open_count")
    unread_count: int = _count("unread_count")
    unreplied_count: int = _count("unreplied_count")
    version: int
    """Counts its changes; give it as `expectedVersion`."""
    created_at: datetime
    """When it was made."""

    @strawberry.field
    def filter(root: strawberry.Parent[kinds.CustomInbox]) -> InboxFilter:
        """Which conversations it holds."""
        return shown(root.conditions)

    @strawberry.field
    def sharing(root: strawberry.Parent[kinds.CustomInbox]) -> InboxSharing:
        """Who has it."""
        return root.sharing.mode

    @relation(list[Member], inbox_pages.members_of, absent=())
    def shared_with_members(root: strawberry.Parent[kinds.CustomInbox]) -> tuple[int, ...] | None:
        """The members with whom it is shared by name."""
        return root.sharing.member_ids or None

    @relation(list[Team], inbox_pages.teams_of, absent=())
    def shared_with_teams(root: strawberry.Parent[kinds.CustomInbox]) -> tuple[int, ...] | None:
        """The teams with whose members it is shared."""
        return root.sharing.team_ids or None

    @relation(Member, members_by_id)
    def creator(root: strawberry.Parent[kinds.CustomInbox]) -> int:
        """Who made it and alone can change it."""
        return root.creator_id

    @strawberry.field
    def viewer_can_edit(root: strawberry.Parent[kinds.CustomInbox], info: Info) -> bool:
        """Whether the viewer may use `updateInbox` and `deleteInbox` with it."""
        return kinds.group_of(viewer_of(info), root) is InboxGroup.CREATED_BY_ME

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, kinds.CustomInbox)


def _blocked_id(root: strawberry.Parent[kinds.BlockedInbox]) -> strawberry.ID:
    return encode_id("BlockedInbox", root.workspace_id)


@strawberry.type
class BlockedInbox(Inbox):
    """The conversations of blocked contacts: there is one for those who may see them, as long as
    a contact is blocked."""

    id: strawberry.ID = strawberry.field(resolver=_blocked_id)
    group: InboxGroup = strawberry.field(resolver=_group)
    name: str = strawberry.field(resolver=_standard_name)
    open_count: int = _count("open_count")
    unread_count: int = _count("unread_count")
    unreplied_count: int = _count("unreplied_count")

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, kinds.BlockedInbox)
