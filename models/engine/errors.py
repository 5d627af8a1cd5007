"""Errors of both databases: nothing is wrong with the request; or it has taken too long."""

from collections.abc import Callable
from types import TracebackType

from tortoise.exceptions import OperationalError


class TransientDatabaseError(OperationalError):
    """A serialization failure, a deadlock, a busy database or a lost connection.

    Where it is raised by the commit itself over a lost connection, the commit may have happened:
    only what carries an idempotency key, or is conditional, may be repeated unseen.
    """


class TooSlowError(Exception):
    """A statement has taken as long as it may, and was stopped."""


class Translation:
    """Raises what a driver raises as another error; it keeps nothing, so that one serves all."""

    def __init__(self, translate: Callable[[BaseException], Exception | None]) -> None:
        self._translate = translate

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Raise the other error in place of one that has another."""
        if error is not None and (other := self._translate(error)) is not None:
            raise other from error
