"""Rights: what can be done with a workspace, by which roles, and what takes it from a member."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from models.api_key import ApiKeyScope
from models.member import Restriction, Role
from resolvers.masking import Masking


class Right(Enum):
    """What can be done with a workspace or one of its rows, once it can be seen."""

    __hash__ = object.__hash__  # there is one of each; Enum's own hashes its name, in Python

    VIEW = "VIEW"
    VIEW_PHONES = "VIEW_PHONES"
    VIEW_EMAILS = "VIEW_EMAILS"
    REPLY = "REPLY"
    COMMENT = "COMMENT"
    ASSIGN = "ASSIGN"
    CLOSE = "CLOSE"
    SNOOZE = "SNOOZE"
    BLOCK = "BLOCK"
    EDIT_CONTACTS = "EDIT_CONTACTS"
    DELETE_CONTACTS = "DELETE_CONTACTS"
    IMPORT_CONTACTS = "IMPORT_CONTACTS"
    EXPORT_DATA = "EXPORT_DATA"
    USE_SHORTCUTS = "USE_SHORTCUTS"
    MANAGE_MEMBERS = "MANAGE_MEMBERS"
    MANAGE_TEAMS = "MANAGE_TEAMS"
    DELETE_TEAMS = "DELETE_TEAMS"
    MANAGE_CHANNELS = "MANAGE_CHANNELS"
    MANAGE_INTEGRATIONS = "MANAGE_INTEGRATIONS"
    MANAGE_API_KEYS = "MANAGE_API_KEYS"
    MANAGE_SETTINGS = "MANAGE_SETTINGS"
    DELETE_CUSTOM_FIELDS = "DELETE_CUSTOM_FIELDS"
    VIEW_AUDIT_LOG = "VIEW_AUDIT_LOG"


@dataclass(frozen=True, slots=True)
class Grant:
    """Who has a right: some roles, unless a restriction takes it from the member."""

    roles: frozenset[Role]
    unless: Restriction | None = None
    masked_by: str | None = None
    """The switch of the workspace that takes it from agents, as `Masking` calls it."""


_EVERYBODY = Grant(frozenset(Role))
_LEADERS = Grant(frozenset({Role.OWNER, Role.MANAGER}))
_OWNERS = Grant(frozenset({Role.OWNER}))


def _but(grant: Grant, unless: Restriction) -> Grant:
    return Grant(grant.roles, unless)


RIGHTS: Mapping[Right, Grant] = {
    Right.VIEW: _EVERYBODY,
    Right.VIEW_PHONES: Grant(_EVERYBODY.roles, Restriction.PHONE_NUMBERS, "phones"),
    Right.VIEW_EMAILS: Grant(_EVERYBODY.roles, Restriction.EMAIL_ADDRESSES, "emails"),
    Right.REPLY: _EVERYBODY,
    Right.COMMENT: _EVERYBODY,
    Right.ASSIGN: _EVERYBODY,
    Right.CLOSE: _EVERYBODY,
    Right.SNOOZE: _EVERYBODY,
    Right.BLOCK: _EVERYBODY,
    Right.EDIT_CONTACTS: _EVERYBODY,
    Right.DELETE_CONTACTS: _but(_LEADERS, Restriction.CONTACT_DELETION),
    Right.IMPORT_CONTACTS: _LEADERS,
    Right.EXPORT_DATA: _but(_EVERYBODY, Restriction.DATA_EXPORT),
    Right.USE_SHORTCUTS: _but(_EVERYBODY, Restriction.SHORTCUTS),
    Right.MANAGE_MEMBERS: _LEADERS,
    Right.MANAGE_TEAMS: _LEADERS,
    Right.DELETE_TEAMS: _OWNERS,
    Right.MANAGE_CHANNELS: _LEADERS,
    Right.MANAGE_INTEGRATIONS: _but(_LEADERS, Restriction.INTEGRATIONS),
    Right.MANAGE_API_KEYS: _but(_LEADERS, Restriction.INTEGRATIONS),
    Right.MANAGE_SETTINGS: _but(_LEADERS, Restriction.WORKSPACE_SETTINGS),
    Right.DELETE_CUSTOM_FIELDS: _OWNERS,
    Right.VIEW_AUDIT_LOG: _OWNERS,
}
"""Which roles have which right, and what takes it away; `parley schema rights` prints it."""

SCOPES: Mapping[Right, ApiKeyScope] = {
    Right.VIEW: ApiKeyScope.READ,
    Right.VIEW_PHONES: ApiKeyScope.READ,
    Right.VIEW_EMAILS: ApiKeyScope.READ,
    Right.EXPORT_DATA: ApiKeyScope.READ,
    Right.REPLY: ApiKeyScope.WRITE_MESSAGES,
    Right.COMMENT: ApiKeyScope.WRITE_MESSAGES,
    Right.ASSIGN: ApiKeyScope.WRITE_CONVERSATIONS,
    Right.CLOSE: ApiKeyScope.WRITE_CONVERSATIONS,
    Right.SNOOZE: ApiKeyScope.WRITE_CONVERSATIONS,
    Right.USE_SHORTCUTS: ApiKeyScope.WRITE_CONVERSATIONS,
    Right.EDIT_CONTACTS: ApiKeyScope.WRITE_CONTACTS,
    Right.DELETE_CONTACTS: ApiKeyScope.WRITE_CONTACTS,
    Right.IMPORT_CONTACTS: ApiKeyScope.WRITE_CONTACTS,
    Right.BLOCK: ApiKeyScope.WRITE_CONTACTS,
}
"""The scope that an API key needs for a right; for all others it is MANAGE."""

RESTRICTABLE: Mapping[Role, frozenset[Restriction]] = {
    Role.OWNER: frozenset(),
    Role.MANAGER: frozenset(
        {
            Restriction.BLOCKED_CONTACTS,
            Restriction.CONTACT_DELETION,
            Restriction.DATA_EXPORT,
            Restriction.INTEGRATIONS,
            Restriction.WORKSPACE_SETTINGS,
        }
    ),
    Role.AGENT: frozenset(
        {
            Restriction.BLOCKED_CONTACTS,
            Restriction.DATA_EXPORT,
            Restriction.EMAIL_ADDRESSES,
            Restriction.PHONE_NUMBERS,
            Restriction.SHORTCUTS,
        }
    ),
}
"""Which restrictions a member of each role can have: what a role lacks cannot be taken from it."""


@lru_cache(maxsize=256)
def masking_of(role: Role, restrictions: str, switches: Masking) -> Masking:
    """Return what is hidden from who has a role and restrictions, by a workspace's switches."""
    phones, emails = (
        not _leaves(RIGHTS[right], role, restrictions, switches)
        for right in (Right.VIEW_PHONES, Right.VIEW_EMAILS)
    )
    return Masking(phones=phones, emails=emails)


