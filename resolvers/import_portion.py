"""A portion of an import: its lines are looked up together and written together."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from models.clock import now
from models.conversation import ConversationStatus
from models.engine import sql
from models.queries import read_conversations
from models.records import ConversationRecord
from models.refusal import Refused
from models.transfer import Transfer
from realtime.events import ContactCreated, ContactUpdated
from realtime.jobs import Retry
from realtime.transaction import Announce
from resolvers.access import sees
from resolvers.contact_details import country_of, folded_name, search_text
from resolvers.import_book import (
    DETAIL_NAMES,
    KEYS,
    Book,
    Entry,
    Fate,
    as_kept,
    details_of,
    from_kept,
    keys_of,
)
from resolvers.import_line import Line, RefusedLine
from resolvers.masking import name_text
from resolvers.viewer import Viewer
from resolvers.vocabulary import keep_words

CONTACT = (
    *("id", "workspace_id", "first_name", "last_name", "phone", "email", "language"),
    *("country", "lifecycle_stage_id", "picture_url", "search_text"),
    *("folded_name", "version", "created_at", "given_phone", "given_email", "name_text"),
)
CHANGEABLE = (
    *(*DETAIL_NAMES, "country", "search_text", "folded_name", "version"),
    *("given_phone", "given_email", "name_text"),
)
CONVERSATION = (
    *("id", "workspace_id", "contact_id", "status", "last_seq", "incoming_count"),
    *("last_message_at", "status_since", "wake_on_reply", "version", "created_at"),
)


@dataclass(slots=True)
class Outcome:
    """What became of the lines of a portion."""

    counts: Counter[Fate] = field(default_factory=Counter)
    refused: list[RefusedLine] = field(default_factory=list)


async def import_lines(
    viewer: Viewer, transfer: Transfer, lines: Sequence[Line], announce: Announce
) -> Outcome:
    """Do what lines say, in their order, in the open transaction; a dry run only notes it."""
    await _keep_words(transfer.workspace_id, lines)
    book = await _open_book(viewer, transfer, lines)
    outcome = Outcome()
    for line in lines:
        try:
            outcome.counts[book.apply(line)] += 1
        except Refused as refused:
            outcome.refused.append(RefusedLine(line.number, refused))
    if transfer.is_dry_run:
        await _note_guesses(transfer.id, book)
    else:
        await _write(transfer.workspace_id, book.changed, announce)
    return outcome


async def _keep_words(workspace_id: int, lines: Sequence[Line]) -> None:
    """Keep what the lines name from being deleted; do the portion anew if some is gone by now.

    Before the contacts are locked: see `lifecycle.keep_stage`.
    """
    stages = {line.details.lifecycle_stage_id for line in lines}
    named: dict[str, set[int]] = {
        "lifecycle_stage": {key for key in stages if key is not None},
        "tag": {key for line in lines for key in line.tag_ids},
        "custom_field": {key for line in lines for key in line.values},
    }
    for table, keys in named.items():
        if keys and await keep_words(table, workspace_id, keys) != keys:
            raise Retry(f"a {table} was deleted", after_seconds=0)


async def _open_book(viewer: Viewer, transfer: Transfer, lines: Sequence[Line]) -> Book:
    assert transfer.mode is not None  # noqa: S101 - a constraint says so
    keys = {key for line in lines for key in keys_of(line.details)}
    entries = await _entries(viewer, transfer, keys)
    if transfer.is_dry_run:
        guessed, freed = await _guesses(transfer.id, keys)
        known = {entry.identity for entry in guessed}
        for entry in entries:
            for name, prefix in KEYS.items():
                if f"{prefix}{entry.details[name]}" in freed:
                    entry.details[name] = None
        entries = [entry for entry in entries if entry.identity not in known] + guessed
    return Book(transfer.mode, entries)


async def _entries(viewer: Viewer, transfer: Transfer, keys: Iterable[str]) -> list[Entry]:
    """Return the contacts that have one of the keys, locked unless it is a dry run."""
    ids: set[int] = set()
    for name, prefix in KEYS.items():
        wanted = sorted(key.removeprefix(prefix) for key in keys if key.startswith(prefix))
        if wanted:
            found = await sql.records(
                "SELECT id FROM contact"
                f" WHERE workspace_id = ? AND {name} IN ({sql.marks(wanted)})",
                transfer.workspace_id,
                *wanted,
            )
            ids |= {row[0] for row in found}
    if not ids:
        return []
    if sql.dialect() == "postgres" and not transfer.is_dry_run:
        lock = f"SELECT 1 FROM contact WHERE {sql.among('id')} ORDER BY id FOR UPDATE"
        await sql.records(lock, sql.group(ids))
    rows = await read_conversations(f"WHERE {sql.among('c.contact_id')}", sql.group(ids))
    return await _described(viewer, rows)


async def _described(viewer: Viewer, rows: Sequence[ConversationRecord]) -> list[Entry]:
    group = sql.group([row.contact_id for row in rows])
    tag_ids: dict[int, set[int]] = defaultdict(set)
    of_contacts = f"WHERE {sql.among('contact_id')}"
    for one in await sql.records(
        f"SELECT contact_id, tag_id FROM contact_tag {of_contacts}", group
    ):
        tag_ids[one[0]].add(one[1])
    values: dict[int, dict[int, tuple[str | None, float | None]]] = defaultdict(dict)
    query = f"SELECT contact_id, field_id, text, number FROM custom_field_value {of_contacts}"
    for one in await sql.records(query, group):
        values[one[0]][one[1]] = (one[2], one[3])
    return [
        Entry(
            row.contact_id,
            {name: getattr(row.contact, name) for name in DETAIL_NAMES},
            values[row.contact_id],
            tag_ids[row.contact_id],
            is_visible=sees(viewer, row),
            row=row,
        )
        for row in rows
    ]


async def _guesses(transfer_id: int, keys: Iterable[str]) -> tuple[list[Entry], set[str]]:
    """Return what a dry run has made of the keys so far, and those that nobody has any more."""
    wanted = sorted(keys)
    rows = await sql.records(
        "SELECT key, identity, content FROM transfer_guess"
        f" WHERE transfer_id = ? AND key IN ({sql.marks(wanted)})",
        transfer_id,
        *wanted,
    )
    found = {row[1]: from_kept(row[1], orjson.loads(row[2])) for row in rows if row[1]}
    return list(found.values()), {row[0] for row in rows if not row[1]}


async def _note_guesses(transfer_id: int, book: Book) -> None:
    """Remember what a dry run would have made of contacts, for the portions after this one."""
    guesses = dict.fromkeys(sorted(book.freed), (0, ""))
    for entry in book.changed:
        content = orjson.dumps(as_kept(entry)).decode()
        guesses |= dict.fromkeys(entry.keys(), (entry.identity, content))
    await _insert(
        "transfer_guess",
        ("transfer_id", "key", "identity", "content"),
        [(transfer_id, key, *guess) for key, guess in guesses.items()],
        " ON CONFLICT (transfer_id, key) DO UPDATE"
        " SET identity = excluded.identity, content = excluded.content",
    )


async def _write(workspace_id: int, entries: Sequence[Entry], announce: Announce) -> None:
    """Write new and changed contacts with all that is theirs; a constant number of statements."""
    new = [entry for entry in entries if entry.row is None]
    old = [entry for entry in entries if entry.row is not None]
    contact_ids = dict(zip(new, await _next_ids("contact", len(new)), strict=True))
    conversation_ids = dict(zip(new, await _next_ids("conversation", len(new)), strict=True))
    contact_ids |= {entry: entry.identity for entry in old}
    began = now()
    # each at a moment of its own: lists are ordered by it, also by clients that know no ids
    moments = {entry: began + timedelta(microseconds=place) for place, entry in enumerate(new)}
    contacts = [
        _contact(workspace_id, entry, contact_ids[entry], moments.get(entry)) for entry in entries
    ]
    changes = ", ".join(f"{name} = excluded.{name}" for name in CHANGEABLE)
    await _insert("contact", CONTACT, contacts, f" ON CONFLICT (id) DO UPDATE SET {changes}")
    closed = ConversationStatus.CLOSED.value
    conversations = [
        (
            *(conversation_ids[entry], workspace_id, contact_ids[entry], closed, 0, 0),
            *(moment, moment, True, 1, moment),
        )
        for entry, moment in moments.items()
    ]
    await _insert("conversation", CONVERSATION, conversations)
    await _describe(contact_ids)
    for entry in entries:
        if entry.row is None:
            born = ContactCreated(workspace_id, contact_ids[entry], conversation_ids[entry])
            announce(born)
        else:
            announce(ContactUpdated(workspace_id, entry.identity, entry.row.id))


async def _describe(contact_ids: Mapping[Entry, int]) -> None:
    """Write what is new of tags and custom fields."""
    tags = [(key, tag) for entry, key in contact_ids.items() for tag in sorted(entry.new_tag_ids)]
    await _insert("contact_tag", ("contact_id", "tag_id"), tags)
    values = [
        (key, field_id, *kept)
        for entry, key in contact_ids.items()
        for field_id, kept in sorted(entry.new_values.items())
    ]
    await _insert(
        "custom_field_value",
        ("contact_id", "field_id", "text", "number"),
        values,
        " ON CONFLICT (contact_id, field_id)"
        " DO UPDATE SET text = excluded.text, number = excluded.number",
    )


def _contact(workspace_id: int, entry: Entry, key: int, moment: datetime | None) -> tuple[Any, ...]:
    details = details_of(entry)
    was = entry.row.contact if entry.row is not None else None
    country = country_of(details.phone) if was is None or details.phone != was.phone else None
    claims = {
        f"given_{name}": getattr(was, f"given_{name}")
        if was is not None and getattr(details, name) == getattr(was, name)
        else None
        for name in ("phone", "email")
    }
    return (
        key,
        workspace_id,
        *(getattr(details, name) for name in CONTACT[2:7]),
        country or (was.country if was is not None else None),
        details.lifecycle_stage_id,
        was.picture_url if was is not None else None,
        search_text(details, **claims),
        folded_name(details),
        was.version + 1 if was is not None else 1,
        was.created_at if was is not None else moment,
        *claims.values(),
        name_text(details.first_name, details.last_name),
    )


async def _next_ids(table: str, count: int) -> list[int]:
    """Take ids for rows that are about to be inserted; SQLite's hold while we write."""
    if not count:
        return []
    if sql.dialect() == "postgres":
        rows = await sql.records(
            f"SELECT nextval(pg_get_serial_sequence('{table}', 'id'))"
            " FROM generate_series(1, cast(? as bigint))",
            count,
        )
        return [row[0] for row in rows]
    [[last]] = await sql.records(
        f"SELECT COALESCE((SELECT max(seq) FROM sqlite_sequence WHERE name = '{table}'), 0)"
    )
    return list(range(last + 1, last + count + 1))


MAX_VALUES = 20_000
"""How many placeholders a statement has at most: both databases take 32,766."""


async def _insert(
    table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]], then: str = ""
) -> None:
    """Insert rows with as few statements as can be; none for no rows."""
    at_once = MAX_VALUES // len(columns)
    mark = f"({', '.join('?' * len(columns))})"
    for start in range(0, len(rows), at_once):
        part = rows[start : start + at_once]
        await sql.affected(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([mark] * len(part))}"
            f"{then}",
            *(value for row in part for value in row),
        )
