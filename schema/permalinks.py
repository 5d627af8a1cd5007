"""Permalinks: the lasting address of a contact's conversation, and of a line of it."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from resolvers.viewer import number_in
from schema.ids import encode_id, ids_of, split_id
from settings import get_settings

LINKED = {"m": "Message", "k": "Comment"}
"""How a link names the type of the line that it leads to."""
URL_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a link leads."""

    workspace_id: int
    contact_id: int
    item: tuple[str, int] | None
    """The type and the key of a line; None for the conversation as a whole."""


def permalink(workspace_id: int, contact_id: int) -> str:
    """Return the address of a contact's conversation."""
    workspace, contact = ids_of("Workspace")[workspace_id], encode_id("Contact", contact_id)
    return f"{get_settings().public_url.rstrip('/')}/w/{workspace}/c/{contact}"


def permalink_of(kind: str, key: int, workspace_id: int, contact_id: int) -> str:
    """Return the address of a line in a contact's conversation."""
    name = next(name for name, linked in LINKED.items() if linked == kind)
    return f"{permalink(workspace_id, contact_id)}?{name}={encode_id(kind, key)}"


def place_in(url: str) -> Place | None:
    """Return where a link leads, or None for what is no link of ours.

    One without scheme and host is of this server; what it says besides is a front-end's own.
    """
    if len(url) > URL_LENGTH:
        return None
    try:
        parts = urlsplit(url.strip())
        named = dict(parse_qsl(parts.query, max_num_fields=20))
    except ValueError:
        return None
    base = urlsplit(get_settings().public_url.rstrip("/"))
    is_ours = (parts.scheme, parts.netloc) in (("", ""), (base.scheme, base.netloc))
    match parts.path.removeprefix(base.path).rstrip("/").split("/"):
        case ["", "w", workspace, "c", contact] if is_ours:
            return _place(_key(workspace, "Workspace"), _key(contact, "Contact"), named)
    return None


def _place(workspace_id: int | None, contact_id: int | None, named: dict[str, str]) -> Place | None:
    wanted = [(kind, _key(named[name], kind)) for name, kind in LINKED.items() if name in named]
    if workspace_id is None or contact_id is None or len(wanted) > 1:
        return None
    if not wanted:
        return Place(workspace_id, contact_id, None)
    kind, key = wanted[0]
    return None if key is None else Place(workspace_id, contact_id, (kind, key))


def _key(value: str, kind: str) -> int | None:
    found, key = split_id(value)
    return number_in(key) if found == kind else None
