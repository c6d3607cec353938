"""A byte for each of many: each comes back, however few bytes the store holds them in."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from geoalert.dispatch.outcomes import Outcome
from geoalert.dispatch.reasons import Reason
from geoalert.store.columns import at_length, short

CODE = st.integers(0, 254)
ALIKE = st.tuples(CODE, st.integers(0, 3_000)).map(lambda drawn: bytes(drawn[:1]) * drawn[1])


@given(st.lists(CODE, max_size=40).map(bytes) | ALIKE)
@example(b"")
@example(bytes(1_000))
@example(bytes(999) + b"\x01")
@example(b"\x00\xff\xff\xff\xff\xff\xff\xff")
def test_every_code_comes_back(codes: bytes) -> None:
    assert at_length(short(codes)) == codes


@pytest.mark.parametrize(
    ("codes", "bytes_"), [(bytes(6), 6), (bytes(7), 6), (b"\x04" * 100_000, 6), (b"\x04\x05" * 9, 18)]
)
def test_those_that_are_all_alike_take_six_bytes(codes: bytes, bytes_: int) -> None:
    assert len(short(codes)) == bytes_


def test_what_cannot_be_told_from_short_ones_is_refused() -> None:
    with pytest.raises(ValueError, match="254"):
        short(b"\xff\x01")


@pytest.mark.parametrize("held", [b"\xff", b"\xff\x01\x02", b"\xff\x01\x02\x00\x00\x00\x00"])
def test_what_breaks_off_is_not_read_as_codes(held: bytes) -> None:
    with pytest.raises(ValueError, match="not codes"):
        at_length(held)


def test_no_outcome_and_no_reason_is_the_mark() -> None:
    assert max(*Outcome, *Reason) <= 254
