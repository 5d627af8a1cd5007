"""The filter of a custom inbox as a client writes it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

import strawberry
from strawberry import UNSET

from models.clock import written
from models.conversation import ConversationStatus
from models.refusal import Code, Refused
from resolvers.inbox_filter import (
    AllOf,
    AnyOf,
    Choice,
    ChoiceCondition,
    ChoiceOperator,
    ContactField,
    Filter,
    Order,
    OrderCondition,
    OrderOperator,
)
from schema.ids import decode_id, split_id
from schema.objects.inbox_filter import IDS

FIELD = "filter"
MAX_LEVELS = 10
"""How deep a filter is looked at before it is refused as too deep."""


@strawberry.input
class IdConditionInput:
    """What a conversation has, compared with some objects."""

    operator: ChoiceOperator
    """How it is compared."""
    ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    """1 to 50 objects; none for EXISTS and DOES_NOT_EXIST."""


@strawberry.input
class StatusConditionInput:
    """In which tab a conversation is."""

    operator: ChoiceOperator
    """How it is compared."""
    statuses: list[ConversationStatus]
    """The tabs."""


@strawberry.input
class ContactFieldConditionInput:
    """A detail of the contact, compared letter for letter."""

    field: ContactField
    """Which detail."""
    operator: ChoiceOperator
    """How it is compared."""
    values: list[str] = strawberry.field(default_factory=list)
    """1 to 50 texts of 1 to 200 characters; none for EXISTS and DOES_NOT_EXIST."""


@strawberry.input
class MomentConditionInput:
    """A moment, compared with one or two others."""

    operator: OrderOperator
    """How it is compared."""
    at: datetime | None = None
    """What it is compared with; none for EXISTS and DOES_NOT_EXIST."""
    until: datetime | None = None
    """The later end of IS_BETWEEN."""


@strawberry.input
class MinutesConditionInput:
    """The time that has passed, in minutes: at most a year of them."""

    operator: OrderOperator
    """How it is compared; IS_EQUAL_TO and IS_NOT_EQUAL_TO mean nothing here and are refused."""
    minutes: int | None = None
    """What it is compared with; none for EXISTS and DOES_NOT_EXIST."""
    max_minutes: int | None = None
    """The longer time of IS_BETWEEN."""


@strawberry.input
class CustomTextConditionInput:
    """A custom field of kind TEXT, LIST, EMAIL or URL, compared letter for letter."""

    field_id: strawberry.ID
    """The custom field."""
    operator: ChoiceOperator
    """How it is compared."""
    values: list[str] = strawberry.field(default_factory=list)
    """1 to 50 texts of 1 to 200 characters; none for EXISTS and DOES_NOT_EXIST."""


@strawberry.input
class CustomNumberConditionInput:
    """A custom field of kind NUMBER."""

    field_id: strawberry.ID
    """The custom field."""
    operator: OrderOperator
    """How it is compared."""
    number: float | None = None
    """What it is compared with; none for EXISTS and DOES_NOT_EXIST."""
    max_number: float | None = None
    """The greater number of IS_BETWEEN."""


@strawberry.input
class CustomCheckboxConditionInput:
    """A custom field of kind CHECKBOX; one that was never set is not checked."""

    field_id: strawberry.ID
    """The custom field."""
    is_checked: bool
    """Whether it is to be checked."""


@strawberry.input
class CustomDateConditionInput:
    """A custom field of kind DATE."""

    field_id: strawberry.ID
    """The custom field."""
    operator: OrderOperator
    """How it is compared."""
    day: date | None = None
    """What it is compared with; none for EXISTS and DOES_NOT_EXIST."""
    max_day: date | None = None
    """The later day of IS_BETWEEN."""


@strawberry.input
class CustomTimeConditionInput:
    """A custom field of kind TIME."""

    field_id: strawberry.ID
    """The custom field."""
    operator: OrderOperator
    """How it is compared."""
    time_of_day: time | None = None
    """What it is compared with; none for EXISTS and DOES_NOT_EXIST."""
    max_time_of_day: time | None = None
    """The later time of IS_BETWEEN."""


@strawberry.input(one_of=True)
class InboxFilterInput:
    """A part of a filter: exactly one of its fields is given. Groups are at most 4 levels deep,
    and a filter has at most 20 conditions."""

    all_of: list["InboxFilterInput"] | None = UNSET
    """Every one of these parts holds."""
    any_of: list["InboxFilterInput"] | None = UNSET
    """At least one of these parts holds."""
    tag: IdConditionInput | None = UNSET
    """The contact's tags."""
    lifecycle: IdConditionInput | None = UNSET
    """The contact's lifecycle stage."""
    channel: IdConditionInput | None = UNSET
    """The channels on which the contact is known."""
    last_channel: IdConditionInput | None = UNSET
    """The channel that was used last."""
    assignee: IdConditionInput | None = UNSET
    """The member or AI agent who looks after it."""
    team: IdConditionInput | None = UNSET
    """The team it is assigned to, and its assignee's."""
    status: StatusConditionInput | None = UNSET
    """Its tab."""
    contact_field: ContactFieldConditionInput | None = UNSET
    """A detail of the contact."""
    contact_created: MomentConditionInput | None = UNSET
    """When the contact became known."""
    last_incoming_message: MomentConditionInput | None = UNSET
    """When the contact wrote last."""
    time_since_last_incoming_message: MinutesConditionInput | None = UNSET
    """How long ago the contact wrote last; it is looked at when a list is read, and when a
    conversation changes."""
    custom_text: CustomTextConditionInput | None = UNSET
    """A custom field of kind TEXT, LIST, EMAIL or URL."""
    custom_number: CustomNumberConditionInput | None = UNSET
    """A custom field of kind NUMBER."""
    custom_checkbox: CustomCheckboxConditionInput | None = UNSET
    """A custom field of kind CHECKBOX."""
    custom_date: CustomDateConditionInput | None = UNSET
    """A custom field of kind DATE."""
    custom_time: CustomTimeConditionInput | None = UNSET
    """A custom field of kind TIME."""


