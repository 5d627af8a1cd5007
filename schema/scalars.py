"""The scalars of the contract that are ours."""

import re
from datetime import date, datetime, time

import strawberry
from strawberry.types.scalar import ScalarDefinition

from models.clock import written


def parse_moment(value: object) -> datetime:
    """Read an ISO 8601 moment; without an offset it names no moment."""
    if not isinstance(value, str):
        raise ValueError("A DateTime is a text in ISO 8601.")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("A DateTime needs an offset, such as Z or +02:00.")
    return moment


def parse_date(value: object) -> date:
    """Read a day as YYYY-MM-DD, the one form of ISO 8601 that is taken."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        raise ValueError("A Date is a text such as 2026-11-25.")
    return date.fromisoformat(value)


def parse_time(value: object) -> time:
    """Read a time of day as HH:MM."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{2}:\d{2}", value, re.ASCII):
        raise ValueError("A Time is a text such as 09:30.")
    return time.fromisoformat(value)


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in ISO 8601 with its offset, such as 2026-11-22T20:07:00+01:00."
        " Answers are in UTC and to the microsecond: their order as texts is their order in time.",
        serialize=written,
        parse_value=parse_moment,
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
    ),
    date: strawberry.scalar(
        name="Date",
        description="A day as YYYY-MM-DD, such as 2026-11-25.",
        serialize=date.isoformat,
        parse_value=parse_date,
    ),
    time: strawberry.scalar(
        name="Time",
        description="A time of day as HH:MM, such as 09:30.",
        serialize=lambda value: value.strftime("%H:%M"),
        parse_value=parse_time,
    ),
}
