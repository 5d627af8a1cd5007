"""Terms: what a text is found by, the same on both databases, and where each stands in it."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from models.folding import folded

LONGEST = 40
"""How many characters of a term count."""
BETWEEN = "\u00b7"
"""What stands between the number of a workspace and a term: no character of any term."""
LEAST_DIGITS, MOST_DIGITS = 5, 20
"""How many digits, however they are grouped, may be a number that is found by a part of it."""
LEAST_PART = 3
"""How many digits of such a number are looked for."""
_CHUNK = re.compile(r"\S+")
_PLAIN = re.compile("[a-z0-9]+")
_NUMBER = re.compile(r"\d(?:[\s().,/+\u2010-\u2015-]*\d)*")
_JOINING = re.compile(
    "[\u00ad\u0640\u200c\u200d\ufe00-\ufe0f\u1160-\u11ff\ud7b0-\ud7ff\uff9e\uff9f]"
)
"""What belongs to the character before it, besides marks: joiners, and parts of Korean ones."""
_LEFT_OUT = re.compile(
    "[\u00ad\u0640\u200c\u200d\ufe00-\ufe0f\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f"
    "\u0670\u06d6-\u06ed]"
)
"""What people leave out when they search: joiners, and the vowels of Arabic and Hebrew."""
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f40-\u0fbc\u1000-\u109f\u1780-\u17d3\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029"
    "\u3040-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff]"
)
"""Letters of scripts that put no spaces between words: those of China, Japan, Thailand, others."""


class _Kind(Enum):
    LETTER = "LETTER"
    UNSPACED = "UNSPACED"
    SYMBOL = "SYMBOL"
    BREAK = "BREAK"


@dataclass(frozen=True, slots=True)
class Token:
    """A term and where what each of its characters was folded from begins and ends in the text.

    It is a word, a symbol, or two neighbours of a script that puts no spaces between words.
    """

    term: str
    starts: Sequence[int]
    ends: Sequence[int]
    is_pair: bool = False
    """Whether it is such two neighbours, or the last of them alone."""


def tokens(text: str) -> Iterator[Token]:
    """Yield the terms of a text in their order, with their places."""
    for found in _CHUNK.finditer(text):
        chunk, begin = found.group(), found.start()
        if not chunk.isascii():
            yield from _tokens(chunk, begin)
            continue
        for word in _PLAIN.finditer(chunk.lower()):
            start, end = begin + word.start(), begin + min(word.end(), word.start() + LONGEST)
            term = word.group()[:LONGEST]
            yield Token(term, range(start, end), range(start + 1, end + 1))


def _tokens(chunk: str, begin: int) -> Iterator[Token]:
    """Yield the terms of characters without space between them."""
    run: list[tuple[str, int, int]] = []
    run_kind = _Kind.BREAK
    for kind, bare, start, end in clusters(chunk):
        if kind is not run_kind or kind is _Kind.SYMBOL:
            yield from _cut(run, run_kind)
            run, run_kind = [], kind
        run += ((char, begin + start, begin + end) for char in bare)
    yield from _cut(run, run_kind)


def _cut(run: Sequence[tuple[str, int, int]], kind: _Kind) -> Iterator[Token]:
    """Yield the terms of characters of one kind that stand side by side."""
    if kind is _Kind.BREAK or not run:
        return
    is_pair = kind is _Kind.UNSPACED
    parts = [run[at : at + 2] for at in range(len(run))] if is_pair else [run[:LONGEST]]
    for part in parts:
        chars, starts, ends = zip(*part, strict=True)
        yield Token("".join(chars), starts, ends, is_pair)


def clusters(text: str) -> Iterator[tuple[_Kind, str, int, int]]:
    """Yield each character with the marks behind it: its kind, folded form, begin and end."""
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and _joins(text[end]):
            end += 1
        kind, bare = _read(text[start:end])
        yield kind, bare, start, end
        start = end


@lru_cache(maxsize=8192)
def _joins(char: str) -> bool:
    return unicodedata.category(char)[0] == "M" or _JOINING.match(char) is not None


@lru_cache(maxsize=8192)
def _read(cluster: str) -> tuple[_Kind, str]:
    """Return the kind of a character with its marks, and its folded form."""
    loose = unicodedata.normalize("NFD", folded(cluster))
    bare = unicodedata.normalize("NFC", _LEFT_OUT.sub("", loose))
    letters = "".join(char for char in bare if unicodedata.category(char)[0] in "LNM")
    first, category = cluster[0], unicodedata.category(cluster[0])
    is_symbol = category[0] == "S" and not first.isascii()
    if category[0] in "LNM" or (is_symbol and letters):
        return _Kind.UNSPACED if _UNSPACED.match(letters or first) else _Kind.LETTER, letters
    if is_symbol or (category == "Cn" and first > "\uffff"):  # perhaps younger than this Python
        return _Kind.SYMBOL, first
    return _Kind.BREAK, ""


def numbers(text: str) -> Iterator[tuple[str, list[int]]]:
    """Yield each number that may be looked for by a part of it, with the place of each digit."""
    for match in _NUMBER.finditer(text):
        places = [place for place in range(*match.span()) if text[place].isdecimal()]
        if LEAST_DIGITS <= len(places) <= MOST_DIGITS:
            yield "".join(str(unicodedata.decimal(text[place])) for place in places), places


def entry_of(workspace_id: int, text: str | None) -> str | None:
    """Return what the search index of a workspace keeps of a text; None if that is nothing.

    It is the terms in their order, and then, for each number, its ends.
    """
    if not text:
        return None
    if text.isascii():  # as `tokens` does, without the places
        terms = [word[:LONGEST] for word in _PLAIN.findall(text.lower())]
    else:
        terms = [token.term for token in tokens(text)]
    for digits, _ in numbers(text):
        terms += (digits[place:] for place in range(len(digits) - LEAST_PART + 1))
    begin = in_workspace(workspace_id, "")
    return begin + f" {begin}".join(terms) if terms else None


def in_workspace(workspace_id: int, term: str) -> str:
    """Return a term as the index has it: each workspace has its own."""
    return f"{workspace_id}{BETWEEN}{term}"
