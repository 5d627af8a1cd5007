"""The transaction that tells: rows, events and jobs commit together, and are told after commit."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import groupby

import msgspec
from tortoise.transactions import in_transaction

from models.clock import now
from models.engine import sql
from realtime.broker import Broker
from realtime.events import Fact, encode

JOBS_WORKSPACE = -1
"""A wake-up under this number says that jobs wait, in whatever workspace."""


class Announce:
    """Collects the facts and jobs of one transaction; `announce(fact)` is how a resolver tells."""

    def __init__(self) -> None:
        self._facts: list[Fact] = []
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

    async def write(self) -> None:
        """Write the jobs, then the events: their counter's row lock is the last one taken."""
        if self._jobs:
            await self._write_jobs()
        facts = sorted(self._facts, key=lambda fact: fact.workspace_id)
        for workspace_id, group in groupby(facts, key=lambda fact: fact.workspace_id):
            self._heads[workspace_id] = await self._write_events(workspace_id, list(group))

    async def _write_jobs(self) -> None:
        row = "(?, ?, 'READY', ?, 0, ?, ?, 0, ?)"
        await sql.affected(
            "INSERT INTO job (kind, payload, state, run_at, attempts, ordering_key, dedupe_key,"
            f" fence, created_at) VALUES {', '.join([row] * len(self._jobs))}"
            " ON CONFLICT (dedupe_key) DO NOTHING",
            *(value for job in self._jobs for value in job),
        )

    async def _write_events(self, workspace_id: int, facts: list[Fact]) -> int:
        """Write the events of one workspace and return the last one's number.

        On PostgreSQL in one statement: between the counter's lock and the commit nothing waits.
        """
        if sql.dialect() == "postgres":
            return await self._write_events_at_once(workspace_id, facts)
        counters = await sql.rows(
            "UPDATE event_counter SET seq = seq + ? WHERE workspace_id = ? RETURNING seq",
            len(facts),
            workspace_id,
        )
        if not counters:
            raise LookupError(f"The workspace {workspace_id} has no log.")
        head = int(counters[0]["seq"])
        moment = now()
        values = [
            (workspace_id, head - len(facts) + place, type(fact).__name__, encode(fact), moment)
            for place, fact in enumerate(facts, start=1)
        ]
        await sql.affected(
            "INSERT INTO event (workspace_id, seq, kind, payload, created_at) VALUES "
            + ", ".join(["(?, ?, ?, ?, ?)"] * len(values)),
            *(value for row in values for value in row),
        )
        return head

    async def _write_events_at_once(self, workspace_id: int, facts: list[Fact]) -> int:
        count = len(facts)
        places = ", ".join(
            f"({place}, cast(? as text), cast(? as text))" for place in range(1, count + 1)
        )
        rows = await sql.records(
            "WITH counter AS (UPDATE event_counter SET seq = seq + cast(? as bigint)"
            " WHERE workspace_id = ? RETURNING seq)"
            " INSERT INTO event (workspace_id, seq, kind, payload, created_at)"
            f" SELECT cast(? as bigint), counter.seq - {count} + fact.place, fact.kind,"
            " fact.payload, cast(? as timestamptz)"
            f" FROM counter, (VALUES {places}) AS fact (place, kind, payload) RETURNING seq",
            count,
            workspace_id,
            workspace_id,
            now(),
            *(text for fact in facts for text in (type(fact).__name__, encode(fact))),
        )
        if not rows:
            raise LookupError(f"The workspace {workspace_id} has no log.")
        return max(int(row[0]) for row in rows)

    def tell(self, broker: Broker | None) -> None:
        """Wake the readers of what was committed; losing this costs latency, never an event."""
        if broker is None:
            return
        for workspace_id, head in self._heads.items():
            broker.wake(workspace_id, head)
        if self._jobs:
            broker.wake(JOBS_WORKSPACE, 0)


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
        async with in_transaction():
            yield announce
            await announce.write()
    except asyncio.CancelledError:
        # Perhaps it was committed first: then others shall not have to wait for the next poll.
        announce.tell(_Bell.broker)
        raise
    announce.tell(_Bell.broker)
