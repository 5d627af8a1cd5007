"""Working hours: the intervals of a week, by local time, in which somebody works."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

import msgspec

from models.refusal import Code, Refused

MAX_INTERVALS = 50
"""How many intervals a week has."""
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_MIDNIGHT = "24:00"


class Weekday(Enum):
    """A day of the week."""

    MONDAY = "MONDAY"
    """Monday."""
    TUESDAY = "TUESDAY"
    """Tuesday."""
    WEDNESDAY = "WEDNESDAY"
    """Wednesday."""
    THURSDAY = "THURSDAY"
    """Thursday."""
    FRIDAY = "FRIDAY"
    """Friday."""
    SATURDAY = "SATURDAY"
    """Saturday."""
    SUNDAY = "SUNDAY"
    """Sunday."""


@dataclass(frozen=True, slots=True)
class WorkingInterval:
    """A part of one weekday, by local time: from `start` until just before `end`."""

    weekday: Weekday
    start: str
    """`09:00`"""
    end: str
    """`17:30`, or `24:00` for the end of the day."""


_DAYS = {weekday: number for number, weekday in enumerate(Weekday)}


def _order(interval: WorkingInterval) -> tuple[int, str]:
    return _DAYS[interval.weekday], interval.start


def check_working_hours(intervals: Sequence[WorkingInterval]) -> list[WorkingInterval]:
    """Return intervals in the order of the week; refuse what is no time, empty, or overlaps."""
    if len(intervals) > MAX_INTERVALS:
        raise Refused(
            Code.INVALID,
            "A week has at most {limit} intervals of work.",
            field=("workingHours",),
            limit=MAX_INTERVALS,
        )
    for one in intervals:
        is_end = one.end == _MIDNIGHT or _TIME.fullmatch(one.end)
        if not _TIME.fullmatch(one.start) or not is_end or one.start >= one.end:
            raise Refused(
                Code.INVALID,
                "An interval of work is from an earlier to a later time, such as 09:00 to 17:30.",
                field=("workingHours",),
            )
    ordered = sorted(intervals, key=_order)
    for before, after in pairwise(ordered):
        if before.weekday is after.weekday and after.start < before.end:
            raise Refused(
                Code.INVALID, "Intervals of work do not overlap.", field=("workingHours",)
            )
    return ordered


def encode_working_hours(intervals: Sequence[WorkingInterval] | None) -> str | None:
    """Return checked intervals as a row keeps them; None for none that were chosen."""
    if intervals is None:
        return None
    ordered = check_working_hours(intervals)
    return msgspec.json.encode(
        [[one.weekday.value, one.start, one.end] for one in ordered]
    ).decode()


def decode_working_hours(text: str | None) -> list[WorkingInterval] | None:
    """Return the intervals that a row keeps; the inverse of `encode_working_hours`."""
    if text is None:
        return None
    rows = msgspec.json.decode(text, type=list[tuple[Weekday, str, str]])
    return [WorkingInterval(*row) for row in rows]
