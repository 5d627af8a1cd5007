"""What is searched for, as a pure rule: the phrases that a text must have, and where it has them.

Nothing of what a person types is ever a part of a query's syntax: it is cut into terms, which
have nothing but letters, digits and symbols.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.folding import folded
from models.refusal import Code, Refused
from models.terms import Token, clusters, numbers, tokens
from resolvers.contact_search import NUMERIC, Search, Term, read_search

TEXT_LENGTH = 200
SHORT_WORD = 2
"""A word of so many letters or fewer is looked for as it is; a longer one as a beginning, too."""
MAX_SPANS = 20
"""How many places of one text are told."""

Span = tuple[int, int]
"""Where something begins and ends in a text, in Unicode code points."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """The terms of one word, which stand side by side: several in scripts without spaces."""

    terms: tuple[str, ...]
    is_beginning: bool
    """Whether the last of them may go on."""


@dataclass(frozen=True, slots=True)
class Part:
    """Phrases that all stand in a text, or else digits of a number in it."""

    phrases: tuple[Phrase, ...]
    digits: str | None = None


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for: every part is to be found."""

    parts: tuple[Part, ...]
    search: Search
    """The same in the words of the contact search."""

    def of_contacts(self, *, is_masked: bool) -> Search:
        """Return what to look for in contacts: numbers by their digits, but for who is masked."""
        if is_masked:
            return self.search
        terms = (Term((one.digits,)) if one.digits else one for one in self.search.terms)
        return Search(tuple(terms))


def read_sought(text: str) -> Sought:
    """Return what a person means by 1 to 200 characters; refuse more and fewer."""
    text = text.strip()
    if not text:
        raise Refused(Code.BLANK, "Write what to look for.", field=("text",))
    if len(text) > TEXT_LENGTH:
        raise Refused(
            Code.TOO_LONG, "At most {limit} characters.", field=("text",), limit=TEXT_LENGTH
        )
    words = [_bare(word) for word in text.split()]
    search = read_search(" ".join(word for word in words if word), length=TEXT_LENGTH)
    parts = tuple(_part(term) for term in search.terms)
    return Sought(tuple(part for part in parts if part.phrases), search)


def _bare(word: str) -> str:
    """Return a word without the punctuation around it; nothing if it is nothing else."""
    found = list(tokens(word))
    if not found:
        return ""
    return word if NUMERIC.fullmatch(word) else word[found[0].starts[0] : found[-1].ends[-1]]


def _part(term: Term) -> Part:
    phrases = (_phrase(list(tokens(word))) for word in term.words)
    return Part(tuple(one for one in phrases if one is not None), term.digits)


def _phrase(found: Sequence[Token]) -> Phrase | None:
    """Return the phrase of a word's terms; its last letter alone says nothing behind another."""
    if len(found) > 1 and found[-1].is_pair and len(found[-1].term) == 1:
        before = found[-2]
        if before.is_pair and before.ends[-1] == found[-1].ends[-1]:
            found = found[:-1]
    if not found:
        return None
    last = found[-1]
    return Phrase(tuple(token.term for token in found), last.is_pair or len(last.term) > SHORT_WORD)


def spans(sought: Sought, text: str) -> list[Span]:
    """Return where a text has what is looked for, in order and without overlaps."""
    stand = list(tokens(text))
    found: list[Span] = []
    for part in sought.parts:
        for phrase in part.phrases:
            found += _phrase_spans(phrase, stand)
        if part.digits is not None:
            found += _digit_spans(part.digits, text)
    return _joined(found)


def _phrase_spans(phrase: Phrase, stand: Sequence[Token]) -> Iterator[Span]:
    *before, last = phrase.terms
    for place in range(len(stand) - len(before)):
        end = stand[place + len(before)]
        fits = end.term.startswith(last) if phrase.is_beginning else end.term == last
        if fits and all(one.term == term for one, term in zip(stand[place:], before, strict=False)):
            yield stand[place].starts[0], end.ends[len(last) - 1]


def _digit_spans(digits: str, text: str) -> Iterator[Span]:
    for number, places in numbers(text):
        at = number.find(digits)
        while at >= 0:
            yield places[at], places[at + len(digits) - 1] + 1
            at = number.find(digits, at + 1)


def contact_spans(search: Search, text: str) -> list[Span]:
    """Return where a name, an email address or a phone number has what the search looks for."""
    letters = [
        (char, start, end)
        for _, _, start, end in clusters(text)
        for char in folded(text[start:end])
    ]
    plain = "".join(char for char, _, _ in letters)
    found: list[Span] = []
    for word in {word for term in search.terms for word in term.words}:
        at = plain.find(word)
        while at >= 0:
            found.append((letters[at][1], letters[at + len(word) - 1][2]))
            at = plain.find(word, at + 1)
    return _joined(found)


def _joined(found: Sequence[Span]) -> list[Span]:
    """Return places in order, those that meet as one."""
    joined: list[Span] = []
    for start, end in sorted(found):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined[:MAX_SPANS]
