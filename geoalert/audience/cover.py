"""Polygon to cell runs: which stretches of cells lie wholly inside, and which are touched by an edge.

Every place of the polygon lies in one of the runs. Places in an interior run need no test; only those in an edge run
are tested against the exact shape. Edges are rasterised row by row, wider by a few lattice units than they are, so
that rounding can only cost a test and never a place.

Here x and y are lattice units east of 180 W and north of 90 S (`subscribers.cells`): never negative, whole for a
place, exact in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geoalert import compiled
from geoalert.subscribers.cells import ROW, SCALE, SHIFT, X_ORIGIN, Y_ORIGIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoalert.compiled import Loops

CELL: Final = 1 << SHIFT
COLUMN: Final = (1 << ROW) - 1  # the last
FARTHEST: Final = 1_000  # degrees
MARGIN: Final = 4  # lattice units; float64 holds degrees to about 1e-7 of one
CROWDED: Final = 48  # edges in one run, beyond which the shape's own index is the faster test
MANY: Final = 1_000  # cells, from where sorting them by column and by row is quicker than as numbers …
SPREAD: Final = 4  # … where there are no more columns and rows than so many times the cells
FEW: Final = 16  # places, up to which a test costs less than the shape's own index


def cover(area: BaseGeometry) -> NDArray[np.int64]:
    """Runs of cells as rows (first cell, last cell, 1 where an edge touches else 0), disjoint and ascending.

    `area` is a valid (multi)polygon in EPSG:4326, lon, lat.
    """
    return Cover.of(area).runs


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """The runs of an area, with the edges that pass through each edge run, for testing many places at once."""

    area: BaseGeometry
    runs: NDArray[np.int64]  # as `cover` gives them
    edge_start: NDArray[np.int64]  # of the n-th edge run: its first row in `edges` …
    edge_count: NDArray[np.int64]  # … how many, never 0 …
    west_inside: NDArray[np.bool_]  # … and whether what lies just west of it is inside
    edges: Edges

    @classmethod
    def of(cls, area: BaseGeometry) -> Cover:
        """`area` as for `cover`."""
        if (loops := compiled.loops()) is not None:
            return _compiled(area, loops)
        row, first, last, edge, every_edge = _touched(area)
        # What lies beyond the world is held to its last columns: their places are tested.
        key = row << ROW | first.clip(0, COLUMN)
        order = np.argsort(key)
        key, row, edges = key.take(order), row.take(order), every_edge.take(edge.take(order))
        if not len(key):
            nothing = np.empty(0, dtype=np.int64)
            return cls(area, np.empty((0, 3), dtype=np.int64), nothing, nothing, np.empty(0, dtype=bool), edges)
        # Merge the stretches of one row that meet: a stretch begins where it lies beyond all before it.
        reach = np.maximum.accumulate(row << ROW | last.take(order).clip(0, COLUMN))
        begins = np.empty(len(key), dtype=bool)
        begins[0] = True
        np.greater(key[1:], reach[:-1] + 1, out=begins[1:])
        start = np.flatnonzero(begins)
        end = np.append(start[1:], len(key))
        # No edge enters the gap between two stretches, and every ring crosses the row's middle an even number of
        # times: so the crossings up to a gap tell whether it is inside.
        middle = ((row << SHIFT) + CELL // 2).astype(np.float64)
        crossings = np.cumsum((edges.low <= middle) & (middle < edges.high))
        east_inside = (crossings[end - 1] & 1).astype(bool)
        west_inside = np.empty_like(east_inside)
        west_inside[0] = False
        west_inside[1:] = east_inside[:-1]
        runs = _interleaved(key[start], reach[end - 1], east_inside)
        return cls(area, runs, start, end - start, west_inside, edges)

    def inside(self, x: NDArray[np.float64], y: NDArray[np.float64], run: NDArray[np.int64]) -> NDArray[np.bool_]:
        """For places that lie in edge runs (`run`: 0 for the first edge run): whether the area holds them, its line
        included. Equal to plain shapely on every place.
        """
        if not len(x):
            return np.empty(0, dtype=bool)
        crowded = self.edge_count > CROWDED
        count = np.where(crowded, 1, self.edge_count)
        odd, unsure = _crossed_oddly(x, y, count.take(run), self.edge_start.take(run), self.edges)
        inside = odd ^ self.west_inside.take(run)
        if crowded.any():
            unsure |= crowded[run]
        doubtful = np.flatnonzero(unsure)
        if len(doubtful):
            inside[doubtful] = self.holds(x[doubtful], y[doubtful])
        return inside

    def holds(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the area holds these places, its line included: plain shapely, for those no sum can tell."""
        if len(x) > FEW:
            shapely.prepare(self.area)
        inside: NDArray[np.bool_] = shapely.intersects_xy(self.area, (x - X_ORIGIN) / SCALE, (y - Y_ORIGIN) / SCALE)
        return inside


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Lines through (x, y) where `run_x * y - rise * x` equals `level`, from y = `low` to `high`, `rise` >= 0.

    float64; a point west of such a line has the left side larger, one east of it smaller.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    run_x: NDArray[np.float64]
    rise: NDArray[np.float64]
    level: NDArray[np.float64]

    def take(self, rows: NDArray[np.int64]) -> Edges:
        return Edges(*(column.take(rows) for column in (self.low, self.high, self.run_x, self.rise, self.level)))


