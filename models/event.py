"""The event log: every durable fact of a workspace, numbered in commit order."""

from tortoise import fields
from tortoise.models import Model


class EventCounter(Model):
    """The last number given out in a workspace.

    It is taken as the last step of a transaction: its row lock makes commit order number order.
    """

    workspace_id = fields.BigIntField(primary_key=True, generated=False)
    seq = fields.BigIntField(default=0)
    oldest_seq = fields.BigIntField(default=1)
    """The first event still kept: an older cursor has expired."""
    epoch = fields.CharField(max_length=32)
    """Changes when a backup is restored: cursors of another epoch are refused."""

    class Meta:
        table = "event_counter"


class Event(Model):
    """One fact: `payload` is its dataclass of `realtime/events.py` as JSON."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = fields.BigIntField()
    seq = fields.BigIntField()
    kind = fields.CharField(max_length=64)
    payload = fields.TextField()
    created_at = fields.DatetimeField(db_index=True)

    class Meta:
        table = "event"
        unique_together = (("workspace_id", "seq"),)
