"""Inbox filters: which conversations a custom inbox holds, as SQL and as a pure rule alike."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Union

import msgspec

from models.clock import written
from models.records import ConversationRecord

MAX_DEPTH = 4
MAX_CONDITIONS = 20
MAX_VALUES = 50
"""How many values one condition compares with."""
VALUE_LENGTH = 200
"""Characters of a text to compare with."""
MAX_MINUTES = 60 * 24 * 365


class ChoiceOperator(Enum):
    """How what a conversation has is compared with some values."""

    HAS_ANY_OF = "HAS_ANY_OF"
    """It has at least one of them."""
    HAS_ALL_OF = "HAS_ALL_OF"
    """It has every one of them."""
    HAS_NONE_OF = "HAS_NONE_OF"
    """It has none of them, or has nothing at all."""
    EXISTS = "EXISTS"
    """It has something, whatever it is."""
    DOES_NOT_EXIST = "DOES_NOT_EXIST"
    """It has nothing."""


class OrderOperator(Enum):
    """How a number, a day, a time of day or a moment is compared."""

    IS_EQUAL_TO = "IS_EQUAL_TO"
    """It is the value."""
    IS_NOT_EQUAL_TO = "IS_NOT_EQUAL_TO"
    """It is another one, or there is none."""
    IS_GREATER_THAN = "IS_GREATER_THAN"
    """It is more, or later."""
    IS_LESS_THAN = "IS_LESS_THAN"
    """It is less, or earlier."""
    IS_BETWEEN = "IS_BETWEEN"
    """It lies between two values, or is one of them."""
    EXISTS = "EXISTS"
    """There is one."""
    DOES_NOT_EXIST = "DOES_NOT_EXIST"
    """There is none."""


class Choice(Enum):
    """What can be compared with some values."""

    TAG = "TAG"
    LIFECYCLE = "LIFECYCLE"
    CHANNEL = "CHANNEL"
    LAST_CHANNEL = "LAST_CHANNEL"
    ASSIGNEE = "ASSIGNEE"
    """A member by its id, an AI agent by its id below zero."""
    TEAM = "TEAM"
    STATUS = "STATUS"
    FIRST_NAME = "FIRST_NAME"
    LAST_NAME = "LAST_NAME"
    PHONE = "PHONE"
    EMAIL = "EMAIL"
    LANGUAGE = "LANGUAGE"
    COUNTRY = "COUNTRY"
    CUSTOM_TEXT = "CUSTOM_TEXT"


class ContactField(Enum):
    """A detail of a contact that a filter can look at."""

    FIRST_NAME = "FIRST_NAME"
    """The first name."""
    LAST_NAME = "LAST_NAME"
    """The last name."""
    PHONE = "PHONE"
    """The phone number in E.164."""
    EMAIL = "EMAIL"
    """The email address in lower case."""
    LANGUAGE = "LANGUAGE"
    """The language, as BCP 47."""
    COUNTRY = "COUNTRY"
    """The country, as ISO 3166-1 alpha-2."""


class Order(Enum):
    """What can be compared as more or less."""

    CUSTOM_NUMBER = "CUSTOM_NUMBER"
    CUSTOM_CHECKBOX = "CUSTOM_CHECKBOX"
    """1 where it is checked; one that was never set is not."""
    CUSTOM_DATE = "CUSTOM_DATE"
    CUSTOM_TIME = "CUSTOM_TIME"
    """A day or a time of day is a text whose order is its own."""
    CONTACT_CREATED = "CONTACT_CREATED"
    LAST_INCOMING = "LAST_INCOMING"
    MINUTES_SINCE_INCOMING = "MINUTES_SINCE_INCOMING"


class AllOf(msgspec.Struct, frozen=True, tag="all"):
    """Every part holds."""

    parts: tuple["Filter", ...]


class AnyOf(msgspec.Struct, frozen=True, tag="any"):
    """At least one part holds."""

    parts: tuple["Filter", ...]


class ChoiceCondition(msgspec.Struct, frozen=True, tag="choice"):
    """What a conversation has, against some values."""

    what: Choice
    operator: ChoiceOperator
    values: tuple[int | str, ...] = ()
    field_id: int | None = None


class OrderCondition(msgspec.Struct, frozen=True, tag="order"):
    """Something with an order, against one value or two; moments as `written` texts."""

    what: Order
    operator: OrderOperator
    low: float | str | None = None
    high: float | str | None = None
    field_id: int | None = None


SINCE = {
    OrderOperator.IS_GREATER_THAN: OrderOperator.IS_LESS_THAN,
    OrderOperator.IS_LESS_THAN: OrderOperator.IS_GREATER_THAN,
}
"""What is longer ago is an earlier moment."""
Filter = Union[AllOf, AnyOf, ChoiceCondition, OrderCondition]  # noqa: UP007 - it is recursive
Condition = ChoiceCondition | OrderCondition


def write_filter(conditions: Filter) -> str:
    """Return a filter as its inbox keeps it."""
    return msgspec.json.encode(conditions).decode()


def read_filter(text: str) -> Filter:
    """Return the filter that an inbox keeps as `text`; the inverse of `write_filter`."""
    found: Filter = msgspec.json.decode(text, type=Filter)
    return found


def conditions_in(conditions: Filter) -> Iterator[Condition]:
    """Yield every condition of a filter, in order."""
    if isinstance(conditions, AllOf | AnyOf):
        for part in conditions.parts:
            yield from conditions_in(part)
    else:
        yield conditions


def depth_of(conditions: Filter) -> int:
    """Return how deep a filter is: 1 for a single condition."""
    if isinstance(conditions, AllOf | AnyOf):
        return 1 + max((depth_of(part) for part in conditions.parts), default=0)
    return 1


@dataclass(frozen=True, slots=True)
class Filtered:
    """A conversation with all that a filter may look at; contact and assignee are loaded."""

    conversation: ConversationRecord
    tag_ids: frozenset[int] = frozenset()
    channels: Mapping[int, int] = field(default_factory=dict)
    """The contact's identities: id -> channel."""
    fields: Mapping[int, tuple[str | None, float | None]] = field(default_factory=dict)
    """The contact's custom fields: id -> text and number."""


