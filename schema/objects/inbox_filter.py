"""What a custom inbox's filter looks like to a reader: each part is of one kind."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

import strawberry

from models.conversation import ConversationStatus
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
from schema.ids import encode_id

IDS = {
    Choice.TAG: ("tag", "Tag"),
    Choice.LIFECYCLE: ("lifecycle", "LifecycleStage"),
    Choice.CHANNEL: ("channel", "Channel"),
    Choice.LAST_CHANNEL: ("last_channel", "Channel"),
    Choice.ASSIGNEE: ("assignee", "Member"),
    Choice.TEAM: ("team", "Team"),
}
"""The fields of conditions on ids, and what those are ids of."""


@strawberry.type
class IdCondition:
    """What a conversation has, compared with some objects."""

    operator: ChoiceOperator
    """How it is compared."""
    ids: list[strawberry.ID]
    """The objects; none where it is only asked whether there is something."""


@strawberry.type
class StatusCondition:
    """In which tab a conversation is."""

    operator: ChoiceOperator
    """How it is compared."""
    statuses: list[ConversationStatus]
    """The tabs."""


@strawberry.type
class ContactFieldCondition:
    """A detail of the contact, compared letter for letter."""

    field: ContactField
    """Which detail."""
    operator: ChoiceOperator
    """How it is compared."""
    values: list[str]
    """The texts."""


@strawberry.type
class MomentCondition:
    """A moment, compared with one or two others."""

    operator: OrderOperator
    """How it is compared."""
    at: datetime | None
    """What it is compared with; null where it is only asked whether there is one."""
    until: datetime | None
    """The later end of IS_BETWEEN."""


@strawberry.type
class MinutesCondition:
    """The time that has passed, in minutes."""

    operator: OrderOperator
    """How it is compared."""
    minutes: int | None
    """What it is compared with; null where it is only asked whether there is one."""
    max_minutes: int | None
    """The longer time of IS_BETWEEN."""


@strawberry.type
class CustomTextCondition:
    """A custom field of kind TEXT, LIST, EMAIL or URL, compared letter for letter."""

    field_id: strawberry.ID
    """The custom field."""
    operator: ChoiceOperator
    """How it is compared."""
    values: list[str]
    """The texts."""


@strawberry.type
class CustomNumberCondition:
    """A custom field of kind NUMBER."""

    field_id: strawberry.ID
    """The custom field."""
    operator: OrderOperator
    """How it is compared."""
    number: float | None
    """What it is compared with; null where it is only asked whether there is one."""
    max_number: float | None
    """The greater number of IS_BETWEEN."""


@strawberry.type
class CustomCheckboxCondition:
    """A custom field of kind CHECKBOX; one that was never set is not checked."""

    field_id: strawberry.ID
    """The custom field."""
    is_checked: bool
    """Whether it is to be checked."""


@strawberry.type
class CustomDateCondition:
    """A custom field of kind DATE."""

    field_id: strawberry.ID
    """The custom field."""
    operator: OrderOperator
    """How it is compared."""
    day: date | None
    """What it is compared with; null where it is only asked whether there is one."""
    max_day: date | None
    """The later day of IS_BETWEEN."""


@strawberry.type
class CustomTimeCondition:
    """A custom field of kind TIME."""

    field_id: strawberry.ID
    """The custom field."""
    operator: OrderOperator
    """How it is compared."""
    time_of_day: time | None
    """What it is compared with; null where it is only asked whether there is one."""
    max_time_of_day: time | None
    """The later time of IS_BETWEEN."""


@strawberry.type
class InboxFilter:
    """A part of a filter: exactly one of its fields is neither null nor empty."""

    all_of: list["InboxFilter"] = strawberry.field(default_factory=list)
    """Every one of these parts holds; empty where this part is none of it."""
    any_of: list["InboxFilter"] = strawberry.field(default_factory=list)
    """At least one of these parts holds; empty where this part is none of it."""
    tag: IdCondition | None = None
    """The contact's tags."""
    lifecycle: IdCondition | None = None
    """The contact's lifecycle stage."""
    channel: IdCondition | None = None
    """The channels on which the contact is known."""
    last_channel: IdCondition | None = None
    """The channel that was used last."""
    assignee: IdCondition | None = None
    """The member or AI agent who looks after it."""
    team: IdCondition | None = None
    """The team it is assigned to, and its assignee's."""
    status: StatusCondition | None = None
    """Its tab."""
    contact_field: ContactFieldCondition | None = None
    """A detail of the contact."""
    contact_created: MomentCondition | None = None
    """When the contact became known."""
    last_incoming_message: MomentCondition | None = None
    """When the contact wrote last."""
    time_since_last_incoming_message: MinutesCondition | None = None
    """How long ago the contact wrote last."""
    custom_text: CustomTextCondition | None = None
    """A custom field of kind TEXT, LIST, EMAIL or URL."""
    custom_number: CustomNumberCondition | None = None
    """A custom field of kind NUMBER."""
    custom_checkbox: CustomCheckboxCondition | None = None
    """A custom field of kind CHECKBOX."""
    custom_date: CustomDateCondition | None = None
    """A custom field of kind DATE."""
    custom_time: CustomTimeCondition | None = None
    """A custom field of kind TIME."""


