"""An audit entry: who did what to whom in a workspace, or was refused to."""

from enum import Enum

from tortoise import fields
from tortoise.models import Model

ADDRESS_LENGTH = 45
LEAST_DAYS = 90
"""For how long the database itself lets nobody delete an entry."""


class AuditOutcome(Enum):
    """What became of a call."""

    ALLOWED = "ALLOWED"
    """It was done."""
    DENIED = "DENIED"
    """It was refused: nothing was changed."""


class AuditEntry(Model):
    """Never changed, and deleted only by age. It names rows by their ids, which may be gone."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = fields.BigIntField()
    actor = fields.CharField(max_length=32, null=True)
    """`member:5` or `api_key:7`; null where nobody was recognised."""
    action = fields.CharField(max_length=64)
    """The mutation, or the query, subscription or use of a link that was refused."""
    target_type = fields.CharField(max_length=32, null=True)
    """The GraphQL type of what it was done to."""
    target_id = fields.BigIntField(null=True)
    outcome = fields.CharEnumField(AuditOutcome, max_length=16)
    code = fields.CharField(max_length=32, null=True)
    """Why it was refused, a `Code`."""
    address = fields.CharField(max_length=ADDRESS_LENGTH, null=True)
    """From where the call came."""
    request_id = fields.CharField(max_length=64, null=True)
    """What a proxy calls the request."""
    created_at = fields.DatetimeField()

    class Meta:
        table = "audit_entry"
        indexes = (
            ("workspace_id", "created_at", "id"),
            ("workspace_id", "actor", "created_at", "id"),
            ("workspace_id", "action", "created_at", "id"),
            ("workspace_id", "outcome", "created_at", "id"),
        )
