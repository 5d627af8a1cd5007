"""Search: contacts, messages and comments at once, and within one conversation.

A viewer's rights are a part of the statement that looks; it may take only so long, and only so many
look at the same time, so that whoever searches takes nothing from the others.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from weakref import WeakKeyDictionary

from models.engine import sql
from models.engine.errors import TooSlowError
from models.engine.searching import records_within
from models.queries import Where
from models.records import CommentRecord, ConversationRecord, MessageRecord
from models.refusal import Code, RateLimited, Refused
from resolvers.access import sees, visible_conversations
from resolvers.batches import comments_by_id, conversations_by_id, messages_by_id
from resolvers.page import Page, PageRequest, cut, decode_key, encode_key
from resolvers.proof import proved, proving
from resolvers.rights import Right
from resolvers.search_sql import (
    COMMENTS,
    MESSAGES,
    contact_finds,
    conversation_finds,
    entry_finds,
)
from resolvers.search_text import Sought, read_sought
from resolvers.viewer import Viewer, require

SECONDS = 2.0
"""How long one search may take in the database."""
AT_ONCE = 3
"""How many searches of one process are in the database at a time: fewer than it has readers."""
WAIT_SECONDS = 1.0
"""How long a search waits for others before it is refused."""


class SearchKind(Enum):
    """What is looked for."""

    CONTACT = "CONTACT"
    """Contacts, by name, phone number and email address."""
    MESSAGE = "MESSAGE"
    """Messages, by their text."""
    COMMENT = "COMMENT"
    """Comments, by their text."""


@dataclass(frozen=True, slots=True)
class Found:
    """A find with its rows: the message or comment, or else the contact of the conversation."""

    kind: SearchKind
    key: tuple[Any, ...]
    """Its place in the list."""
    conversation: ConversationRecord
    item: MessageRecord | CommentRecord | None
    sought: Sought


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


@asynccontextmanager
async def turn() -> AsyncIterator[None]:
    """Wait for the turn to search; raise RateLimited where that takes too long."""
    turns = _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await turns.acquire()
    except TimeoutError as error:
        raise RateLimited(1) from error
    try:
        yield
    finally:
        turns.release()


async def looked_up(query: Where) -> Sequence[Any]:
    """Return the rows of a search; refuse one that would take too long."""
    async with turn():
        try:
            return await records_within(SECONDS, query.condition, *query.values)
        except TooSlowError as error:
            raise Refused(
                Code.TOO_BROAD,
                "This finds too much to look through: add a word, or write more of one.",
                field=("text",),
            ) from error


async def search(
    viewer: Viewer,
    workspace_id: int,
    request: PageRequest,
    *,
    text: str,
    kinds: Collection[SearchKind] | None = None,
) -> Page[Found]:
    """Return what the viewer may see of what is found: the best first, and then the newest.

    From whom phones or emails are hidden, for them contacts are found by their names alone.
    """
    require(viewer, workspace_id, Right.VIEW)
    sought = read_sought(text)
    wanted = set(SearchKind) if kinds is None else set(kinds)
    if not sought.parts or not wanted:
        return cut([], lambda row: encode_key(*row.key), request)
    rows = await looked_up(_ranked(_finds(viewer, workspace_id, sought, wanted), viewer, request))
    proved(viewer, rows)
    page = cut(rows, lambda row: encode_key(*_key(row)), request)
    found = await _with_rows(page.rows, sought, _key)
    found = [one for one in found if sees(viewer, one.conversation)]  # it may be another's by now
    end = page.cursors[-1] if page.rows else None
    return Page(found, lambda row: encode_key(*row.key), page.has_next, page.has_previous, end=end)


def _finds(
    viewer: Viewer, workspace_id: int, sought: Sought, wanted: Collection[SearchKind]
) -> list[Where]:
    """Return the SELECT of each kind that is wanted."""
    visible = visible_conversations(viewer, workspace_id)
    is_masked = viewer.memberships[workspace_id].masking.is_any
    found = []
    if SearchKind.CONTACT in wanted:
        own = Where("ct.workspace_id = ?", (workspace_id,)) & visible
        search = sought.of_contacts(is_masked=is_masked)
        found.append(contact_finds(search, own, is_masked=is_masked))
    if SearchKind.MESSAGE in wanted:
        found.append(entry_finds(MESSAGES, workspace_id, sought, visible))
    if SearchKind.COMMENT in wanted:
        found.append(entry_finds(COMMENTS, workspace_id, sought, visible))
    return found


def _ranked(finds: Sequence[Where], viewer: Viewer, request: PageRequest) -> Where:
    """Return the SELECT of a page of finds, the best first, those of one rank by their moment."""
    where = Where("1 = 1")
    if request.after is not None:
        rank, moment, kind, key = decode_key(request.after, "after", int, datetime, str, int)
        later = "found.kind > ? OR (found.kind = ? AND found.id < ?)"
        older = f"found.moment < ? OR (found.moment = ? AND ({later}))"
        beyond = f"(found.rank < ? OR (found.rank = ? AND ({older})))"
        where = Where(beyond, (rank, rank, moment, moment, kind, kind, key))
    where = proving(viewer, where)
    union = " UNION ALL ".join(
        f"SELECT * FROM ({one.condition}) {name}" for one, name in zip(finds, "abc", strict=False)
    )
    return Where(
        f"SELECT found.kind, found.id, found.conversation_id, found.moment, found.rank"
        f" FROM ({union}) found WHERE {where.condition}"
        " ORDER BY found.rank DESC, found.moment DESC, found.kind, found.id DESC"
        f" LIMIT {request.size + 1}",
        tuple(value for one in finds for value in one.values) + where.values,
    )


def _key(row: Any) -> tuple[Any, ...]:
    return row["rank"], sql.moment(row["moment"]), row["kind"], row["id"]


async def _with_rows(
    rows: Sequence[Any], sought: Sought, key_of: Callable[[Any], tuple[Any, ...]]
) -> list[Found]:
    """Return finds with their rows, but for what is gone by now; at most three statements."""
    ids: dict[str, list[int]] = {"contact": [], "message": [], "comment": []}
    for row in rows:
        ids[row["kind"]].append(row["id"])
    items: dict[str, Mapping[int, Any]] = {
        "message": await messages_by_id(ids["message"]) if ids["message"] else {},
        "comment": await comments_by_id(ids["comment"]) if ids["comment"] else {},
    }
    threads = {row["conversation_id"] for row in rows}
    conversations = await conversations_by_id(threads) if threads else {}
    found = []
    for row in rows:
        kind, conversation = row["kind"], conversations.get(row["conversation_id"])
        item = items[kind].get(row["id"]) if kind in items else None
        if conversation is not None and (item is not None or kind == "contact"):
            found.append(Found(SearchKind[kind.upper()], key_of(row), conversation, item, sought))
    return found


Asked = tuple[int, int, str, PageRequest]
"""A conversation, its workspace, what to look for in it, and which page of that."""


async def search_conversations(keys: Collection[Asked]) -> dict[Asked, Page[Found]]:
    """Return pages of the messages and comments of conversations that are found, newest first.

    A handful of statements for all conversations in which the same is looked for.
    """
    pages: dict[Asked, Page[Found]] = {}
    for workspace_id, text, request in {key[1:] for key in keys}:
        sought = read_sought(text)
        ids = [key[0] for key in keys if key[1:] == (workspace_id, text, request)]
        before = decode_key(request.after, "after", int)[0] if request.after else None
        query = conversation_finds(workspace_id, ids, sought, request.size + 1, before)
        rows = await looked_up(query) if sought.parts else []
        found = await _with_rows(rows, sought, lambda row: (row["seq"],))
        for one in ids:
            own = [row for row in found if row.conversation.id == one]
            own.sort(key=lambda row: row.key, reverse=True)
            page = cut(own, lambda row: encode_key(*row.key), request)
            pages[one, workspace_id, text, request] = page
    return pages
