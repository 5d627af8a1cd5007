"""Rate limits: how often something may be tried, counted in the database for all processes."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from models.engine import sql
from models.refusal import RateLimited
from resolvers.client import Client
from resolvers.tokens import hash_token
from settings import Settings


@dataclass(frozen=True, slots=True)
class Limit:
    """What is allowed in one window."""

    seconds: int
    attempts: int
    failures: int


def log_in_limits(account: str, client: Client, settings: Settings) -> Mapping[str, Limit]:
    """Return what limits an attempt to prove to be an account, the address first."""
    seconds = settings.log_in_window_seconds
    address = Limit(
        seconds, settings.log_in_attempts_per_address, settings.log_in_failures_per_address
    )
    name = Limit(
        seconds, settings.log_in_attempts_per_account, settings.log_in_failures_per_account
    )
    return _limits("log in", account, client, address, name)


def reset_limits(account: str, client: Client, settings: Settings) -> Mapping[str, Limit]:
    """Return what limits requests for another password, the address first."""
    seconds = settings.password_reset_window_seconds
    address, name = settings.password_resets_per_address, settings.password_resets_per_account
    return _limits(
        "reset", account, client, Limit(seconds, address, address), Limit(seconds, name, name)
    )


def _limits(
    deed: str, account: str, client: Client, address: Limit, name: Limit
) -> Mapping[str, Limit]:
    limits = {f"{deed} as {account}": name}
    network = client.network
    return limits if network is None else {f"{deed} from {network}": address, **limits}


async def begin_attempt(limits: Mapping[str, Limit]) -> None:
    """Count an attempt, as a failure until it has succeeded; raise RateLimited past a limit.

    An attempt counts before it is made: however many come at once, no more than allowed are made.
    What the first limit refuses is not counted for the others.
    """
    for subject, limit in limits.items():
        [row] = await sql.rows(
            "INSERT INTO rate_window AS w (subject, attempts, failures, begins_at, ends_at)"
            f" VALUES (?, 1, 1, {sql.database_now()}, {sql.database_now(limit.seconds)})"
            " ON CONFLICT (subject) DO UPDATE SET"
            " attempts = CASE WHEN w.ends_at <= excluded.begins_at THEN 1 ELSE w.attempts + 1 END,"
            " failures = CASE WHEN w.ends_at <= excluded.begins_at THEN 1 ELSE w.failures + 1 END,"
            " begins_at = CASE WHEN w.ends_at <= excluded.begins_at THEN excluded.begins_at"
            " ELSE w.begins_at END,"
            " ends_at = CASE WHEN w.ends_at <= excluded.begins_at THEN excluded.ends_at"
            " ELSE w.ends_at END"
            f" RETURNING attempts, failures, ends_at, {sql.database_now()} AS clock",
            hash_token(subject),
        )
        if row["attempts"] > limit.attempts or row["failures"] > limit.failures:
            left = (sql.moment(row["ends_at"]) - sql.moment(row["clock"])).total_seconds()
            raise RateLimited(max(1, ceil(left)))


async def end_attempt(limits: Mapping[str, Limit]) -> None:
    """Note that an attempt has succeeded."""
    subjects = [hash_token(subject) for subject in limits]
    await sql.affected(
        "UPDATE rate_window SET failures = failures - 1 WHERE failures > 0"
        f" AND subject IN ({sql.marks(subjects)})",
        *subjects,
    )
