"""How messages are divided into calls, and what the parts make of the whole; no database."""

from dataclasses import replace
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.channels import Capabilities
from connectors.channels.custom import CAPABILITIES
from models.message import MessageStatus
from resolvers.delivery import RANK, next_status
from resolvers.message_part import Part, next_whole, parts_of, status_of

P, U, S, D, R, F = (
    MessageStatus.PENDING,
    MessageStatus.UNCERTAIN,
    MessageStatus.SENT,
    MessageStatus.DELIVERED,
    MessageStatus.READ,
    MessageStatus.FAILED,
)
REPORTS = (S, D, R, F)


def channel(at_once: int | None, captions: bool) -> Capabilities:
    """Return what such a channel can do."""
    return replace(CAPABILITIES, files_per_call=at_once, captions=captions)


@pytest.mark.parametrize(
    ("text", "count", "at_once", "captions", "parts"),
    [
        ("Hi", 0, 1, True, [Part(True)]),
        ("", 0, 1, False, [Part(True)]),
        ("Hi", 3, None, True, [Part(True, 0, 3)]),
        ("", 3, None, False, [Part(False, 0, 3)]),
        ("Hi", 3, None, False, [Part(True), Part(False, 0, 3)]),
        ("Hi", 1, 1, True, [Part(True, 0, 1)]),
        ("Hi", 3, 2, True, [Part(True, 0, 2), Part(False, 2, 1)]),
        ("", 2, 1, True, [Part(False, 0, 1), Part(False, 1, 1)]),
        ("Hi", 2, 1, False, [Part(True), Part(False, 0, 1), Part(False, 1, 1)]),
    ],
)
def test_how_a_message_is_divided(
    text: str, count: int, at_once: int | None, captions: bool, parts: list[Part]
) -> None:
    assert parts_of(text, count, channel(at_once, captions)) == parts


@given(st.sampled_from(["", "Hi"]), st.integers(0, 50), st.none() | st.integers(1, 50))
def test_every_file_goes_once_in_order_and_so_does_the_text(
    text: str, count: int, at_once: int | None
) -> None:
    for captions in (True, False):
        parts = parts_of(text, count, channel(at_once, captions))
        files = list(range(count))
        assert [file for part in parts for file in files[part.files]] == files
        assert sum(part.has_text for part in parts) == (bool(text) or not count)
        assert all(part.file_count <= (at_once or 50) for part in parts)
        assert all(part.has_text or part.file_count for part in parts)


def test_the_whole_is_its_worst_part() -> None:
    best_first = (R, D, S, P, U, F)
    for one, two in product(best_first, repeat=2):
        worst = max(one, two, key=best_first.index)
        assert status_of([one, two]) is worst
    assert [status_of(order) for order in permutations([R, S, D])] == [S] * 6


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(REPORTS)), max_size=20))
def test_the_whole_never_goes_backwards_and_ends_as_its_parts(
    reports: list[tuple[int, MessageStatus]],
) -> None:
    parts, whole = [P, P, P], P
    for place, report in reports:
        parts[place] = next_status(parts[place], report)
        before, whole = whole, next_whole(whole, status_of(parts))
        assert RANK.get(whole, 1) >= RANK.get(before, 1)
        if before is F and whole is not F:
            assert F not in parts
        if status_of(parts) is not P:
            assert whole is status_of(parts)
