"""Names: what people call their teams, tags, inboxes and all else that has one."""

from models.opaque import opaque
from models.refusal import Code, Refused

NAME_LENGTH = 100


def global_id(kind: str, key: int | str) -> str:
    """Return how the API calls the object `key` of a GraphQL type."""
    return opaque(f"{kind}:{key}".encode())


def check_name(name: str | None, *, limit: int = NAME_LENGTH) -> str:
    """Return a name without blanks around it; refuse one that is blank or longer than the limit."""
    name = (name or "").strip()
    if not 1 <= len(name) <= limit:
        raise Refused(
            Code.BLANK if not name else Code.TOO_LONG,
            "A name has 1 to {limit} characters.",
            field=("name",),
            limit=limit,
        )
    return name
