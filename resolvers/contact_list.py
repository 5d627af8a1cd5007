"""Lists of contacts: what is looked for, in an order, and only those that the viewer may see."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from models.clock import now
from models.layout import Layout
from models.queries import Records, Where, read_contacts
from models.records import ContactRecord
from resolvers.access import visible_conversations
from resolvers.contact_search import read_search, search_where
from resolvers.inbox_check import check_filter
from resolvers.inbox_filter import Filter
from resolvers.inbox_sql import filter_where
from resolvers.page import Page, PageRequest, keyset_page
from resolvers.proof import proved, proving
from resolvers.rights import Right
from resolvers.viewer import Viewer, require


class ContactSort(Enum):
    """How a list of contacts is ordered."""

    NEWEST = "NEWEST"
    """Those first that became known last."""
    OLDEST = "OLDEST"
    """Those first that became known first."""
    NAME_A_TO_Z = "NAME_A_TO_Z"
    """By first and last name, whatever their case and accents; those without a name come first."""
    NAME_Z_TO_A = "NAME_Z_TO_A"
    """By name the other way round; those without a name come last."""
    NEWEST_MESSAGE = "NEWEST_MESSAGE"
    """The newest last message first; without a message it counts when they became known."""
    OLDEST_MESSAGE = "OLDEST_MESSAGE"
    """The oldest last message first; without a message it counts when they became known."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """The column by which a sort orders, of the table under an alias, and its direction."""

    alias: str
    key: str
    descending: bool
    kind: type = datetime
    path: str = ""


def _by_message(*, descending: bool) -> SortKey:
    return SortKey("c", "last_message_at", descending, path="conversation.")


SORT_KEYS: Mapping[ContactSort, SortKey] = {
    ContactSort.NEWEST: SortKey("ct", "created_at", descending=True),
    ContactSort.OLDEST: SortKey("ct", "created_at", descending=False),
    ContactSort.NAME_A_TO_Z: SortKey("ct", "folded_name", descending=False, kind=str),
    ContactSort.NAME_Z_TO_A: SortKey("ct", "folded_name", descending=True, kind=str),
    ContactSort.NEWEST_MESSAGE: _by_message(descending=True),
    ContactSort.OLDEST_MESSAGE: _by_message(descending=False),
}


async def list_contacts(
    viewer: Viewer,
    workspace_id: int,
    request: PageRequest,
    *,
    search: str | None = None,
    conditions: Filter | None = None,
    sort: ContactSort = ContactSort.NEWEST,
    layout: Layout | None = None,
) -> Page[ContactRecord]:
    """Return visible contacts; `search` finds every word in name, phone or email.

    From whom phones or emails are hidden, for them search and sorts look at names alone.
    One statement, and a few that check what a filter names. With a layout the rows have only what
    that asks for.
    """
    masking, order = require(viewer, workspace_id, Right.VIEW).masking, SORT_KEYS[sort]
    if conditions is not None:
        await check_filter(workspace_id, conditions, masking)
    where = looked_for(viewer, workspace_id, search, conditions)
    if masking.is_any and order.key == "folded_name":  # it may have a number in it
        order = replace(order, key="name_text")
    return await page_of_contacts(viewer, where, request, order, layout)


def looked_for(
    viewer: Viewer, workspace_id: int, search: str | None, conditions: Filter | None
) -> Where:
    """Return which contacts (ct) a search and a checked filter find, of those a viewer may see."""
    where = visible_contacts(viewer, workspace_id)
    masking = viewer.memberships[workspace_id].masking
    if conditions is not None:
        where &= filter_where(conditions, now())
    terms = read_search(search)
    if not terms.is_empty:
        text, phone = ("name_text", None) if masking.is_any else ("search_text", "ct.phone")
        where &= search_where(terms, text=f"ct.{text}", phone=phone)
    return where


def visible_contacts(viewer: Viewer, workspace_id: int) -> Where:
    """Return which contacts (ct) a viewer may see: those of visible conversations (c, m)."""
    require(viewer, workspace_id, Right.VIEW)
    own = Where("ct.workspace_id = ?", (workspace_id,))  # what an index of contacts begins with
    return own & visible_conversations(viewer, workspace_id)


async def page_of_contacts(
    viewer: Viewer, where: Where, request: PageRequest, order: SortKey, layout: Layout | None
) -> Page[ContactRecord]:
    """Return a page of the contacts (ct) of which a condition holds; one statement."""
    page = await keyset_page(
        layout or Records(read_contacts),
        proving(viewer, where),
        request,
        alias=order.alias,
        key=order.key,
        descending=order.descending,
        kind=order.kind,
        path=order.path,
    )
    proved(viewer, page.rows)
    return page
