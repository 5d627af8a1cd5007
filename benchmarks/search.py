"""Search: words, beginnings, numbers and one conversation, on texts of many words."""

import argparse
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks import load, seeding, work
from benchmarks.data import LONG_EVERY, WORKSPACE, Row, World
from benchmarks.inboxes import viewer
from benchmarks.processes import server
from benchmarks.scale import Rows, show
from models.database import connect, disconnect
from models.engine import sql
from models.member import Member
from models.queries import Where
from models.terms import entry_of
from resolvers import search as searches
from resolvers.page import PageRequest

WORDS_OF_A_MESSAGE = 12
VOCABULARY = 50_000
NUMBER_EVERY = 50
"""Every so manieth message has a phone number in it."""
SYLLABLES = [a + b for a in "bcdfghjklmnprstvwxyz" for b in "aeiou"]
ASKED, SECONDS = 200, 6.0
"""How often each kind of search is asked for, and for how long at most."""
INDEX = re.compile(
    r"message_entry_vector|contact_search_text_parts|\w+_pkey|VIRTUAL TABLE INDEX \S+"
    r"|uid_message_\w+|sqlite_autoindex_message_\d|message_conversation_id_seq_key"
)
FOUND = """nodes { __typename highlights { field start length } contact { name }
  ... on MessageResult { message { id text } } ... on CommentResult { comment { id text } } }"""
SEARCH = f"""query Search($id: ID!, $text: String!) {{
  search(workspaceId: $id, text: $text, first: 25) {{ {FOUND} }} }}"""
WITHIN = f"""query Within($id: ID!, $text: String!) {{
  conversation(id: $id) {{ search(text: $text, first: 25) {{ {FOUND} }} }} }}"""


def word(rank: int) -> str:
    """Return a word of three syllables or more by how common it is, from 1."""
    text, rest = "", rank
    while rest:
        rest, place = divmod(rest, len(SYLLABLES))
        text = SYLLABLES[(place * 37 + 11) % len(SYLLABLES)] + text
    return text.rjust(6, "q")


WORDS = [word(rank) for rank in range(1, VOCABULARY + 1)]


def numbers_of(message: int) -> Iterator[float]:
    """Yield numbers from 0 to 1 that are the same each time."""
    state = message * 2654435761 % 2**32
    while True:
        state = (state * 1664525 + 1013904223) % 2**32
        yield state / 2**32


def text_of(message: int) -> str:
    """Return the text of a message: the words of each rank are half as common as those of half."""
    chance = numbers_of(message)
    words = [WORDS[int(VOCABULARY ** next(chance)) - 1] for _ in range(WORDS_OF_A_MESSAGE)]
    if message % NUMBER_EVERY == 0:
        words.append(f"+33 6 {message % 100:02} {message // 100 % 100:02} {message // 10000:04}")
    return " ".join(words)


@dataclass(frozen=True)
class Library(World):
    """A world whose messages say different things, and are found by them."""

    @property
    def name(self) -> str:
        """Return what tells its rows from those of other worlds."""
        return f"words_{super().name}"

    def _message(self, number: int, written: tuple[int, int]) -> Row:
        row = super()._message(number, written)
        return tuple(text_of(number) if place == 11 else value for place, value in enumerate(row))

    def tables(self) -> Iterator[tuple[str, tuple[str, ...], Iterator[Row]]]:
        """Yield each table, and that of the entries."""
        yield from super().tables()
        entries = (
            (number, entry_of(WORKSPACE, text_of(number))) for number in range(1, self.messages + 1)
        )
        yield "message_entry", ("message_id", "terms"), entries


def cases(world: World) -> dict[str, tuple[str, list[str]]]:
    """Return what is asked: the document of each kind of search, and the texts."""
    some = range(40)
    return {
        "one common word": (SEARCH, [WORDS[n] for n in range(20)]),
        "one word": (SEARCH, [WORDS[200 + 97 * n] for n in some]),
        "one rare word": (SEARCH, [WORDS[20_000 + 701 * n] for n in some]),
        "two common words": (SEARCH, [f"{WORDS[n]} {WORDS[30 - n]}" for n in range(15)]),
        "two words": (SEARCH, [f"{WORDS[5 + 3 * n]} {WORDS[150 + 31 * n]}" for n in some]),
        "beginning of 3": (SEARCH, [WORDS[200 + 131 * n][:3] for n in some]),
        "beginning of 4": (SEARCH, [WORDS[300 + 131 * n][:4] for n in some]),
        "phone fragment": (SEARCH, [f"{world.conversations // 2 + 7 * n:06}" for n in some]),
        "in a conversation": (WITHIN, [WORDS[100 + 53 * n] for n in some]),
    }


async def measure(postgres_url: str, options: argparse.Namespace) -> Rows:
    """Measure each kind of search on both databases, one search after another."""
    world, rows = Library(10_000 if options.quick else 100_000), []
    for database in ("postgres", "sqlite"):
        if options.database not in (None, database):
            continue
        if database == "postgres":
            url = await seeding.postgres_database(postgres_url, world)
        else:
            url = await seeding.sqlite_database(world)
        plans = await _plans(url, world)
        with server("parley", url) as running:
            for name, (document, texts) in cases(world).items():
                rows.append({"database": database, "search": name})
                rows[-1] |= await _timed(running.port, document, texts) | {"index": plans[name]}
    return show(f"Searches among {world.messages:,} messages, one after another", rows)


async def _timed(port: int, document: str, texts: list[str]) -> dict[str, Any]:
    ids = {SEARCH: work.global_id("Workspace", WORKSPACE)}
    key = ids.get(document, work.global_id("Conversation", LONG_EVERY))
    took: list[float] = []
    found, refused, begin = 0, 0, time.perf_counter()
    while len(took) < ASKED and (len(took) < len(texts) or time.perf_counter() < begin + SECONDS):
        request = work.graphql(document, id=key, text=texts[len(took) % len(texts)])
        asked = time.perf_counter()
        try:
            answer = await load.ask(port, request)
        except load.Failed:  # as too broad
            refused += 1
            answer = {"data": {"search": {"nodes": []}}}
        took.append((time.perf_counter() - asked) * 1000)
        data = answer["data"].get("conversation") or answer["data"]
        found += len(data["search"]["nodes"])
    return {
        "asked": len(took),
        "refused": refused,
        "found": round(found / len(took), 1),
        "p50_ms": round(load.percentile_of(took, 50), 1),
        "p95_ms": round(load.percentile_of(took, 95), 1),
    }


async def _plans(url: str, world: World) -> dict[str, str]:
    """Return the indexes by which the database finds, for each kind of search."""
    sent: list[Where] = []
    looked_up = searches.looked_up

    async def noting(query: Where) -> Any:
        sent.append(query)
        return await looked_up(query)

    await connect(url, pool_size=1)
    searches.looked_up = noting
    try:
        asker, plans = viewer(await Member.get(id=1)), {}
        for name, (document, texts) in cases(world).items():
            page = PageRequest(first=25)
            if document == WITHIN:
                await searches.search_conversations([(LONG_EVERY, WORKSPACE, texts[0], page)])
            else:
                await searches.search(asker, WORKSPACE, page, text=texts[0])
            word = "EXPLAIN QUERY PLAN" if sql.dialect() == "sqlite" else "EXPLAIN"
            query = sent[-1]
            steps = await sql.records(f"{word} {query.condition}", *query.values)
            text = "\n".join(str(step[-1]) for step in steps)
            plans[name] = " ".join(dict.fromkeys(INDEX.findall(text)))
    finally:
        searches.looked_up = looked_up
        await disconnect()
    return plans
