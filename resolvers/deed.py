"""Deeds: what an operation is doing, for whom: the audit log is written with what is done.

`resolvers/audited.py` lists what is kept. What is done is written by the transaction that does it,
what is refused by itself.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from models.audit_entry import ADDRESS_LENGTH, AuditOutcome
from models.clock import now
from models.engine import sql
from models.refusal import Code, Refused
from realtime.transaction import keeper
from resolvers.audited import KEPT, MAKING, PERSONAL
from resolvers.client import Client

if TYPE_CHECKING:
    from resolvers.viewer import Viewer

DENIED_PER_MINUTE = 60
"""How many refusals of one actor are kept in a minute: a flood of them fills nothing."""

_THROUGH = "(SELECT t.id, c.workspace_id FROM {} t JOIN {} c ON c.id = t.{}_id)"
HIDEABLE: Mapping[str, str] = {
    "Conversation": "conversation",
    "Contact": "contact",
    "Message": "message",
    "Comment": "comment",
    "ScheduledMessage": "scheduled_message",
    "CustomInbox": "custom_inbox",
    "Activity": _THROUGH.format("activity", "conversation", "conversation"),
    "Episode": _THROUGH.format("episode", "conversation", "conversation"),
    "ContactChannel": _THROUGH.format("contact_channel", "contact", "contact"),
    "Attachment": "(SELECT id, workspace_id FROM attachment WHERE state <> 'GONE')",
    "ContactImport": "(SELECT id, workspace_id FROM transfer WHERE kind = 'IMPORT')",
    "ContactExport": "(SELECT id, workspace_id FROM transfer WHERE kind = 'EXPORT')",
    "Invitation": "invitation",
}
"""The tables of what some members of a workspace see and others do not, by GraphQL type."""

_PROVING = frozenset({"logIn", "logInWithCode", "resetPassword", "acceptInvitation"})
"""What tells by itself whose deed it is, whoever asks."""
_COLUMNS = (
    "workspace_id, actor, action, target_type, target_id, outcome, code, address, request_id,"
    " created_at"
)


class Origin(Protocol):
    """What knows from where an operation came."""

    @property
    def client(self) -> Client:
        """Return the device and the network."""


@dataclass(frozen=True, slots=True)
class Target:
    """What something is done to."""

    kind: str
    """Its GraphQL type."""
    key: int
    field: str = ""
    """The argument that names it."""

    @property
    def names(self) -> tuple[tuple[str], tuple[str]]:
        """Return what a refusal calls it: the argument, or `contactId` where that is `id`."""
        return (self.field,), (f"{self.kind[:1].lower()}{self.kind[1:]}Id",)


@dataclass
class Deed:
    """A mutation that is being answered, or a query or subscription that may be refused."""

    action: str
    viewer: "Viewer | None"
    origin: Origin
    find_target: Callable[[], Target | None]
    workspace_id: int | None = None
    """Where it happens, once a right there was asked for."""
    user_id: int | None = None
    """Whose deed it is, where that is a person."""
    holder: str = ""
    """Who has the link that is refused, such as `member:5`, `user:5` or `api_key:7`."""
    is_kept: bool = False
    """Whether it is in the audit log, or need not be."""

    def __enter__(self) -> "Deed":
        """Say that what is done inside is this."""
        self._token = keeper.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        """Say that it is over."""
        keeper.reset(self._token)

    @cached_property
    def target(self) -> Target | None:
        """Return what it is done to, looked at only by what is kept."""
        return self.find_target()

    def statements(self, told_in: int | None) -> list[sql.Statement]:
        """Return what keeps an allowed deed; `told_in` is the workspace that is told of it."""
        if self.is_kept or self.action not in KEPT:
            return []
        workspace_id = None if self.action in PERSONAL else self.workspace_id or told_in
        if not self._is_somebodys or (workspace_id is None and self.action not in PERSONAL):
            return []
        return [self._entry(workspace_id, AuditOutcome.ALLOWED)]

    async def refuse(self, refused: Refused) -> None:
        """Keep that it was refused, if for want of a right and in a workspace of the viewer's."""
        if not self._is_somebodys or not self._is_denial(refused):
            return
        is_hidden, workspace_id = refused.code is Code.NOT_FOUND, self.workspace_id
        if is_hidden or workspace_id is None:
            workspace_id = await self._workspace_of_target()
        is_personal = self.user_id is None or refused.code is Code.INVALID_CREDENTIALS
        if workspace_id is None and (is_hidden or not is_personal):
            return
        await self.keep_denial(workspace_id, refused.code)

    async def keep_denial(self, workspace_id: int | None, code: Code) -> None:
        """Keep that it was refused, unless too much was refused to the actor of late."""
        query, values = self._entry(workspace_id, AuditOutcome.DENIED, code)
        query += (
            " AND (SELECT COUNT(*) FROM audit_entry e WHERE e.workspace_id = w.workspace_id"
            f" AND e.actor = {self._actor} AND e.outcome = ? AND e.created_at > ?) < ?"
        )
        minute = now() - timedelta(minutes=1)
        limit = [AuditOutcome.DENIED.value, minute, DENIED_PER_MINUTE]
        await sql.affected(query, *values, *limit)

    @property
    def _is_somebodys(self) -> bool:
        """Tell whether it is known who acts: a person, or the program that asks."""
        is_program = self.viewer is not None and self.viewer.user_id is None
        return self.user_id is not None or is_program

    def _is_denial(self, refused: Refused) -> bool:
        """Tell whether it was refused for what is or is not allowed, not for what was given."""
        if refused.code is Code.NOT_FOUND:
            return self.target is not None and refused.field in self.target.names
        is_wrong = refused.code is Code.INVALID_CREDENTIALS and self.action == "changePassword"
        return refused.code is Code.FORBIDDEN or is_wrong

    async def _workspace_of_target(self) -> int | None:
        """Return in which workspace of the viewer the target is, if some do not see it there."""
        target, viewer = self.target, self.viewer
        if target is None or viewer is None or target.kind not in HIDEABLE:
            return None
        table = HIDEABLE[target.kind]
        rows = await sql.records(f"SELECT x.workspace_id FROM {table} x WHERE x.id = ?", target.key)
        return rows[0][0] if rows and rows[0][0] in viewer.memberships else None

    @property
    def _whose(self) -> tuple[str, int]:
        """Return what it is known by who acts, and the key of that."""
        kind, _, key = self.holder.partition(":")
        if kind:
            return kind, int(key)
        if self.user_id is not None:
            return "user", self.user_id
        return "api_key", int(self.viewer.credential.partition(":")[2]) if self.viewer else 0

    @property
    def _actor(self) -> str:
        return f"'{'api_key' if self._whose[0] == 'api_key' else 'member'}:' || w.id"

    def _who(self, workspace_id: int | None) -> tuple[str, str, list[Any]]:
        """Return the table (alias w), the condition and its values that find who acts."""
        kind, key = self._whose
        if kind == "api_key":
            return kind, "w.id = ?", [key]
        column = "w.id" if kind == "member" else "w.user_id"
        if workspace_id is None:
            return "member", f"{column} = ? AND w.is_active = ?", [key, True]
        return "member", f"{column} = ? AND w.workspace_id = ?", [key, workspace_id]

    def _entry(
        self, workspace_id: int | None, outcome: AuditOutcome, code: Code | None = None
    ) -> sql.Statement:
        """Return the statement that writes it, in every workspace of theirs where none is given."""
        client, target = self.origin.client, self.target
        values: list[Any] = [
            self.action,
            target.kind if target else None,
            target.key if target else None,
            outcome.value,
            code.value if code else None,
            client.address[:ADDRESS_LENGTH] if client.address else None,
            client.request_id,
            now(),
        ]
        table, condition, who = self._who(workspace_id)
        query = (
            f"INSERT INTO audit_entry ({_COLUMNS}) SELECT w.workspace_id, {self._actor},"
            f" {sql.marks(values)} FROM {table} w WHERE {condition}"
        )
        return query, [*values, *who]


