"""The table of outcomes, walked whole; and that time cannot run backwards through it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from geoalert.dispatch.outcomes import ALLOWED, DEAD_END, Outcome, advance, is_dead_end
from geoalert.dispatch.reasons import Reason

# Written out here, apart from the product's own table: what each outcome may become.
EXPECTED = {
    0: {1, 2, 7, 8, 9},
    1: {0, 7, 8, 9},
    2: {0, 3, 4, 5, 6},
    3: {2, 4, 5, 6},
    4: {5, 6},
    5: {6},
    6: set(),
    7: set(),
    8: set(),
    9: set(),
}


def test_every_step_of_the_table() -> None:
    for before in Outcome:
        for after in Outcome:
            outcomes, reasons = bytearray([before]), bytearray([0])
            applied = advance(outcomes, reasons, {0: (after, Reason.TIMEOUT)})
            may = after in EXPECTED[before]
            assert applied == int(may), (before, after)
            assert outcomes[0] == (after if may else before)
            assert reasons[0] == (Reason.TIMEOUT if may else 0)
    assert {int(k): {int(v) for v in values} for k, values in ALLOWED.items()} == EXPECTED


def test_dead_ends_are_these_and_no_others() -> None:
    gone = {(Outcome.SUPPRESSED, reason) for reason in (Reason.ADDRESS_GONE, Reason.OPTED_OUT, Reason.UNREADABLE)}
    expected = {(Outcome.FAILED, reason) for reason in Reason} | gone
    assert {(outcome, reason) for outcome in Outcome for reason in Reason if is_dead_end(outcome, reason)} == expected
    assert {(outcome, reason) for outcome in Outcome for reason in Reason if DEAD_END[outcome, reason]} == expected


RECEIPTS = [Outcome.ACCEPTED, Outcome.FAILED, Outcome.DELIVERED]


@given(order=st.permutations(RECEIPTS * 3))
def test_receipts_in_any_order_and_number_end_the_same(order: list[Outcome]) -> None:
    outcomes, reasons = bytearray([Outcome.SENDING]), bytearray(1)
    for outcome in order:
        advance(outcomes, reasons, {0: (outcome, Reason.NONE)})
    assert outcomes[0] == Outcome.DELIVERED


@given(steps=st.lists(st.sampled_from(list(Outcome)), max_size=30))
def test_a_final_outcome_never_changes(steps: list[Outcome]) -> None:
    outcomes, reasons = bytearray([Outcome.PENDING]), bytearray(1)
    final = {Outcome.DELIVERED, Outcome.SUPPRESSED, Outcome.CANCELLED, Outcome.EXPIRED}
    ended: int | None = None
    for step in steps:
        advance(outcomes, reasons, {0: (step, Reason.NONE)})
        assert ended is None or outcomes[0] == ended
        ended = outcomes[0] if outcomes[0] in final else ended
