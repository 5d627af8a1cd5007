"""Importing contacts from CSV: starting it, following it, and what was refused."""

from collections.abc import AsyncIterator
from typing import Any

import strawberry

from models.transfer import ImportMode
from models.transfer import Transfer as TransferRow
from realtime.events import Fact
from realtime.transfer_events import ImportProgressed as ImportProgressedFact
from resolvers import contact_import as contact_imports
from resolvers import import_report as reports
from resolvers.rights import Right
from resolvers.viewer import require
from schema.connection import Connection, connect, page_request
from schema.context import Info, viewer_of
from schema.ids import decode_id, decode_optional_id
from schema.objects.contact_import import ContactImport, RefusedImportLine
from schema.objects.transfer_event import ImportProgressed
from schema.payload import Payload, mutation, result
from schema.streams import follow


@strawberry.input
class ImportContactsInput:
    """What is to be imported, and how."""

    workspace_id: strawberry.ID
    """The workspace."""
    file_name: str
    """The name of the file, to be shown."""
    mode: ImportMode = ImportMode.ADD_AND_UPDATE
    """What becomes of lines whose phone number or email address a contact has already."""
    is_dry_run: bool = False
    """Whether all is checked and counted, and no contact written."""
    csv: str | None = None
    """The file itself, where it is small enough for a request; omitted: POST it to the import's
    `uploadUrl`."""
    idempotency_key: str | None = None
    """1 to 255 printable characters: sent again with the same input, nothing happens twice."""


@strawberry.type
class ImportContactsPayload(Payload):
    """The new import."""

    contact_import: TransferRow | None = result(ContactImport)
    """The import."""


@strawberry.type
class Query:
    """Imports and their reports."""

    @strawberry.field(graphql_type=Connection[ContactImport])
    async def contact_imports(
        self,
        info: Info,
        workspace_id: strawberry.ID,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Any:
        """The imports of the last 7 days, newest first; for owners and managers."""
        page = await reports.list_imports(
            viewer_of(info),
            decode_id(workspace_id, "Workspace", "workspaceId"),
            page_request(first, after, last, before),
        )
        return connect(page)

    @strawberry.field(graphql_type=Connection[RefusedImportLine])
    async def import_report(
        self,
        info: Info,
        import_id: strawberry.ID,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Any:
        """The lines that an import has refused so far, in the order of the file."""
        page = await reports.import_report(
            viewer_of(info),
            decode_id(import_id, "ContactImport", "importId"),
            page_request(first, after, last, before),
        )
        return connect(page)


@strawberry.type
class Mutation:
    """Importing contacts."""

    @mutation
    async def import_contacts(
        self, info: Info, input: ImportContactsInput
    ) -> ImportContactsPayload:
        """Import contacts from a CSV file, in the background; for owners and managers.

        Each line obeys the rules of `createContact` and `updateContact`; one that does not is
        refused, and the others are imported. A file with a column that means nothing here is
        refused as a whole, before anything is done. Tags are added, never taken off.
        """
        made = await contact_imports.import_contacts(
            viewer_of(info),
            decode_id(input.workspace_id, "Workspace", "workspaceId"),
            file_name=input.file_name,
            mode=input.mode,
            is_dry_run=input.is_dry_run,
            csv=input.csv,
            idempotency_key=input.idempotency_key,
        )
        return ImportContactsPayload(contact_import=made)


@strawberry.type
class Subscription:
    """Following imports."""

    @strawberry.subscription
    async def import_progressed(
        self,
        info: Info,
        workspace_id: strawberry.ID,
        import_id: strawberry.ID | None = None,
        after: str | None = None,
    ) -> AsyncIterator[ImportProgressed]:
        """Each step of imports, or of one: when it begins, after each portion of at most 200
        lines, and when it ends. For owners and managers."""
        workspace = decode_id(workspace_id, "Workspace", "workspaceId")
        only = decode_optional_id(import_id, "ContactImport", "importId")
        require(viewer_of(info), workspace, Right.IMPORT_CONTACTS)

        def wants(fact: Fact) -> bool:
            return isinstance(fact, ImportProgressedFact) and only in (None, fact.transfer_id)

        events = follow(info, workspace, after, wants, lambda seen: ImportProgressed(seen=seen))
        async for event in events:
            yield event