def holds(conditions: Filter, row: Filtered, moment: datetime) -> bool:
    """Tell whether a conversation meets a filter at a moment: the pure form of the rule."""
    if isinstance(conditions, AllOf):
        return all(holds(part, row, moment) for part in conditions.parts)
    if isinstance(conditions, AnyOf):
        return any(holds(part, row, moment) for part in conditions.parts)
    if isinstance(conditions, ChoiceCondition):
        return _chosen(conditions.operator, set(conditions.values), _had(conditions, row))
    condition = at(conditions, moment)
    return _ordered(condition, _place(condition, row))


def _chosen(operator: ChoiceOperator, values: set[Any], had: frozenset[Any]) -> bool:
    match operator:
        case ChoiceOperator.HAS_ANY_OF:
            return bool(had & values)
        case ChoiceOperator.HAS_ALL_OF:
            return values <= had
        case ChoiceOperator.HAS_NONE_OF:
            return not had & values
        case ChoiceOperator.EXISTS:
            return bool(had)
        case ChoiceOperator.DOES_NOT_EXIST:
            return not had


def _had(condition: ChoiceCondition, row: Filtered) -> frozenset[Any]:
    """Return what a conversation has of something; nothing, one or many."""
    conversation, contact = row.conversation, row.conversation.contact
    one: Any
    match condition.what:
        case Choice.TAG:
            return row.tag_ids
        case Choice.CHANNEL:
            return frozenset(row.channels.values())
        case Choice.TEAM:
            assignee = conversation.assignee
            both = (conversation.team_id, assignee.team_id if assignee else None)
            return frozenset(team for team in both if team is not None)
        case Choice.LAST_CHANNEL:
            one = row.channels.get(conversation.last_channel_id or 0)
        case Choice.LIFECYCLE:
            one = contact.lifecycle_stage_id
        case Choice.ASSIGNEE:
            agent_id = conversation.ai_agent_id
            one = -agent_id if agent_id is not None else conversation.assignee_id
        case Choice.STATUS:
            one = conversation.status.value
        case Choice.CUSTOM_TEXT:
            one = row.fields.get(condition.field_id or 0, (None, None))[0]
        case _:
            one = getattr(contact, condition.what.value.lower())
    return frozenset() if one is None or one == "" else frozenset({one})


def _place(condition: OrderCondition, row: Filtered) -> float | str | None:
    """Return where a conversation stands in an order; None for nowhere."""
    text, number = row.fields.get(condition.field_id or 0, (None, None))
    if condition.what in (Order.CUSTOM_NUMBER, Order.CUSTOM_CHECKBOX):
        return number
    if condition.what in (Order.CUSTOM_DATE, Order.CUSTOM_TIME):
        return text
    if condition.what is Order.CONTACT_CREATED:
        return written(row.conversation.contact.created_at)
    incoming = row.conversation.last_incoming_at
    return written(incoming) if incoming is not None else None


def at(condition: OrderCondition, moment: datetime) -> OrderCondition:
    """Return a condition on the minutes that have passed as one on moments; others as they are."""
    if condition.what is not Order.MINUTES_SINCE_INCOMING:
        return condition
    longest, shortest = (
        written(moment - timedelta(minutes=float(minutes))) if minutes is not None else None
        for minutes in (condition.high, condition.low)
    )
    operator = SINCE.get(condition.operator, condition.operator)
    if operator is OrderOperator.IS_BETWEEN:
        return OrderCondition(Order.LAST_INCOMING, operator, longest, shortest)
    return OrderCondition(Order.LAST_INCOMING, operator, shortest)


def _ordered(condition: OrderCondition, place: Any) -> bool:
    low: Any = condition.low
    match condition.operator:
        case OrderOperator.EXISTS:
            return place is not None
        case OrderOperator.DOES_NOT_EXIST:
            return place is None
        case OrderOperator.IS_NOT_EQUAL_TO:
            return bool(place != low)
        case _ if place is None:
            return False
        case OrderOperator.IS_EQUAL_TO:
            return bool(place == low)
        case OrderOperator.IS_GREATER_THAN:
            return bool(place > low)
        case OrderOperator.IS_LESS_THAN:
            return bool(place < low)
        case OrderOperator.IS_BETWEEN:
            return bool(low <= place <= condition.high)
