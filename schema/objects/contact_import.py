"""An import of contacts, and a line that it refused."""

from datetime import datetime
from typing import Any

import strawberry

from models.refusal import Code
from models.transfer import ImportMode, TransferKind, TransferState
from models.transfer import Transfer as TransferRow
from resolvers import transfer as transfers
from resolvers.batches import members_by_id
from resolvers.import_report import Refusal
from resolvers.sentences import explain
from resolvers.signed_link import Purpose
from schema.context import Info, viewer_of
from schema.objects.member import Member
from schema.objects.node import Node, global_id
from schema.relation import relation
from settings import get_settings


def link_to(root: TransferRow, info: Info, folder: str, purpose: Purpose) -> str:
    """Return a link of the viewer's own to a file of a transfer."""
    token, _ = transfers.sign_link(viewer_of(info), root, purpose)
    return f"{get_settings().public_url.rstrip('/')}/{folder}/{token}"


@strawberry.type
class ContactImport(Node):
    """Contacts that come from a CSV file, 200 lines at a time; who started it and all who lead see
    it, for 7 days."""

    id: strawberry.ID = global_id("ContactImport")
    file_name: str
    """The name of the file."""
    mode: ImportMode
    """What becomes of lines of contacts that are known already."""
    is_dry_run: bool
    """Whether all is checked and counted, and no contact written."""
    state: TransferState
    """How far it is."""
    line_count: int | None
    """How many lines the file has, without its header and blank ones; null until it is there."""
    done_count: int
    """How many of them are done: the sum of the four counts below."""
    created_count: int
    """How many have added a contact."""
    updated_count: int
    """How many have changed a contact."""
    skipped_count: int
    """How many were left aside: by the mode, or because they say nothing new."""
    refused_count: int
    """How many were refused: `importReport` says why."""
    created_at: datetime
    """When it was asked for."""
    finished_at: datetime | None
    """When it ended; null while it has not."""
    expires_at: datetime
    """When it is forgotten, with its report."""

    @strawberry.field
    def percent(root: strawberry.Parent[TransferRow]) -> int:
        """How much is done, rounded down: 100 only at the end."""
        return transfers.percent_of(root.state, root.line_count or 0, root.done_count)

    @relation(Member | None, members_by_id)
    def started_by(root: strawberry.Parent[TransferRow]) -> int | None:
        """Who started it; null for a program."""
        return root.member_id

    @strawberry.field
    def upload_url(root: strawberry.Parent[TransferRow], info: Info) -> str | None:
        """Where to POST the file, as it is: at most 50 MiB of UTF-8 (`Content-Type: text/csv`),
        within an hour; null once it is there. Columns are separated by commas, semicolons or tabs;
        the first line names them: First name, Last name, Phone, Email, Language, Tags, Lifecycle
        stage, and custom fields by slug or name. Blank cells change nothing."""
        if root.state is not TransferState.WAITING:
            return None
        return link_to(root, info, "imports", Purpose.UPLOAD)

    @strawberry.field
    def report_url(root: strawberry.Parent[TransferRow], info: Info) -> str | None:
        """Where to GET the refused lines as CSV, within an hour; null where there are none."""
        return link_to(root, info, "imports", Purpose.REPORT) if root.refused_count else None

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Tell whether a row is of this type."""
        return isinstance(obj, TransferRow) and obj.kind is TransferKind.IMPORT


@strawberry.type
class RefusedImportLine:
    """A line that was not imported."""

    line: int
    """Its number in the file, from 1; of several lines, the first."""
    column: str | None
    """The column at fault, as the file names it; null where it is none in particular."""

    @strawberry.field
    def code(root: strawberry.Parent[Refusal]) -> Code:
        """A stable code for programs."""
        return root.refused.code

    @strawberry.field
    def message(root: strawberry.Parent[Refusal], info: Info) -> str:
        """Why, as a sentence in the viewer's language."""
        return explain(root.refused, info.context.language)
