"""Deadlines: one timer for all that may take equally long, where each had one of its own."""

import asyncio
from types import TracebackType


class Limit:
    """What `asyncio.timeout` does, without a timer: raises TimeoutError once the time is over."""

    __slots__ = ("cancelling", "deadlines", "end", "is_over", "task")

    def __init__(self, deadlines: "Deadlines", task: "asyncio.Task[object]", end: float) -> None:
        self.deadlines = deadlines
        self.task = task
        self.end = end
        self.cancelling = task.cancelling()
        self.is_over = False

    def __enter__(self) -> "Limit":
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, and tell the cancellation that was ours from those of others."""
        self.deadlines.running.pop(self, None)
        if self.is_over:
            is_ours = self.task.uncancel() <= self.cancelling
            if is_ours and kind is not None and issubclass(kind, asyncio.CancelledError):
                raise TimeoutError from error


class Deadlines:
    """Limits of the same length: who began first ends first, so that one timer serves them all."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.running: dict[Limit, None] = {}
        """Those that have begun and not ended, in their order."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_timed = False

    def limit(self) -> Limit:
        """Return a limit for the task that asks, which begins now: `with deadlines.limit():`."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._is_timed = loop, False
            self.running.clear()  # of a loop that is over
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("Only a task can have a deadline.")
        begun = Limit(self, task, loop.time() + self.seconds)
        self.running[begun] = None
        if not self._is_timed:
            self._time(loop, begun)
        return begun

    def _time(self, loop: asyncio.AbstractEventLoop, first: Limit) -> None:
        loop.call_at(first.end, self._look, loop)
        self._is_timed = True

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """End those whose time is over, and come back for the next one."""
        if loop is not self._loop:
            return
        self._is_timed = False
        for one in list(self.running):
            if one.end > loop.time():
                self._time(loop, one)
                return
            del self.running[one]
            one.is_over = True
            one.task.cancel()
