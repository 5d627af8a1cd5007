"""The idempotency keys: what a key has already done, stored in the transaction of its effect."""

from tortoise import fields
from tortoise.models import Model


class IdempotencyKey(Model):
    """The first result of a key, for seven days."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = fields.BigIntField()
    actor = fields.CharField(max_length=64)
    """`user:5` or `api_key:7`."""
    mutation = fields.CharField(max_length=64)
    key = fields.CharField(max_length=255)
    input_hash = fields.CharField(max_length=64)
    result_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField(db_index=True)

    class Meta:
        table = "idempotency_key"
        unique_together = (("workspace_id", "actor", "mutation", "key"),)
