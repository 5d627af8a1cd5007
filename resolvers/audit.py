"""The audit log: who did what to whom in a workspace, and what was refused."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from models.api_key import ApiKey
from models.audit_entry import AuditOutcome
from models.queries import Records, Where, read
from models.records import MemberRecord, Table
from resolvers.batches import members_by_id
from resolvers.page import Page, PageRequest, keyset_page
from resolvers.rights import Right
from resolvers.viewer import Viewer, require


@dataclass(slots=True, eq=False)
class AuditEntryRow:
    """A row of `audit_entry`."""

    id: int
    workspace_id: int
    actor: str | None
    action: str
    target_type: str | None
    target_id: int | None
    outcome: AuditOutcome
    code: str | None
    address: str | None
    request_id: str | None
    created_at: datetime


AUDIT_ENTRIES = Table(AuditEntryRow, "audit_entry")


async def _entries(rest: str, *values: object) -> list[AuditEntryRow]:
    return await read(AUDIT_ENTRIES, rest, *values)


async def audit_log(
    viewer: Viewer,
    workspace_id: int,
    request: PageRequest,
    *,
    actor: str | None = None,
    action: str | None = None,
    outcome: AuditOutcome | None = None,
) -> Page[AuditEntryRow]:
    """Return the entries of a workspace that match all that is given, newest first.

    `actor` is as an entry has it. For owners.
    """
    require(viewer, workspace_id, Right.VIEW_AUDIT_LOG)
    where = Where("t.workspace_id = ?", (workspace_id,))
    given = {"actor": actor, "action": action, "outcome": outcome and outcome.value}
    for column, value in given.items():
        if value is not None:
            where &= Where(f"t.{column} = ?", (value,))
    return await keyset_page(
        Records(_entries), where, request, alias="t", key="created_at", descending=True
    )


async def actors(names: Collection[str]) -> dict[str, MemberRecord | ApiKey]:
    """Return the members and programs that entries name as their actors; two statements."""
    split = [name.partition(":") for name in names]
    numbers = {kind: {int(key) for one, _, key in split if one == kind} for kind, _, _ in split}
    members = await members_by_id(numbers["member"]) if "member" in numbers else {}
    keys = await ApiKey.filter(id__in=numbers["api_key"]) if "api_key" in numbers else []
    return {f"member:{key}": row for key, row in members.items()} | {
        f"api_key:{row.id}": row for row in keys
    }
