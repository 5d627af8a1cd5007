"""OpenID attempts: who left for the provider and has not come back yet."""

from tortoise import fields
from tortoise.models import Model


class OpenidAttempt(Model):
    """What must be known of a log-in when the browser comes back from the provider, once."""

    id = fields.BigIntField(primary_key=True)
    state_hash = fields.CharField(max_length=64, unique=True)
    nonce = fields.CharField(max_length=64)
    code_verifier = fields.CharField(max_length=128)
    expires_at = fields.DatetimeField(db_index=True)

    class Meta:
        table = "openid_attempt"
