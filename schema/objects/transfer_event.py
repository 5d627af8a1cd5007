"""Events about imports and exports."""

from collections.abc import Callable
from typing import Any

import strawberry

from models.transfer import TransferState
from realtime import transfer_events as facts
from realtime.events import Fact
from resolvers.batches import transfers_by_id
from resolvers.transfer import percent_of
from schema.ids import encode_id
from schema.objects.contact_export import ContactExport
from schema.objects.contact_import import ContactImport
from schema.objects.workspace_event import WorkspaceEvent
from schema.relation import relation
from schema.sight import Seen


@strawberry.type
class TransferProgressed(WorkspaceEvent):
    """What an import and an export tell alike."""

    @property
    def fact(self) -> Any:
        """Return what is told."""
        return self.seen.told.delivery.logged.fact

    @property
    def total(self) -> int:
        """Return how much there is to do."""
        raise NotImplementedError

    @strawberry.field
    def state(self) -> TransferState:
        """How far it was."""
        return TransferState(self.fact.state)

    @strawberry.field
    def percent(self) -> int:
        """How much was done, rounded down: 100 only at the end."""
        return percent_of(TransferState(self.fact.state), self.total, self.fact.done_count)

    @strawberry.field
    def done_count(self) -> int:
        """How many of them were done."""
        return int(self.fact.done_count)


@strawberry.type
class ImportProgressed(TransferProgressed):
    """An import began, a portion of it was committed, or it ended; the counts are as of then."""

    @property
    def total(self) -> int:
        """Return how many lines there are."""
        return int(self.fact.line_count)

    @strawberry.field
    def import_id(self) -> strawberry.ID:
        """Which import it is."""
        return encode_id("ContactImport", self.fact.transfer_id)

    @relation(ContactImport | None, transfers_by_id)
    def contact_import(self) -> int:
        """The import as it is now; null once it is forgotten."""
        return int(self.fact.transfer_id)

    @strawberry.field
    def line_count(self) -> int:
        """How many lines there are."""
        return self.total

    @strawberry.field
    def created_count(self) -> int:
        """How many have added a contact."""
        return int(self.fact.created_count)

    @strawberry.field
    def updated_count(self) -> int:
        """How many have changed a contact."""
        return int(self.fact.updated_count)

    @strawberry.field
    def skipped_count(self) -> int:
        """How many were left aside."""
        return int(self.fact.skipped_count)

    @strawberry.field
    def refused_count(self) -> int:
        """How many were refused."""
        return int(self.fact.refused_count)


@strawberry.type
class ExportProgressed(TransferProgressed):
    """An export began, a portion of it was committed, or it ended; the counts are as of then."""

    @property
    def total(self) -> int:
        """Return how many contacts there were to be exported."""
        return int(self.fact.contact_count)

    @strawberry.field
    def export_id(self) -> strawberry.ID:
        """Which export it is."""
        return encode_id("ContactExport", self.fact.transfer_id)

    @relation(ContactExport | None, transfers_by_id)
    def contact_export(self) -> int:
        """The export as it is now; null once it is forgotten."""
        return int(self.fact.transfer_id)

    @strawberry.field
    def contact_count(self) -> int:
        """How many contacts there were to be exported."""
        return self.total


TRANSFER_KINDS: dict[type[Fact], Callable[[Seen], WorkspaceEvent]] = {
    facts.ImportProgressed: lambda seen: ImportProgressed(seen=seen),
    facts.ExportProgressed: lambda seen: ExportProgressed(seen=seen),
}
