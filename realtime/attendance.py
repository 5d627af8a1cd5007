"""Attendance: which members are there, by the expiring signs of every process; never stored."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar

from models.clock import now
from realtime.broker import Broker, Signal, Wake

PRESENCE_TTL_SECONDS = 10.0
"""How long a sign of presence holds; processes repeat it while a socket is open."""
REPEATS_PER_TTL = 3
SIGNS_AT_ONCE = 80
"""How many signs one signal carries: it has room for 4,000 bytes."""
SWEEPS_PER_TTL = 10

Place = tuple[int, int]
"""(workspace, member)."""
Listener = Callable[[int, int], None]
"""(workspace, member) of whom another state is known now."""


class PresenceState(Enum):
    """Whether a member is there."""

    ONLINE = "ONLINE"
    """They have a socket open."""
    AWAY = "AWAY"
    """They have one open, and said that they are away."""
    OFFLINE = "OFFLINE"
    """They have none, or nothing was heard of it for ten seconds."""


class Attendance:
    """What was heard of the members: signs of each process, and what they chose last."""

    def __init__(self) -> None:
        self._until: dict[Place, dict[str, datetime]] = {}
        self._chosen: dict[Place, tuple[int, PresenceState]] = {}

    def state_of(self, place: Place) -> PresenceState:
        """Return whether a member is there: by any sign that holds, as they chose last."""
        if self.until(place) is None:
            return PresenceState.OFFLINE
        return self._chosen[place][1]

    def until(self, place: Place) -> datetime | None:
        """Return how long the signs of a member hold; None where none does."""
        last = max(self._until.get(place, {}).values(), default=None)
        return last if last is not None and last > now() else None

    def choice_of(self, place: Place) -> tuple[int, PresenceState] | None:
        """Return when and what a member chose, while any sign of them holds."""
        return self._chosen.get(place) if self.until(place) is not None else None

    def note(
        self, place: Place, origin: str, chosen: tuple[int, PresenceState], until: datetime
    ) -> bool:
        """Take in a sign, in any order; return whether the member's state is another now."""
        before = self.state_of(place)
        known = self.choice_of(place)
        signs = self._until.setdefault(place, {})
        if until > now():
            signs[origin] = until
        else:
            signs.pop(origin, None)
        if known is None or chosen[0] >= known[0]:
            self._chosen[place] = chosen
        return self.state_of(place) is not before

    def sweep(self) -> list[Place]:
        """Forget whose signs have all ended, and return them."""
        gone = [place for place in self._until if self.until(place) is None]
        for place in gone:
            del self._until[place]
            self._chosen.pop(place, None)
        return gone

    def __bool__(self) -> bool:
        """Tell whether anything is known."""
        return bool(self._until)


class _Roll:
    """The attendance as this process knows it, and its own share in it."""

    broker: Broker | None = None
    unlisten: Callable[[], None] | None = None
    origin = ""
    attendance = Attendance()
    sockets: ClassVar[Counter[Place]] = Counter()
    """How many sockets of each member are open here."""
    listeners: ClassVar[dict[object, Listener]] = {}
    repeat: asyncio.TimerHandle | None = None
    sweep: asyncio.TimerHandle | None = None


def attend_with(broker: Broker | None) -> None:
    """Carry signs through `broker` from now on; called once when the process starts and ends."""
    if _Roll.unlisten is not None:
        _Roll.unlisten()
    for timer in (_Roll.repeat, _Roll.sweep):
        if timer is not None:
            timer.cancel()
    _Roll.repeat = _Roll.sweep = None
    _Roll.attendance = Attendance()
    _Roll.sockets.clear()
    _Roll.origin = uuid.uuid4().hex[:12]
    _Roll.broker = broker
    _Roll.unlisten = broker.listen(_hear) if broker is not None else None


def on_change(listener: Listener) -> Callable[[], None]:
    """Call back for each member whose state changes; return what ends it."""
    ticket = object()
    _Roll.listeners[ticket] = listener

    def end() -> None:
        _Roll.listeners.pop(ticket, None)

    return end


def presence_of(workspace_id: int, member_id: int) -> tuple[PresenceState, datetime]:
    """Return whether a member is there, and how long that holds unless more is heard."""
    place = (workspace_id, member_id)
    return _Roll.attendance.state_of(place), _Roll.attendance.until(place) or now()


