"""The audit log of a workspace."""

from typing import Any

import strawberry

from models.audit_entry import AuditOutcome
from resolvers import audit
from schema.connection import Connection, connect, page_request
from schema.context import Info, viewer_of
from schema.ids import decode_id, split_id
from schema.objects.audit_entry import AuditEntry

_ACTORS = {"Member": "member", "ApiKey": "api_key"}


@strawberry.input
class AuditLogFilter:
    """What entries have in common; what is omitted does not matter."""

    actor_id: strawberry.ID | None = None
    """The member or the API key who acted."""
    action: str | None = None
    """The mutation, such as `removeMember`, or what else was refused, as `AuditEntry.action`."""
    outcome: AuditOutcome | None = None
    """What became of it."""


def _actor(id: strawberry.ID | None) -> str | None:
    """Return an actor as entries name them; for any other id, one whom none names."""
    if id is None:
        return None
    kind, key = split_id(id)
    return f"{_ACTORS.get(kind, '')}:{key}"


@strawberry.type
class Query:
    """Reading the audit log."""

    @strawberry.field(graphql_type=Connection[AuditEntry])
    async def audit_log(
        self,
        info: Info,
        workspace_id: strawberry.ID,
        filter: AuditLogFilter | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Any:
        """Who did what to whom in a workspace, and what was refused for want of a right, newest
        first; for owners.

        What the history of conversations says is not repeated here. Of one actor at most 60
        refusals a minute are kept. Entries are removed after a year, or as the server is set up.
        """
        given = filter or AuditLogFilter()
        page = await audit.audit_log(
            viewer_of(info),
            decode_id(workspace_id, "Workspace", "workspaceId"),
            page_request(first, after, last, before),
            actor=_actor(given.actor_id),
            action=given.action,
            outcome=given.outcome,
        )
        return connect(page)
