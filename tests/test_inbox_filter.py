"""Inbox filters: SQL and the pure rule agree, and what is no filter is refused."""

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.ai_agent import AiAgent
from models.channel import Channel
from models.clock import now, written
from models.contact import Contact
from models.contact_channel import ContactChannel
from models.conversation import Conversation, ConversationStatus
from models.custom_field import CustomField, CustomFieldKind, CustomFieldValue
from models.engine import sql
from models.lifecycle_stage import LifecycleStage
from models.refusal import Code, Refused
from models.tag import ContactTag, Tag
from resolvers.batches import conversations_by_id
from resolvers.filtered import filtered
from resolvers.inbox_check import check_shape
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
    holds,
    read_filter,
    write_filter,
)
from resolvers.inbox_sql import filter_where
from tests.properties import hold
from tests.world import Api, World

NAMES = ("", "Ann", "Bob", "Özil", "ann")
DAYS = ("2026-01-05", "2026-11-22", "2027-01-01")
MANY = 40


async def populate(world: World, dice: random.Random) -> None:
    """Add conversations that differ in all that a filter looks at; ids count from 1."""
    own, moment = {"workspace_id": world.workspace.id}, now()
    for name in ("a", "b", "c"):
        await Tag.create(**own, name=name, folded_name=name, created_at=moment)
        await LifecycleStage.create(**own, name=name, position=0, created_at=moment)
    agent = await AiAgent.create(**own, name="Bot", created_at=moment)
    teams = [await world.team("Sales"), await world.team("Support")]
    people = [await world.add("In", team=teams[0]), await world.add("Out")]
    channels = [await world.connect(), await world.connect()]
    for kind in (CustomFieldKind.TEXT, CustomFieldKind.NUMBER, CustomFieldKind.DATE):
        await CustomField.create(
            **own, name=kind.value, slug=kind.value, kind=kind, created_at=moment
        )
    for number in range(MANY):
        row = await world.conversation(f"C{number}")
        await Contact.filter(id=row.contact_id).update(
            first_name=dice.choice(NAMES),
            last_name=dice.choice(NAMES),
            country=dice.choice([None, "FR", "DE"]),
            lifecycle_stage_id=dice.choice([None, 1, 2]),
            created_at=moment - timedelta(hours=dice.randrange(3)),
        )
        for tag_id in dice.sample([1, 2, 3], dice.randrange(4)):
            await ContactTag.create(contact_id=row.contact_id, tag_id=tag_id)
        await _add_fields(row, dice)
        member_id, agent_id = dice.choice(
            [(None, None), (None, agent.id), *((one.member.id, None) for one in people)]
        )
        await Conversation.filter(id=row.id).update(
            status=dice.choice([ConversationStatus.OPEN, ConversationStatus.CLOSED]),
            assignee_id=member_id,
            ai_agent_id=agent_id,
            team_id=dice.choice([None, teams[0].id, teams[1].id]),
            last_channel_id=await _identify(row, channels, dice),
            last_incoming_at=dice.choice([None, moment - timedelta(minutes=dice.randrange(100))]),
        )


async def _identify(row: Conversation, channels: list[Channel], dice: random.Random) -> int | None:
    """Make the contact known on some channels; return one of these identities, or none."""
    identities = [
        await ContactChannel.create(
            contact_id=row.contact_id,
            channel_id=channel.id,
            external_id=f"x{row.id}",
            created_at=now(),
        )
        for channel in dice.sample(channels, dice.randrange(3))
    ]
    keys: list[int | None] = [None, *(one.id for one in identities)]
    return dice.choice(keys)


async def _add_fields(row: Conversation, dice: random.Random) -> None:
    own: dict[str, Any] = {"contact_id": row.contact_id}
    if dice.random() < 0.6:
        await CustomFieldValue.create(**own, field_id=1, text=dice.choice(NAMES))
    if dice.random() < 0.6:
        await CustomFieldValue.create(**own, field_id=2, number=dice.choice([0.0, 1.5, 2.0, 1e9]))
    if dice.random() < 0.6:
        await CustomFieldValue.create(**own, field_id=3, text=dice.choice(DAYS))


IDS = st.integers(min_value=-2, max_value=5)
TEXTS = st.sampled_from([name for name in NAMES if name] + ["FR", "DE", "no such"])


@st.composite
def choices(draw: Any) -> ChoiceCondition:
    """Return any condition that compares with values."""
    what = draw(st.sampled_from(Choice))
    operator = draw(st.sampled_from(ChoiceOperator))
    values: Any = IDS
    if what is Choice.STATUS:
        values = st.sampled_from([status.value for status in ConversationStatus])
    elif what in TEXTUAL:
        values = TEXTS
    given_values = ()
    if operator not in (ChoiceOperator.EXISTS, ChoiceOperator.DOES_NOT_EXIST):
        given_values = tuple(draw(st.lists(values, min_size=1, max_size=3)))
    return ChoiceCondition(what, operator, given_values, 1 if what is Choice.CUSTOM_TEXT else None)


TEXTUAL = (
    Choice.FIRST_NAME,
    Choice.LAST_NAME,
    Choice.PHONE,
    Choice.EMAIL,
    Choice.LANGUAGE,
    Choice.COUNTRY,
    Choice.CUSTOM_TEXT,
)