def shown(conditions: Filter) -> InboxFilter:
    """Return a filter as a reader sees it."""
    if isinstance(conditions, AllOf):
        return InboxFilter(all_of=[shown(part) for part in conditions.parts])
    if isinstance(conditions, AnyOf):
        return InboxFilter(any_of=[shown(part) for part in conditions.parts])
    if isinstance(conditions, ChoiceCondition):
        return _choice(conditions)
    name, show = ORDERS[conditions.what]
    return _with(name, show(conditions))


def _choice(condition: ChoiceCondition) -> InboxFilter:
    what, operator = condition.what, condition.operator
    if what in IDS:
        name, kind = IDS[what]
        found = IdCondition(operator=operator, ids=[_id(kind, one) for one in condition.values])
        return _with(name, found)
    texts = [str(value) for value in condition.values]
    if what is Choice.STATUS:
        statuses = [ConversationStatus(text) for text in texts]
        return InboxFilter(status=StatusCondition(operator=operator, statuses=statuses))
    if what is Choice.CUSTOM_TEXT:
        field_id = _id("CustomField", condition.field_id or 0)
        text = CustomTextCondition(field_id=field_id, operator=operator, values=texts)
        return InboxFilter(custom_text=text)
    detail = ContactField(what.value)
    found_field = ContactFieldCondition(field=detail, operator=operator, values=texts)
    return InboxFilter(contact_field=found_field)


def _with(name: str, condition: Any) -> InboxFilter:
    return InboxFilter(**{name: condition})


def _id(kind: str, value: int | str) -> strawberry.ID:
    if isinstance(value, int) and value < 0:
        return encode_id("AiAgent", -value)
    return encode_id(kind, value)


def _order(
    kind: Callable[..., Any], names: Sequence[str], read: Callable[[Any], Any]
) -> Callable[[OrderCondition], Any]:
    """Return how a condition is shown whose values stand in two attributes."""

    def show(condition: OrderCondition) -> Any:
        values = [
            None if value is None else read(value) for value in (condition.low, condition.high)
        ]
        shown_as = dict(zip(names, values, strict=True)) | {"operator": condition.operator}
        if condition.field_id is not None:
            shown_as["field_id"] = _id("CustomField", condition.field_id)
        return kind(**shown_as)

    return show


def _checkbox(condition: OrderCondition) -> CustomCheckboxCondition:
    return CustomCheckboxCondition(
        field_id=_id("CustomField", condition.field_id or 0),
        is_checked=condition.operator is OrderOperator.IS_EQUAL_TO,
    )


ORDERS: Mapping[Order, tuple[str, Callable[[OrderCondition], Any]]] = {
    Order.CONTACT_CREATED: (
        "contact_created",
        _order(MomentCondition, ("at", "until"), datetime.fromisoformat),
    ),
    Order.LAST_INCOMING: (
        "last_incoming_message",
        _order(MomentCondition, ("at", "until"), datetime.fromisoformat),
    ),
    Order.MINUTES_SINCE_INCOMING: (
        "time_since_last_incoming_message",
        _order(MinutesCondition, ("minutes", "max_minutes"), int),
    ),
    Order.CUSTOM_NUMBER: (
        "custom_number",
        _order(CustomNumberCondition, ("number", "max_number"), float),
    ),
    Order.CUSTOM_CHECKBOX: ("custom_checkbox", _checkbox),
    Order.CUSTOM_DATE: (
        "custom_date",
        _order(CustomDateCondition, ("day", "max_day"), date.fromisoformat),
    ),
    Order.CUSTOM_TIME: (
        "custom_time",
        _order(CustomTimeCondition, ("time_of_day", "max_time_of_day"), time.fromisoformat),
    ),
}
"""The fields of conditions on an order, and how each is shown."""