def _current() -> Deed | None:
    deed = keeper.get()
    return deed if isinstance(deed, Deed) else None


def doing(
    action: str,
    viewer: "Viewer | None",
    origin: Origin,
    find_target: Callable[[], Target | None],
) -> Deed:
    """Say what is done inside, and by whom."""
    user_id = viewer.user_id if viewer is not None and action not in _PROVING else None
    return Deed(action, viewer, origin, find_target, user_id=user_id)


def doing_to(target: Target) -> AbstractContextManager[Deed | None]:
    """Say to which one of many it is done inside: each has an entry of its own."""
    deed = _current()
    if deed is None:
        return nullcontext()
    return replace(deed, find_target=lambda: target, workspace_id=None, is_kept=False)


def done_in(workspace_id: int) -> None:
    """Say where it is done."""
    if (deed := _current()) is not None:
        deed.workspace_id = workspace_id


def done_by(user_id: int) -> None:
    """Say who has turned out to do it."""
    if (deed := _current()) is not None:
        deed.user_id = user_id


def done_to(key: int) -> None:
    """Say what it has made, or found by a token."""
    deed = _current()
    if deed is not None and deed.action in MAKING:
        deed.target = Target(MAKING[deed.action], key)
        if deed.target.kind == "Workspace":
            deed.workspace_id = key


def done_before() -> None:
    """Say that it repeats what was done, and does nothing."""
    if (deed := _current()) is not None:
        deed.is_kept = True
