"""An audit entry: who did what to whom, or was refused to."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from models.api_key import ApiKey as ApiKeyRow
from models.audit_entry import AuditOutcome
from models.refusal import Code
from resolvers.audit import AuditEntryRow, actors
from schema.ids import encode_id
from schema.objects.api_key import ApiKey, api_key_of
from schema.objects.member import Member
from schema.relation import relation

AuditActor = Annotated[
    Member | ApiKey,
    strawberry.union("AuditActor", description="Who acts in a workspace: a member or a program."),
]


def _shown(_entry: Any, actor: Any) -> Any:
    return api_key_of(actor) if isinstance(actor, ApiKeyRow) else actor


@strawberry.type
class AuditEntry:
    """What somebody did in a workspace, or was refused; it never changes."""

    action: str
    """The mutation, such as `removeMember`, or the query or subscription that was refused.

    A refused signed link is `downloadAttachment`, `downloadThumbnail`, `downloadContactExport`,
    `downloadImportReport`, `uploadAttachment` or `uploadContactImport`.
    """
    outcome: AuditOutcome
    """What became of it."""
    address: str | None
    """The network address from which it came; null where it is not known."""
    request_id: str | None
    """The `X-Request-Id` that a proxy gave the request; null where there was none."""
    created_at: datetime
    """When it was."""

    @strawberry.field
    def id(root: strawberry.Parent[AuditEntryRow]) -> strawberry.ID:
        """The entry's opaque global id."""
        return encode_id("AuditEntry", root.id)

    @strawberry.field
    def code(root: strawberry.Parent[AuditEntryRow]) -> Code | None:
        """Why it was refused; null where it was done."""
        return None if root.code is None else Code(root.code)

    @strawberry.field
    def target_id(root: strawberry.Parent[AuditEntryRow]) -> strawberry.ID | None:
        """The global id of what it was done to, which may be gone; null for the workspace's or the
        actor's own matters."""
        if root.target_type is None or root.target_id is None:
            return None
        return encode_id(root.target_type, root.target_id)

    @relation(AuditActor | None, actors, then=_shown)
    def actor(root: strawberry.Parent[AuditEntryRow]) -> str | None:
        """Who did it; null where nobody was recognised, as in a failed log-in."""
        return root.actor
