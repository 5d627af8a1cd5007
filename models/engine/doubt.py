"""Doubt: while it is not proved who asks, nothing can be committed, whatever the code above does.

What a viewer does who is only remembered runs with their proof as the open question. A transaction
that ends before its answer is undone, and no statement outside of one may write.
"""

from contextvars import ContextVar
from typing import Protocol


class Question(Protocol):
    """What has to hold."""

    holds: bool


class UnprovenError(Exception):
    """It was not proved who asks: nothing has happened, and they have to be looked up."""


question: ContextVar[Question | None] = ContextVar("question", default=None)


def in_doubt() -> bool:
    """Tell whether it is yet to be proved who asks."""
    asked = question.get()
    return asked is not None and not asked.holds


def refuse_doubt() -> None:
    """Raise UnprovenError while it is not proved who asks."""
    if in_doubt():
        raise UnprovenError
