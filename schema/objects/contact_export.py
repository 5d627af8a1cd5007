"""An export of contacts."""

from datetime import datetime
from typing import Any

import strawberry

from models.transfer import Transfer as TransferRow
from models.transfer import TransferKind, TransferState
from resolvers import transfer as transfers
from resolvers.signed_link import Purpose
from schema.context import Info
from schema.objects.contact_import import link_to
from schema.objects.node import Node, global_id


@strawberry.type
class ContactExport(Node):
    """Contacts that go into a CSV file, 500 at a time; who started it sees it, for 7 days."""

    id: strawberry.ID = global_id("ContactExport")
    file_name: str
    """The name of the file."""
    state: TransferState
    """How far it is."""
    done_count: int
    """How many contacts are done."""
    created_at: datetime
    """When it was asked for."""
    finished_at: datetime | None
    """When it ended; null while it has not."""
    expires_at: datetime
    """When it is forgotten, with its file."""

    @strawberry.field
    def contact_count(root: strawberry.Parent[TransferRow]) -> int:
        """How many contacts there were to be exported when it began, or are in all at the end."""
        return root.line_count or 0

    @strawberry.field
    def percent(root: strawberry.Parent[TransferRow]) -> int:
        """How much is done, rounded down: 100 only at the end."""
        return transfers.percent_of(root.state, root.line_count or 0, root.done_count)

    @strawberry.field
    def download_url(root: strawberry.Parent[TransferRow], info: Info) -> str | None:
        """Where to GET the file, within an hour and as long as the viewer may export; null before
        it is there. It has no contact that the viewer may not see by then."""
        if root.state is not TransferState.DONE:
            return None
        return link_to(root, info, "exports", Purpose.FILE)

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, TransferRow) and obj.kind is TransferKind.EXPORT
