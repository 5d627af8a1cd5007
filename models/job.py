"""The durable jobs: outbox, timers and queue in one table."""

from enum import Enum

from tortoise import fields
from tortoise.models import Model


class JobState(Enum):
    """A job that is done is no longer in the table."""

    READY = "READY"
    RUNNING = "RUNNING"
    DEAD = "DEAD"


class Job(Model):
    """Work to be done at or after `run_at`, by one worker at a time."""

    id = fields.BigIntField(primary_key=True)
    kind = fields.CharField(max_length=64)
    payload = fields.TextField()
    state = fields.CharEnumField(JobState, max_length=16, default=JobState.READY)
    run_at = fields.DatetimeField()
    attempts = fields.IntField(default=0)
    ordering_key = fields.CharField(max_length=128, null=True)
    """Jobs of one key run one at a time, in the order of their ids."""
    dedupe_key = fields.CharField(max_length=128, null=True, unique=True)
    """At most one job of a key waits at a time."""
    fence = fields.BigIntField(default=0)
    """Rises with each claim: who holds an older number has lost the job."""
    lease_until = fields.DatetimeField(null=True)
    last_error = fields.TextField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "job"
        indexes = (("state", "run_at", "id"), ("ordering_key", "id"))
