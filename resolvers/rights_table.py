"""The table of rights in words, as the README has it."""

from models.member import Role
from resolvers.viewer import RESTRICTABLE, RIGHTS, Grant


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
