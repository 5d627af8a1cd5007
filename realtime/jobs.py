"""The runner of the durable jobs: claim, lease with fencing, retry with backoff, dead letters."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import structlog

from models.engine import sql
from models.engine.errors import TransientDatabaseError
from models.job import JobState
from realtime.broker import EVERY_WORKSPACE, Broker, Signal, Wake
from realtime.transaction import JOBS_WORKSPACE

LEASE_SECONDS = 60.0
"""A worker silent for this long has lost its jobs."""
CLAIM_AT_ONCE = 20
POLL_SECONDS = 1.0
BLOCKED_POLL_SECONDS = 0.25
"""The pause while due jobs wait for an earlier one of their ordering key."""
MAX_ATTEMPTS = 12
BACKOFF_BASE_SECONDS = 1.0
BACKOFF_CAP_SECONDS = 600.0

log = structlog.get_logger()
T = TypeVar("T")


class LeaseLost(Exception):  # noqa: N818 - a fact about the job, not an error of the program
    """Another worker holds the job now: whatever this one was about to write must roll back."""


class Retry(Exception):  # noqa: N818 - what a handler asks for
    """Raised by a handler: the job is to run again, after a while.

    `after_seconds` overrides the backoff; `for_seconds` bounds how long a job is retried in all
    (default: MAX_ATTEMPTS attempts).
    """

    def __init__(
        self, reason: str, *, after_seconds: float | None = None, for_seconds: float | None = None
    ) -> None:
        super().__init__(reason)
        self.after_seconds = after_seconds
        self.for_seconds = for_seconds


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job that this worker holds until its lease ends."""

    id: int
    kind: str
    payload: Mapping[str, Any]
    attempts: int
    """This attempt counted: 1 at the first."""
    fence: int
    created_at: datetime

    async def complete(self) -> None:
        """Remove the job, in the transaction of its effect; raise LeaseLost if it is not ours."""
        done = await sql.affected("DELETE FROM job WHERE id = ? AND fence = ?", self.id, self.fence)
        if done == 0:
            raise LeaseLost(f"job {self.id}")


Handler = Callable[[ClaimedJob], Awaitable[None]]


def backoff_seconds(attempts: int) -> float:
    """Return the pause after the given number of attempts: doubling, capped, with jitter."""
    pause = min(BACKOFF_BASE_SECONDS * 2.0 ** min(attempts - 1, 20), BACKOFF_CAP_SECONDS)
    return pause * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret


async def claim(limit: int = CLAIM_AT_ONCE) -> list[ClaimedJob]:
    """Take up to `limit` due jobs, in order of their due time, by the database's clock.

    A job waits while an earlier one of its ordering key is unfinished. One whose lease has run
    out is taken again.
    """
    lock = " FOR UPDATE SKIP LOCKED" if sql.dialect() == "postgres" else ""
    due = (
        f"(j.state = 'READY' AND j.run_at <= {sql.database_now()}"
        f" OR j.state = 'RUNNING' AND j.lease_until < {sql.database_now()})"
    )
    first_of_its_key = (
        "(j.ordering_key IS NULL OR NOT EXISTS (SELECT 1 FROM job e"
        " WHERE e.ordering_key = j.ordering_key AND e.id < j.id AND e.state <> 'DEAD'))"
    )
    rows = await sql.rows(
        "UPDATE job SET state = 'RUNNING', attempts = attempts + 1, fence = fence + 1,"
        f" lease_until = {sql.database_now(LEASE_SECONDS)} WHERE id IN ("
        f"SELECT j.id FROM job j WHERE {due} AND {first_of_its_key}"
        f" ORDER BY j.run_at, j.id LIMIT {int(limit)}{lock})"
        " RETURNING id, kind, payload, attempts, fence, run_at, created_at"
    )
    rows.sort(key=lambda row: (sql.moment(row["run_at"]), row["id"]))
    return [
        ClaimedJob(
            row["id"],
            row["kind"],
            msgspec.json.decode(row["payload"]),
            row["attempts"],
            row["fence"],
            sql.moment(row["created_at"]),
        )
        for row in rows
    ]


async def put_back(job: ClaimedJob, error: str, *, after_seconds: float | None) -> None:
    """Give a claimed job back: to run again after a pause, or dead if `after_seconds` is None.

    A dead one waits for nothing: it gives its dedupe key free.
    """
    state, freed = ("DEAD", ", dedupe_key = NULL") if after_seconds is None else ("READY", "")
    await sql.affected(
        f"UPDATE job SET state = ?, run_at = {sql.database_now(after_seconds or 0)},"
        f" lease_until = NULL, last_error = ?{freed} WHERE id = ? AND fence = ?",
        state,
        error[:2000],
        job.id,
        job.fence,
    )


async def cancel(ordering_key: str) -> int:
    """Remove the jobs of a key that no worker has taken, with the transaction; return how many."""
    return await sql.affected(
        "DELETE FROM job WHERE ordering_key = ? AND state = 'READY'", ordering_key
    )


async def count_jobs() -> dict[str, int]:
    """Return how many jobs are in each state."""
    rows = await sql.rows("SELECT state, COUNT(*) AS count FROM job GROUP BY state")
    return {state.value: 0 for state in JobState} | {row["state"]: row["count"] for row in rows}


