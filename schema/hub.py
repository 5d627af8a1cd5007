"""The hub of a process: one reader per followed workspace, and the signs of typing and presence."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from models.clock import now
from models.records import ConversationRecord, MemberRecord
from realtime.attendance import PresenceState, on_change, presence_of
from realtime.broker import Broker, Signal, Wake
from realtime.log import Logged, LogReader, Subscriber
from realtime.presence import Typing, read_typing
from resolvers.batches import (
    comments_by_id,
    conversations_by_contact,
    conversations_by_id,
    members_by_id,
    messages_by_id,
)
from resolvers.hydration import Delivery, hydrate
from resolvers.inbox_view import Moved
from schema.inbox_views import InboxViews
from schema.loaders import Loaders
from schema.sharing import Answer

log = structlog.get_logger()
SIGNS_WAITING = 1000
"""How many signs of typing wait for their row before new ones are dropped."""
PRESENCE_GATHER_SECONDS = 0.1
"""How long changes of presence are gathered: whoever follows them gets them at once."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event with its rows, and the loaders shared by all who get it."""

    delivery: Delivery
    loaders: Loaders = field(default_factory=Loaders)
    answers: dict[object, Answer] = field(default_factory=dict)
    """What was executed for its subscribers, as `schema/sharing.py` keeps it."""
    is_live: bool = False
    """Whether it comes from the live end of the log, and not from a replay."""
    moves: dict[object, Moved] = field(default_factory=dict)
    """What it has done to the inboxes that are followed, by the keys of their views."""
    ended: set[object] = field(default_factory=set)
    """The keys of the views that must be read anew after it."""


@dataclass(frozen=True, slots=True)
class TypingTold:
    """A sign of typing with its conversation, read once for all who get it."""

    typing: Typing
    conversation: ConversationRecord
    loaders: Loaders = field(default_factory=Loaders)


@dataclass(frozen=True, slots=True)
class Presence:
    """A member with their presence of a moment."""

    member: MemberRecord
    state: PresenceState
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PresenceTold:
    """The presence of members in whom something changed, read once for all who get it."""

    presences: Sequence[Presence]
    loaders: Loaders = field(default_factory=Loaders)


Item = Told | TypingTold | PresenceTold


async def tell(events: Sequence[Logged], *, is_live: bool = False) -> list[Told]:
    """Return a page of the log as what subscribers get."""
    return [_primed(delivery, is_live=is_live) for delivery in await hydrate(events)]


def _primed(delivery: Delivery, *, is_live: bool) -> Told:
    told = Told(delivery, is_live=is_live)
    if delivery.conversation is not None:
        row = delivery.conversation
        told.loaders.of(conversations_by_id).prime(row.id, row)
        told.loaders.of(conversations_by_contact).prime(row.contact_id, row)
    if delivery.message is not None:
        told.loaders.of(messages_by_id).prime(delivery.message.id, delivery.message)
    if delivery.comment is not None:
        told.loaders.of(comments_by_id).prime(delivery.comment.id, delivery.comment)
    return told


