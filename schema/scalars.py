"""The scalars of the contract that are ours."""

from datetime import datetime

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


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in ISO 8601 with its offset, such as 2026-11-22T20:07:00+01:00."
        " Answers are in UTC and to the microsecond: their order as texts is their order in time.",
        serialize=written,
        parse_value=parse_moment,
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
    )
}