@st.composite
def orders(draw: Any) -> OrderCondition:
    """Return any condition that compares as more or less."""
    what = draw(st.sampled_from(Order))
    operators = set(OrderOperator)
    values: Any = st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0])
    if what is Order.MINUTES_SINCE_INCOMING:
        operators -= {OrderOperator.IS_EQUAL_TO, OrderOperator.IS_NOT_EQUAL_TO}
        values = st.integers(min_value=0, max_value=110).map(float)
    elif what in (Order.CUSTOM_DATE, Order.CUSTOM_TIME):
        values = st.sampled_from([*DAYS, "2026-06-01", "09:30"])
    elif what in (Order.CONTACT_CREATED, Order.LAST_INCOMING):
        values = st.integers(min_value=0, max_value=200).map(
            lambda minutes: written(now() - timedelta(minutes=minutes))
        )
    operator = draw(st.sampled_from(sorted(operators, key=lambda one: one.value)))
    field_id = {Order.CUSTOM_NUMBER: 2, Order.CUSTOM_CHECKBOX: 2}.get(what)
    field_id = 3 if what in (Order.CUSTOM_DATE, Order.CUSTOM_TIME) else field_id
    if operator in (OrderOperator.EXISTS, OrderOperator.DOES_NOT_EXIST):
        return OrderCondition(what, operator, field_id=field_id)
    if operator is OrderOperator.IS_BETWEEN:
        low, high = sorted([draw(values), draw(values)])
        return OrderCondition(what, operator, low, high, field_id)
    return OrderCondition(what, operator, draw(values), field_id=field_id)


def filters(depth: int = 3) -> Any:
    """Return any filter."""
    conditions = choices() | orders()
    if depth == 1:
        return conditions
    parts = st.lists(filters(depth - 1), min_size=1, max_size=3).map(tuple)
    return conditions | parts.map(AllOf) | parts.map(AnyOf)


async def test_sql_and_the_pure_rule_agree(api: Api, world: World) -> None:
    await populate(world, random.Random(7))
    rows = await conversations_by_id([row.id for row in await Conversation.all()])
    everything = await filtered(list(rows.values()))
    sizes = set()

    @settings(
        max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
    )
    @given(filters())
    async def check(conditions: Filter) -> None:
        moment = now()
        where = filter_where(conditions, moment)
        found = await sql.records(
            "SELECT c.id FROM conversation c JOIN contact ct ON ct.id = c.contact_id"
            f" LEFT JOIN member m ON m.id = c.assignee_id WHERE {where.condition}",
            *where.values,
        )
        expected = {row.conversation.id for row in everything if holds(conditions, row, moment)}
        assert {row[0] for row in found} == expected
        assert read_filter(write_filter(conditions)) == conditions
        sizes.add(len(expected))

    await hold(check)
    assert len(sizes) > 5, "the examples tell too little"


OPEN = ChoiceCondition(Choice.STATUS, ChoiceOperator.HAS_ANY_OF, ("OPEN",))


def nested(levels: int) -> Filter:
    """Return a filter of so many levels."""
    return OPEN if levels == 1 else AllOf((nested(levels - 1),))


@pytest.mark.parametrize(
    "conditions",
    [nested(4), AllOf((OPEN,) * 20), ChoiceCondition(Choice.TAG, ChoiceOperator.EXISTS)],
)
def test_what_is_within_the_limits(conditions: Filter) -> None:
    check_shape(conditions)


@pytest.mark.parametrize(
    ("conditions", "code"),
    [
        (nested(5), Code.INVALID),
        (AnyOf((OPEN,) * 21), Code.INVALID),
        (AllOf(()), Code.BLANK),
        (AllOf((OPEN, AnyOf(()))), Code.BLANK),
        (ChoiceCondition(Choice.TAG, ChoiceOperator.HAS_ANY_OF), Code.INVALID),
        (ChoiceCondition(Choice.TAG, ChoiceOperator.EXISTS, (1,)), Code.INVALID),
        (ChoiceCondition(Choice.TAG, ChoiceOperator.HAS_ANY_OF, (1,) * 51), Code.INVALID),
        (ChoiceCondition(Choice.EMAIL, ChoiceOperator.HAS_ANY_OF, ("",)), Code.BLANK),
        (ChoiceCondition(Choice.EMAIL, ChoiceOperator.HAS_ANY_OF, ("x" * 201,)), Code.TOO_LONG),
        (OrderCondition(Order.CUSTOM_NUMBER, OrderOperator.IS_BETWEEN, 1.0), Code.INVALID),
        (OrderCondition(Order.CUSTOM_NUMBER, OrderOperator.IS_LESS_THAN), Code.INVALID),
        (OrderCondition(Order.CUSTOM_NUMBER, OrderOperator.EXISTS, 1.0), Code.INVALID),
        (
            OrderCondition(Order.MINUTES_SINCE_INCOMING, OrderOperator.IS_EQUAL_TO, 1.0),
            Code.INVALID,
        ),
        (
            OrderCondition(Order.MINUTES_SINCE_INCOMING, OrderOperator.IS_LESS_THAN, 525_601.0),
            Code.INVALID,
        ),
    ],
)
def test_what_is_no_filter(conditions: Filter, code: Code) -> None:
    with pytest.raises(Refused) as refused:
        check_shape(conditions)
    assert (refused.value.code, refused.value.field) == (code, ("filter",))
