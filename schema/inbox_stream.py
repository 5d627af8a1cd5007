"""Following an inbox: what events do to its list, as the viewer sees it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from realtime.events import ContactCreated
from realtime.log import Subscriber
from resolvers.inbox_finding import find_inbox
from resolvers.inbox_view import UNTOUCHED, InboxView, Move, Moved
from resolvers.viewer import hidden
from schema.context import Info, viewer_of
from schema.errors import CloseSocket
from schema.hub import Item, Told
from schema.ids import split_id
from schema.sight import OF_RIGHTS, Seen, touches_rights
from schema.streams import Follower, Wants, cursor_expired, follow_with

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class InboxPlace:
    """Which inbox is to be followed, and of which workspace it must be; None: of any."""

    inbox_id: str
    workspace_id: int | None = None


class InboxFollower(Follower):
    """One subscription's eye on an inbox."""

    def __init__(self, info: Info, view: InboxView, wants: Wants) -> None:
        super().__init__(info, view.inbox.workspace_id, wants)
        self.view = view
        self._views = info.context.hub.inbox_views
        self._gone: dict[int, int] = {}
        """What was told to have left in the past, and by which event."""
        self._last = ((0, 0), 0)
        """Of which conversation it was told last that it came or went, since when, by which event;
        an event that is asked about again has the same answer."""

    def subscribe(self, subscriber: Subscriber[Item]) -> None:
        """Keep the view as long as the subscriber."""
        self._views.keep_for(subscriber, self.view)

    def is_wanted(self, item: Item) -> bool:
        """Tell whether an event has moved something, or may be about rights."""
        if not isinstance(item, Told):
            return False
        key, fact = self.view.key, item.delivery.logged.fact
        if isinstance(fact, UNTOUCHED):
            return fact.conversation_id in self.view and self.wants(fact)
        return key in item.moves or key in item.ended or isinstance(fact, OF_RIGHTS)

    def must_look_anew(self, told: Told) -> bool:
        """Tell whether rights, or the inbox as a whole, may be others after an event."""
        return self.view.key in told.ended or self._ends(told)

    async def look_anew(self, told: Told | None = None) -> None:
        """Read the rights of this moment; end a stream whose list must be read anew."""
        await super().look_anew(told)
        if told is not None and told.is_live and self.view.key in told.ended:
            raise CloseSocket(4412, "ACCESS_REVOKED")
        if told is not None and not told.is_live and self._ends(told):
            raise cursor_expired()

    def see_now(self, told: Told) -> Seen | None:
        """Return what an event has done to the inbox, if the viewer may see it."""
        seen = super().see_now(told)
        if seen is None:
            return None
        moved = self._moved(told)
        if moved is None or (seen.is_hidden and moved.move is not Move.LEFT):
            return None
        return replace(seen, part=(self.view.key, moved.move), moved=moved)

    async def replay(self, after: int, until: int) -> AsyncIterator[Told]:
        """Read the log after a number, as far as the view has come: what is later comes live."""
        async for told in super().replay(after, until):
            if told.delivery.logged.seq > self._views.position(self.view):
                return
            yield told

    def _moved(self, told: Told) -> Moved | None:
        """Return what an event has done to the inbox; what was told last is not told as new."""
        fact, seq = told.delivery.logged.fact, told.delivery.logged.seq
        if not told.is_live or isinstance(fact, UNTOUCHED):
            move = self._looked_up(told)
            return self.view.now(move) if move is not None else None
        moved = told.moves.get(self.view.key)
        if moved is None or moved.move is Move.MOVED:
            return moved
        this = getattr(fact, "conversation_id", 0), moved.since
        if self._last[0] != this:
            self._last = this, seq
        if self._last[1] == seq:
            return moved
        return replace(moved, move=Move.MOVED) if moved.move is Move.ENTERED else None

    def _ends(self, told: Told) -> bool:
        """Tell whether a list that was read before an event of the past is none of this view's.

        The inbox has changed as a whole, or the viewer's own rights: the view is of those they
        have by now.
        """
        fact = told.delivery.logged.fact
        return self.view.is_ended_by(fact) or touches_rights(self.viewer, fact)

    def _looked_up(self, told: Told) -> Move | None:
        """Return what to tell of an event of the past: where its conversation is by now.

        What is not there is told to have left, once; perhaps it never was.
        """
        fact = told.delivery.logged.fact
        key = getattr(fact, "conversation_id", 0)
        if key in self.view:
            return Move.ENTERED if isinstance(fact, ContactCreated) else Move.MOVED
        seq = told.delivery.logged.seq
        return Move.LEFT if self._gone.setdefault(key, seq) == seq else None


async def follow_inbox(
    info: Info,
    place: InboxPlace,
    after: str | None,
    wants: Wants,
    tell_it: Callable[[Seen, InboxView], T],
) -> AsyncIterator[T]:
    """Yield the wanted facts that do something to an inbox of the viewer.

    See `follow_with` for the rest.
    """
    viewer = viewer_of(info)
    inbox = await find_inbox(viewer, *split_id(place.inbox_id))
    if place.workspace_id not in (None, inbox.workspace_id):
        raise hidden(("inboxId",))
    async with info.context.hub.inbox_views.watched(viewer, inbox) as view:
        follower = InboxFollower(info, view, wants)
        async for event in follow_with(follower, info, after, lambda seen: tell_it(seen, view)):
            yield event
