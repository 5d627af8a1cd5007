"""CSV as text: records however a file is cut, quotation marks that lie, and formulas."""

import csv as standard
import io
import random
from typing import Any

import pytest

from models.custom_field import CustomField, CustomFieldKind
from models.refusal import Code, Refused
from resolvers.csv_text import (
    MAX_RECORD_LINES,
    Problem,
    Record,
    RecordReader,
    csv_text,
    escape_formula,
    sniff_delimiter,
    unescape_formula,
)
from resolvers.import_columns import (
    Column,
    Words,
    decode_columns,
    encode_columns,
    read_header,
)


def records(*pieces: str) -> list[Record]:
    """Return the records of a file that comes in pieces."""
    reader = RecordReader()
    return [record for piece in pieces for record in reader.feed(piece)] + reader.finish()


def lines(text: str) -> list[Any]:
    """Return number and cells of each record, or its problem."""
    return [(one.line, one.problem or one.cells) for one in records(text)]


def test_every_cut_gives_the_same_records() -> None:
    text = 'a;b\r\n"x\ny";"say ""hi"""\n\n;\n1;"open\n2;3\n"z"q;4\nlast;"é"'
    whole = records(text)
    for place in range(len(text) + 1):
        assert records(text[:place], text[place:]) == whole
    assert records(*text) == whole
    assert lines(text) == [
        (1, ["a", "b"]),
        (2, ["x\ny", 'say "hi"']),
        (6, Problem.UNCLOSED),
        (7, ["2", "3"]),
        (8, Problem.MALFORMED),
        (9, ["last", "é"]),
    ]


@pytest.mark.parametrize("seed", range(20))
def test_what_the_library_writes_is_read_as_it_was(seed: int) -> None:
    dice = random.Random(seed)
    rows = [
        ["".join(dice.choices("ab\",;\n\té '", k=dice.randrange(6))) for _ in range(3)]
        for _ in range(50)
    ]
    rows = [[f"x{row[0]}", *row[1:]] for row in rows]
    text = io.StringIO()
    writer = standard.writer(
        text, quoting=dice.choice([standard.QUOTE_ALL, standard.QUOTE_MINIMAL])
    )
    writer.writerows([["a", "b", "c"], *rows])
    read = records(*dice_cut(dice, text.getvalue()))
    assert [one.cells for one in read] == [["a", "b", "c"], *rows]


def dice_cut(dice: random.Random, text: str) -> list[str]:
    """Cut a text at random places."""
    places = sorted(dice.choices(range(len(text)), k=20))
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


def test_no_line_is_lost_behind_one_that_is_not_closed() -> None:
    many = [f"n{number}" for number in range(3 * MAX_RECORD_LINES)]
    found = records("a\n" + '"open\n' + "\n".join(many))
    assert found[1] == Record(2, [], Problem.UNCLOSED)
    assert [one.cells for one in found[2:]] == [[name] for name in many]
    assert [one.line for one in found] == list(range(1, len(many) + 3))


def test_a_line_without_end_is_kept_short() -> None:
    reader = RecordReader()
    reader.feed("a\n")
    for _ in range(100):
        assert reader.feed("x" * 100_000) == []
        assert len(reader._rest) < 70_000
    assert reader.feed("\nb\n") == [Record(2, [], Problem.TOO_LONG), Record(3, ["b"])]


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [("a,b", ","), ("a;b", ";"), ("a\tb", "\t"), ("a", ","), ('"x,y,z";b', ";"), ("a;b,c;d", ";")],
)
def test_the_delimiter(header: str, delimiter: str) -> None:
    assert sniff_delimiter(header) == delimiter


@pytest.mark.parametrize(
    ("cell", "escaped"),
    [
        ("=1+1", "'=1+1"),
        ("+33612345678", "'+33612345678"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\nx", "'\nx"),
        ("\uff1d1", "'\uff1d1"),
        ("'=1", "''=1"),
        ("''+1", "'''+1"),
        ("'x", "'x"),
        ("x=1", "x=1"),
        (" =1", " =1"),
        ("", ""),
        ("'", "'"),
    ],
)
def test_formulas(cell: str, escaped: str) -> None:
    assert escape_formula(cell) == escaped
    assert unescape_formula(escaped) == cell
    assert csv_text([[cell, "y"]]) == f'"{escaped}","y"\r\n'


def field(key: int, name: str, slug: str) -> CustomField:
    return CustomField(id=key, workspace_id=1, name=name, slug=slug, kind=CustomFieldKind.TEXT)


FIELDS = [field(1, "City", "city"), field(2, "Town", "Town"), field(3, "town", "home")]
WORDS = Words({one.id: one for one in FIELDS}, {}, {})


@pytest.mark.parametrize(
    ("header", "outcome"),
    [
        (["First name", "last_name", "PHONE"], ["first_name", "last_name", "phone"]),
        (["E-mail", "Language", "tags", "Lifecycle"], ["email", "language", "tags", "stage"]),
        (["Phone number", "ID", "Country", "Created at"], ["phone", "", "", ""]),
        ([" city ", "Town", "home"], ["field:1", "field:2", "field:3"]),
        (["CITY", "town"], ["field:1", "field:2"]),
        (["phone", "Phone"], (Code.INVALID, "“phone”")),
        (["city", "City"], (Code.INVALID, "“city”")),
        (["Colour"], (Code.UNKNOWN_COLUMN, "“Colour”")),
        (["phone", ""], (Code.UNKNOWN_COLUMN, "“”")),
        (["x" * 500], (Code.UNKNOWN_COLUMN, f"“{'x' * 100}”")),
        (["id"], (Code.BLANK, "no column")),
    ],
)
def test_what_columns_mean(header: list[str], outcome: Any) -> None:
    try:
        columns = read_header(header, WORDS)
    except Refused as refused:
        assert refused.code is outcome[0]
        assert outcome[1] in str(refused)
        return
    means = ["stage" if one.means == "lifecycle_stage" else one.means for one in columns]
    assert means == outcome
    assert decode_columns(encode_columns(columns)) == columns


def test_a_name_of_several_fields_names_none() -> None:
    two = [field(1, "Size", "a"), field(2, "Size", "b")]
    words = Words({one.id: one for one in two}, {}, {})
    with pytest.raises(Refused, match="Several custom fields are called “Size”"):
        read_header(["Size"], words)
    assert read_header(["a", "B"], words) == [Column("a", "field:1"), Column("B", "field:2")]
