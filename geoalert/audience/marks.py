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

    from geoalert.audience.people import Kinds

WORD: Final = 64  # bits
WITHIN: Final = (1 << SHIFT) - 1  # bits of a coordinate within its cell
COLUMN: Final = (1 << ROW) - 1  # bits of the column within a cell
CROWDED: Final = 1_024  # edges in one run, beyond which the shape's own index is the faster test


class Held(NamedTuple):
    """A grid as it holds it: cells in stretches (`by_cell`), an entry a place, and of everybody their kind by slot."""

    begin: NDArray[np.int64]
    at: NDArray[np.int64]
    first: NDArray[np.int32]
    offsets: NDArray[np.uint32]
    slots: NDArray[np.uint32]
    kinds: Kinds
    everybody: Kinds


def slots_inside(
    held: Held,
    bounds: NDArray[np.int64],
    among: int,
    cover: Cover,
    passing: NDArray[np.bool_],
    without: NDArray[np.int64] | None,
    also: NDArray[np.int64] | None,
    loops: Loops,
) -> tuple[NDArray[np.int64], Kinds]:
    """As `grid.Grid.inside`, and the kind of each; `bounds` and `among` as `by_cell` gives them, and of
    each kind is said whether it passes.
    """
    everybody = held.everybody
    marks = np.zeros(-(-len(everybody) // WORD), dtype=np.uint64)
    _mark_places(held, bounds, among, cover, passing, marks, loops)
    most = among
    if without is not None:
        loops.mark(without, False, marks)  # noqa: FBT003 - machine code knows no names
    if also is not None:
        loops.mark(also, True, marks)  # noqa: FBT003
        most += len(also)
    most = min(most, len(everybody))
    slots, kinds = np.empty(most, dtype=np.int64), np.empty(most, dtype=everybody.dtype)
    found = loops.list_marks(marks, everybody, slots, kinds)
    return slots[:found], kinds[:found]


def _mark_places(
    held: Held,
    bounds: NDArray[np.int64],
    among: int,
    cover: Cover,
    passing: NDArray[np.bool_],
    marks: NDArray[np.uint64],
    loops: Loops,
) -> None:
    doubtful, cells = np.empty((2, among), dtype=np.int64)
    edges = cover.edges
    left = loops.mark_places(
        cover.runs,
        bounds,
        cover.edge_start,
        cover.edge_count,
        cover.west_inside,
        edges.low,
        edges.high,
        edges.run_x,
        edges.rise,
        edges.level,
        *held[:-1],
        passing,
        CROWDED,
        marks,
        doubtful,
        cells,
    )
    if left:
        place, cell = doubtful[:left], cells[:left]
        offset = held.offsets.take(place)
        x, y = ((cell & COLUMN) << SHIFT) + (offset & WITHIN), (cell >> ROW << SHIFT) + (offset >> SHIFT)
        inside = np.flatnonzero(cover.holds(x.astype(np.float64), y.astype(np.float64)))
        loops.mark(held.slots.take(place[inside]).astype(np.int64), True, marks)  # noqa: FBT003
