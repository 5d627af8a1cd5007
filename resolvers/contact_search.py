"""The contact search: what a person typed, as SQL and as a pure rule alike."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import phonenumbers

from models.engine import sql
from models.folding import folded
from models.queries import Where

LENGTH = 100
"""How many characters of a search are looked at."""
MIN_DIGITS = 3
"""Fewer digits are looked for as they stand: almost any number has them somewhere."""
NUMERIC = re.compile(r"[\d+./()\-\u2010-\u2015]+")
"""A word of a phone number, as people group them."""


@dataclass(frozen=True, slots=True)
class Term:
    """Words that all stand in a contact's names, phone or email, or else digits of the phone."""

    words: tuple[str, ...]
    digits: str | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: every term is to be found."""

    terms: tuple[Term, ...]

    @property
    def is_empty(self) -> bool:
        """Tell whether everything is found."""
        return not self.terms


def read_search(text: str | None, *, length: int = LENGTH) -> Search:
    """Return what a person means: words in a row that can be a phone number are one term."""
    return Search(tuple(_terms((text or "")[:length].split())))


def _terms(words: list[str]) -> Iterator[Term]:
    number: list[str] = []
    for word in words:
        if NUMERIC.fullmatch(word):
            number.append(word)
            continue
        if number:
            yield _number(number)
            number = []
        yield Term((folded(word),))
    if number:
        yield _number(number)


def _number(words: list[str]) -> Term:
    """Return a term of a number: the zeros that some countries dial first are not in E.164."""
    digits = phonenumbers.normalize_digits_only("".join(words).replace("(0)", ""))
    shortened = digits.lstrip("0")
    looked_for = shortened if len(shortened) >= MIN_DIGITS else digits
    return Term(
        tuple(folded(word) for word in words),
        looked_for if len(looked_for) >= MIN_DIGITS else None,
    )


def found(search: Search, *, text: str, phone: str | None) -> bool:
    """Tell whether a contact is found by its folded text and phone: the pure form of the rule."""
    return all(
        all(word in text for word in term.words)
        or (term.digits is not None and phone is not None and term.digits in phone)
        for term in search.terms
    )


def search_where(search: Search, *, text: str, phone: str | None) -> Where:
    """Return the SQL form of `found`, where these columns have text and phone.

    What a person typed is a value to look for, never a pattern.
    """
    has = "strpos({}, ?) > 0" if sql.dialect() == "postgres" else "instr({}, ?) > 0"
    where = Where("1 = 1")
    for term in search.terms:
        condition = " AND ".join([has.format(text)] * len(term.words))
        values = term.words
        if term.digits is not None and phone is not None:
            condition = f"({condition} OR {has.format(phone)})"
            values += (term.digits,)
        where &= Where(condition, values)
    return where
