"""Live subscriptions past the library: an event goes from the log straight to the sockets.

Once a subscription has caught up it is handed over: no queue, no task and no generator runs for a
delivery. Rights are checked for each subscriber; of those whose result cannot differ one executes,
and all are sent the same bytes. Where results turn out to be personal, or errors, the library goes
on from there.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import orjson

from realtime.log import Subscriber
from schema.errors import CloseSocket
from schema.hub import Item, Told
from schema.sharing import Answer, Diverting, key_of, variables_of

if TYPE_CHECKING:
    from schema.streams import Follower

WAITING_BYTES = 1024 * 1024
"""How much may wait for one client before its socket is closed (guarantee G11)."""

Write = Callable[[bytes], int]
"""(a text frame's payload) -> how many bytes wait for the client now."""


@dataclass(slots=True, weakref_slot=True)
class Template:
    """What executes the events of all subscriptions with one operation and its variables."""

    executor: Any
    variables: str


_TEMPLATES: WeakValueDictionary[tuple[int, str], Template] = WeakValueDictionary()


def template_of(executor: Any) -> Template:
    """Return what executes the like of an executor: each of them is three kilobytes."""
    variables = variables_of(executor)
    key = (id(executor.operation), variables)
    known = _TEMPLATES.get(key)
    if known is None:
        executor.context_value = executor.root_value = None  # they are one subscriber's
        known = _TEMPLATES[key] = Template(executor, variables)
    return known


@dataclass(eq=False)
class Live(Diverting):
    """A subscription that has caught up; in place of an event it asks to be handed over."""

    follower: "Follower"
    subscriber: Subscriber[Item]
    tell: Callable[[Any], Any]
    """(an event as the viewer sees it) -> the GraphQL object that tells it."""
    place: int
    """The number of the last event that was dealt with."""
    leave: Callable[[], None]
    write: Write = len
    head: bytes = b""
    context: Any = field(init=False)
    template: Template = field(init=False)
    waiting: list[Told] = field(default_factory=list)
    """What is not dealt with, in order: for the first one something must be found out."""
    known: Told | None = None
    """The event before which the viewer's rights were looked at last."""
    is_personal: bool = False
    is_slow: bool = False
    call: asyncio.Future[None] | None = None

    def start(self, operation_id: str, write: Write) -> None:
        """Take the events from now on, first those that wait."""
        self.head = b'{"id":%s,"type":"next","payload":' % orjson.dumps(operation_id)
        self.write = write
        self.context = self.executor.context_value
        self.template, self.executor = template_of(self.executor), None
        self.subscriber.divert(self.take)

    async def run(self) -> None:
        """Return once results are personal; the library goes on behind `place`.

        Raises CloseSocket when the client is too slow, or when the viewer's rights have changed.
        """
        while not self.is_personal:
            if self.is_slow:
                raise CloseSocket(4413, "SLOW_CONSUMER")
            first = self.waiting[0] if self.waiting else None
            if first is not None and self._must_look(first):
                await self.follower.look_anew(first)
                self.known = first
                self.go_on()
                continue
            self.call = asyncio.get_running_loop().create_future()
            await self.call

    def stop(self) -> None:
        """Take nothing more."""
        self.subscriber.divert(None)
        self.waiting.clear()
        self.leave()

    def take(self, item: Item) -> None:
        """Deliver an item, or keep it behind those that are not dealt with."""
        if isinstance(item, Told) and (self.waiting or not self.deliver(item)):
            self.waiting.append(item)
            if len(self.waiting) > self.subscriber.limit:
                self.is_slow = True
                self._call()

    def deliver(self, told: Told) -> bool:
        """Send an event if the viewer may see it; return whether it is dealt with."""
        seq = told.delivery.logged.seq
        if seq <= self.place:
            return True
        if self._must_look(told):
            self._call()
            return False
        seen = self.follower.see_now(told)
        if seen is not None:
            answer = self._answer(told, seen)
            if not answer.result.done():
                answer.result.add_done_callback(self.go_on)
                return False
            if answer.result.result() is None:
                self.is_personal = True
                self._call()
                return False
            if self.write(self.head + answer.payload() + b"}") > WAITING_BYTES:
                self.is_slow = True
                self._call()
        self.place = seq
        return True

    def go_on(self, _result: object = None) -> None:
        """Deliver what has waited, in order."""
        while self.waiting and not self.is_personal and self.deliver(self.waiting[0]):
            self.waiting.pop(0)

    def _must_look(self, told: Told) -> bool:
        return told is not self.known and self.follower.must_look_anew(told)

    def _call(self) -> None:
        """Let `run` see to it."""
        if self.call is not None and not self.call.done():
            self.call.set_result(None)

    def _answer(self, told: Told, seen: Any) -> Answer:
        """Return what is known of the event for this operation; nobody has it: execute it."""
        executor = self.template.executor
        key = key_of(executor.operation, self.template.variables, self.context, seen)
        if key not in told.answers:
            one = executor.build_per_event_executor(self.tell(seen))
            one.context_value = replace(self.context, loaders=told.loaders)
            self.follower.keep(asyncio.ensure_future(one.execute_operation()))
        return told.answers[key]
