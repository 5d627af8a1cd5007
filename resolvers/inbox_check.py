"""What a custom inbox may be: the limits of its filter, and that all it names exists."""

from collections.abc import Collection, Iterator

from models.conversation import ConversationStatus
from models.custom_field import CustomFieldKind
from models.engine import sql
from models.refusal import Code, Refused
from resolvers.inbox_filter import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_MINUTES,
    MAX_VALUES,
    VALUE_LENGTH,
    AllOf,
    AnyOf,
    Choice,
    ChoiceCondition,
    ChoiceOperator,
    Condition,
    Filter,
    Order,
    OrderCondition,
    OrderOperator,
    conditions_in,
    depth_of,
)
from resolvers.inbox_kinds import Sharing
from resolvers.masking import Masking, looks_at_hidden
from resolvers.viewer import hidden

FIELD = ("filter",)
WITHOUT_VALUE = {
    ChoiceOperator.EXISTS,
    ChoiceOperator.DOES_NOT_EXIST,
    OrderOperator.EXISTS,
    OrderOperator.DOES_NOT_EXIST,
}
TABLES = {
    Choice.TAG: "tag",
    Choice.LIFECYCLE: "lifecycle_stage",
    Choice.CHANNEL: "channel",
    Choice.LAST_CHANNEL: "channel",
    Choice.TEAM: "team",
}
"""Where the ids of a condition are."""
KINDS = {
    Choice.CUSTOM_TEXT: {
        CustomFieldKind.TEXT,
        CustomFieldKind.LIST,
        CustomFieldKind.EMAIL,
        CustomFieldKind.URL,
    },
    Order.CUSTOM_NUMBER: {CustomFieldKind.NUMBER},
    Order.CUSTOM_CHECKBOX: {CustomFieldKind.CHECKBOX},
    Order.CUSTOM_DATE: {CustomFieldKind.DATE},
    Order.CUSTOM_TIME: {CustomFieldKind.TIME},
}
"""The custom fields that a condition can be about."""


def check_shape(conditions: Filter) -> None:
    """Refuse a filter that is too deep, too long, or has a condition that means nothing."""
    if depth_of(conditions) > MAX_DEPTH:
        raise Refused(
            Code.INVALID, "A filter is at most {limit} levels deep.", field=FIELD, limit=MAX_DEPTH
        )
    found = list(conditions_in(conditions))
    if len(found) > MAX_CONDITIONS:
        raise Refused(
            Code.INVALID,
            "A filter has at most {limit} conditions.",
            field=FIELD,
            limit=MAX_CONDITIONS,
        )
    if any(not group.parts for group in _groups(conditions)):
        raise Refused(Code.BLANK, "A group needs at least one condition.", field=FIELD)
    for condition in found:
        if isinstance(condition, ChoiceCondition):
            _check_choice(condition)
        else:
            _check_order(condition)


def _groups(conditions: Filter) -> Iterator[AllOf | AnyOf]:
    if isinstance(conditions, AllOf | AnyOf):
        yield conditions
        for part in conditions.parts:
            yield from _groups(part)


def _check_choice(condition: ChoiceCondition) -> None:
    takes_none = condition.operator in WITHOUT_VALUE
    if takes_none is bool(condition.values) or len(condition.values) > MAX_VALUES:
        raise Refused(
            Code.INVALID,
            "A condition compares with 1 to {limit} values, and with none where it only asks"
            " whether there is one.",
            field=FIELD,
            limit=MAX_VALUES,
        )
    for value in condition.values:
        if isinstance(value, str) and not 1 <= len(value) <= VALUE_LENGTH:
            raise Refused(
                Code.TOO_LONG if value else Code.BLANK,
                "A value has 1 to {limit} characters.",
                field=FIELD,
                limit=VALUE_LENGTH,
            )


def _check_order(condition: OrderCondition) -> None:
    given = (condition.low is not None, condition.high is not None)
    wanted = (True, condition.operator is OrderOperator.IS_BETWEEN)
    if condition.operator in WITHOUT_VALUE:
        wanted = (False, False)
    if given != wanted:
        raise Refused(
            Code.INVALID,
            "A comparison takes one value, IS_BETWEEN two, and one that only asks whether there"
            " is something none.",
            field=FIELD,
        )
    if condition.what is Order.MINUTES_SINCE_INCOMING:
        if condition.operator in (OrderOperator.IS_EQUAL_TO, OrderOperator.IS_NOT_EQUAL_TO):
            raise Refused(
                Code.INVALID, "Time that passes is more, less or between, never equal.", field=FIELD
            )
        for minutes in (condition.low, condition.high):
            if minutes is not None and not 0 <= float(minutes) <= MAX_MINUTES:
                raise Refused(
                    Code.INVALID,
                    "A time is 0 to {limit} minutes.",
                    field=FIELD,
                    limit=MAX_MINUTES,
                )


async def check_filter(workspace_id: int, conditions: Filter, masking: Masking) -> None:
    """Refuse a filter of a wrong shape, or one that names what its workspace does not have.

    Refuses also one that looks at what is hidden from its maker.
    """
    check_shape(conditions)
    if looks_at_hidden(conditions, masking):
        raise Refused(
            Code.FORBIDDEN, "A filter cannot look at what is hidden from you.", field=FIELD
        )
    found = list(conditions_in(conditions))
    named: dict[str, set[int]] = {}
    for condition in found:
        for table, key in _named(condition):
            named.setdefault(table, set()).add(key)
    for table, ids in named.items():
        await _check_exist(table, workspace_id, ids)
    await _check_fields(workspace_id, found)


def _named(condition: Condition) -> Iterator[tuple[str, int]]:
    """Yield table and id of all rows that a condition compares with."""
    if not isinstance(condition, ChoiceCondition):
        return
    for value in condition.values:
        if condition.what in TABLES and isinstance(value, int):
            yield TABLES[condition.what], value
        elif condition.what is Choice.ASSIGNEE and isinstance(value, int):
            yield ("member", value) if value > 0 else ("ai_agent", -value)
        elif condition.what is Choice.STATUS and value not in ConversationStatus.__members__:
            raise hidden(FIELD)


async def _check_exist(table: str, workspace_id: int, ids: Collection[int]) -> None:
    found = await sql.records(
        f"SELECT id FROM {table} WHERE workspace_id = ? AND {sql.among('id')}",
        workspace_id,
        sql.group(ids),
    )
    if {row[0] for row in found} != set(ids):
        raise hidden(FIELD)


async def _check_fields(workspace_id: int, conditions: Collection[Condition]) -> None:
    """Refuse fields that the workspace does not have, or that hold something else."""
    about = [one for one in conditions if one.field_id is not None]
    if not about:
        return
    rows = await sql.records(
        f"SELECT id, kind FROM custom_field WHERE workspace_id = ? AND {sql.among('id')}",
        workspace_id,
        sql.group({one.field_id for one in about if one.field_id is not None}),
    )
    kinds = {row[0]: CustomFieldKind(row[1]) for row in rows}
    for one in about:
        kind = kinds.get(one.field_id or 0)
        if kind is None:
            raise hidden(FIELD)
        if kind not in KINDS[one.what]:
            raise Refused(Code.INVALID, "This custom field holds something else.", field=FIELD)


async def check_people(workspace_id: int, sharing: Sharing) -> None:
    """Refuse members and teams that the workspace does not have."""
    for table, ids in (("member", sharing.member_ids), ("team", sharing.team_ids)):
        if ids:
            await _check_exist(table, workspace_id, ids)
