"""The transaction that tells: rows, events and jobs commit together, and are told after commit."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from itertools import chain, groupby
from typing import Any, Protocol

import msgspec
from tortoise.backends.base.client import TransactionalDBClient

from models.clock import now
from models.engine import sql
from models.engine.doubt import refuse_doubt
from models.queries import insert_of, update_of
from models.records import Table
from realtime.broker import Broker
from realtime.events import Fact, encode

JOBS_WORKSPACE = -1
"""A wake-up under this number says that jobs wait, in whatever workspace."""


class Keeper(Protocol):
    """What is written once with whatever else the outermost transaction writes."""

    is_kept: bool

    def statements(self, told_in: int | None) -> Sequence[sql.Statement]:
        """Return what is to be written; `told_in` is the workspace of the facts, if there are."""


keeper: ContextVar[Keeper | None] = ContextVar("keeper", default=None)


class Announce:
    """Collects the facts and jobs of one transaction; `announce(fact)` is how a resolver tells."""

    def __init__(self) -> None:
        self._facts: list[Fact] = []
        self._inserts: list[sql.Statement] = []
        self._saves: dict[tuple[str, int], tuple[Table[Any], Any, dict[str, None]]] = {}
        self._jobs: list[tuple[object, ...]] = []
        self._heads: dict[int, int] = {}

    def __call__(self, fact: Fact) -> None:
        """Announce a fact: it becomes an event of its workspace when the transaction commits."""
        self._facts.append(fact)

    def job(
        self,
        kind: str,
        payload: Mapping[str, int | str],
        *,
        run_at: datetime | None = None,
        ordering_key: str | None = None,
        dedupe_key: str | None = None,
    ) -> None:
        """Enqueue a durable job, due at `run_at` (aware) or at once.

        Jobs of one `ordering_key` run one at a time in the order in which they were enqueued.
        A second job with the `dedupe_key` of one that waits is dropped.
        """
        moment = now()
        encoded = msgspec.json.encode(payload).decode()
        # SQLite's clock cuts to milliseconds: what is due at once must not lie ahead of it.
        at_once = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        self._jobs.append((kind, encoded, run_at or at_once, ordering_key, dedupe_key, moment))

    def save(self, table: Table[Any], row: Any, names: Iterable[str]) -> None:
        """Have columns of a locked record written with the events, as they are by then.

        Raises RuntimeError for a row of which another record is to be written: one would be lost.
        """
        _, known, kept = self._saves.setdefault((table.name, row.id), (table, row, {}))
        if known is not row:
            raise RuntimeError(f"Two records of {table.name} {row.id} in one transaction")
        kept.update(dict.fromkeys(names))

    def insert(self, table: str, **values: Any) -> None:
        """Have a row inserted with the events; nothing of this transaction can read it before."""
        self._inserts.append(insert_of(table, values))

    def insert_all(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Have rows of the same columns inserted with the events, by one statement."""
        if rows:
            self._inserts.append(insert_of(table, *rows))

    def keep(self, kept: Keeper) -> bool:
        """Have written what is to be kept of what was done; return whether anything is."""
        told_in = self._facts[0].workspace_id if self._facts else None
        statements = kept.statements(told_in)
        self._inserts += statements
        return bool(statements)

    async def flush(self) -> None:
        """Write now what was to be written with the events."""
        if statements := self._take():
            await sql.together(statements)

    def _take(self) -> list[sql.Statement]:
        saves = [update_of(*save) for save in self._saves.values()]
        statements = [*self._inserts, *saves]
        self._inserts, self._saves = [], {}
        return statements

    async def write(self, within: Any, *, commit: bool) -> None:
        """Write rows, jobs and then events: their counter's row lock is the last one taken.

        All of it in one round trip for one workspace, by the client of the transaction; with
        `commit`, SQLite's includes the end.
        """
        statements = self._take()
        if self._jobs:
            statements.append(self._jobs_statement())
        facts = sorted(self._facts, key=lambda fact: fact.workspace_id)
        groups = [(key, list(one)) for key, one in groupby(facts, key=lambda f: f.workspace_id)]
        if not groups and statements:
            await sql.together(statements, within=within, commit=commit)
        dialect = within.capabilities.dialect
        for number, (workspace_id, group) in enumerate(groups, start=1):
            statements += _event_statements(dialect, workspace_id, group, len(statements))
            is_last = commit and number == len(groups)
            rows = await sql.together(statements, within=within, commit=is_last)
            if not rows:
                raise LookupError(f"The workspace {workspace_id} has no log.")
            self._heads[workspace_id] = max(int(row[0]) for row in rows)
            statements = []

    def _jobs_statement(self) -> sql.Statement:
        row = "(?, ?, 'READY', ?, 0, ?, ?, 0, ?)"
        query = (
            "INSERT INTO job (kind, payload, state, run_at, attempts, ordering_key, dedupe_key,"
            f" fence, created_at) VALUES {', '.join([row] * len(self._jobs))}"
            " ON CONFLICT (dedupe_key) DO NOTHING"
        )
        return query, [value for job in self._jobs for value in job]

    def tell(self, broker: Broker | None) -> None:
        """Wake the readers of what was committed; losing this costs latency, never an event."""
        if broker is None:
            return
        for workspace_id, head in self._heads.items():
            broker.wake(workspace_id, head)
        if self._jobs:
            broker.wake(JOBS_WORKSPACE, 0)


