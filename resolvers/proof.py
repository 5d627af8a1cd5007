"""Proofs: a viewer is remembered, and the statement that reads rows proves that it still holds.

Rights are those of the moment: a remembered viewer is worth nothing until the database has said, in
the very statement whose rows are shown, that token, memberships and rights are what they were.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from models.clock import now
from models.engine.doubt import UnprovenError
from models.member import Role
from models.queries import Where

if TYPE_CHECKING:
    from resolvers.viewer import Membership, Viewer

MAX_REMEMBERED = 10_000
MAX_MEMBERSHIPS = 5
"""Who is a member of more workspaces is looked up each time."""


REMEMBERED_FOR = timedelta(hours=1)
"""How long a viewer is remembered: looked up again, it is noted that their session is in use."""


@dataclass(slots=True)
class Remembered:
    """A viewer, and what is to be proved of them once that is asked for."""

    viewer: "Viewer"
    since: datetime
    where: Where | None = None


class ViewerMemory:
    """The viewers of the tokens seen last."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Remembered] = OrderedDict()

    def remember(self, digest: str, viewer: "Viewer") -> None:
        """Remember who a token stands for, by its hash."""
        if len(viewer.memberships) > MAX_MEMBERSHIPS:
            return
        memberships = {
            key: replace(membership, head=None) for key, membership in viewer.memberships.items()
        }
        self._known[digest] = Remembered(replace(viewer, memberships=memberships), now())
        self._known.move_to_end(digest)
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)

    def recall(self, digest: str) -> "Viewer | None":
        """Return who a token stood for, with what is to be proved; None for a stranger."""
        known = self._known.get(digest)
        moment = now()
        if known is None or moment - known.since > REMEMBERED_FOR:
            return None
        viewer, where = known.viewer, known.where
        if where is None:
            where = known.where = _condition(digest, viewer)
        if viewer.user_id is not None:
            where = Where(where.condition, (*where.values, moment))
        return viewer.to_prove(Proof(where))


@dataclass(slots=True)
class Proof:
    """What must hold in the database, and whether a statement has shown it."""

    where: Where
    was_asked: bool = False
    holds: bool = False


def unproved(viewer: "Viewer") -> Where | None:
    """Return what is yet to be proved of the viewer, by a statement that asks for it now."""
    proof = viewer.proof
    if proof is None or proof.holds:
        return None
    proof.was_asked = True
    return proof.where


def proving(viewer: "Viewer", where: Where) -> Where:
    """Return a condition that only holds if what is remembered of the viewer still does."""
    more = unproved(viewer)
    return where if more is None else where & more


def proved(viewer: "Viewer", rows: Sequence[Any]) -> None:
    """Note that a `proving` condition has let rows through: of no rows nothing can be said."""
    if viewer.proof is not None and rows:
        viewer.proof.holds = True


def must_prove(viewer: "Viewer", row: object) -> None:
    """Note that a row came through, or raise UnprovenError: what follows is for proved ones."""
    proof = viewer.proof
    if proof is None or proof.holds:
        return
    if row is None:
        raise UnprovenError
    proof.holds = True


def is_in_doubt(viewer: "Viewer | None") -> bool:
    """Tell whether it is yet to be proved that the viewer is who was remembered."""
    return viewer is not None and viewer.proof is not None and not viewer.proof.holds


def _condition(digest: str, viewer: "Viewer") -> Where:
    """Return what must hold; a session's expiry is compared with the moment, its last value."""
    _, _, credential_id = viewer.credential.partition(":")
    if viewer.user_id is None:
        [membership] = viewer.memberships.values()
        return _still_switched(membership) & Where(
            "EXISTS (SELECT 1 FROM api_key k WHERE k.key_hash = ? AND k.id = ?"
            " AND k.revoked_at IS NULL AND k.workspace_id = ? AND k.role = ?"
            " AND k.scopes = ?)",
            (
                digest,
                int(credential_id),
                membership.workspace_id,
                membership.role.value,
                membership.scopes,
            ),
        )
    where = Where(
        "(SELECT COUNT(*) FROM member p WHERE p.user_id = ? AND p.is_active = ?)"
        f" = {len(viewer.memberships)}",
        (viewer.user_id, True),
    )
    for membership in viewer.memberships.values():
        where &= _still(membership)
    return where & Where(
        "EXISTS (SELECT 1 FROM session s JOIN account a ON a.id = s.user_id"
        " WHERE s.token_hash = ? AND s.id = ? AND COALESCE(a.language, '') = ?"
        " AND s.expires_at > ?)",
        (digest, int(credential_id), viewer.language or ""),
    )


def _still(membership: "Membership") -> Where:
    return _still_switched(membership) & Where(
        "EXISTS (SELECT 1 FROM member p WHERE p.id = ? AND p.is_active = ? AND p.role = ?"
        " AND p.visibility = ? AND COALESCE(p.team_id, 0) = ?"
        " AND p.restrictions = ?)",
        (
            membership.member_id,
            True,
            membership.role.value,
            membership.visibility.value,
            membership.team_id or 0,
            membership.restrictions,
        ),
    )


def _still_switched(membership: "Membership") -> Where:
    """Return that the workspace hides from its agents what it did: for agents alone."""
    if membership.role is not Role.AGENT:
        return Where("1 = 1")
    return Where(
        "EXISTS (SELECT 1 FROM workspace q WHERE q.id = ? AND q.masks_phones = ?"
        " AND q.masks_emails = ?)",
        (membership.workspace_id, membership.switches.phones, membership.switches.emails),
    )
