"""The event log: every durable fact of a workspace, live or in pages."""

from collections.abc import AsyncIterator

import strawberry

from realtime.events import CredentialRevoked, Fact
from realtime.log import encode_cursor, read_head, read_page
from resolvers.page import Page
from resolvers.rights import Right
from resolvers.viewer import require
from schema.connection import Connection, page_request
from schema.context import Info, viewer_of
from schema.hub import Told, tell
from schema.ids import decode_id, decode_optional_id
from schema.inbox_stream import InboxPlace, follow_inbox
from schema.objects.event import workspace_event
from schema.objects.workspace_event import WorkspaceEvent
from schema.sight import seen_by
from schema.streams import follow, start_of


def _wanted(fact: Fact, conversation_id: int | None) -> bool:
    if isinstance(fact, CredentialRevoked):
        return False
    return conversation_id in (None, getattr(fact, "conversation_id", None))


@strawberry.type
class Query:
    """Reading the log over plain HTTP."""

    @strawberry.field
    async def events(
        self,
        info: Info,
        workspace_id: strawberry.ID,
        after: str,
        first: int | None = None,
    ) -> Connection[WorkspaceEvent]:
        """The events after a cursor, in commit order: what `workspaceEvents` streams, for those
        who poll. Go on with `endCursor`, also where a page is empty."""
        viewer = viewer_of(info)
        workspace = decode_id(workspace_id, "Workspace", "workspaceId")
        require(viewer, workspace, Right.VIEW)
        size = page_request(first, None, None, None).size
        head = await read_head(workspace)
        start = start_of(after, head)
        page = await read_page(workspace, start, size)
        seen = [seen_by(viewer, item) for item in await tell(page) if isinstance(item, Told)]
        end = page[-1].seq if page else start
        return Connection[WorkspaceEvent](
            page=Page(
                [workspace_event(one) for one in seen if one is not None],
                lambda event: encode_cursor(head.epoch, event.seen.told.delivery.logged.seq),
                has_next=end < head.seq,
                has_previous=start >= head.oldest_seq,
                end=encode_cursor(head.epoch, end),
            )
        )


@strawberry.type
class Subscription:
    """Following the log."""

    @strawberry.subscription
    async def workspace_events(
        self,
        info: Info,
        workspace_id: strawberry.ID,
        conversation_id: strawberry.ID | None = None,
        inbox_id: strawberry.ID | None = None,
        after: str | None = None,
    ) -> AsyncIterator[WorkspaceEvent]:
        """Every durable fact of a workspace that the viewer may see: the one stream that a
        front-end needs. With `after`, first everything behind that cursor, then live. With
        `inboxId`, the facts about the conversations of one inbox; see `inboxChanged`."""
        workspace = decode_id(workspace_id, "Workspace", "workspaceId")
        only = decode_optional_id(conversation_id, "Conversation", "conversationId")

        def wants(fact: Fact) -> bool:
            return _wanted(fact, only)

        if inbox_id is None:
            events = follow(info, workspace, after, wants, workspace_event)
        else:
            place = InboxPlace(inbox_id, workspace)
            events = follow_inbox(info, place, after, wants, lambda seen, _: workspace_event(seen))
        async for event in events:
            yield event