_RAISED = "UPDATE event_counter SET seq = seq + cast(? as bigint) WHERE workspace_id = ?"
_INSERTED = "INSERT INTO event (workspace_id, seq, kind, payload, created_at)"


def _event_statements(
    dialect: str, workspace_id: int, facts: Sequence[Fact], before: int
) -> list[sql.Statement]:
    """Return the statements that number and insert events; the last returns the numbers.

    `before` statements run ahead of them.
    """
    count, moment = len(facts), now()
    events = [(type(fact).__name__, encode(fact)) for fact in facts]
    if dialect == "postgres":
        values = [workspace_id, moment, *chain.from_iterable(events)]
        return [
            (f"{_RAISED} RETURNING seq", [count, workspace_id]),
            (_insert_after(before, count), values),
        ]
    head = "(SELECT seq FROM event_counter WHERE workspace_id = ?)"
    rows = ", ".join(f"(?, {head} - {count - place}, ?, ?, ?)" for place in range(1, count + 1))
    values = [
        value
        for kind, payload in events
        for value in (workspace_id, workspace_id, kind, payload, moment)
    ]
    query = f"{_INSERTED} VALUES {rows} RETURNING seq"
    return [(_RAISED, [count, workspace_id]), (query, values)]


@lru_cache(maxsize=256)
def _insert_after(before: int, count: int) -> str:
    """Return PostgreSQL's statement, which takes its numbers from the step that raised them."""
    rows = ", ".join(
        f"({place}, cast(? as text), cast(? as text))" for place in range(1, count + 1)
    )
    return (
        f"{_INSERTED} SELECT cast(? as bigint), counter.seq - {count} + fact.place, fact.kind,"
        f" fact.payload, cast(? as timestamptz) FROM step{before} AS counter,"
        f" (VALUES {rows}) AS fact (place, kind, payload) RETURNING seq"
    )


class _Bell:
    """The broker of this process, rung after each commit; without one, readers poll."""

    broker: Broker | None = None


def ring_with(broker: Broker | None) -> None:
    """Wake readers through `broker` from now on; called once when the process starts and ends."""
    _Bell.broker = broker


@asynccontextmanager
async def transaction() -> AsyncIterator[Announce]:
    """Open the unit of work: what happens inside is committed whole, then told, or not at all."""
    announce = Announce()
    try:
        client = sql.client()
        is_outermost = not isinstance(client, TransactionalDBClient)
        kept = keeper.get() if is_outermost else None
        async with client._in_transaction() as within:
            yield announce
            refuse_doubt()
            has_kept = kept is not None and announce.keep(kept)
            await announce.write(within, commit=is_outermost)
        if kept is not None and has_kept:
            kept.is_kept = True
    except asyncio.CancelledError:
        # Perhaps it was committed first: then others shall not have to wait for the next poll.
        announce.tell(_Bell.broker)
        raise
    announce.tell(_Bell.broker)