async def revive(job_id: int) -> bool:
    """Make a dead job ready again; return whether there was one. For operators."""
    revived = await sql.affected(
        f"UPDATE job SET state = 'READY', attempts = 0, run_at = {sql.database_now()}"
        " WHERE id = ? AND state = 'DEAD'",
        job_id,
    )
    return revived == 1


async def outlast(write: Callable[[], Awaitable[T]]) -> T:
    """Write what must not be forgotten, again while the database is away, as long as a lease."""
    loop = asyncio.get_running_loop()
    end = loop.time() + LEASE_SECONDS
    while True:
        try:
            return await write()
        except TransientDatabaseError:
            if loop.time() > end:
                raise
        await asyncio.sleep(POLL_SECONDS)


async def _age(job: ClaimedJob) -> float:
    """Return the seconds since a job was enqueued."""
    [clock] = await sql.rows(f"SELECT {sql.database_now()} AS now")
    return (sql.moment(clock["now"]) - job.created_at).total_seconds()


class JobRunner:
    """Runs due jobs through their handlers, up to `concurrency` at once, until stopped."""

    def __init__(
        self, handlers: Mapping[str, Handler], broker: Broker, *, concurrency: int = CLAIM_AT_ONCE
    ) -> None:
        self._handlers = handlers
        self._concurrency = concurrency
        self._awake = asyncio.Event()
        self._stopping = False
        self._running: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._unlisten = broker.listen(self._hear)

    def start(self) -> None:
        """Begin to claim jobs, in the background."""
        self._task = asyncio.create_task(self._run())

    async def stop(self, patience_seconds: float = 10.0) -> None:
        """Claim no more, let running jobs end; what does not end in time is left to its lease."""
        self._stopping = True
        self._unlisten()
        self._awake.set()
        if self._task is not None:
            await self._task
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=patience_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _hear(self, news: Wake | Signal) -> None:
        if isinstance(news, Wake) and news.workspace_id in (JOBS_WORKSPACE, EVERY_WORKSPACE):
            self._awake.set()

    async def _run(self) -> None:
        while not self._stopping:
            self._awake.clear()
            try:
                room = self._concurrency - len(self._running)
                jobs = await claim(room) if room else []
                pause = 0.0 if jobs else await self._until_next()
            except Exception:
                log.warning("jobs_not_claimed", exc_info=True)
                jobs, pause = [], POLL_SECONDS
            for job in jobs:
                task = asyncio.create_task(self.perform(job))
                self._running.add(task)
                task.add_done_callback(self._ended)
            if pause:
                await self._rest(pause)

    async def _until_next(self) -> float:
        """Return the seconds until the next job is due, at most the poll interval."""
        rows = await sql.rows("SELECT MIN(run_at) AS due FROM job WHERE state = 'READY'")
        if rows[0]["due"] is None:
            return POLL_SECONDS
        [clock] = await sql.rows(f"SELECT {sql.database_now()} AS now")
        left = (sql.moment(rows[0]["due"]) - sql.moment(clock["now"])).total_seconds()
        return min(left, POLL_SECONDS) if left > 0 else BLOCKED_POLL_SECONDS

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        except TimeoutError:
            pass

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._awake.set()

    async def perform(self, job: ClaimedJob) -> None:
        """Run one claimed job: finish it, put it back, or bury it."""
        lease = asyncio.create_task(self._renew(job))
        try:
            await self._handlers[job.kind](job)
            await sql.affected("DELETE FROM job WHERE id = ? AND fence = ?", job.id, job.fence)
        except LeaseLost:
            log.info("job_lease_lost", job_id=job.id, kind=job.kind)
        except Retry as retry:
            await self._again(job, retry)
        except Exception as error:
            log.warning("job_failed", job_id=job.id, kind=job.kind, exc_info=True)
            await self._again(job, Retry(f"{type(error).__name__}: {error}"))
        finally:
            lease.cancel()

    async def _again(self, job: ClaimedJob, retry: Retry) -> None:
        """Put a job back, or bury it once its attempts or its time are used up."""
        pause = retry.after_seconds
        if pause is None:
            pause = backoff_seconds(job.attempts)
        try:
            exhausted = await outlast(lambda: self._give_back(job, retry, pause))
        except Exception:
            log.warning("job_left_to_its_lease", job_id=job.id, exc_info=True)
            return
        if exhausted:
            log.error("job_dead", job_id=job.id, kind=job.kind, reason=str(retry))

    async def _give_back(self, job: ClaimedJob, retry: Retry, pause: float) -> bool:
        """Put a job back or bury it; return whether it is dead."""
        exhausted = job.attempts >= MAX_ATTEMPTS
        if retry.for_seconds is not None:
            exhausted = await _age(job) > retry.for_seconds
        await put_back(job, str(retry), after_seconds=None if exhausted else pause)
        return exhausted

    async def _renew(self, job: ClaimedJob) -> None:
        """Renew the lease while the handler works."""
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            try:
                await sql.affected(
                    f"UPDATE job SET lease_until = {sql.database_now(LEASE_SECONDS)}"
                    " WHERE id = ? AND fence = ?",
                    job.id,
                    job.fence,
                )
            except Exception:
                log.warning("job_lease_not_renewed", job_id=job.id, exc_info=True)
