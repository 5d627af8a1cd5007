"""Searching in SQL: the newest finds of each kind that a viewer may see, and their rank.

Messages and comments are found by the terms of their entries (alias s), contacts (ct) by a part of
their details. Text that a person typed is only ever a value.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.engine import sql
from models.queries import Where
from models.terms import in_workspace
from resolvers.contact_search import Search, search_where
from resolvers.search_text import Part, Phrase, Sought

CANDIDATES = 500
"""How many finds of each kind are ranked: the newest ones."""
FEW = 10_000
"""How many entries PostgreSQL takes from the index to find the newest among them."""
LEAST_PART = 3
"""The shortest part of their details that the index of contacts has."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where messages or comments and their entries are."""

    table: str

    @property
    def entries(self) -> str:
        """Return the table of the entries."""
        return f"{self.table}_entry"

    @property
    def key(self) -> str:
        """Return the key of the entries."""
        return f"{self.table}_id"


MESSAGES, COMMENTS = Place("message"), Place("comment")


def has(column: str) -> str:
    """Return the SQL of a text having another one in it."""
    name = "strpos" if sql.dialect() == "postgres" else "instr"
    return f"{name}({column}, ?) > 0"


def _rank(text: str, phrase: str) -> Where:
    """Return how well a text with spaces around it fits: 2 has the very words, 1 as beginnings."""
    return Where(
        f"CASE WHEN {has(text)} THEN 2 WHEN {has(text)} THEN 1 ELSE 0 END",
        (f" {phrase} ", f" {phrase}"),
    )


def _terms(workspace_id: int, phrase: Phrase) -> list[str]:
    return [in_workspace(workspace_id, term) for term in phrase.terms]


def index_query(workspace_id: int, sought: Sought) -> str:
    """Return what the database's index of entries is asked: terms alone, in its quotes."""
    postgres = sql.dialect() == "postgres"
    quote, beginning, both, either = ("'", ":*", "&", "|") if postgres else ('"', "*", "AND", "OR")

    def quoted(term: str, *, is_beginning: bool) -> str:
        return f"{quote}{term}{quote}{beginning if is_beginning else ''}"

    def asked(part: Part) -> str:
        terms = [
            quoted(term, is_beginning=phrase.is_beginning and place == len(phrase.terms))
            for phrase in part.phrases
            for place, term in enumerate(_terms(workspace_id, phrase), start=1)
        ]
        words = f" {both} ".join(terms)
        if part.digits is None:
            return words
        digits = quoted(in_workspace(workspace_id, part.digits), is_beginning=True)
        return f"(({words}) {either} {digits})"

    return f" {both} ".join(asked(part) for part in sought.parts)


def entry_where(workspace_id: int, sought: Sought, *, all_parts: bool = True) -> Where:
    """Return what the terms of an entry must have, without the index.

    Or only what the index cannot say: that terms stand side by side.
    """
    text, where = "(' ' || s.terms || ' ')", Where("1 = 1")
    for part in sought.parts:
        if not all_parts and all(len(phrase.terms) == 1 for phrase in part.phrases):
            continue
        values = [
            f" {' '.join(_terms(workspace_id, phrase))}{'' if phrase.is_beginning else ' '}"
            for phrase in part.phrases
        ]
        condition = " AND ".join([has(text)] * len(values))
        if part.digits is not None:
            condition = f"(({condition}) OR {has(text)})"
            values.append(f" {in_workspace(workspace_id, part.digits)}")
        where &= Where(condition, tuple(values))
    return where


def entry_finds(place: Place, workspace_id: int, sought: Sought, visible: Where) -> Where:
    """Return the SELECT of the newest messages or comments: kind, ids, moment and rank."""
    asked = index_query(workspace_id, sought)
    where = visible & entry_where(workspace_id, sought, all_parts=False)
    if sql.dialect() == "sqlite":
        index = f"{place.entries}_index"
        source = f"{index} x CROSS JOIN {place.entries} s ON s.{place.key} = x.rowid"
        found = Where(f"{index} MATCH ?", (asked,))
        return _newest(place, workspace_id, sought, source, found & where, order="x.rowid")
    source, found = f"{place.entries} s", Where("s.vector @@ cast(? as tsquery)", (asked,))
    if not any(phrase.is_beginning for part in sought.parts for phrase in part.phrases):
        return _newest(place, workspace_id, sought, source, found & where)
    # How many words begin like this PostgreSQL cannot tell: a look into the index does. Where that
    # finds many, some are among the newest: a walk from these on meets enough of them soon.
    count = Where(f"(SELECT COUNT(*) FROM few) > {FEW}")
    walked = visible & entry_where(workspace_id, sought) & count
    many = _newest(place, workspace_id, sought, source, walked)
    source = (
        f"(SELECT {place.key} FROM few ORDER BY {place.key} DESC) few"
        f" JOIN {place.entries} s USING ({place.key})"
    )
    few = _newest(place, workspace_id, sought, source, where & Where(f"NOT {count.condition}"))
    return Where(
        f"WITH found AS MATERIALIZED (SELECT s.{place.key} FROM {place.entries} s"
        f" WHERE {found.condition}),"
        f" few AS MATERIALIZED (SELECT {place.key} FROM found LIMIT {FEW + 1})"
        f" SELECT * FROM ({many.condition}) many UNION ALL SELECT * FROM ({few.condition}) few",
        found.values + many.values + few.values,
    )


