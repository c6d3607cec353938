"""The compiled way to who has a place in an area: a bit a person, set by every place of theirs inside.

No sorting, and a person with many places is one bit all the same. The answer is `grid`'s own, which stays for where
nothing is compiled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from geoalert.audience.cover import Cover
from geoalert.compiled import Loops
from geoalert.subscribers.cells import ROW, SHIFT

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORD: Final = 64  # bits
WITHIN: Final = (1 << SHIFT) - 1  # bits of a coordinate within its cell
COLUMN: Final = (1 << ROW) - 1  # bits of the column within a cell
CROWDED: Final = 1_024  # edges in one run, beyond which the shape's own index is the faster test


class ByCell(NamedTuple):
    """A grid's places, as it holds them."""

    cells: NDArray[np.int64]
    first: NDArray[np.int64]
    offsets: NDArray[np.uint32]
    slots: NDArray[np.uint32]
    kinds: NDArray[np.uint32]


def slots_inside(
    places: ByCell,
    bounds: NDArray[np.int64],
    persons: int,
    cover: Cover,
    passing: NDArray[np.bool_],
    without: NDArray[np.int64] | None,
    also: NDArray[np.int64] | None,
    loops: Loops,
) -> NDArray[np.int64]:
    """As `grid.Grid.inside`, of so many persons; `bounds` are of each run its first cell and the one after its last,
    and of each kind is said whether it passes.
    """
    on_edge = cover.runs[:, 2] == 1
    start, end = np.ascontiguousarray(places.first.take(bounds[~on_edge]).T)
    marks = np.zeros(-(-persons // WORD), dtype=np.uint64)
    loops.mark_stretches(start, end, places.slots, places.kinds, passing, marks)
    most = int((end - start).sum()) + _mark_on_edges(places, cover, bounds[on_edge], passing, marks, loops)
    if without is not None:
        loops.mark(without, False, marks)  # noqa: FBT003 - machine code knows no names
    if also is not None:
        loops.mark(also, True, marks)  # noqa: FBT003
        most += len(also)
    slots = np.empty(min(most, persons), dtype=np.int64)
    return slots[: loops.list_marks(marks, slots)]


def _mark_on_edges(
    places: ByCell,
    cover: Cover,
    bounds: NDArray[np.int64],
    passing: NDArray[np.bool_],
    marks: NDArray[np.uint64],
    loops: Loops,
) -> int:
    """Marks those in edge runs; no more than so many."""
    first_cell, end_cell = np.ascontiguousarray(bounds.T)
    count = int((places.first.take(end_cell) - places.first.take(first_cell)).sum())
    doubtful = np.empty(count, dtype=np.int64)
    edges = cover.edges
    left = loops.mark_on_edges(
        first_cell,
        end_cell,
        cover.edge_start,
        cover.edge_count,
        cover.west_inside,
        edges.low,
        edges.high,
        edges.run_x,
        edges.rise,
        edges.level,
        *places,
        passing,
        CROWDED,
        marks,
        doubtful,
    )
    if left:
        place = doubtful[:left]
        cell = places.cells.take(np.searchsorted(places.first, place, side="right") - 1)
        offset = places.offsets.take(place)
        x, y = ((cell & COLUMN) << SHIFT) + (offset & WITHIN), (cell >> ROW << SHIFT) + (offset >> SHIFT)
        inside = np.flatnonzero(cover.holds(x.astype(np.float64), y.astype(np.float64)))
        loops.mark(places.slots.take(place[inside]).astype(np.int64), True, marks)  # noqa: FBT003
    return count
