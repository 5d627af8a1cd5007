"""Idempotency keys: the first result of a key, kept in the transaction of its effect."""

import hashlib
from dataclasses import dataclass

import orjson

from models.clock import now
from models.engine import sql
from models.refusal import Code, Refused
from resolvers.access import Viewer

KEY_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Claim:
    """A key held by this transaction, or what it has already done."""

    id: int | None
    first_result: int | None
    """The row that the first call made; None if this is the first call."""

    async def remember(self, result_id: int) -> None:
        """Keep the row that this call made as the key's result."""
        if self.id is not None:
            await sql.affected(
                "UPDATE idempotency_key SET result_id = ? WHERE id = ?", result_id, self.id
            )


def check_key(key: str) -> None:
    """Refuse a key that is not 1 to 255 printable characters."""
    if not 1 <= len(key) <= KEY_LENGTH or not key.isprintable():
        raise Refused(
            Code.INVALID,
            "An idempotency key has 1 to {limit} printable characters.",
            field=("idempotencyKey",),
            limit=KEY_LENGTH,
        )


async def claim_key(
    viewer: Viewer, workspace_id: int, mutation: str, key: str | None, values: object
) -> Claim:
    """Take a key for this transaction; two at once wait for each other at the unique index.

    `values` is the input without the key. Raises IDEMPOTENCY_KEY_REUSED if the key was used with
    another input.
    """
    if key is None:
        return Claim(None, None)
    check_key(key)
    digest = hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()
    scope = (workspace_id, viewer.actor, mutation, key)
    inserted = await sql.rows(
        "INSERT INTO idempotency_key (workspace_id, actor, mutation, key, input_hash, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
        *scope,
        digest,
        now(),
    )
    if inserted:
        return Claim(inserted[0]["id"], None)
    [first] = await sql.rows(
        "SELECT input_hash, result_id FROM idempotency_key"
        " WHERE workspace_id = ? AND actor = ? AND mutation = ? AND key = ?",
        *scope,
    )
    if first["input_hash"] != digest:
        raise Refused(
            Code.IDEMPOTENCY_KEY_REUSED,
            "This idempotency key was used with another input.",
            field=("idempotencyKey",),
        )
    return Claim(None, first["result_id"])