def _touched(
    area: BaseGeometry,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Edges]:
    """For every edge and row it passes: the row, the first and last column it touches there, and which edge."""
    corners, ring = _corners(area)
    x = corners[:, 0] * SCALE + X_ORIGIN
    y = corners[:, 1] * SCALE + Y_ORIGIN
    begins = np.flatnonzero(ring[1:] == ring[:-1])
    # Every edge upwards: which end it starts from does not matter to what it encloses.
    falls = y[begins] > y[begins + 1]
    lower, upper = begins + falls, begins + ~falls
    x0, x1, y0, y1 = x.take(lower), x.take(upper), y.take(lower), y.take(upper)
    run_x, rise = x1 - x0, y1 - y0
    bottom_row = (y0 - MARGIN).astype(np.int64) >> SHIFT
    count = ((y1 + MARGIN).astype(np.int64) >> SHIFT) - bottom_row + 1
    edge = np.repeat(np.arange(len(x0)), count)
    row = np.arange(len(edge)) + np.repeat(bottom_row - np.cumsum(count) + count, count)
    # Where the edge enters and leaves the row's band; a level edge spans its whole width.
    level = rise <= MARGIN
    slope = run_x / np.where(level, 1.0, rise)
    slope[level] = 0.0
    from_x, from_y, slope, height = x0.take(edge), y0.take(edge), slope.take(edge), rise.take(edge)
    below = (row << SHIFT) - from_y
    at_bottom = from_x + np.clip(below - MARGIN, 0.0, height) * slope
    at_top = from_x + np.clip(below + (CELL + MARGIN), 0.0, height) * slope
    if level.any():
        at_top = np.where(level[edge], x1[edge], at_top)
    first = (np.minimum(at_bottom, at_top) - MARGIN).astype(np.int64) >> SHIFT
    last = (np.maximum(at_bottom, at_top) + MARGIN).astype(np.int64) >> SHIFT
    return row, first, last, edge, Edges(y0, y1, run_x, rise, run_x * y0 - rise * x0)


