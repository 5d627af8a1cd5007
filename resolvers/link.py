"""Links: what a lasting address leads to, and what stands around a line of a timeline."""

from dataclasses import dataclass

from models.layout import Layout
from models.records import CommentRecord, ConversationRecord, MessageRecord
from resolvers import batches
from resolvers.access import get_conversation, sees
from resolvers.node import find_nodes
from resolvers.page import Page, check_around
from resolvers.rights import Right
from resolvers.timeline import Item, around
from resolvers.viewer import Viewer, hidden, require

ITEMS = ("Message", "Comment", "Activity")
"""The types of a timeline's lines."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a link leads to."""

    conversation: ConversationRecord
    item: MessageRecord | CommentRecord | None


async def resolve_link(
    viewer: Viewer, workspace_id: int, contact_id: int, item: tuple[str, int] | None
) -> Found:
    """Return what a link leads to; whose contact was merged leads to who they are now.

    Whatever is not there, or not where the link says, or hidden, is refused alike.
    """
    contact_id = (await batches.contacts_after_merges([contact_id])).get(contact_id, contact_id)
    rows = await batches.conversations_by_contact([contact_id])
    row = rows.get(contact_id)
    if row is None or row.workspace_id != workspace_id or not sees(viewer, row):
        raise hidden(("url",))
    require(viewer, workspace_id, Right.VIEW)
    if item is None:
        return Found(row, None)
    kind, key = item
    find = batches.messages_by_id if kind == "Message" else batches.comments_by_id
    line: MessageRecord | CommentRecord | None = (await find([key])).get(key)
    if line is None or line.conversation_id != row.id:
        raise hidden(("url",))
    return Found(row, line)


async def timeline_around(
    viewer: Viewer,
    kind: str,
    key: str,
    *,
    before: int,
    after: int,
    layouts: tuple[Layout, ...] | None = None,
) -> Page[Item]:
    """Return a line of a timeline with those around it, oldest first."""
    check_around(before, after)
    found = await find_nodes(viewer, [(kind, key)]) if kind in ITEMS else {}
    line = found.get((kind, key))
    if line is None:
        raise hidden(("itemId",))
    await get_conversation(viewer, line.conversation_id)
    return await around(line.conversation_id, line.seq, before, after, layouts)
