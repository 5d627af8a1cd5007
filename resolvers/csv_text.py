"""CSV as text: records out of pieces of a file, never whole in memory, and rows into text."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from models.refusal import sentence

MAX_RECORD_LENGTH = 64 * 1024
"""The most characters of a record, with all lines of its cells."""
MAX_RECORD_LINES = 100
DELIMITERS = ",;\t"
BYTE_ORDER_MARK = "\ufeff"

# What a spreadsheet takes for a formula, in its wide forms too; apostrophes before it are counted
# so that to escape and to unescape are inverse to each other.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_ESCAPED = re.compile("'+[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")

_NAME = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?:[,;]|$)|([^,;]+)')


class Problem(Enum):
    """Why a record cannot be read."""

    MALFORMED = sentence("This line is no CSV: a quotation mark stands where none can.")
    UNCLOSED = sentence("A quotation mark of this line is not closed.")
    TOO_LONG = sentence("This line is too long.")
    CONTROL = sentence("This line has a character that no text has.")


@dataclass(frozen=True, slots=True)
class Record:
    """A record with the number of its first line: its cells, or why it cannot be read."""

    line: int
    cells: list[str]
    problem: Problem | None = None


def escape_formula(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: with an apostrophe before one."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unescape_formula(cell: str) -> str:
    """Return the cell that `escape_formula` was given."""
    return cell[1:] if _ESCAPED.match(cell) else cell


def csv_text(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as CSV: every cell is quoted, and none is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([escape_formula(cell) for cell in row] for row in rows)
    return text.getvalue()


def join_names(names: Iterable[str]) -> str:
    """Return names as one cell: one that has a mark which parts them is quoted."""
    return "; ".join(
        '"{}"'.format(name.replace('"', '""')) if any(mark in name for mark in ',;"') else name
        for name in names
    )


def split_names(cell: str) -> list[str]:
    """Return the names in a cell, parted by commas or semicolons; undoes `join_names`."""
    names = []
    for found in _NAME.finditer(cell):
        quoted, bare = found.groups()
        names.append(bare if quoted is None else quoted.replace('""', '"'))
    return [name for one in names if (name := one.strip())]


def sniff_delimiter(header: str) -> str:
    """Return the delimiter that a header has most often outside of quotation marks."""
    bare = re.sub(r'"(?:[^"]|"")*"', "", header)
    return max(DELIMITERS, key=bare.count)


def is_left_open(line: str, delimiter: str, *, is_open: bool) -> bool:
    """Tell whether a quoted cell goes on in the next line; `is_open`: one goes on in this line."""
    place = 0
    if not is_open and line.startswith('"'):
        is_open, place = True, 1
    while True:
        if is_open:
            place = line.find('"', place)
            if place < 0:
                return True
            if line.startswith('""', place):
                place += 2
                continue
            is_open, place = False, place + 1
        place = line.find(f'{delimiter}"', place)
        if place < 0:
            return False
        is_open, place = True, place + 2


class RecordReader:
    """Makes records of a file that comes in pieces; blank lines are counted and left out."""

    def __init__(self) -> None:
        self.delimiter = ""
        self._rest = ""
        self._pending: list[str] = []
        self._length = 0
        self._is_open = False
        self._number = 0

    def feed(self, text: str) -> list[Record]:
        """Take the next piece; return the records that are whole."""
        *lines, rest = (self._rest + text).split("\n")
        self._rest = rest[: MAX_RECORD_LENGTH + 1]
        return [record for line in lines for record in self._take(line.removesuffix("\r"))]

    def finish(self) -> list[Record]:
        """Return the records that the end of the file makes whole."""
        records = self._take(self._rest.removesuffix("\r")) if self._rest else []
        self._rest = ""
        while self._pending:
            records += self._give_up()
        return records

    def _take(self, line: str) -> list[Record]:
        self._number += 1
        if not self.delimiter:
            if not line.strip():
                return []
            self.delimiter = sniff_delimiter(line)
        self._pending.append(line)
        self._length += len(line) + 1
        self._is_open = is_left_open(line, self.delimiter, is_open=self._is_open)
        if self._length > MAX_RECORD_LENGTH and len(self._pending) == 1:
            return [Record(self._number, self._clear(), Problem.TOO_LONG)]
        if self._is_open:
            is_long = self._length > MAX_RECORD_LENGTH or len(self._pending) >= MAX_RECORD_LINES
            return self._give_up() if is_long else []
        return self._parsed()

    def _clear(self) -> list[str]:
        self._pending, self._length, self._is_open = [], 0, False
        return []

    def _parsed(self) -> list[Record]:
        first, lines = self._number - len(self._pending) + 1, self._pending
        try:
            cells = next(csv.reader(_ended(lines), delimiter=self.delimiter, strict=True))
        except csv.Error:
            return self._give_up(Problem.MALFORMED if len(lines) == 1 else Problem.UNCLOSED)
        self._clear()
        if not any(cell.strip() for cell in cells):
            return []
        if any("\x00" in cell for cell in cells):
            return [Record(first, [], Problem.CONTROL)]
        return [Record(first, cells)]

    def _give_up(self, problem: Problem = Problem.UNCLOSED) -> list[Record]:
        """Refuse the first line of what is no record; read the others anew, to lose none."""
        _, *others = self._pending
        self._number -= len(others)
        records = [Record(self._number, self._clear(), problem)]
        for line in others:
            records += self._take(line)
        return records


def _ended(lines: Sequence[str]) -> list[str]:
    return [*(f"{line}\n" for line in lines[:-1]), lines[-1]]