class Hub:
    """What the subscriptions of a process share; made when it starts, closed when it ends."""

    def __init__(self, broker: Broker, *, queue_limit: int) -> None:
        self.reader: LogReader[Item] = LogReader(broker, self._tell, queue_limit=queue_limit)
        self.inbox_views = InboxViews(self.reader)
        self._typists: dict[int, set[Subscriber[Item]]] = {}
        self._signs: asyncio.Queue[Typing] = asyncio.Queue(SIGNS_WAITING)
        self._ends: dict[tuple[int, str], asyncio.TimerHandle] = {}
        self._watchers: dict[int, set[Subscriber[Item]]] = {}
        self._moved: dict[int, set[int]] = {}
        self._known: dict[tuple[int, int], PresenceState] = {}
        self._changes: asyncio.Queue[int] = asyncio.Queue()
        self._end_of_changes = on_change(self._note_presence)
        self._unlisten: Callable[[], None] = broker.listen(self._hear)
        self._tasks = [
            asyncio.create_task(self._pass_signs_on()),
            asyncio.create_task(self._pass_presence_on()),
        ]

    async def close(self) -> None:
        """End every reader and timer."""
        self._unlisten()
        for timer in self._ends.values():
            timer.cancel()
        self._end_of_changes()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.reader.close()

    def hear_typing(self, workspace_id: int, subscriber: Subscriber[Item]) -> None:
        """Offer the signs of typing of a workspace to a subscriber, too."""
        self._typists.setdefault(workspace_id, set()).add(subscriber)

    def watch_presence(self, workspace_id: int, subscriber: Subscriber[Item]) -> None:
        """Offer what changes about the presence of members to a subscriber, too."""
        self._watchers.setdefault(workspace_id, set()).add(subscriber)

    def leave(self, workspace_id: int, subscriber: Subscriber[Item]) -> None:
        """Unsubscribe from everything."""
        self.reader.leave(workspace_id, subscriber)
        self.inbox_views.leave(subscriber)
        for hearers in (self._typists, self._watchers):
            if workspace_id in hearers:
                hearers[workspace_id].discard(subscriber)
                if not hearers[workspace_id]:
                    del hearers[workspace_id]
        if workspace_id not in self._watchers:
            self._known = {key: one for key, one in self._known.items() if key[0] != workspace_id}

    async def _tell(self, workspace_id: int, events: Sequence[Logged]) -> list[Item]:
        told = await tell(events, is_live=True)
        await self.inbox_views.apply(workspace_id, told)
        return list(told)

    def _hear(self, news: Wake | Signal) -> None:
        if isinstance(news, Signal) and news.workspace_id in self._typists:
            typing = read_typing(news)
            if typing is not None:
                self._pass_on(typing)

    def _pass_on(self, typing: Typing) -> None:
        if not self._signs.full():
            self._signs.put_nowait(typing)

    async def _pass_signs_on(self) -> None:
        while True:
            typing = await self._signs.get()
            try:
                # first what may have ended somebody's rights, then the sign
                await self.reader.catch_up(typing.workspace_id)
                found = await conversations_by_id([typing.conversation_id])
            except Exception:
                log.warning("typing_not_told", exc_info=True)
                continue
            if typing.conversation_id in found:
                self._offer(TypingTold(typing, found[typing.conversation_id]))

    def _offer(self, told: TypingTold) -> None:
        """Offer a sign, and its end once it expires without being repeated."""
        typing = told.typing
        key = (typing.conversation_id, typing.actor)
        if timer := self._ends.pop(key, None):
            timer.cancel()
        if typing.is_typing:
            left = (typing.expires_at - now()).total_seconds()
            loop = asyncio.get_running_loop()
            # not this row again: who may see the conversation may change until then
            ended = replace(typing, is_typing=False)
            self._ends[key] = loop.call_later(max(left, 0), self._pass_on, ended)
        for subscriber in self._typists.get(typing.workspace_id, ()):
            subscriber.offer(told)

    def _note_presence(self, workspace_id: int, member_id: int) -> None:
        """Have a change told a little later, together with those that come meanwhile."""
        if workspace_id not in self._watchers:
            return
        if workspace_id not in self._moved:
            self._moved[workspace_id] = set()
            asyncio.get_running_loop().call_later(
                PRESENCE_GATHER_SECONDS, self._changes.put_nowait, workspace_id
            )
        self._moved[workspace_id].add(member_id)

    async def _pass_presence_on(self) -> None:
        while True:
            workspace_id = await self._changes.get()
            moved = self._moved.pop(workspace_id)
            try:
                # first what may have ended somebody's rights, then who is there
                await self.reader.catch_up(workspace_id)
                found = await members_by_id(moved)
            except Exception:
                log.warning("presence_not_told", exc_info=True)
                continue
            presences = [
                Presence(member, *presence_of(workspace_id, member.id)) for member in found.values()
            ]
            told = PresenceTold([one for one in presences if self._is_new(workspace_id, one)])
            for subscriber in self._watchers.get(workspace_id, ()) if told.presences else ():
                subscriber.offer(told)

    def _is_new(self, workspace_id: int, presence: Presence) -> bool:
        """Note what is told of a member, and tell whether it is not what was told last."""
        key = (workspace_id, presence.member.id)
        before, self._known[key] = self._known.get(key), presence.state
        return before is not presence.state