def filter_of(given: InboxFilterInput, level: int = 1) -> Filter:
    """Return a filter as it is kept; refuse ids that are none, and what is far too deep."""
    [(name, part)] = [
        (name, part) for name, part in vars(given).items() if part is not None and part is not UNSET
    ]
    if name in ("all_of", "any_of"):
        if level >= MAX_LEVELS:
            raise Refused(
                Code.INVALID,
                "A filter is at most {limit} levels deep.",
                field=(FIELD,),
                limit=MAX_LEVELS,
            )
        parts = tuple(filter_of(one, level + 1) for one in part)
        return AllOf(parts) if name == "all_of" else AnyOf(parts)
    return READERS[name](part)


def _ids(what: Choice, kind: str) -> Callable[[IdConditionInput], ChoiceCondition]:
    def read(part: IdConditionInput) -> ChoiceCondition:
        ids = tuple(_number(one, kind) for one in part.ids)
        return ChoiceCondition(what, part.operator, ids)

    return read


def _number(value: str, kind: str) -> int:
    """Return the key of an object; below zero for an AI agent, which stands beside members."""
    if kind == "Member" and split_id(value)[0] == "AiAgent":
        return -decode_id(value, "AiAgent", FIELD)
    return decode_id(value, kind, FIELD)


def _status(part: StatusConditionInput) -> ChoiceCondition:
    values = tuple(status.value for status in part.statuses)
    return ChoiceCondition(Choice.STATUS, part.operator, values)


def _detail(part: ContactFieldConditionInput) -> ChoiceCondition:
    return ChoiceCondition(Choice(part.field.value), part.operator, tuple(part.values))


def _text(part: CustomTextConditionInput) -> ChoiceCondition:
    field_id = decode_id(part.field_id, "CustomField", FIELD)
    return ChoiceCondition(Choice.CUSTOM_TEXT, part.operator, tuple(part.values), field_id)


def _checkbox(part: CustomCheckboxConditionInput) -> OrderCondition:
    operator = OrderOperator.IS_EQUAL_TO if part.is_checked else OrderOperator.IS_NOT_EQUAL_TO
    field_id = decode_id(part.field_id, "CustomField", FIELD)
    return OrderCondition(Order.CUSTOM_CHECKBOX, operator, 1.0, field_id=field_id)


def _order(
    what: Order, names: Sequence[str], write: Callable[[Any], float | str]
) -> Callable[[Any], OrderCondition]:
    """Return how a condition is read whose values stand in two attributes."""

    def read(part: Any) -> OrderCondition:
        low, high = (getattr(part, name) for name in names)
        field_id = getattr(part, "field_id", None)
        return OrderCondition(
            what,
            part.operator,
            None if low is None else write(low),
            None if high is None else write(high),
            None if field_id is None else decode_id(field_id, "CustomField", FIELD),
        )

    return read


READERS: Mapping[str, Callable[[Any], Filter]] = {
    **{name: _ids(what, kind) for what, (name, kind) in IDS.items()},
    "status": _status,
    "contact_field": _detail,
    "contact_created": _order(Order.CONTACT_CREATED, ("at", "until"), written),
    "last_incoming_message": _order(Order.LAST_INCOMING, ("at", "until"), written),
    "time_since_last_incoming_message": _order(
        Order.MINUTES_SINCE_INCOMING, ("minutes", "max_minutes"), float
    ),
    "custom_text": _text,
    "custom_number": _order(Order.CUSTOM_NUMBER, ("number", "max_number"), float),
    "custom_checkbox": _checkbox,
    "custom_date": _order(Order.CUSTOM_DATE, ("day", "max_day"), date.isoformat),
    "custom_time": _order(
        Order.CUSTOM_TIME, ("time_of_day", "max_time_of_day"), lambda one: one.isoformat("minutes")
    ),
}
"""How each kind of condition is read."""
