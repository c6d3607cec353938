"""A fine grid of cells over polygons: most points are answered by one array look-up, without geometry.

A cell that no edge touches lies wholly in one polygon or in none, so its answer is exact. Cells touched by an edge
carry the set of polygons whose edges touch them; only points in those cells meet shapely. Coordinates are degrees,
lon before lat, but any plane would do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OUTSIDE: Final = -1
FIRST_COMBO: Final = -2  # cell value of combination 0; combination n is FIRST_COMBO - n
CELL_DEGREES: Final = 0.0002  # 22 m: 2.5 MB for Pune, and 98 of 100 cells without an edge
# Edges mark this much (in cells) beyond themselves, far more than rounding can move a point across a cell's border.
PAD: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Raster:
    """`cells[row * columns + column]`: a polygon's position, OUTSIDE, or FIRST_COMBO - n for `combos[n]`."""

    west: float
    south: float
    per_degree: float
    columns: int
    rows: int
    cells: NDArray[np.int16]
    combos: tuple[tuple[int, ...], ...]


def rasterise(shapes: Sequence[shapely.Polygon | shapely.MultiPolygon], cell: float = CELL_DEGREES) -> Raster:
    """The grid of these polygons; positions are those in `shapes`, combinations ascend."""
    west, south, east, north = shapely.total_bounds(np.array(shapes, dtype=object))
    per_degree = 1 / cell
    columns, rows = int((east - west) * per_degree) + 1, int((north - south) * per_degree) + 1
    starts, ends, owners = segments(shapes)
    origin = np.array([west, south])
    touched, by = _supercover((starts - origin) * per_degree, (ends - origin) * per_degree, owners, columns, rows)

    values = np.full(rows * columns, OUTSIDE, dtype=np.int16)
    places, which, combos = _combine(touched, by, len(shapes))
    values[places] = FIRST_COMBO - which
    _fill(values.reshape(rows, columns), shapes, (west, south), cell)
    return Raster(float(west), float(south), per_degree, columns, rows, values, combos)


def segments(shapes: Sequence[shapely.Polygon | shapely.MultiPolygon]) -> tuple[Floats, Floats, Ints]:
    """Every edge of every ring: its two ends (n x 2) and the position of its polygon."""
    rings, owners = shapely.get_rings(np.array(shapes, dtype=object), return_index=True)
    points, of_ring = shapely.get_coordinates(rings, return_index=True)
    joined = of_ring[1:] == of_ring[:-1]
    return points[:-1][joined], points[1:][joined], owners[of_ring[:-1][joined]]


def _supercover(starts: Floats, ends: Floats, owners: Ints, columns: int, rows: int) -> tuple[Ints, Ints]:
    """The cells each edge touches, with the edge's owner; ends are in cells from the grid's corner."""
    low, high = np.minimum(starts[:, 1], ends[:, 1]), np.maximum(starts[:, 1], ends[:, 1])
    first = np.clip(np.floor(low - PAD).astype(np.int64), 0, rows - 1)
    last = np.clip(np.floor(high + PAD).astype(np.int64), 0, rows - 1)
    edge, row = _spread(first, last)
    # The part of the edge inside this row, and from it the columns.
    ahead = ends[edge] - starts[edge]
    rise = np.where(ahead[:, 1] == 0, 1.0, ahead[:, 1])
    level = ahead[:, 1] == 0
    bottom = np.where(level, 0.0, np.clip((row - PAD - starts[edge, 1]) / rise, 0, 1))
    top = np.where(level, 1.0, np.clip((row + 1 + PAD - starts[edge, 1]) / rise, 0, 1))
    one, other = starts[edge, 0] + bottom * ahead[:, 0], starts[edge, 0] + top * ahead[:, 0]
    left = np.clip(np.floor(np.minimum(one, other) - PAD).astype(np.int64), 0, columns - 1)
    right = np.clip(np.floor(np.maximum(one, other) + PAD).astype(np.int64), 0, columns - 1)
    piece, column = _spread(left, right)
    return row[piece] * columns + column, owners[edge[piece]]


def _spread(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Each i repeated for every whole number from first[i] to last[i], with that number."""
    counts = last - first + 1
    index = np.repeat(np.arange(len(first)), counts)
    offset = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
    return index, first[index] + offset


def _combine(cells: Ints, owners: Ints, count: int) -> tuple[Ints, Ints, tuple[tuple[int, ...], ...]]:
    """The distinct cells, for each the number of its combination of owners, and the combinations."""
    pairs = np.unique(cells * count + owners)
    places, begin = np.unique(pairs // count, return_index=True)
    sizes = np.diff(np.append(begin, len(pairs)))
    which = np.zeros(len(places), dtype=np.int64)
    for rank in range(int(sizes.max())):  # one column at a time, so that a key never outgrows 64 bits
        has = sizes > rank
        column = np.where(has, pairs[np.where(has, begin + rank, 0)] % count + 1, 0)
        which = np.unique(which * (count + 1) + column, return_inverse=True)[1]
    _, example = np.unique(which, return_index=True)
    combos = tuple(tuple(int(pair % count) for pair in pairs[begin[at] : begin[at] + sizes[at]]) for at in example)
    return places, which, combos


def _fill(
    grid: NDArray[np.int16],
    shapes: Sequence[shapely.Polygon | shapely.MultiPolygon],
    corner: tuple[float, float],
    cell: float,
) -> None:
    """Gives each run of cells between edges its polygon, found by the middle of the run's first cell."""
    inner = grid > FIRST_COMBO
    before = np.zeros_like(inner)
    before[:, 1:] = inner[:, :-1]
    rows, columns = np.nonzero(inner & ~before)
    middles = shapely.points(corner[0] + (columns + 0.5) * cell, corner[1] + (rows + 0.5) * cell)
    run, polygon = shapely.STRtree(shapes).query(middles, predicate="intersects")
    answer = np.full(len(rows), OUTSIDE, dtype=np.int16)
    answer[run] = polygon
    # Runs are numbered in reading order, so a running count over the cells tells each cell its run.
    of_cell = np.cumsum((inner & ~before).ravel()) - 1
    flat = inner.ravel()
    grid.reshape(-1)[flat] = answer[of_cell[flat]]
