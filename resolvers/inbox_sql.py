"""Inbox filters as SQL, on conversations (alias c) with contact (ct) and assignee (m)."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from models.engine import sql
from models.queries import Where
from resolvers.inbox_filter import (
    AllOf,
    AnyOf,
    Choice,
    ChoiceCondition,
    ChoiceOperator,
    Filter,
    Order,
    OrderCondition,
    OrderOperator,
    at,
)

FIELD = "(SELECT f.{column} FROM custom_field_value f WHERE f.contact_id = c.contact_id"
FIELD += " AND f.field_id = ?)"
CHOICES = {
    Choice.LIFECYCLE: "ct.lifecycle_stage_id",
    Choice.STATUS: "c.status",
    Choice.FIRST_NAME: "NULLIF(ct.first_name, '')",
    Choice.LAST_NAME: "NULLIF(ct.last_name, '')",
    Choice.PHONE: "NULLIF(ct.phone, '')",
    Choice.EMAIL: "NULLIF(ct.email, '')",
    Choice.LANGUAGE: "NULLIF(ct.language, '')",
    Choice.COUNTRY: "NULLIF(ct.country, '')",
    Choice.CUSTOM_TEXT: "NULLIF(" + FIELD.format(column="text") + ", '')",
}
"""Where what a conversation has one of is found."""
PROBES = {
    Choice.TAG: "EXISTS (SELECT 1 FROM contact_tag x WHERE x.contact_id = c.contact_id{among})",
    Choice.CHANNEL: (
        "EXISTS (SELECT 1 FROM contact_channel x WHERE x.contact_id = c.contact_id{among})"
    ),
    Choice.LAST_CHANNEL: (
        "EXISTS (SELECT 1 FROM contact_channel x WHERE x.id = c.last_channel_id{among})"
    ),
}
"""Where what a conversation has many of, or what is in another table, is found."""
PROBED = {
    Choice.TAG: "x.tag_id",
    Choice.CHANNEL: "x.channel_id",
    Choice.LAST_CHANNEL: "x.channel_id",
}
ORDERS = {
    Order.CUSTOM_NUMBER: FIELD.format(column="number"),
    Order.CUSTOM_CHECKBOX: FIELD.format(column="number"),
    Order.CUSTOM_DATE: FIELD.format(column="text"),
    Order.CUSTOM_TIME: FIELD.format(column="text"),
    Order.CONTACT_CREATED: "ct.created_at",
    Order.LAST_INCOMING: "c.last_incoming_at",
}
COMPARED = {
    OrderOperator.IS_EQUAL_TO: "{it} = ?",
    OrderOperator.IS_NOT_EQUAL_TO: "({it} IS NULL OR {it} <> ?)",
    OrderOperator.IS_GREATER_THAN: "{it} > ?",
    OrderOperator.IS_LESS_THAN: "{it} < ?",
    OrderOperator.IS_BETWEEN: "{it} BETWEEN ? AND ?",
    OrderOperator.EXISTS: "{it} IS NOT NULL",
    OrderOperator.DOES_NOT_EXIST: "{it} IS NULL",
}


def filter_where(conditions: Filter, moment: datetime) -> Where:
    """Return a filter as a condition at a moment: the SQL form of `holds`."""
    if isinstance(conditions, AllOf | AnyOf):
        parts = [filter_where(part, moment) for part in conditions.parts]
        word = " AND " if isinstance(conditions, AllOf) else " OR "
        text = word.join(part.condition for part in parts)
        return Where(f"({text})", tuple(value for part in parts for value in part.values))
    if isinstance(conditions, OrderCondition):
        return _ordered(at(conditions, moment))
    values = conditions.values
    if conditions.operator is ChoiceOperator.HAS_ALL_OF and len(values) > 1:
        any_of = partial(ChoiceCondition, conditions.what, ChoiceOperator.HAS_ANY_OF)
        each = tuple(any_of((value,), conditions.field_id) for value in values)
        return filter_where(AllOf(each), moment)
    if conditions.what in PROBES:
        return _probed(conditions)
    if conditions.what is Choice.TEAM:
        return _in_either(conditions, {"c.team_id": values, "m.team_id": values})
    if conditions.what is Choice.ASSIGNEE:
        people = tuple(value for value in values if int(value) >= 0)
        agents = tuple(-int(value) for value in values if int(value) < 0)
        return _in_either(conditions, {"c.assignee_id": people, "c.ai_agent_id": agents})
    return _chosen(conditions)


def _chosen(condition: ChoiceCondition) -> Where:
    """Return a condition on what a conversation has one of."""
    it, values = CHOICES[condition.what], condition.values
    own = (condition.field_id,) if condition.what is Choice.CUSTOM_TEXT else ()
    match condition.operator:
        case ChoiceOperator.HAS_ANY_OF | ChoiceOperator.HAS_ALL_OF:
            return Where(f"{it} IN ({sql.marks(values)})", (*own, *values))
        case ChoiceOperator.HAS_NONE_OF:
            none = f"({it} IS NULL OR {it} NOT IN ({sql.marks(values)}))"
            return Where(none, (*own, *own, *values))
        case ChoiceOperator.EXISTS:
            return Where(f"{it} IS NOT NULL", own)
        case ChoiceOperator.DOES_NOT_EXIST:
            return Where(f"{it} IS NULL", own)


def _probed(condition: ChoiceCondition) -> Where:
    """Return a condition on what a conversation has many of."""
    probe, values = PROBES[condition.what], condition.values
    among = f" AND {PROBED[condition.what]} IN ({sql.marks(values)})"
    match condition.operator:
        case ChoiceOperator.HAS_ANY_OF | ChoiceOperator.HAS_ALL_OF:
            return Where(probe.format(among=among), values)
        case ChoiceOperator.HAS_NONE_OF:
            return Where(f"NOT {probe.format(among=among)}", values)
        case ChoiceOperator.EXISTS:
            return Where(probe.format(among=""))
        case ChoiceOperator.DOES_NOT_EXIST:
            return Where(f"NOT {probe.format(among='')}")


def _in_either(condition: ChoiceCondition, places: Mapping[str, tuple[Any, ...]]) -> Where:
    """Return a condition on what either of two columns holds, with the values for each.

    The columns stand alone, so that the database can tell how many rows to expect.
    """
    asked = {column: values for column, values in places.items() if values}
    among = tuple(value for values in asked.values() for value in values)
    match condition.operator:
        case ChoiceOperator.HAS_ANY_OF | ChoiceOperator.HAS_ALL_OF:
            either = [f"{column} IN ({sql.marks(values)})" for column, values in asked.items()]
            return Where(f"({' OR '.join(either)})", among)
        case ChoiceOperator.HAS_NONE_OF:
            none = [
                f"({column} IS NULL OR {column} NOT IN ({sql.marks(values)}))"
                for column, values in asked.items()
            ]
            return Where(f"({' AND '.join(none)})", among)
        case ChoiceOperator.EXISTS:
            return Where(f"({' OR '.join(f'{column} IS NOT NULL' for column in places)})")
        case ChoiceOperator.DOES_NOT_EXIST:
            return Where(f"({' AND '.join(f'{column} IS NULL' for column in places)})")


def _ordered(condition: OrderCondition) -> Where:
    it = ORDERS[condition.what]
    own: tuple[Any, ...] = ()
    if condition.field_id is not None:
        own = (condition.field_id,)
    is_text = condition.what in (Order.CUSTOM_DATE, Order.CUSTOM_TIME)
    if is_text and sql.dialect() == "postgres":
        it += ' COLLATE "C"'  # the order of days and times is that of their characters
    text = COMPARED[condition.operator].format(it=it)
    values = [value for value in (condition.low, condition.high) if value is not None]
    if condition.what in (Order.CONTACT_CREATED, Order.LAST_INCOMING):
        values = [datetime.fromisoformat(str(value)) for value in values]  # type: ignore[misc]
    twice = condition.operator is OrderOperator.IS_NOT_EQUAL_TO
    return Where(text, (*own, *(own if twice else ()), *values))
