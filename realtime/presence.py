"""Typing: signs that expire by themselves and are never stored; presence is in `attendance`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from models.clock import now
from realtime.attendance import attend_with
from realtime.broker import Broker, Signal, Wake

TYPING_TTL_SECONDS = 6.0
"""How long a sign of typing holds; clients repeat `startTyping` about every three seconds."""


@dataclass(frozen=True, slots=True)
class Typing:
    """Somebody is typing in a conversation, or has stopped."""

    workspace_id: int
    conversation_id: int
    actor: str
    """`member:5`, or `ai_agent:2`."""
    surface: str
    """`MESSAGE` or `COMMENT`."""
    is_typing: bool
    expires_at: datetime


class _Air:
    """The broker that carries the signals of this process; without one, nobody hears them."""

    broker: Broker | None = None
    unlisten: Callable[[], None] | None = None
    typing: ClassVar[dict[tuple[int, str], datetime]] = {}
    """Who types in which conversation, as far as was heard here, and until when."""


def signal_with(broker: Broker | None) -> None:
    """Carry signals through `broker` from now on; called once when the process starts and ends."""
    if _Air.unlisten is not None:
        _Air.unlisten()
    _Air.typing.clear()
    attend_with(broker)
    _Air.broker = broker
    _Air.unlisten = broker.listen(_hear) if broker is not None else None


def _hear(news: Wake | Signal) -> None:
    """Note who types, on any process, and forget whose sign has expired."""
    typing = read_typing(news) if isinstance(news, Signal) else None
    if typing is None:
        return
    moment = now()
    for key in [key for key, until in _Air.typing.items() if until <= moment]:
        del _Air.typing[key]
    if typing.is_typing:
        _Air.typing[typing.conversation_id, typing.actor] = typing.expires_at
    else:
        _Air.typing.pop((typing.conversation_id, typing.actor), None)


def tell_typing(
    workspace_id: int, conversation_id: int, actor: str, *, surface: str, is_typing: bool
) -> datetime:
    """Tell every process that somebody types or has stopped; return when that expires.

    Of who was not heard to type nothing is told when they stop.
    """
    moment = now()
    expires_at = moment + timedelta(seconds=TYPING_TTL_SECONDS) if is_typing else moment
    if is_typing:
        _Air.typing[conversation_id, actor] = expires_at  # at once: it comes back a little later
    elif (conversation_id, actor) not in _Air.typing:
        return expires_at
    if _Air.broker is not None:
        _Air.broker.signal(
            workspace_id,
            {
                "kind": "typing",
                "conversation_id": conversation_id,
                "actor": actor,
                "surface": surface,
                "is_typing": is_typing,
                "expires_at": expires_at.isoformat(),
            },
        )
    return expires_at


def read_typing(signal: Signal) -> Typing | None:
    """Return the sign of typing that a signal carries, or None if it is of another kind."""
    payload: Mapping[str, object] = signal.payload
    if payload.get("kind") != "typing":
        return None
    return Typing(
        workspace_id=signal.workspace_id,
        conversation_id=int(str(payload["conversation_id"])),
        actor=str(payload["actor"]),
        surface=str(payload["surface"]),
        is_typing=bool(payload["is_typing"]),
        expires_at=datetime.fromisoformat(str(payload["expires_at"])),
    )
