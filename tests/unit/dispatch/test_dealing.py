"""Entries by key, in both forms, against plain Python."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoalert.dispatch.dealing import WIDE, dealt

pytestmark = pytest.mark.usefixtures("form")


def plainly(keys: list[int]) -> list[tuple[int, list[int]]]:
    pairs = sorted((key, at) for at, key in enumerate(keys))
    return [(key, [at for _, at in group]) for key, group in groupby(pairs, key=lambda pair: pair[0])]


def found(keys: list[int]) -> list[tuple[int, list[int]]]:
    owners = np.arange(len(keys), dtype=np.int64)
    return [(key, group.tolist()) for key, group in dealt(np.array(keys, dtype=np.int64), owners)]


@given(st.lists(st.integers(0, 9) | st.sampled_from([2**17, 2**17 + 1, 2**20]), min_size=1))
def test_each_key_has_its_owners_in_the_order_they_had(keys: list[int]) -> None:
    assert found(keys) == plainly(keys)


def test_more_keys_than_two_bytes_can_tell_apart() -> None:
    keys = [*range(WIDE + 5), 3, WIDE + 4, 0]
    assert found(keys) == plainly(keys)


def test_owners_that_may_not_be_written_or_lie_apart_are_taken() -> None:
    owners = np.arange(8, dtype=np.int64)
    owners.setflags(write=False)
    key = np.array([1, 0, 1, 0])
    assert [group.tolist() for _, group in dealt(key, owners[::2])] == [[2, 6], [0, 4]]
