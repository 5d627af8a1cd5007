"""The only clock of the code, and how a moment is written; due times are the database's."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current moment, aware, in UTC."""
    return datetime.now(UTC)


def written(moment: datetime) -> str:
    """Return a moment as everything outside gets it: ISO 8601 in UTC, always to the microsecond.

    All of one width, so that the order of texts is the order of moments, and so that a database
    can write it as well. Raises ValueError for a moment without a zone.
    """
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise ValueError(f"A moment must be aware of its zone: {moment}")
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")
