"""Owners as a batch holds them: each comes back in its place, whatever lies between it and the next."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from geoalert.dispatch.owners import owners_in, shared_out

pytestmark = pytest.mark.usefixtures("form")
LEAST, GREATEST = -(1 << 62), (1 << 62) - 1  # further apart no two ids of a database are


@given(st.sets(st.integers(LEAST, GREATEST) | st.integers(-300, 20_000), max_size=300), st.integers(1, 120))
@example({LEAST, GREATEST}, 2)
@example({0, 127, 255, 255 + (1 << 14) - 1, 255 + (1 << 15) - 1}, 3)
@example({0, 1 << 62}, 2)
def test_every_owner_comes_back_in_one_share(ids: set[int], most: int) -> None:
    owners = sorted(ids)
    shares = shared_out(np.array(owners, dtype=np.int64), most)
    parts = [owners_in(share.held).tolist() for share in shares]
    assert parts == [owners[start : start + most] for start in range(0, len(owners), most)]
    assert [(share.size, share.least, share.greatest) for share in shares] == [
        (len(part), part[0], part[-1]) for part in parts
    ]


@pytest.mark.parametrize(
    "owners", [[2, 1], [1, 1], [1, 1 << 33, 7], [GREATEST, LEAST], [1, GREATEST, 2], [-GREATEST - 2, GREATEST + 1]]
)
def test_what_would_be_read_as_other_people_is_refused(owners: list[int]) -> None:
    with pytest.raises(ValueError, match="ascend"):
        shared_out(np.array(owners, dtype=np.int64), 1_000)


def test_an_empty_batch_is_nobody() -> None:
    assert owners_in(b"").tolist() == []


def test_owners_of_long_ago_are_read_in_whatever_order_they_stand() -> None:
    assert owners_in(struct.pack("<Bqqq", 8, 7, 0, -3)).tolist() == [7, 0, -3]


@pytest.mark.parametrize(
    "held", [b"\x01", struct.pack("<Bq", 2, 5), struct.pack("<q", 7), struct.pack("<Bq", 1, 5) + b"\x01\x80"]
)
def test_what_is_no_batchs_owners_is_not_read_as_people(held: bytes) -> None:
    with pytest.raises(ValueError, match="owners"):
        owners_in(held)


@pytest.mark.parametrize(("step", "bytes_"), [(127, 1), (128, 2), ((1 << 14) - 1, 2), (1 << 14, 3), (1 << 62, 9)])
def test_a_step_takes_no_more_bytes_than_it_needs(step: int, bytes_: int) -> None:
    (share,) = shared_out(np.array([7, 8, 8 + step, 9 + step], dtype=np.int64), 1_000)
    assert len(share.held) == 9 + 2 + bytes_
    beside, _ = shared_out(np.array([7, 8, 8 + step, 9 + step], dtype=np.int64), 2)
    assert len(beside.held) == 9 + 1, "what lies between two shares is in neither"
