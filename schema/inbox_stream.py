"""Following an inbox: what events do to its list, as the viewer sees it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from realtime.events import ContactCreated
from realtime.log import Subscriber
from resolvers.inbox_finding import find_inbox
from resolvers.inbox_view import UNTOUCHED, InboxView, Move
from resolvers.viewer import hidden
from schema.context import Info, viewer_of
from schema.errors import CloseSocket
from schema.hub import Item, Told
from schema.ids import split_id
from schema.sight import OF_RIGHTS, Seen
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
        self._gone: set[int] = set()

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
        ended = self.view.key in told.ended if told.is_live else self._ends(told)
        return ended or super().must_look_anew(told)

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
        moved = told.moves.get(self.view.key)
        if not told.is_live or isinstance(told.delivery.logged.fact, UNTOUCHED):
            move = self._looked_up(told)
            moved = self.view.now(move) if move is not None else None
        if moved is None or (seen.is_hidden and moved.move is not Move.LEFT):
            return None
        return replace(seen, part=self.view.key, moved=moved)

    def _ends(self, told: Told) -> bool:
        return self.view.is_ended_by(told.delivery.logged.fact)

    def _looked_up(self, told: Told) -> Move | None:
        """Return what to tell of an event of the past: where its conversation is by now.

        What is not there is told to have left, once; perhaps it never was.
        """
        fact = told.delivery.logged.fact
        key = getattr(fact, "conversation_id", 0)
        if key in self.view:
            return Move.ENTERED if isinstance(fact, ContactCreated) else Move.MOVED
        if key in self._gone:
            return None
        self._gone.add(key)
        return Move.LEFT


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
