"""Keyset pages: cursors that are ours round-trip, all others are refused; any walk is exact."""

import base64
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.engine import sql
from models.queries import Records, Where, read_conversations
from models.refusal import Code, Refused
from resolvers.page import DEFAULT_PAGE, PageRequest, cut, decode_key, encode_key, keyset_page
from tests.properties import hold
from tests.world import Api, World

MOMENTS = st.datetimes(
    min_value=datetime(1, 1, 2),
    max_value=datetime(9999, 12, 30),
    timezones=st.integers(min_value=-23, max_value=23).map(
        lambda hours: timezone(timedelta(hours=hours))
    ),
)
IDS = st.integers(min_value=-(2**63), max_value=2**63 - 1)


def raw(value: Any) -> str:
    """Return a cursor that says something, made as ours are."""
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")


@given(MOMENTS, IDS)
def test_a_cursor_of_ours_round_trips(moment: datetime, row_id: int) -> None:
    cursor = encode_key(moment, row_id)
    assert cursor.isascii() and "=" not in cursor
    assert decode_key(cursor, "after", datetime, int) == [moment, row_id]


@given(st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_any_other_text_is_refused_or_a_key(text: str) -> None:
    try:
        moment, row_id = decode_key(text, "before", datetime, int)
    except Refused as refusal:
        assert (refusal.code, refusal.field) == (Code.INVALID, ("before",))
    else:
        assert moment.utcoffset() == timedelta(0)
        assert -(2**63) <= row_id < 2**63


@pytest.mark.parametrize(
    "key",
    [
        None,
        7,
        {},
        [],
        ["2026-11-22T12:00:00+00:00"],
        ["2026-11-22T12:00:00+00:00", 1, 2],
        ["2026-11-22T12:00:00", 1],
        ["0001-01-01T00:00:00+14:00", 1],
        ["2026-11-22T12:00:00+00:00", "1"],
        ["2026-11-22T12:00:00+00:00", True],
        ["2026-11-22T12:00:00+00:00", 1.5],
        ["2026-11-22T12:00:00+00:00", 2**63],
        [5, 1],
    ],
)
def test_keys_that_no_list_has_are_refused(key: Any) -> None:
    with pytest.raises(Refused) as refusal:
        decode_key(raw(key), "after", datetime, int)
    assert refusal.value.code is Code.INVALID


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (PageRequest(first=0), "first"),
        (PageRequest(first=101), "first"),
        (PageRequest(last=0), "last"),
        (PageRequest(last=-5), "last"),
        (PageRequest(first=1, last=1), "last"),
    ],
)
def test_sizes_out_of_range_are_refused(request_: PageRequest, field: str) -> None:
    with pytest.raises(Refused) as refusal:
        _ = request_.size
    assert (refusal.value.code, refusal.value.field) == (Code.INVALID, (field,))


def test_sizes_in_range() -> None:
    sizes = [PageRequest(), PageRequest(first=1), PageRequest(last=100)]
    assert [request.size for request in sizes] == [DEFAULT_PAGE, 1, 100] == [25, 1, 100]


@given(st.lists(st.integers(), max_size=6), st.integers(min_value=1, max_value=5), st.booleans())
def test_a_page_is_cut_from_the_side_that_was_asked(
    rows: list[int], size: int, backward: bool
) -> None:
    rows = rows[: size + 1]
    request = PageRequest(last=size) if backward else PageRequest(first=size)
    page = cut(rows, str, request)
    expected = rows[:size][::-1] if backward else rows[:size]
    assert (page.rows, page.cursors) == (expected, [str(row) for row in expected])
    more = (page.has_previous, page.has_next)
    assert more == ((len(rows) > size, False) if backward else (False, len(rows) > size))


async def _walk(workspace_id: int, size: int, *, descending: bool, backward: bool) -> list[int]:
    """Return the ids of a whole list, read page by page from one side."""
    found: list[int] = []
    cursor = None
    while True:
        if backward:
            request = PageRequest(last=size, before=cursor)
        else:
            request = PageRequest(first=size, after=cursor)
        page = await keyset_page(
            Records(read_conversations),
            Where("c.workspace_id = ?", (workspace_id,)),
            request,
            alias="c",
            key="last_message_at",
            descending=descending,
        )
        ids = [row.id for row in page.rows]
        found = ids + found if backward else found + ids
        if not (page.has_previous if backward else page.has_next):
            return found
        cursor = page.cursors[0] if backward else page.cursors[-1]


async def test_every_walk_is_exact(api: Api, world: World) -> None:
    """Whatever the moments (many of them equal), the size, the order and the side."""
    ids = [(await world.conversation(f"Carla{number}")).id for number in range(9)]
    start = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    @settings(
        max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
    )
    @given(
        st.lists(st.sampled_from([0, 1, 2, 999_999, 1_000_000]), min_size=9, max_size=9),
        st.integers(min_value=1, max_value=10),
        st.booleans(),
        st.booleans(),
    )
    async def check(shifts: list[int], size: int, descending: bool, backward: bool) -> None:
        order = []
        for row_id, shift in zip(ids, shifts, strict=True):
            moment = start + timedelta(microseconds=shift)
            await sql.affected(
                "UPDATE conversation SET last_message_at = ? WHERE id = ?", moment, row_id
            )
            order.append((moment, row_id))
        order.sort(reverse=descending)
        walk = await _walk(world.workspace.id, size, descending=descending, backward=backward)
        assert walk == [row_id for _, row_id in order]

    await hold(check)
