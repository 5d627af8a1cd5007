"""Queries: how records are read, locked and written by plain SQL."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from typing import Any, Protocol, TypeVar

from models.engine import sql
from models.records import (
    AI_AGENTS,
    CONTACTS,
    CONVERSATIONS,
    LISTED_CONTACTS,
    MEMBERS,
    THREADS,
    USERS,
    ConversationRecord,
    ListedContactRecord,
    MemberRecord,
    Table,
)

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Where:
    """A condition of a statement, with the values of its placeholders."""

    condition: str
    values: tuple[Any, ...] = ()

    def __and__(self, other: "Where") -> "Where":
        """Return the condition that both hold."""
        return Where(f"{self.condition} AND {other.condition}", self.values + other.values)


class Reading(Protocol):
    """How rows are read: as records, or as a layout's rows with only what is asked for."""

    async def read(self, rest: str, *values: Any, along: tuple[str, ...] = ()) -> Sequence[Any]:
        """Return rows; `rest` follows the joins, and `along` are columns needed besides."""

    def beside(self, along: tuple[str, ...]) -> Callable[[Any], Any]:
        """Return what finds the columns in a row that were read `along`, two of them at least."""


def _value_of(record: Any, name: str) -> Any:
    """Return a column of a record or, as `assignee.team_id`, of one inside it."""
    for part in name.split("."):
        record = getattr(record, part) if record is not None else None
    return record


@dataclass(frozen=True, slots=True)
class Records:
    """Reading whole records by a function that takes what follows its joins."""

    fetch: Callable[..., Awaitable[list[Any]]]

    async def read(self, rest: str, *values: Any, along: tuple[str, ...] = ()) -> list[Any]:  # noqa: ARG002 - they have all columns
        """Return records."""
        return await self.fetch(rest, *values)

    def beside(self, along: tuple[str, ...]) -> Callable[[Any], Any]:
        """Return what finds the columns in a record."""
        return lambda record: [_value_of(record, name) for name in along]


_CONVERSATIONS = (
    f"SELECT {CONVERSATIONS.columns('c')}, {CONTACTS.columns('ct')}, {MEMBERS.columns('m')},"
    f" {USERS.columns('u')}, {AI_AGENTS.columns('ai')}"
    " FROM conversation c JOIN contact ct ON ct.id = c.contact_id"
    " LEFT JOIN member m ON m.id = c.assignee_id LEFT JOIN account u ON u.id = m.user_id"
    " LEFT JOIN ai_agent ai ON ai.id = c.ai_agent_id"
)


async def read_conversations(rest: str, *values: Any) -> list[ConversationRecord]:
    """Return conversations (alias c) with contact (ct), member (m), user (u) and AI agent (ai).

    `rest` is what follows the joins: WHERE, ORDER BY and LIMIT.
    """
    return await _conversations(sql.client(), rest, values)


async def _conversations(own: Any, rest: str, values: Sequence[Any]) -> list[ConversationRecord]:
    query, decode = _reading(own.capabilities.dialect, rest)
    return [decode(row) for row in await own.fetch(query, values)]


@lru_cache(maxsize=512)
def _reading(dialect: str, rest: str) -> tuple[str, Callable[[Any], ConversationRecord]]:
    """Return the statement that reads conversations, and what reads one of its rows."""
    query = f"{_CONVERSATIONS} {rest}"
    return sql.numbered(query) if dialect == "postgres" else query, _conversation(dialect)


@cache
def _conversation(dialect: str) -> Callable[[Any], ConversationRecord]:
    """Return what reads a row of `_CONVERSATIONS`."""
    contact_at = CONVERSATIONS.width
    member_at = contact_at + CONTACTS.width
    user_at = member_at + MEMBERS.width
    agent_at = user_at + USERS.width
    conversation, contact = CONVERSATIONS.decoder(dialect), CONTACTS.decoder(dialect)
    member, user = MEMBERS.decoder(dialect), USERS.decoder(dialect)
    agent = AI_AGENTS.decoder(dialect)
    return lambda row: conversation(
        row,
        0,
        contact(row, contact_at),
        member(row, member_at, user(row, user_at)) if row[member_at] is not None else None,
        agent(row, agent_at) if row[agent_at] is not None else None,
    )


