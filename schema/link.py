"""Opening links: what a lasting address leads to, and what stands around it."""

from typing import Annotated, Any

import strawberry

from models.layout import ACTIVITY, COMMENT, MESSAGE
from models.records import CommentRecord, ContactRecord, ConversationRecord, MessageRecord
from resolvers import link as links
from resolvers.batches import workspaces_by_id
from resolvers.page import DEFAULT_PAGE
from resolvers.viewer import hidden
from schema.columns import layouts_of, sourced
from schema.connection import Connection, connect
from schema.context import Info, viewer_of
from schema.ids import split_id
from schema.objects.contact import Contact
from schema.objects.conversation import Conversation
from schema.objects.message import TimelineItem
from schema.objects.workspace import Workspace
from schema.permalinks import place_in
from schema.relation import relation

URL = "The address."
ITEM = "A message, comment or activity."
EARLIER = "How many items before it: 0 to 100."
LATER = "How many items behind it: 0 to 100."


@strawberry.type
class ResolvedLink:
    """What a link leads to."""

    found: strawberry.Private[links.Found]

    @relation(Workspace, workspaces_by_id)
    def workspace(self) -> int:
        """The workspace to be shown."""
        return self.found.conversation.workspace_id

    @strawberry.field(graphql_type=Conversation)
    def conversation(self) -> ConversationRecord:
        """The conversation to be shown."""
        return self.found.conversation

    @strawberry.field(graphql_type=Contact)
    def contact(self) -> ContactRecord:
        """Whom it is with: after a merge, who the contact of the link is now."""
        return self.found.conversation.contact

    @strawberry.field(graphql_type=TimelineItem | None)
    def item(self) -> MessageRecord | CommentRecord | None:
        """The message or comment to be marked, for `timelineAround`; null where the link is one of
        the conversation."""
        return self.found.item


@strawberry.type
class Query:
    """Opening links."""

    @strawberry.field
    async def resolve_link(
        self, info: Info, url: Annotated[str, strawberry.argument(description=URL)]
    ) -> ResolvedLink | None:
        """What a `permalink` leads to; NOT_FOUND where the viewer sees nothing there, where it is
        not of this server, and for anything else. Its path alone, from `/w/` on, will do."""
        viewer, place = viewer_of(info), place_in(url)
        if place is None:
            raise hidden(("url",))
        found = await links.resolve_link(viewer, place.workspace_id, place.contact_id, place.item)
        return ResolvedLink(found=found)

    @sourced(
        Connection[TimelineItem],
        {"Message": MESSAGE, "Activity": ACTIVITY, "Comment": COMMENT},
    )
    async def timeline_around(
        self,
        info: Info,
        item_id: Annotated[strawberry.ID, strawberry.argument(description=ITEM)],
        before: Annotated[int, strawberry.argument(description=EARLIER)] = DEFAULT_PAGE,
        after: Annotated[int, strawberry.argument(description=LATER)] = DEFAULT_PAGE,
    ) -> Any:
        """A message, comment or activity among those around it, oldest first: up to 100 on either
        side. The cursors are those of its conversation's `timeline`."""
        page = await links.timeline_around(
            viewer_of(info),
            *split_id(item_id),
            before=before,
            after=after,
            layouts=layouts_of(info),
        )
        return connect(page)
