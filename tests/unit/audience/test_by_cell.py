"""Where a cell's places begin, against counting them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoalert.audience.by_cell import APART, ByCell
from geoalert.subscribers.cells import ROW
from tests.extent import examples

pytestmark = pytest.mark.usefixtures("form")


@st.composite
def cells(draw: st.DrawFn) -> list[int]:
    """In a few rows: alone, together, and as far apart as still makes one stretch, or just no more."""
    held = []
    for row in draw(st.lists(st.integers(0, 4), max_size=3)):
        column = draw(st.integers(0, 40))
        for step in draw(st.lists(st.sampled_from([0, 1, APART - 1, APART, APART + 1, 400]), max_size=8)):
            column += step
            held.append(row << ROW | column)
    return sorted(held)


@st.composite
def stretches(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Ascending and disjoint, each in one row: as runs are."""
    found = []
    for row in range(5):
        ends = sorted(draw(st.sets(st.integers(0, 900) | st.sampled_from([0, (1 << ROW) - 1]), max_size=6)))
        found += [(row << ROW | first, row << ROW | last) for first, last in zip(ends[::2], ends[1::2], strict=False)]
    return found


@settings(max_examples=examples(200))
@given(cells(), stretches())
def test_a_run_s_places_are_those_that_lie_in_it(held: list[int], runs: list[tuple[int, int]]) -> None:
    by_cell = ByCell.of(np.array(held, dtype=np.int64))
    rows = np.array([(first, last, 0) for first, last in runs], dtype=np.int64).reshape(-1, 3)
    bounds, among = by_cell.bounds(rows)
    inside = [[place for place, cell in enumerate(held) if first <= cell <= last] for first, last in runs]
    assert among == sum(map(len, inside))
    for (first, end, stretch), places in zip(bounds.tolist(), inside, strict=True):
        assert list(range(by_cell.first[first], by_cell.first[end])) == places
        assert by_cell.at[stretch] <= first
        known = by_cell.cells(np.arange(first, end))
        assert [cell for cell, count in zip(known, np.diff(by_cell.first[first : end + 1]), strict=True) if count] == (
            sorted({held[place] for place in places})
        )
    assert by_cell.of_each().tolist() == held


def test_places_far_from_all_others_take_little_room() -> None:
    far = np.arange(1, 1_001) * 5_000
    assert ByCell.of(far).nbytes < 25 * len(far)
    gaps = np.arange(1, 1_001) * APART
    assert ByCell.of(gaps).nbytes < 25 * len(gaps)