async def lock_conversation(
    conversation_id: int, more: Where | None = None
) -> ConversationRecord | None:
    """Return a conversation whose row is locked until the transaction ends; None if there is none,
    or if something `more` is asked for that does not hold.

    PostgreSQL reads the locked row as it is after the wait, but its neighbours as they were
    before: where the two no longer fit, it is read again.
    """
    where = Where("c.id = ?", (conversation_id,))
    wanted = where & more if more is not None else where
    own = sql.client()
    lock = " FOR UPDATE OF c" if own.capabilities.dialect == "postgres" else ""
    found = await _conversations(own, f"WHERE {wanted.condition}{lock}", wanted.values)
    if found and not _fits(found[0]):
        found = await _conversations(own, f"WHERE {where.condition}", where.values)
    return found[0] if found else None


def _fits(row: ConversationRecord) -> bool:
    """Tell whether the neighbours of a conversation are those that it names."""
    member = row.assignee.id if row.assignee is not None else None
    agent = row.ai_agent.id if row.ai_agent is not None else None
    return (member, agent) == (row.assignee_id, row.ai_agent_id)


def update_of(table: Table[Any], row: Any, names: Iterable[str]) -> sql.Statement:
    """Return the statement that writes the named columns of a record."""
    columns = " = ?, ".join(names)
    values = _plain([getattr(row, name) for name in names])
    return f"UPDATE {table.name} SET {columns} = ? WHERE id = ?", [*values, row.id]


def insert_of(table: str, *rows: Mapping[str, Any]) -> sql.Statement:
    """Return the statement that inserts rows, all of the same columns."""
    names = tuple(rows[0])
    values = _plain([row[name] for row in rows for name in names])
    return _insert(table, names, len(rows)), values


@lru_cache(maxsize=1024)
def _insert(table: str, names: Sequence[str], count: int) -> str:
    marks = ", ".join([f"({', '.join('?' * len(names))})"] * count)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES {marks}"


def _plain(values: Sequence[Any]) -> list[Any]:
    return [value.value if isinstance(value, Enum) else value for value in values]


def next_id(table: str) -> str:
    """Return the SQL of the id that the next row of a table gets, to be selected once for it.

    On SQLite it holds as long as the transaction writes: nobody else can insert.
    """
    if sql.dialect() == "postgres":
        return f"nextval(pg_get_serial_sequence('{table}', 'id'))"
    return f"(SELECT COALESCE(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = '{table}')"


async def take_ids(table: str, count: int) -> list[int]:
    """Return the ids of the next rows of a table, which nobody else gets: see `next_id`."""
    if sql.dialect() == "postgres":
        taken = f"SELECT {next_id(table)} FROM generate_series(1, ?)"
        return [int(row[0]) for row in await sql.records(taken, count)]
    [[first]] = await sql.records(f"SELECT {next_id(table)}")
    return list(range(first, first + count))


async def read_contacts(rest: str, *values: Any) -> list[ListedContactRecord]:
    """Return contacts (alias ct) of conversations (c) with their assignee (m).

    `rest` is what follows the joins: WHERE, ORDER BY and LIMIT.
    """
    rows = await sql.records(
        f"SELECT {LISTED_CONTACTS.columns('ct')}, {THREADS.columns('c')} FROM contact ct"
        " JOIN conversation c ON c.contact_id = ct.id"
        f" LEFT JOIN member m ON m.id = c.assignee_id {rest}",
        *values,
    )
    dialect = sql.dialect()
    contact, thread = LISTED_CONTACTS.decoder(dialect), THREADS.decoder(dialect)
    return [contact(row, 0, thread(row, LISTED_CONTACTS.width)) for row in rows]


async def read_members(rest: str, *values: Any) -> list[MemberRecord]:
    """Return members (alias m) with their user (u); `rest` follows the joins."""
    rows = await sql.records(
        f"SELECT {MEMBERS.columns('m')}, {USERS.columns('u')} FROM member m"
        f" JOIN account u ON u.id = m.user_id {rest}",
        *values,
    )
    dialect = sql.dialect()
    member, user = MEMBERS.decoder(dialect), USERS.decoder(dialect)
    return [member(row, 0, user(row, MEMBERS.width)) for row in rows]


async def read(table: Table[R], rest: str, *values: Any) -> list[R]:
    """Return the records of one table (alias t); `rest` is what follows FROM."""
    rows = await sql.records(f"SELECT {table.columns('t')} FROM {table.name} t {rest}", *values)
    decode = table.decoder(sql.dialect())
    return [decode(row, 0) for row in rows]
