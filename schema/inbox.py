"""Inboxes: one by its id."""

import strawberry

from resolvers.inbox import StandardInbox as StandardInboxRow
from resolvers.inbox import find_inbox
from schema.context import Info, viewer_of
from schema.ids import decode_text_id
from schema.objects.inbox import Inbox


@strawberry.type
class Query:
    """Reading inboxes."""

    @strawberry.field(graphql_type=Inbox | None)
    async def inbox(self, info: Info, id: strawberry.ID) -> StandardInboxRow:
        """One inbox of the viewer; NOT_FOUND where they have none under this id."""
        return find_inbox(viewer_of(info), decode_text_id(id, "StandardInbox", "id"))
