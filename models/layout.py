"""Layouts: reading only the columns and joins that somebody asks for, as the driver's own rows."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any

from models.engine import sql
from models.records import (
    ACTIVITIES,
    AI_AGENTS,
    COMMENTS,
    CONTACTS,
    CONVERSATIONS,
    MEMBERS,
    MESSAGES,
    USERS,
    Table,
)

MAX_STATEMENTS = 64
"""How many statements a layout keeps: one for each shape of conditions, order and limit."""
MOMENT = {
    "postgres": """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')""",
    "sqlite": "replace({}, ' ', 'T')",
}
"""How each database writes a moment as `models.clock.written` does."""
ALIAS = re.compile(r"\b([a-z_]+)\.[a-z_]")


@dataclass(frozen=True, eq=False, slots=True)
class Join:
    """A row beside another one, at most one; with `is_optional` there may be none."""

    clause: str
    source: "Source"
    is_optional: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Source:
    """A table under its alias, and what can be joined to it, by the names in its records."""

    table: Table[Any]
    alias: str
    joins: Mapping[str, Join] = field(default_factory=dict)

    def reached(self, wanted: set[str]) -> Iterator[tuple[str, str]]:
        """Yield alias and clause of each join on the way to the wanted aliases, in order."""
        for join in self.joins.values():
            beyond = list(join.source.reached(wanted))
            if beyond or join.source.alias in wanted:
                yield join.source.alias, join.clause
                yield from beyond


class Layout:
    """Where the wanted columns of a source and its joins stand in the rows of its statement."""

    def __init__(self, source: Source, *, tag: str | None = None) -> None:
        self.source = source
        self._tag = tag
        """The first value of each row, where rows of several layouts are told apart."""
        self._columns: dict[tuple[str, str, bool], int] = {}
        self._statements: dict[tuple[str, str, tuple[str, ...]], str] = {}
        self._getters: dict[tuple[str, ...], Callable[[Any], Any]] = {}

    def place(self, path: Sequence[str], column: str, *, is_written: bool = False) -> int:
        """Return where a column, at the end of a path of joins, stands in a row.

        With `is_written` a moment comes as text, as the API writes it. Raises KeyError where there
        is no such join or column.
        """
        alias, _, is_moment = self._found(*path, column)
        key = (alias, column, is_written and is_moment)
        return self._columns.setdefault(key, len(self._columns) + (self._tag is not None))

    def _found(self, *path: str) -> tuple[str, str, bool]:
        """Return the alias and the name of a column behind joins, and whether it is a moment."""
        *joins, column = path
        source = self.source
        for name in joins:
            source = source.joins[name].source
        return source.alias, column, source.table.hints[column] in (datetime, datetime | None)

    async def read(self, rest: str, *values: Any, along: tuple[str, ...] = ()) -> Sequence[Any]:
        """Return the rows; `rest` follows the joins: WHERE, ORDER BY and LIMIT.

        `along` are columns that are read as well, moments as text; those of joined rows with the
        join's name, as `assignee.team_id`.
        """
        own = sql.client()
        key = (own.capabilities.dialect, rest, along)
        statement = self._statements.get(key)
        if statement is None:
            if len(self._statements) >= MAX_STATEMENTS:
                self._statements.clear()
            statement = self._statements[key] = self._compose(*key)
        found: Sequence[Any] = await own.fetch(statement, values)
        return found

    def beside(self, along: tuple[str, ...]) -> Callable[[Any], Any]:
        """Return what finds the columns in a row that were read `along`, two of them at least."""
        if along not in self._getters:
            wanted = self._wanted(along)
            places = (
                range(-len(along), 0)
                if self._tag is not None
                else [wanted.index(key) for key in self._keys(along)]
            )
            self._getters[along] = itemgetter(*places)
        return self._getters[along]

    def _keys(self, along: Sequence[str]) -> list[tuple[str, str, bool]]:
        return [self._found(*name.split(".")) for name in along]

    def _wanted(self, along: Sequence[str]) -> list[tuple[str, str, bool]]:
        """Return the columns of a row in their order: each once, but rows of several layouts have
        what is read along behind all others, where one function finds it in all of them."""
        own = list(self._columns)
        return own + [
            key for key in self._keys(along) if self._tag is not None or key not in self._columns
        ]

    def _compose(self, dialect: str, rest: str, along: Sequence[str]) -> str:
        source = self.source
        wanted = self._wanted(along)
        columns = [
            MOMENT[dialect].format(f"{alias}.{name}") if is_written else f"{alias}.{name}"
            for alias, name, is_written in wanted
        ]
        if self._tag is not None:
            columns.insert(0, f"'{self._tag}'")
        aliases = {alias for alias, _, _ in wanted} | set(ALIAS.findall(rest))
        joins = " ".join(clause for _, clause in source.reached(aliases))
        listed = ", ".join(columns) or "1"
        query = f"SELECT {listed} FROM {source.table.name} {source.alias} {joins} {rest}"
        return sql.numbered(query) if dialect == "postgres" else query