def enter(places: Collection[Place]) -> Callable[[], None]:
    """Note a socket of a member, wherever they are one; return what notes its end."""
    _Roll.sockets.update(places)
    _tell(places, _Roll.origin, _expiry())
    _repeat_later()

    def leave() -> None:
        gone = []
        for place in places:
            _Roll.sockets[place] -= 1
            if _Roll.sockets[place] <= 0:
                del _Roll.sockets[place]
                gone.append(place)
        _tell(gone, _Roll.origin, now())

    return leave


def choose(places: Collection[Place], state: PresenceState) -> datetime:
    """Note what a member chose; return until when it holds where they have no socket open."""
    chosen = (_milliseconds(), state)
    expires_at = _expiry()
    here = [place for place in places if place in _Roll.sockets]
    elsewhere = [place for place in places if place not in _Roll.sockets]
    _tell(here, _Roll.origin, expires_at, chosen)
    _tell(elsewhere, f"{_Roll.origin}!", expires_at, chosen)  # nobody repeats or ends this one
    return expires_at


def _milliseconds() -> int:
    return int(now().timestamp() * 1000)


def _expiry() -> datetime:
    return now() + timedelta(seconds=PRESENCE_TTL_SECONDS)


def _tell(
    places: Iterable[Place],
    origin: str,
    until: datetime,
    chosen: tuple[int, PresenceState] | None = None,
) -> None:
    """Take signs in and tell them to every process; who comes is online unless they chose."""
    by_workspace: dict[int, list[str]] = {}
    for place in places:
        known = chosen or _Roll.attendance.choice_of(place)
        moment, state = known or (_milliseconds(), PresenceState.ONLINE)
        _take_in(place, origin, (moment, state), until)
        sign = f"{place[1]} {state.value} {moment}"
        by_workspace.setdefault(place[0], []).append(sign)
    for workspace_id, signs in by_workspace.items():
        for start in range(0, len(signs), SIGNS_AT_ONCE):
            _signal(workspace_id, origin, signs[start : start + SIGNS_AT_ONCE], until)


def _signal(workspace_id: int, origin: str, signs: Iterable[str], until: datetime) -> None:
    if _Roll.broker is not None:
        _Roll.broker.signal(
            workspace_id,
            {
                "kind": "presence",
                "origin": origin,
                "signs": ",".join(signs),
                "expires_at": until.isoformat(),
            },
        )


def _hear(news: Wake | Signal) -> None:
    """Take in the signs that a signal carries; our own were taken in before they were told."""
    if not isinstance(news, Signal) or news.payload.get("kind") != "presence":
        return
    origin = str(news.payload["origin"])
    if origin.rstrip("!") == _Roll.origin:
        return
    until = datetime.fromisoformat(str(news.payload["expires_at"]))
    for sign in str(news.payload["signs"]).split(","):
        member_id, state, moment = sign.split()
        chosen = (int(moment), PresenceState(state))
        _take_in((news.workspace_id, int(member_id)), origin, chosen, until)


def _take_in(place: Place, origin: str, chosen: tuple[int, PresenceState], until: datetime) -> None:
    if _Roll.attendance.note(place, origin, chosen, until):
        _call(place)
    if _Roll.sweep is None:
        _sweep_later()


def _call(place: Place) -> None:
    for listener in tuple(_Roll.listeners.values()):
        listener(*place)


def _sweep_later() -> None:
    pause = PRESENCE_TTL_SECONDS / SWEEPS_PER_TTL
    _Roll.sweep = asyncio.get_running_loop().call_later(pause, _sweep)


def _sweep() -> None:
    """Tell of those of whom nothing was heard any more."""
    _Roll.sweep = None
    for place in _Roll.attendance.sweep():
        _call(place)
    if _Roll.attendance:
        _sweep_later()


def _repeat_later() -> None:
    if _Roll.repeat is None:
        pause = PRESENCE_TTL_SECONDS / REPEATS_PER_TTL
        _Roll.repeat = asyncio.get_running_loop().call_later(pause, _repeat)


def _repeat() -> None:
    """Say again who has a socket here."""
    _Roll.repeat = None
    if _Roll.sockets:
        _tell(list(_Roll.sockets), _Roll.origin, _expiry())
        _repeat_later()
