"""Keyset pages: lists whose cursors stay true while rows arrive."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import orjson

from models.clock import written
from models.opaque import opaque, unopaque
from models.queries import Reading, Where
from models.refusal import Code, Refused

DEFAULT_PAGE = 25
MAX_PAGE = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list is asked for, in Relay's terms."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    @property
    def backward(self) -> bool:
        """Tell whether the page is counted from the end."""
        return self.last is not None

    @property
    def size(self) -> int:
        """Return the page size; refuse one out of range, or both ends at once."""
        if self.first is not None and self.last is not None:
            raise _bad_page("Ask for `first` or for `last`, not for both.", "last")
        size = self.last if self.last is not None else self.first
        if size is None:
            return DEFAULT_PAGE
        if not 1 <= size <= MAX_PAGE:
            raise _bad_page(
                "A page holds 1 to {limit} items.",
                "last" if self.backward else "first",
                limit=MAX_PAGE,
            )
        return size


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows in list order with their cursors."""

    rows: list[T]
    cursor: Callable[[T], str]
    has_next: bool
    has_previous: bool
    end: str | None = None
    """Where to go on, if that is not behind the last row."""

    @property
    def cursors(self) -> list[str]:
        """Return the cursor of each row."""
        return [self.cursor(row) for row in self.rows]


def _bad_page(sentence: str, field: str, **values: object) -> Refused:
    return Refused(Code.INVALID, sentence, field=(field,), **values)


def check_around(before: int, after: int) -> None:
    """Refuse too many items on either side of one."""
    for field, size in (("before", before), ("after", after)):
        if not 0 <= size <= MAX_PAGE:
            raise _bad_page("At most {limit} items on either side.", field, limit=MAX_PAGE)


def encode_key(*key: object) -> str:
    """Return the opaque cursor of a sort key."""
    parts = [written(part) if isinstance(part, datetime) else part for part in key]
    return opaque(orjson.dumps(parts))


def decode_key(cursor: str, field: str, *types: type) -> list[Any]:
    """Return the sort key of a cursor; refuse what we did not make."""
    try:
        key = orjson.loads(unopaque(cursor))
        return [_decoded(value, kind) for value, kind in zip(key, types, strict=True)]
    except (ValueError, TypeError, OverflowError) as error:
        raise _bad_page("This cursor is not one of this list.", field) from error


def _decoded(value: Any, kind: type) -> Any:
    """Return a part of a sort key that the database can compare with; raise ValueError."""
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(value)
        return moment.astimezone(UTC)
    if type(value) is not kind:
        raise ValueError(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError(value)
    return value


def cut(rows: Sequence[T], cursor: Callable[[T], str], request: PageRequest) -> Page[T]:
    """Make a page of up to size + 1 rows read in reading order, from the side that was asked."""
    more = len(rows) > request.size
    kept = list(rows[: request.size])
    if request.backward:
        return Page(kept[::-1], cursor, has_next=request.before is not None, has_previous=more)
    return Page(kept, cursor, has_next=more, has_previous=request.after is not None)


async def keyset_page(
    reading: Reading,
    where: Where,
    request: PageRequest,
    *,
    alias: str,
    key: str,
    descending: bool,
    kind: type = datetime,
    path: str = "",
) -> Page[Any]:
    """Return one page of a list ordered by `key`, a moment or of a `kind`, then by id.

    `alias` is the table of key and id; `path` leads to it from the rows' own, as `assignee.` does.
    One statement.
    """
    for field, cursor, is_after in (
        ("after", request.after, True),
        ("before", request.before, False),
    ):
        if cursor is not None:
            value, row_id, sort = decode_key(cursor, field, kind, int, str)
            if sort != key:
                raise _bad_page("This cursor is not one of this list.", field)
            side = "<" if descending is is_after else ">"
            beyond = f"{alias}.{key} {side} ? OR {alias}.id {side} ?"
            where &= Where(f"{alias}.{key} {side}= ? AND ({beyond})", (value, value, row_id))
    way = "DESC" if descending is not request.backward else "ASC"
    place = (f"{path}{key}", f"{path}id")
    rows = await reading.read(
        f"WHERE {where.condition} ORDER BY {alias}.{key} {way}, {alias}.id {way}"
        f" LIMIT {request.size + 1}",
        *where.values,
        along=place,
    )
    beside = reading.beside(place)
    return cut(rows, lambda row: encode_key(*beside(row), key), request)