@lru_cache(maxsize=1024)
def rights_of(role: Role, restrictions: str, switches: Masking, scopes: str) -> frozenset[Right]:
    """Return what role, restrictions, a workspace's switches and an API key's scopes leave."""
    return frozenset(
        right
        for right, grant in RIGHTS.items()
        if _leaves(grant, role, restrictions, switches) and has_scope(scopes, right)
    )


def has_scope(scopes: str, right: Right) -> bool:
    """Tell whether the scopes of an API key, if it has any, contain a right."""
    needed = SCOPES.get(right, ApiKeyScope.MANAGE)
    return not scopes or needed.value in scopes.split(",")


def _leaves(grant: Grant, role: Role, restrictions: str, switches: Masking) -> bool:
    """Tell whether role, restrictions and the workspace's switches leave a right."""
    if role not in grant.roles:
        return False
    if grant.masked_by and role is Role.AGENT and getattr(switches, grant.masked_by):
        return False
    return grant.unless is None or grant.unless.value not in restrictions.split(",")


def rights_table() -> str:
    """Return the table of rights in Markdown, as the README has it."""
    roles = " | ".join(role.value.title() for role in Role)
    lines = [f"| right | {roles} |", f"|---|{'---|' * len(Role)}"]
    for right, grant in RIGHTS.items():
        cells = " | ".join(_cell(role, grant) for role in Role)
        lines.append(f"| `{right.value}` | {cells} |")
    return "\n".join(lines)


def _cell(role: Role, grant: Grant) -> str:
    if role not in grant.roles:
        return "no"
    if grant.unless is None or grant.unless not in RESTRICTABLE[role]:
        return "yes"
    return f"unless `{grant.unless.value}`{' or masked' if grant.masked_by else ''}"
