"""The benchmarks: their rows keep the product's rules, and both programs give the same answers."""

import argparse
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import fanout, inboxes, load, work
from benchmarks.__main__ import FLOOR, PARTS, READS, check_agreement, measure_load, running
from benchmarks.data import LONG_MESSAGES, World
from benchmarks.seeding import seed_postgres, seed_sqlite

WORLD = World(200)


@pytest.fixture
async def seeded_url(
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> str:
    if request.param == "sqlite":
        await seed_sqlite(tmp_path / "bench.db", WORLD)
        return f"sqlite://{tmp_path / 'bench.db'}"
    new_database: Callable[[str], str] = request.getfixturevalue("new_postgres_database")
    url = new_database("bench")
    await seed_postgres(url, WORLD)
    return url


async def test_seeded_rows_keep_the_rules(tmp_path: Path) -> None:
    path = tmp_path / "bench.db"
    await seed_sqlite(path, WORLD)
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        counts = "SELECT (SELECT count(*) FROM conversation), (SELECT count(*) FROM message)"
        assert connection.execute(counts).fetchone() == (200, 2000)
        wrong = connection.execute(
            "SELECT c.id FROM conversation c JOIN"
            " (SELECT conversation_id, max(id) AS last, sum(direction = 'INCOMING') AS incoming,"
            " max(created_at) AS at, max(seq) AS seq, count(*) AS count FROM message GROUP BY 1) m"
            " ON m.conversation_id = c.id JOIN (SELECT conversation_id, max(seq) AS seq, count(*)"
            " AS count FROM activity GROUP BY 1) a ON a.conversation_id = c.id"
            " WHERE (c.last_message_id, c.incoming_count, c.last_message_at, c.last_seq)"
            " <> (m.last, m.incoming, m.at, max(m.seq, a.seq)) OR c.last_seq <> m.count + a.count"
        ).fetchall()
        assert wrong == []
        by_text = "SELECT 1 FROM message GROUP BY conversation_id HAVING count(*) = ?"
        assert len(connection.execute(by_text, (LONG_MESSAGES,)).fetchall()) == 2
        episodes = (
            "SELECT c.id FROM conversation c JOIN episode e ON e.conversation_id = c.id"
            " WHERE (c.status = 'CLOSED') <> (e.closed_at IS NOT NULL)"
        )
        assert connection.execute(episodes).fetchall() == []
    finally:
        connection.close()


@pytest.mark.parametrize("seeded_url", ["sqlite", "postgres"], indirect=True)
async def test_programs_answer_alike(seeded_url: str) -> None:
    asked, plans = await inboxes.prepare(seeded_url)
    assert list(asked) == list(plans) and len(plans) == 5
    with running(seeded_url) as servers:
        await check_agreement(servers, WORLD)
        parley = await load.ask(servers["parley"].port, next(work.send_graphql(WORLD, "p")))
        bare = await load.ask(servers["bare"].port, next(work.send_bare(WORLD, "b")))
        first, second = (one["data"]["sendMessage"].pop("message") for one in (parley, bare))
        assert bare == parley == {"data": {"sendMessage": {"userErrors": []}}}
        assert (second["seq"], second["text"]) == (first["seq"] + 1, first["text"])
        assert first.keys() == second.keys()

        figures = await fanout.compare(servers, WORLD, subscribers=3, events=2)
        assert {name: one.per_second > 0 for name, one in figures.items()} == {
            "bare": True,
            "parley": True,
        }


@pytest.mark.parametrize("seeded_url", ["sqlite"], indirect=True)
async def test_load_measures_every_part(seeded_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.__main__.ROUNDS", 1)
    monkeypatch.setattr("benchmarks.__main__.ROUND_SECONDS", 0.1)
    options = argparse.Namespace(quick=False, part=None)
    rows = await measure_load("sqlite", seeded_url, WORLD, options)
    assert [row["part"] for row in rows] == list(PARTS)
    for row in rows:
        assert (FLOOR in row["ratios"]) is (row["part"] in READS)
        measured = row["parley"]["requests_per_second"] / row["bare"]["requests_per_second"]
        assert row["ratios"]["bare"]["requests_per_second"] == pytest.approx(measured, abs=0.001)
