"""Working hours: the intervals of a week in which somebody works."""

import strawberry

from resolvers import working_hours
from resolvers.working_hours import Weekday


@strawberry.type
class WorkingInterval:
    """A part of one weekday in which somebody works, by local time."""

    weekday: Weekday
    """The day."""
    start: str
    """When it begins: `09:00`."""
    end: str
    """When it is over: `17:30`, or `24:00` for the end of the day."""


@strawberry.type
class WorkingHours:
    """When somebody works in the week."""

    intervals: list[WorkingInterval]
    """The intervals in the order of the week, none of which overlap; empty: never."""


@strawberry.input
class WorkingIntervalInput:
    """A part of one weekday in which somebody works, by local time."""

    weekday: Weekday
    """The day."""
    start: str
    """When it begins: `09:00`."""
    end: str
    """When it is over: later on the same day, `24:00` at the latest."""


def intervals_in(
    given: list[WorkingIntervalInput] | None,
) -> list[working_hours.WorkingInterval] | None:
    """Return the intervals of an input."""
    if given is None:
        return None
    return [working_hours.WorkingInterval(one.weekday, one.start, one.end) for one in given]


def working_hours_of(text: str | None) -> WorkingHours | None:
    """Return the hours that a row keeps."""
    kept = working_hours.decode_working_hours(text)
    if kept is None:
        return None
    intervals = [WorkingInterval(weekday=one.weekday, start=one.start, end=one.end) for one in kept]
    return WorkingHours(intervals=intervals)
