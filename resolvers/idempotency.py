"""Idempotency keys: the first result of a key, kept in the transaction of its effect."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from tortoise.exceptions import IntegrityError

from models.clock import now
from models.engine import sql
from models.engine.errors import TransientDatabaseError
from models.refusal import Code, Refused
from realtime.transaction import Announce
from resolvers.deed import done_before, done_to
from resolvers.viewer import Viewer

KEY_LENGTH = 255
_USED = (
    "SELECT input_hash, result_id FROM idempotency_key"
    " WHERE workspace_id = ? AND actor = ? AND mutation = ? AND key = ?"
)
FORGOTTEN = ""
"""The digest of an input that was erased with its contact: every input is taken for it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A key held by this transaction, or what it has already done."""

    id: int | None
    first_result: int | None
    """The row that the first call made; None if this is the first call."""

    async def remember(self, result_id: int) -> None:
        """Keep the row that this call made as the key's result."""
        done_to(result_id)
        if self.id is not None:
            await sql.affected(
                "UPDATE idempotency_key SET result_id = ? WHERE id = ?", result_id, self.id
            )


class Settled:
    """Answers TRY_AGAIN where the unique index finds a key taken by a call at the same time."""

    def __init__(self, key: str | None) -> None:
        self._key = key

    async def __aenter__(self) -> None:
        """Begin."""

    async def __aexit__(
        self, _kind: object, error: BaseException | None, _traceback: object
    ) -> None:
        """Say that it is to be tried again."""
        if self._key is not None and isinstance(error, IntegrityError):
            raise TransientDatabaseError(error) from error


@dataclass(slots=True)
class KeyUse:
    """The use of a key by who holds a row that all honest repeats of the call must hold.

    They wait for each other at that row; whoever else has the key at once meets the unique index
    when all is written, which undoes it: see `Settled`.
    """

    viewer: Viewer
    workspace_id: int
    mutation: str
    key: str | None
    digest: str = ""

    async def first_result(self, values: object) -> int | None:
        """Return the row that the first call made; None if this is it.

        `values` is the input without the key. Raises IDEMPOTENCY_KEY_REUSED if it was another.
        """
        if self.key is None:
            return None
        return await _result_of(self._scope(self.key, values), self.digest)

    async def first_result_and(
        self, values: object, other: sql.Statement
    ) -> tuple[int | None, Sequence[Any]]:
        """Return what `first_result` does, and the row of another SELECT, in one round trip.

        The other one has one row, whose first value is not null, or none.
        """
        query, given = other
        if self.key is None:
            return None, await sql.records(query, *given)
        [row] = await sql.records(
            f"SELECT used.*, o.* FROM (SELECT 1) x LEFT JOIN ({_USED}) used ON TRUE"
            f" LEFT JOIN ({query}) o ON TRUE",
            *self._scope(self.key, values),
            *given,
        )
        used_for, result, *found = row
        return _first_result(used_for, result, self.digest), [found] if found[0] is not None else []

    def _scope(self, key: str, values: object) -> tuple[int, str, str, str]:
        """Return where the key is used; refuse one that is none, and note what it is used for."""
        check_key(key)
        self.digest = digest_of(values)
        return self.workspace_id, self.viewer.actor, self.mutation, key

    def remember(self, result_id: int, announce: Announce) -> None:
        """Have the row that this call makes kept as the key's result."""
        if self.key is not None:
            announce.insert(
                "idempotency_key",
                workspace_id=self.workspace_id,
                actor=self.viewer.actor,
                mutation=self.mutation,
                key=self.key,
                input_hash=self.digest,
                result_id=result_id,
                created_at=now(),
            )


def digest_of(values: object) -> str:
    """Return what tells one input from another."""
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()


async def _result_of(scope: tuple[int, str, str, str], digest: str) -> int | None:
    found = await sql.records(_USED, *scope)
    used_for, result = found[0] if found else (None, None)
    return _first_result(used_for, result, digest)


def _first_result(used_for: str | None, result: int | None, digest: str) -> int | None:
    """Return the row that a key has made, if it was used; refuse one used for something else."""
    if used_for is not None and used_for not in (digest, FORGOTTEN):
        raise Refused(
            Code.IDEMPOTENCY_KEY_REUSED,
            "This idempotency key was used with another input.",
            field=("idempotencyKey",),
        )
    if result is not None:
        done_before()
    return result


async def forget_inputs(
    workspace_id: int, mutations: Sequence[str], results: Collection[int]
) -> None:
    """Forget what was given to calls whose results are erased.

    Their keys stay used as long as all others: nothing is made a second time.
    """
    await sql.affected(
        f"UPDATE idempotency_key SET input_hash = ? WHERE workspace_id = ?"
        f" AND mutation IN ({sql.marks(mutations)}) AND {sql.among('result_id')}",
        FORGOTTEN,
        workspace_id,
        *mutations,
        sql.group(results),
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
    digest = digest_of(values)
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
    return Claim(None, await _result_of(scope, digest))
