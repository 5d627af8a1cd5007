"""Inbox filters as SQL, on conversations (alias c) with contact (ct) and assignee (m)."""

from datetime import datetime
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
    Choice.LAST_CHANNEL: (
        "(SELECT x.channel_id FROM contact_channel x WHERE x.id = c.last_channel_id)"
    ),
    Choice.ASSIGNEE: "COALESCE(c.assignee_id, -c.ai_agent_id)",
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
}
"""Where what a conversation has many of is found."""
PROBED = {Choice.TAG: "x.tag_id", Choice.CHANNEL: "x.channel_id"}
TEAMS = ("c.team_id", "m.team_id")
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
    if conditions.what in PROBES:
        return _probed(conditions)
    if conditions.what is Choice.TEAM:
        return _in_teams(conditions)
    return _chosen(conditions)


def _chosen(condition: ChoiceCondition) -> Where:
    """Return a condition on what a conversation has one of."""
    it, values = CHOICES[condition.what], condition.values
    own = (condition.field_id,) if condition.what is Choice.CUSTOM_TEXT else ()
    match condition.operator:
        case ChoiceOperator.HAS_ANY_OF:
            return Where(f"{it} IN ({sql.marks(values)})", (*own, *values))
        case ChoiceOperator.HAS_ALL_OF if len(set(values)) > 1:
            return Where("1 = 0")
        case ChoiceOperator.HAS_ALL_OF:
            return Where(f"{it} = ?", (*own, values[0]))
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
        case ChoiceOperator.HAS_ANY_OF:
            return Where(probe.format(among=among), values)
        case ChoiceOperator.HAS_ALL_OF:
            each = probe.format(among=f" AND {PROBED[condition.what]} = ?")
            return Where(" AND ".join([each] * len(values)), values)
        case ChoiceOperator.HAS_NONE_OF:
            return Where(f"NOT {probe.format(among=among)}", values)
        case ChoiceOperator.EXISTS:
            return Where(probe.format(among=""))
        case ChoiceOperator.DOES_NOT_EXIST:
            return Where(f"NOT {probe.format(among='')}")


def _in_teams(condition: ChoiceCondition) -> Where:
    """Return a condition on the teams: the one it is assigned to, and its assignee's."""
    values = condition.values
    own, assignees = (f"{column} IN ({sql.marks(values)})" for column in TEAMS)
    match condition.operator:
        case ChoiceOperator.HAS_ANY_OF:
            return Where(f"({own} OR {assignees})", values * 2)
        case ChoiceOperator.HAS_ALL_OF:
            each = " AND ".join(["(c.team_id = ? OR m.team_id = ?)"] * len(values))
            return Where(f"({each})", tuple(one for value in values for one in (value, value)))
        case ChoiceOperator.HAS_NONE_OF:
            none = f"(c.team_id IS NULL OR NOT {own}) AND (m.team_id IS NULL OR NOT {assignees})"
            return Where(none, values * 2)
        case ChoiceOperator.EXISTS:
            return Where("(c.team_id IS NOT NULL OR m.team_id IS NOT NULL)")
        case ChoiceOperator.DOES_NOT_EXIST:
            return Where("(c.team_id IS NULL AND m.team_id IS NULL)")


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