def _newest(
    place: Place,
    workspace_id: int,
    sought: Sought,
    source: str,
    where: Where,
    *,
    order: str | None = None,
) -> Where:
    """Return the SELECT of the newest entries of a source, ranked."""
    words = [term for part in sought.parts for p in part.phrases for term in p.terms]
    phrase = " ".join(in_workspace(workspace_id, word) for word in words)
    rank = _rank("(' ' || s.terms || ' ')", phrase)
    return Where(
        f"SELECT '{place.table}' AS kind, t.id AS id, t.conversation_id AS conversation_id,"
        f" t.created_at AS moment, {rank.condition} * 2 AS rank FROM {source}"
        f" JOIN {place.table} t ON t.id = s.{place.key}"
        " JOIN conversation c ON c.id = t.conversation_id"
        " LEFT JOIN member m ON m.id = c.assignee_id"
        f" WHERE {where.condition} ORDER BY {order or f's.{place.key}'} DESC LIMIT {CANDIDATES}",
        rank.values + where.values,
    )


def conversation_finds(
    workspace_id: int, ids: Sequence[int], sought: Sought, most: int, before: int | None
) -> Where:
    """Return the SELECT of the last messages and comments of conversations: kind, ids and seq.

    It reads the lines of the conversations themselves, from the last one on.
    """
    where = entry_where(workspace_id, sought)
    if before is not None:
        where &= Where("t.seq < ?", (before,))
    selects: list[str] = []
    values: list[Any] = []
    for place in (MESSAGES, COMMENTS):
        columns = f"'{place.table}' AS kind, t.id AS id, t.conversation_id AS conversation_id"
        source = f"{place.table} t JOIN {place.entries} s ON s.{place.key} = t.id"
        if len(ids) == 1:
            values += [ids[0], *where.values]
            selects.append(
                f"SELECT * FROM (SELECT {columns}, t.seq AS seq FROM {source}"
                f" WHERE t.conversation_id = ? AND {where.condition}"
                f" ORDER BY t.seq DESC LIMIT {int(most)}) {place.table}s"
            )
            continue
        values += [sql.group(ids), *where.values]
        place_of = "ROW_NUMBER() OVER (PARTITION BY t.conversation_id ORDER BY t.seq DESC)"
        selects.append(
            f"SELECT kind, id, conversation_id, seq FROM (SELECT {columns}, t.seq AS seq,"
            f" {place_of} AS place FROM {source} WHERE {sql.among('t.conversation_id')}"
            f" AND {where.condition}) {place.table}s WHERE place <= {int(most)}"
        )
    return Where(" UNION ALL ".join(selects), tuple(values))


def contact_finds(search: Search, visible: Where, *, is_masked: bool) -> Where:
    """Return the SELECT of the newest contacts; for who is masked, by their names alone.

    The index has also what is hidden from those: they do without.
    """
    text = "ct.name_text" if is_masked else "ct.search_text"
    where = search_where(search, text=text, phone=None) & visible
    source, order = "contact ct", "ct.id"
    words = [word for term in search.terms for word in term.words]
    parts = [] if is_masked else [word for word in words if len(word) >= LEAST_PART]
    if parts and sql.dialect() == "postgres":
        likes = ["ct.search_text LIKE ?"] * len(parts)
        where = Where(" AND ".join(likes), tuple(f"%{_plain(part)}%" for part in parts)) & where
    elif parts:
        asked = " AND ".join('"' + part.replace('"', '""') + '"' for part in parts)
        where = Where("contact_index MATCH ?", (asked,)) & where
        source, order = "contact_index x CROSS JOIN contact ct ON ct.id = x.rowid", "x.rowid"
    rank = _rank(f"(' ' || {text} || ' ')", " ".join(words))
    return Where(
        "SELECT 'contact' AS kind, ct.id AS id, c.id AS conversation_id, ct.created_at AS moment,"
        f" {rank.condition} * 2 + 1 AS rank FROM {source}"
        " JOIN conversation c ON c.contact_id = ct.id LEFT JOIN member m ON m.id = c.assignee_id"
        f" WHERE {where.condition} ORDER BY {order} DESC LIMIT {CANDIDATES}",
        rank.values + where.values,
    )


def _plain(part: str) -> str:
    """Return a text that LIKE takes as it is."""
    return re.sub(r"([\\%_])", r"\\\1", part)
