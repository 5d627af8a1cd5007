"""Which SQL statements were sent, so that tests can hold the code to a number of round trips."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(eq=False)
class StatementCounter:
    """The statements sent while it was open, in order; BEGIN, COMMIT and their like included."""

    statements: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Return how many statements were sent."""
        return len(self.statements)

    def clear(self) -> None:
        """Forget what was counted so far."""
        self.statements.clear()


_here: ContextVar[tuple[StatementCounter, ...]] = ContextVar("statement_counters", default=())
_everywhere: list[StatementCounter] = []


def note(statement: str) -> None:
    """Count a statement that is about to be sent."""
    for counter in _everywhere:
        counter.statements.append(statement)
    for counter in _here.get():
        counter.statements.append(statement)


@contextmanager
def count_statements(*, everywhere: bool = False) -> Iterator[StatementCounter]:
    """Count the statements of this task and those it starts; `everywhere`: of the process."""
    counter = StatementCounter()
    if everywhere:
        _everywhere.append(counter)
        try:
            yield counter
        finally:
            _everywhere.remove(counter)
        return
    token = _here.set((*_here.get(), counter))
    try:
        yield counter
    finally:
        _here.reset(token)
