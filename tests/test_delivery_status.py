"""The rule of statuses, without a database: it never goes backwards (guarantee G5)."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from models.message import MessageStatus
from resolvers.delivery import next_status

PENDING, SENT, DELIVERED, READ = (
    MessageStatus.PENDING,
    MessageStatus.SENT,
    MessageStatus.DELIVERED,
    MessageStatus.READ,
)
FAILED, UNCERTAIN = MessageStatus.FAILED, MessageStatus.UNCERTAIN

TABLE = {
    (PENDING, SENT): SENT,
    (PENDING, DELIVERED): DELIVERED,
    (PENDING, READ): READ,
    (PENDING, FAILED): FAILED,
    (UNCERTAIN, SENT): SENT,
    (UNCERTAIN, DELIVERED): DELIVERED,
    (UNCERTAIN, READ): READ,
    (UNCERTAIN, FAILED): FAILED,
    (SENT, SENT): SENT,
    (SENT, DELIVERED): DELIVERED,
    (SENT, READ): READ,
    (SENT, FAILED): FAILED,
    (DELIVERED, SENT): DELIVERED,
    (DELIVERED, DELIVERED): DELIVERED,
    (DELIVERED, READ): READ,
    (DELIVERED, FAILED): DELIVERED,
    (READ, SENT): READ,
    (READ, DELIVERED): READ,
    (READ, READ): READ,
    (READ, FAILED): READ,
    (FAILED, SENT): FAILED,
    (FAILED, DELIVERED): DELIVERED,
    (FAILED, READ): READ,
    (FAILED, FAILED): FAILED,
}
"""Every status that an outgoing message can have, with every report that can come."""
REPORTS = (SENT, DELIVERED, READ, FAILED)


def test_every_report_in_every_status() -> None:
    answers = {(current, report): next_status(current, report) for current, report in TABLE}
    assert answers == TABLE
    assert len(TABLE) == 6 * len(REPORTS)


def outcome(reports: tuple[MessageStatus, ...]) -> MessageStatus:
    status = PENDING
    for report in reports:
        status = next_status(status, report)
    return status


def test_the_order_of_the_reports_of_a_success_does_not_matter() -> None:
    outcomes = {outcome(order) for order in permutations((SENT, DELIVERED, READ))}
    assert outcomes == {READ}


def test_proof_of_delivery_wins_over_a_failure_in_any_order() -> None:
    assert {outcome(order) for order in permutations((SENT, DELIVERED, FAILED))} == {DELIVERED}
    assert {outcome(order) for order in permutations(REPORTS)} == {READ}


@given(st.lists(st.sampled_from(REPORTS), max_size=12))
def test_no_sequence_of_reports_ever_goes_backwards(reports: list[MessageStatus]) -> None:
    proofs = {DELIVERED: 1, READ: 2}
    status = PENDING
    for report in reports:
        before, status = status, next_status(status, report)
        assert proofs.get(status, 0) >= proofs.get(before, 0)
        assert status is not PENDING
        if status is FAILED and before is not FAILED:
            assert before in (PENDING, SENT)
    best = max((proofs.get(report, 0) for report in reports), default=0)
    if best:
        assert proofs[status] == best
