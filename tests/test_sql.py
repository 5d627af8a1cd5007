"""Raw SQL on both databases: placeholders, rows, and moments that compare as time does."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from models.engine.sql import affected, database_now, dialect, marks, moment, numbered, rows
from models.event import Event
from tests.conftest import ConnectedDatabase

COUNTER = "INSERT INTO event_counter (workspace_id, seq, oldest_seq, epoch) VALUES"
NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "translated"),
    [
        ("a = ? AND b = ?", "a = $1 AND b = $2"),
        ("a = '?' AND b = ?", "a = '?' AND b = $1"),
        ("a = 'it''s ?' AND b = ?", "a = 'it''s ?' AND b = $1"),
        ('"what?" = ?', '"what?" = $1'),
        ("a = ? -- why?\n AND b = ?", "a = $1 -- why?\n AND b = $2"),
        ("a = ? /* why?\n */ AND b = ?", "a = $1 /* why?\n */ AND b = $2"),
        ("$tag$ ? $tag$ || ?", "$tag$ ? $tag$ || $1"),
        ("no placeholder", "no placeholder"),
    ],
)
def test_placeholders_are_numbered_outside_of_quotes(query: str, translated: str) -> None:
    assert numbered(query) == translated


def test_marks_make_a_list_for_in() -> None:
    assert (marks([1, 2, 3]), marks([])) == ("?, ?, ?", "NULL")


async def test_returning_gives_rows_and_changes_are_counted(database: ConnectedDatabase) -> None:
    assert dialect() == database.dialect
    inserted = await rows(f"{COUNTER} (?, 1, 1, ?), (?, 2, 1, '?') RETURNING seq", 1, "a", 2)
    assert inserted == [{"seq": 1}, {"seq": 2}]
    assert await affected(f"{COUNTER} (?, 3, 1, 'c')", 3) == 1
    assert await affected("UPDATE event_counter SET seq = seq + ? WHERE seq < ?", 10, 3) == 2
    updated = await rows("UPDATE event_counter SET seq = 0 WHERE seq = ? RETURNING epoch", 12)
    assert updated == [{"epoch": "?"}]
    changed = f"DELETE FROM event_counter WHERE workspace_id IN ({marks([1, 9])})"
    assert await affected(changed, 1, 9) == 1
    assert await affected(changed, 1, 9) == 0
    assert await rows("SELECT epoch FROM event_counter ORDER BY epoch") == [
        {"epoch": "?"},
        {"epoch": "c"},
    ]


async def write_event(seq: int, at: datetime) -> None:
    columns = "(workspace_id, seq, kind, payload, created_at)"
    await affected(f"INSERT INTO event {columns} VALUES (1, ?, 'x', '', ?)", seq, at)


async def test_moments_are_stored_alike_by_orm_and_raw_sql(database: ConnectedDatabase) -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    await write_event(1, elsewhere)
    await Event.create(workspace_id=1, seq=2, kind="x", payload="", created_at=elsewhere)
    await Event.bulk_create(
        [Event(workspace_id=1, seq=3, kind="x", payload="", created_at=elsewhere)]
    )
    await Event.create(workspace_id=1, seq=4, kind="x", payload="", created_at=NOON)
    await Event.filter(seq=4).update(created_at=elsewhere)
    found = await rows("SELECT created_at FROM event ORDER BY seq")
    assert len({str(row["created_at"]) for row in found}) == 1
    assert [moment(row["created_at"]) for row in found] == [NOON] * 4
    if database.dialect == "sqlite":
        assert found[0]["created_at"] == "2026-11-22 12:00:00.000000+00:00"
    assert await Event.filter(created_at=NOON).count() == 4
    assert await Event.filter(created_at__lte=elsewhere).count() == 4
    assert (await Event.get(seq=1)).created_at == NOON


async def test_stored_moments_sort_as_time_does(database: ConnectedDatabase) -> None:
    steps = [0, 1, 499, 500_000, 999_999, 1_000_000, 1_000_001]
    for seq, step in enumerate(reversed(steps)):
        await write_event(seq, NOON + timedelta(microseconds=step))
    found = await rows("SELECT created_at FROM event ORDER BY created_at")
    assert [moment(row["created_at"]) for row in found] == [
        NOON + timedelta(microseconds=step) for step in steps
    ]


async def test_the_database_clock_is_never_early(database: ConnectedDatabase) -> None:
    for seq in range(50):
        before = datetime.now(UTC)
        await write_event(seq, before)
        (row,) = await rows(f"SELECT {database_now()} AS now")
        assert before - timedelta(milliseconds=1) < moment(row["now"]) <= datetime.now(UTC)
    await write_event(100, datetime.now(UTC) + timedelta(seconds=30))
    due = "SELECT count(*) AS due FROM event WHERE seq = 100 AND created_at <= "
    assert await rows(due + database_now()) == [{"due": 0}]
    assert await rows(due + database_now(29)) == [{"due": 0}]
    assert await rows(due + database_now(31)) == [{"due": 1}]
    leased = f"UPDATE event SET created_at = {database_now(-60)} WHERE seq = 100"
    assert await affected(leased) == 1
    assert await rows(due + database_now()) == [{"due": 1}]
    assert (await Event.get(seq=100)).created_at < datetime.now(UTC) - timedelta(seconds=59)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no zone"):
        moment("2026-11-22 12:00:00")
