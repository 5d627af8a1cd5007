"""Streams: replay and then live, without a gap, with rights checked at each delivery."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar, cast

from realtime.events import Fact, MemberTeamChanged
from realtime.log import (
    PAGE_EVENTS,
    CursorExpired,
    Head,
    SlowConsumer,
    Subscriber,
    decode_cursor,
    read_head,
    read_page,
)
from resolvers.authentication import TokenProblem, reload_viewer
from resolvers.rights import Right
from resolvers.viewer import require
from schema.context import Info, viewer_of
from schema.errors import ApiError, CloseSocket, ErrorCode, refusal
from schema.hub import Item, Told, tell
from schema.live import Live
from schema.sight import OF_RIGHTS, Seen, changes_sight, rights_in, seen_by, touches_rights

T = TypeVar("T")
Wants = Callable[[Fact], bool]


class Follower:
    """One subscription's eye on a workspace: the viewer of the moment and the place in the log."""

    def __init__(self, info: Info, workspace_id: int, wants: Wants) -> None:
        self.viewer = viewer_of(info)
        self.workspace_id = workspace_id
        self.wants = wants
        self._context = info.context
        self._tasks: set[asyncio.Future[Any]] = set()

    def keep(self, task: asyncio.Future[Any]) -> None:
        """Remember what runs until it has ended."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def is_wanted(self, item: Item) -> bool:
        """Tell whether an item is one of the stream's events, or may be about rights."""
        if not isinstance(item, Told):
            return False
        fact = item.delivery.logged.fact
        return self.wants(fact) or isinstance(fact, OF_RIGHTS)

    async def look_anew(self, told: Told | None = None) -> None:
        """Read the viewer's rights of this moment; close the socket if they are not the same.

        It closes also if an event of another member has changed what the viewer may see.
        """
        found = await reload_viewer(self.viewer)
        if isinstance(found, TokenProblem):
            if found is TokenProblem.EXPIRED:
                raise CloseSocket(4411, "TOKEN_EXPIRED")
            raise CloseSocket(4412, "ACCESS_REVOKED")
        if rights_in(found, self.workspace_id) != rights_in(self.viewer, self.workspace_id):
            raise CloseSocket(4412, "ACCESS_REVOKED")  # what the client knows may be too much now
        if told is not None and self.loses_track(told):
            raise CloseSocket(4412, "ACCESS_REVOKED")
        self.viewer = found
        self._context.viewer = found

    def subscribe(self, _subscriber: Subscriber[Item]) -> None:
        """Take note of the subscriber that gets the live events; there is nothing to do here."""

    async def see(self, told: Told) -> Seen | None:
        """Return an event as the viewer may see it at this moment, if they want it."""
        if self.must_look_anew(told):
            await self.look_anew(told)
        seen = self.see_now(told)
        if seen is not None:
            self._context.loaders = told.loaders
        return seen

    def must_look_anew(self, told: Told) -> bool:
        """Tell whether the viewer's rights are to be read before an event is shown."""
        return touches_rights(self.viewer, told.delivery.logged.fact)

    def loses_track(self, told: Told) -> bool:
        """Tell whether another member's event has changed what the viewer may see."""
        fact = told.delivery.logged.fact
        membership = self.viewer.memberships.get(fact.workspace_id)
        return (
            isinstance(fact, MemberTeamChanged)
            and membership is not None
            and fact.member_id != membership.member_id
            and changes_sight(membership, fact)
        )

    def see_now(self, told: Told) -> Seen | None:
        """Return an event as the viewer may see it with the rights known, if they want it."""
        return seen_by(self.viewer, told) if self.wants(told.delivery.logged.fact) else None

    async def replay(self, after: int, until: int) -> AsyncIterator[Told]:
        """Read the log after a number, up to another one or at least as far."""
        while after < until:
            await self.look_anew()
            page = await read_page(self.workspace_id, after)
            if not page or page[0].seq != after + 1:
                raise cursor_expired()
            for told in await tell(page):
                yield told
            after = page[-1].seq


def cursor_expired() -> ApiError:
    """Return the refusal of a cursor that the log does not reach back to."""
    return refusal(ErrorCode.CURSOR_EXPIRED)


def start_of(after: str | None, head: Head) -> int:
    """Return the number after which a stream begins: the cursor's, or the end of the log."""
    if after is None:
        return head.seq
    try:
        return decode_cursor(after, head)
    except CursorExpired as error:
        raise cursor_expired() from error


@asynccontextmanager
async def subscribed(
    info: Info, workspace_id: int, wants: Callable[[Item], bool]
) -> AsyncIterator[tuple[Subscriber[Item], int]]:
    """Give a subscriber to the live end of a workspace's log, and the place of that end."""
    hub = info.context.hub
    subscriber, position = await hub.reader.follow(workspace_id, wants)
    try:
        yield subscriber, position
    finally:
        if not subscriber.is_diverted:  # else whoever takes the events leaves
            hub.leave(workspace_id, subscriber)


def follow(
    info: Info,
    workspace_id: int,
    after: str | None,
    wants: Wants,
    tell_it: Callable[[Seen], T],
) -> AsyncIterator[T]:
    """Yield the facts that are wanted; see `follow_with`."""
    return follow_with(Follower(info, workspace_id, wants), info, after, tell_it)


async def follow_with(
    follower: Follower, info: Info, after: str | None, tell_it: Callable[[Seen], T]
) -> AsyncIterator[T]:
    """Yield what the viewer may see after a cursor, then live, in commit order, without a gap.

    Each event comes as `tell_it` tells it. Where the socket takes ready frames, a subscription
    that has caught up yields a `Live`, which the socket runs in its place.

    Raises CURSOR_EXPIRED, and closes the socket of a slow consumer (4413) or of a viewer whose
    access ended or changed (4412).
    """
    workspace_id = follower.workspace_id
    require(viewer_of(info), workspace_id, Right.VIEW)
    head = await read_head(workspace_id)
    place = info.context.place if info.context.place is not None else start_of(after, head)
    async for told in follower.replay(place, head.seq - PAGE_EVENTS):
        place = told.delivery.logged.seq
        if seen := await follower.see(told):
            yield tell_it(seen)
    async with subscribed(info, workspace_id, follower.is_wanted) as (subscriber, position):
        follower.subscribe(subscriber)
        await follower.look_anew()
        async for told in follower.replay(place, position):
            place = told.delivery.logged.seq
            if seen := await follower.see(told):
                yield tell_it(seen)
        while True:
            if info.context.frames and subscriber.has_caught_up:
                leave = partial(info.context.hub.leave, workspace_id, subscriber)
                yield cast(T, Live(follower, subscriber, tell_it, place, leave))
            item = await next_of(subscriber)
            if isinstance(item, Told) and item.delivery.logged.seq > place:
                place = item.delivery.logged.seq
                if seen := await follower.see(item):
                    yield tell_it(seen)


async def next_of(subscriber: Subscriber[Item]) -> Item:
    """Return the next item of a subscriber; close the socket of one that is too slow."""
    try:
        return await subscriber.next()
    except SlowConsumer:
        raise CloseSocket(4413, "SLOW_CONSUMER") from None
