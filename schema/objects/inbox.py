"""Inboxes: the lists in which agents find their conversations."""

from typing import Any

import strawberry

from models.conversation import ConversationStatus
from models.layout import CONVERSATION
from models.refusal import sentence
from resolvers import inbox as inboxes
from resolvers.inbox import ConversationSort, InboxKind
from resolvers.inbox import StandardInbox as StandardInboxRow
from resolvers.sentences import say
from resolvers.viewer import Viewer
from schema.columns import layout_of, sourced
from schema.connection import Connection, connect, page_request
from schema.context import Info, viewer_of
from schema.ids import encode_id
from schema.objects.conversation import Conversation
from schema.objects.node import Node
from schema.relation import relation

INBOX_NAMES = {
    InboxKind.ALL: sentence("All"),
    InboxKind.MINE: sentence("Mine"),
    InboxKind.UNASSIGNED: sentence("Unassigned"),
}


@strawberry.interface
class Inbox(Node):
    """A list of conversations, as this viewer sees it."""

    kind: InboxKind
    """Which one it is."""
    name: str
    """The name to show, in the viewer's language."""
    open_count: int
    """How many of its conversations are open."""
    unread_count: int
    """How many of its open conversations have messages that the viewer has not read."""

    @sourced(Connection[Conversation], {"Conversation": CONVERSATION})
    async def conversations(
        root: strawberry.Parent[StandardInboxRow],
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
        page = await inboxes.list_conversations(
            viewer_of(info),
            root,
            page_request(first, after, last, before),
            status=status,
            unreplied=unreplied,
            sort=sort,
            layout=layout_of(info),
        )
        return connect(page)


def _id(root: strawberry.Parent[StandardInboxRow]) -> strawberry.ID:
    return encode_id("StandardInbox", f"{root.workspace_id}.{root.kind.value}")


def _name(root: strawberry.Parent[StandardInboxRow], info: Info) -> str:
    return say(INBOX_NAMES[root.kind], info.context.language)


def _counted(root: strawberry.Parent[StandardInboxRow], info: Info) -> tuple[Viewer, int]:
    return (viewer_of(info), root.workspace_id)


@strawberry.type
class StandardInbox(Inbox):
    """One of the inboxes that every workspace has."""

    id: strawberry.ID = strawberry.field(resolver=_id)
    name: str = strawberry.field(resolver=_name)
    open_count: int = relation(
        int, inboxes.counts_of_inboxes, then=lambda row, found: found[row.kind].open_count
    )(_counted)
    unread_count: int = relation(
        int, inboxes.counts_of_inboxes, then=lambda row, found: found[row.kind].unread_count
    )(_counted)

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, StandardInboxRow)
