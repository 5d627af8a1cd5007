"""Exporting contacts to CSV: starting it, following it, and getting the file."""

from collections.abc import AsyncIterator
from typing import Any

import strawberry

from models.transfer import Transfer as TransferRow
from realtime.events import Fact
from realtime.transfer_events import ExportProgressed as ExportProgressedFact
from resolvers import contact_export as contact_exports
from resolvers.rights import Right
from resolvers.viewer import require
from schema.connection import Connection, connect, page_request
from schema.context import Info, viewer_of
from schema.ids import decode_id, decode_optional_id
from schema.inbox_filter import InboxFilterInput, filter_of
from schema.objects.contact_export import ContactExport
from schema.objects.transfer_event import ExportProgressed
from schema.payload import Payload, mutation, result
from schema.streams import follow


@strawberry.input
class ExportContactsInput:
    """Which contacts are to be exported: those that `contacts` lists with the same arguments."""

    workspace_id: strawberry.ID
    """The workspace."""
    search: str | None = None
    """Words that are all in name, phone or email; omitted: any."""
    filter: InboxFilterInput | None = None
    """What must hold of a contact and its conversation; omitted: anything."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class ExportContactsPayload(Payload):
    """The new export."""

    contact_export: TransferRow | None = result(ContactExport)
    """The export."""


@strawberry.type
class Query:
    """Exports."""

    @strawberry.field(graphql_type=Connection[ContactExport])
    async def contact_exports(
        self,
        info: Info,
        workspace_id: strawberry.ID,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Any:
        """The exports of the last 7 days that the viewer has started, newest first."""
        page = await contact_exports.list_exports(
            viewer_of(info),
            decode_id(workspace_id, "Workspace", "workspaceId"),
            page_request(first, after, last, before),
        )
        return connect(page)


@strawberry.type
class Mutation:
    """Exporting contacts."""

    @mutation
    async def export_contacts(
        self, info: Info, input: ExportContactsInput
    ) -> ExportContactsPayload:
        """Export the contacts that the viewer may see to a CSV file, in the background; not for
        members with the restriction `DATA_EXPORT`. The file has what the viewer may see of them,
        in columns that `importContacts` understands, and no cell is a formula."""
        made = await contact_exports.export_contacts(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            search=input.search,
            conditions=filter_of(input.filter) if input.filter else None,
            idempotency_key=input.idempotency_key,
        )
        return ExportContactsPayload(contact_export=made)


@strawberry.type
class Subscription:
    """Following exports."""

    @strawberry.subscription
    async def export_progressed(
        self,
        info: Info,
        workspace_id: strawberry.ID,
        export_id: strawberry.ID | None = None,
        after: str | None = None,
    ) -> AsyncIterator[ExportProgressed]:
        """Each step of the viewer's own exports, or of one: when it begins, after each portion of
        at most 500 contacts, and when it ends."""
        workspace = decode_id(workspace_id, "Workspace", "workspaceId")
        only = decode_optional_id(export_id, "ContactExport", "exportId")
        require(viewer_of(info), workspace, Right.EXPORT_DATA)

        def wants(fact: Fact) -> bool:
            return isinstance(fact, ExportProgressedFact) and only in (None, fact.transfer_id)

        events = follow(info, workspace, after, wants, lambda seen: ExportProgressed(seen=seen))
        async for event in events:
            yield event