def _compiled(area: BaseGeometry, loops: Loops) -> Cover:
    """As `Cover.of`."""
    corners, ring = _corners(area)
    every, rows = np.empty((len(corners), 7), dtype=np.float64), np.empty((len(corners), 2), dtype=np.int64)
    count = loops.raise_edges(corners, ring, every, rows)
    every, rows = every[:count], rows[:count]
    touched = int(rows[:, 1].sum())
    first, last, which = np.empty((3, touched), dtype=np.int64)
    loops.touch_cells(every, rows, first, last, which)
    runs, ends = np.empty((2 * touched, 3), dtype=np.int64), np.empty(1, dtype=np.int64)
    (start, edges), lines = np.empty((2, touched), dtype=np.int64), np.empty((5, touched), dtype=np.float64)
    west_inside, order = np.empty(touched, dtype=bool), _order(first, loops)
    joined = loops.join_stretches(order, first, last, which, every, runs, start, edges, west_inside, lines, ends)
    return Cover(area, runs[: ends[0]], start[:joined], edges[:joined], west_inside[:joined], Edges(*lines))


def _order(cells: NDArray[np.int64], loops: Loops) -> NDArray[np.int64]:
    """As `np.argsort(cells)`; which of two that are the same comes first is not said."""
    if len(cells) < MANY:
        return np.argsort(cells)
    column, row = cells & COLUMN, cells >> ROW
    column -= column.min()
    row -= row.min()
    columns, rows = int(column.max()) + 1, int(row.max()) + 1
    if columns + rows > SPREAD * len(cells):
        return np.argsort(cells)
    by_column, order = np.empty((2, len(cells)), dtype=np.int64)
    loops.order_by(column, np.arange(len(cells)), np.zeros(columns + 1, dtype=np.int64), by_column)
    loops.order_by(row, by_column, np.zeros(rows + 1, dtype=np.int64), order)
    return order


def _corners(area: BaseGeometry) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Of every ring one after the other, lon and lat in degrees, and which ring.

    Raises:
        ValueError: one is nowhere near the world: the rows of cells between would be more than there is room for.
    """
    corners, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(area)), return_index=True)
    if not (np.abs(corners) < FARTHEST).all():  # nor is NaN
        raise ValueError("a corner of the area is not a longitude and a latitude")
    return corners, ring


def _interleaved(
    edge_first: NDArray[np.int64], edge_last: NDArray[np.int64], east_inside: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Each edge run, and after it the gap up to the next one of its row where that is inside."""
    runs = np.zeros((2 * len(edge_first) - 1, 3), dtype=np.int64)
    runs[::2, 0], runs[::2, 1], runs[::2, 2] = edge_first, edge_last, 1
    runs[1::2, 0], runs[1::2, 1] = edge_last[:-1] + 1, edge_first[1:] - 1
    kept = np.ones(len(runs), dtype=bool)
    kept[1::2] = east_inside[:-1] & (edge_last[:-1] >> ROW == edge_first[1:] >> ROW)
    return runs[kept]


def _crossed_oddly(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    count: NDArray[np.int64],
    start: NDArray[np.int64],
    edges: Edges,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For every place and the `count` edges from `start` on: whether an odd number of them passes west of it, and
    whether one passes so near that this sum cannot tell. `compiled.passes.mark_places` is the same sum.
    """
    stop = np.cumsum(count)
    begin = stop - count
    edge = np.repeat(start - begin, count)
    edge += np.arange(len(edge))
    pair_y = np.repeat(y, count)
    run_x, rise = edges.run_x.take(edge), edges.rise.take(edge)
    side = run_x * pair_y
    side -= rise * np.repeat(x, count)
    side -= edges.level.take(edge)
    west = (side < 0) & (edges.low.take(edge) <= pair_y) & (pair_y < edges.high.take(edge))
    odd = np.logical_xor.reduceat(west, begin)
    # The distance to the line is |side| / length, and the length at most the two legs: so this holds whatever lies
    # within one lattice unit, a million times what rounding can move.
    np.abs(side, out=side)
    np.abs(run_x, out=run_x)
    run_x += rise
    near = np.flatnonzero(side <= run_x)
    unsure = np.zeros(len(x), dtype=bool)
    unsure[np.searchsorted(stop, near, side="right")] = True
    return odd, unsure
