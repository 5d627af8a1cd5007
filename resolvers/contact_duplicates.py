"""Duplicates: contacts who came with a phone or an email that another contact has.

Both are unique in a workspace, so that a new contact who comes with what another has only claims
it. Who has or claims the same is perhaps the same person.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.engine import sql
from models.layout import Layout
from models.queries import Where
from models.records import CONTACTS, ContactRecord
from resolvers.access import visible_conversations
from resolvers.contact_list import SORT_KEYS, ContactSort, page_of_contacts, visible_contacts
from resolvers.page import Page, PageRequest
from resolvers.viewer import Viewer

MAX_CLAIMS = 20
"""How many contacts can claim what one has: a number of more people is nobody's own."""
SHARED = ("phone", "email")
COLUMNS = ("phone", "email", "claimed_phone", "claimed_email")
Key = tuple[Viewer, int, int]
"""Who asks, the workspace and the contact."""


async def who_has(
    workspace_id: int, external_id: str, phone: str | None, email: str | None
) -> Sequence[Mapping[str, Any]]:
    """Return who has a phone, under a vendor's id or as it says, or an email; one statement.

    With each comes how many others claim theirs.
    """
    claims = ", ".join(
        "(SELECT COUNT(*) FROM contact o WHERE o.workspace_id = ct.workspace_id"
        f" AND o.claimed_{name} = ct.{name}) AS {name}_claims"
        for name in SHARED
    )
    return await sql.rows(
        f"SELECT ct.id, ct.phone, ct.email, {claims} FROM contact ct"
        " WHERE ct.workspace_id = ? AND (ct.phone = ? OR ct.phone = ? OR ct.email = ?)",
        workspace_id,
        external_id,
        phone,
        email,
    )


@dataclass(frozen=True, slots=True)
class Known:
    """What a contact has and claims of what can be shared."""

    phones: frozenset[str]
    emails: frozenset[str]

    def shares(self, other: "Known") -> bool:
        """Tell whether two contacts are perhaps the same: the pure form of the rule.

        As nobody has what another one has, one of the two claims it.
        """
        return bool(self.phones & other.phones or self.emails & other.emails)


def _known(phone: str | None, email: str | None, *claimed: str | None) -> Known:
    claimed_phone, claimed_email = claimed
    phones, emails = {phone, claimed_phone}, {email, claimed_email}
    return Known(frozenset(one for one in phones if one), frozenset(one for one in emails if one))


async def duplicates_of_contacts(keys: Collection[Key]) -> dict[Key, list[ContactRecord]]:
    """Return who has or claims the same as each contact, of those whom the viewer may see.

    The oldest come first; a statement, and one for each viewer and workspace.
    """
    rows = await sql.records(
        f"SELECT id, {', '.join(COLUMNS)} FROM contact WHERE {sql.among('id')}",
        sql.group({key for _, _, key in keys}),
    )
    known = {row[0]: _known(*row[1:]) for row in rows}
    found: dict[Key, list[ContactRecord]] = {}
    for viewer, workspace_id in {(viewer, workspace_id) for viewer, workspace_id, _ in keys}:
        membership = viewer.memberships.get(workspace_id)
        if membership is None or membership.masking.is_any:  # it would tell what is hidden
            continue
        asked = {
            key: known[key]
            for one, place, key in keys
            if (one, place) == (viewer, workspace_id) and key in known
        }
        others = await _who_know(viewer, workspace_id, asked.values())
        for key, own in asked.items():
            found[viewer, workspace_id, key] = [
                row for row, theirs in others if row.id != key and own.shares(theirs)
            ]
    return found


async def _who_know(
    viewer: Viewer, workspace_id: int, asked: Collection[Known]
) -> list[tuple[ContactRecord, Known]]:
    """Return the visible contacts who have or claim anything of what is asked for."""
    phones = {phone for one in asked for phone in one.phones}
    emails = {email for one in asked for email in one.emails}
    if not phones and not emails:
        return []
    where = visible_contacts(viewer, workspace_id)
    ways: list[str] = []  # each along an index of its own
    given: list[object] = []
    for column, values in zip(COLUMNS, (phones, emails, phones, emails), strict=True):
        ways.append(
            f"SELECT id FROM contact WHERE workspace_id = ? AND {sql.among(column, 'text')}"
        )
        given += [workspace_id, sql.group(values)]
    where &= Where(f"ct.id IN ({' UNION '.join(ways)})", tuple(given))
    own = ", ".join(f"ct.{column}" for column in COLUMNS)
    rows = await sql.records(
        f"SELECT {CONTACTS.columns('ct')}, {own} FROM contact ct"
        " JOIN conversation c ON c.contact_id = ct.id LEFT JOIN member m ON m.id = c.assignee_id"
        f" WHERE {where.condition} ORDER BY ct.id",
        *where.values,
    )
    decode, width = CONTACTS.decoder(sql.dialect()), CONTACTS.width
    return [(decode(row, 0), _known(*row[width:])) for row in rows]


async def list_duplicates(
    viewer: Viewer, workspace_id: int, request: PageRequest, *, layout: Layout | None = None
) -> Page[ContactRecord]:
    """Return visible contacts who claim what another one has or claims, the newest first.

    The other one is visible, too. One statement; with a layout the rows have only what that asks
    for.
    """
    where = visible_contacts(viewer, workspace_id) & _has_original(viewer, workspace_id)
    if viewer.memberships[workspace_id].masking.is_any:
        where &= Where("1 = 0")  # it would tell what is hidden
    return await page_of_contacts(viewer, where, request, SORT_KEYS[ContactSort.NEWEST], layout)


def _has_original(viewer: Viewer, workspace_id: int) -> Where:
    """Return that a contact (ct) claims what another one has or claims whom the viewer sees."""
    seen = visible_conversations(viewer, workspace_id)
    ways = [
        "EXISTS (SELECT 1 FROM contact o JOIN conversation c ON c.contact_id = o.id"
        " LEFT JOIN member m ON m.id = c.assignee_id WHERE o.workspace_id = ct.workspace_id"
        f" AND o.{theirs} = ct.claimed_{name} AND o.id <> ct.id AND {seen.condition})"
        for name in SHARED
        for theirs in (name, f"claimed_{name}")
    ]
    some = Where("(ct.claimed_phone IS NOT NULL OR ct.claimed_email IS NOT NULL)")
    return some & Where(f"({' OR '.join(ways)})", seen.values * len(ways))
