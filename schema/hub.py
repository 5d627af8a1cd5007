"""The hub of a process: one reader per followed workspace, and the signs of typing."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from models.clock import now
from models.records import ConversationRecord
from realtime.broker import Broker, Signal, Wake
from realtime.log import Logged, LogReader, Subscriber
from realtime.presence import Typing, read_typing
from resolvers.batches import Delivery, conversations_by_id, hydrate, messages_by_id
from resolvers.inbox_view import Moved
from schema.inbox_views import InboxViews
from schema.loaders import Loaders
from schema.sharing import Answer

log = structlog.get_logger()
SIGNS_WAITING = 1000
"""How many signs of typing wait for their row before new ones are dropped."""


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


Item = Told | TypingTold


async def tell(events: Sequence[Logged], *, is_live: bool = False) -> list[Told]:
    """Return a page of the log as what subscribers get."""
    return [_primed(delivery, is_live=is_live) for delivery in await hydrate(events)]


def _primed(delivery: Delivery, *, is_live: bool) -> Told:
    told = Told(delivery, is_live=is_live)
    if delivery.conversation is not None:
        told.loaders.of(conversations_by_id).prime(delivery.conversation.id, delivery.conversation)
    if delivery.message is not None:
        told.loaders.of(messages_by_id).prime(delivery.message.id, delivery.message)
    return told


class Hub:
    """What the subscriptions of a process share; made when it starts, closed when it ends."""

    def __init__(self, broker: Broker, *, queue_limit: int) -> None:
        self.reader: LogReader[Item] = LogReader(broker, self._tell, queue_limit=queue_limit)
        self.inbox_views = InboxViews(self.reader)
        self._typists: dict[int, set[Subscriber[Item]]] = {}
        self._signs: asyncio.Queue[Typing] = asyncio.Queue(SIGNS_WAITING)
        self._ends: dict[tuple[int, str], asyncio.TimerHandle] = {}
        self._unlisten: Callable[[], None] = broker.listen(self._hear)
        self._task = asyncio.create_task(self._pass_signs_on())

    async def close(self) -> None:
        """End every reader and timer."""
        self._unlisten()
        for timer in self._ends.values():
            timer.cancel()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.reader.close()

    def hear_typing(self, workspace_id: int, subscriber: Subscriber[Item]) -> None:
        """Offer the signs of typing of a workspace to a subscriber, too."""
        self._typists.setdefault(workspace_id, set()).add(subscriber)

    def leave(self, workspace_id: int, subscriber: Subscriber[Item]) -> None:
        """Unsubscribe from everything."""
        self.reader.leave(workspace_id, subscriber)
        self.inbox_views.leave(subscriber)
        typists = self._typists.get(workspace_id)
        if typists is not None:
            typists.discard(subscriber)
            if not typists:
                del self._typists[workspace_id]

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
