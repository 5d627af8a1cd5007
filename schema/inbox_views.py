"""The live views of a process: each inbox that is followed is worked out once per event."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.clock import now
from realtime.log import LogReader, Subscriber, read_head
from resolvers.batches import read_counts
from resolvers.filtered import filtered
from resolvers.inbox_filter import Filtered
from resolvers.inbox_kinds import Inbox
from resolvers.inbox_view import UNTOUCHED, InboxView, Unread, view_key
from resolvers.viewer import Viewer

if TYPE_CHECKING:
    from schema.hub import Item, Told


@dataclass(eq=False)
class Watched:
    """A view with those who need it."""

    view: InboxView
    loading: asyncio.Task[None]
    users: int = 0


@dataclass(eq=False)
class _Workspace:
    """The views of one workspace; a subscriber of their own keeps the log being read."""

    subscriber: "Subscriber[Item]"
    position: int
    """The number of the last event that the views have taken in."""
    views: dict[object, Watched] = field(default_factory=dict)
    unread: dict[int, tuple[Unread, asyncio.Task[None]]] = field(default_factory=dict)
    """The unread conversations of the members who have asked for a count of them."""


class InboxViews:
    """What the subscriptions to inboxes share."""

    def __init__(self, reader: "LogReader[Item]") -> None:
        self._reader = reader
        self._workspaces: dict[int, _Workspace] = {}
        self._of_subscribers: dict[object, Watched] = {}

    @asynccontextmanager
    async def watched(self, viewer: Viewer, inbox: Inbox) -> AsyncIterator[InboxView]:
        """Give the view of an inbox, loaded; it is kept as long as somebody needs it."""
        one = await self._find(viewer, inbox)
        one.users += 1
        try:
            await asyncio.shield(one.loading)
            yield one.view
        finally:
            self._release(one)

    def keep_for(self, subscriber: object, view: InboxView) -> None:
        """Keep a view until a subscriber leaves."""
        one = self._workspaces[view.inbox.workspace_id].views[view.key]
        one.users += 1
        self._of_subscribers[subscriber] = one

    def position(self, view: InboxView) -> int:
        """Return the number of the last event that a view has taken in."""
        return self._workspaces[view.inbox.workspace_id].position

    def leave(self, subscriber: object) -> None:
        """Let go of the view that was kept for a subscriber."""
        if one := self._of_subscribers.pop(subscriber, None):
            self._release(one)

    async def unread_count(self, view: InboxView, member_id: int | None) -> int:
        """Return how many open conversations of a view a member has not read."""
        workspace = self._workspaces.get(view.inbox.workspace_id)
        if member_id is None or workspace is None:
            return 0
        if member_id not in workspace.unread:
            made = Unread(view.inbox.workspace_id, member_id)
            workspace.unread[member_id] = made, asyncio.ensure_future(made.load())
        unread, loading = workspace.unread[member_id]
        await asyncio.shield(loading)
        return view.unread_count(unread.conversations)

    async def apply(self, workspace_id: int, items: Sequence["Told"]) -> None:
        """Bring the views of a workspace up to date with events before anybody gets these."""
        workspace = self._workspaces.get(workspace_id)
        if workspace is None:
            return
        views = [one.view for one in workspace.views.values()]
        about = [told for told in items if not isinstance(told.delivery.logged.fact, UNTOUCHED)]
        rows = await self._rows(views, about)
        await self._note_unread(workspace, list(rows.values()))
        head = await read_head(workspace_id)
        for view in views:
            view.know(items[0].delivery.logged.seq, head.seq)
        moment = now()
        for told in about:
            logged = told.delivery.logged
            told.ended.update(view.key for view in views if view.is_ended_by(logged.fact))
            key = getattr(logged.fact, "conversation_id", 0)
            for view in views if key else ():
                if moved := view.apply(logged.seq, key, rows.get(key), moment):
                    told.moves[view.key] = moved
        workspace.position = items[-1].delivery.logged.seq

    async def _rows(
        self, views: Iterable[InboxView], about: Iterable["Told"]
    ) -> dict[int, Filtered]:
        found = {
            told.delivery.conversation.id: told.delivery.conversation
            for told in about
            if told.delivery.conversation is not None
        }
        if found and any(view.needs_contacts for view in views):
            return {row.conversation.id: row for row in await filtered(list(found.values()))}
        return {key: Filtered(row) for key, row in found.items()}

    async def _note_unread(self, workspace: _Workspace, rows: list[Filtered]) -> None:
        members = [unread for unread, _ in workspace.unread.values()]
        if members and rows:
            keys = {(one.member_id, row.conversation.id) for one in members for row in rows}
            read = await read_counts(keys)
            for one in members:
                one.note(rows, read)

    async def _find(self, viewer: Viewer, inbox: Inbox) -> Watched:
        workspace = await self._workspace(inbox.workspace_id)
        key = view_key(viewer, inbox)
        if key not in workspace.views:
            view = InboxView(viewer, inbox)
            workspace.views[key] = Watched(view, asyncio.ensure_future(view.load()))
        return workspace.views[key]

    async def _workspace(self, workspace_id: int) -> _Workspace:
        if workspace_id not in self._workspaces:
            subscriber, position = await self._reader.follow(workspace_id, lambda _: False)
            if workspace_id in self._workspaces:
                self._reader.leave(workspace_id, subscriber)
            else:
                self._workspaces[workspace_id] = _Workspace(subscriber, position)
        return self._workspaces[workspace_id]

    def _release(self, one: Watched) -> None:
        one.users -= 1
        workspace_id = one.view.inbox.workspace_id
        workspace = self._workspaces.get(workspace_id)
        if one.users or workspace is None:
            return
        one.loading.cancel()
        workspace.views.pop(one.view.key, None)
        if not workspace.views:
            del self._workspaces[workspace_id]
            self._reader.leave(workspace_id, workspace.subscriber)
