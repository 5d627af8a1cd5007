"""Typing and presence: ephemeral signals that expire by themselves and are never stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.clock import now
from realtime.broker import Broker, Signal

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


def signal_with(broker: Broker | None) -> None:
    """Carry signals through `broker` from now on; called once when the process starts and ends."""
    _Air.broker = broker


def tell_typing(
    workspace_id: int, conversation_id: int, actor: str, *, surface: str, is_typing: bool
) -> datetime:
    """Tell every process that somebody types or has stopped; return when that expires."""
    moment = now()
    expires_at = moment + timedelta(seconds=TYPING_TTL_SECONDS) if is_typing else moment
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