def _member(alias: str, key: str) -> Join:
    user = f"{alias}u"
    clause = f"LEFT JOIN account {user} ON {user}.id = {alias}.user_id"
    source = Source(MEMBERS, alias, {"user": Join(clause, Source(USERS, user))})
    return Join(f"LEFT JOIN member {alias} ON {alias}.id = {key}", source, is_optional=True)


def _ai_agent(alias: str, key: str) -> Join:
    clause = f"LEFT JOIN ai_agent {alias} ON {alias}.id = {key}"
    return Join(clause, Source(AI_AGENTS, alias), is_optional=True)


def _writer(alias: str) -> Join:
    """Join the contact who wrote a message: only to the incoming ones."""
    conversation, contact = f"{alias}c", f"{alias}ct"
    clause = (
        f"LEFT JOIN conversation {conversation} ON {alias}.direction = 'INCOMING'"
        f" AND {conversation}.id = {alias}.conversation_id"
        f" LEFT JOIN contact {contact} ON {contact}.id = {conversation}.contact_id"
    )
    return Join(clause, Source(CONTACTS, contact), is_optional=True)


def _message(alias: str) -> Source:
    joins = {"member": _member(f"{alias}m", f"{alias}.author_id"), "writer": _writer(alias)}
    return Source(MESSAGES, alias, joins)


def _activity(alias: str) -> Source:
    joins = {
        "actor": _member(f"{alias}m", f"{alias}.actor_id"),
        "assignee": _member(f"{alias}a", f"{alias}.assignee_id"),
        "ai_agent": _ai_agent(f"{alias}ai", f"{alias}.ai_agent_id"),
    }
    return Source(ACTIVITIES, alias, joins)


def _comment(alias: str) -> Source:
    return Source(COMMENTS, alias, {"author": _member(f"{alias}m", f"{alias}.author_id")})


MESSAGE = _message("t")
ACTIVITY = _activity("t")
COMMENT = _comment("t")
CONVERSATION = Source(
    CONVERSATIONS,
    "c",
    {
        "contact": Join("JOIN contact ct ON ct.id = c.contact_id", Source(CONTACTS, "ct")),
        "assignee": _member("m", "c.assignee_id"),
        "ai_agent": _ai_agent("ai", "c.ai_agent_id"),
        "last_message": Join(
            "LEFT JOIN message lm ON lm.id = c.last_message_id", _message("lm"), is_optional=True
        ),
    },
)
CONTACT = Source(
    CONTACTS,
    "ct",
    {
        "conversation": Join(
            "JOIN conversation c ON c.contact_id = ct.id",
            Source(CONVERSATIONS, "c", {"assignee": _member("m", "c.assignee_id")}),
        )
    },
)
