"""Rate windows: how often something was tried lately, counted together by all processes."""

from tortoise import fields
from tortoise.models import Model


class RateWindow(Model):
    """The attempts of one subject since its first one, until the window ends."""

    id = fields.BigIntField(primary_key=True)
    subject = fields.CharField(max_length=64, unique=True)
    """A hash of what is counted: names and addresses are not kept."""
    attempts = fields.IntField()
    failures = fields.IntField()
    """Attempts that failed or have not ended yet."""
    begins_at = fields.DatetimeField()
    ends_at = fields.DatetimeField(db_index=True)
    """Both by the database's clock."""

    class Meta:
        table = "rate_window"
